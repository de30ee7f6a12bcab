//! A clean-up agent: it finds `*.tmp` files freely, and deletes them only after a person said yes to exactly that list.
//!
//! ```sh
//! cargo run --example quickstart [FOLDER] [--store PATH] [--again N] [--pause SECONDS] [--decide-within SECONDS]
//! ```
//!
//! Kill it while it waits, answer, start it again: it finds its request and the verdict. Kill it while it deletes
//! (`--pause` leaves time for that): it says that the outcome is unknown, and does not delete again on its own.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use approvals::card::{visible_lines, visible_name};
use approvals::id::{RequestId, Seq};
use approvals::people::Directory as _;
use approvals::{
    Agent, ApprovalError, Approvals, ErrorKind, People, RiskPolicy, Sqlite, Terminal, requires_approval,
};

const USAGE: &str =
    "usage: quickstart [FOLDER] [--store PATH] [--again N] [--pause SECONDS] [--decide-within SECONDS]";

#[requires_approval(risk = "low")]
async fn scan_directory(folder: String) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder)? {
        // A name that is not text could not be shown to a person in full, so it is none of ours.
        if let Ok(name) = entry?.file_name().into_string()
            && name.ends_with(".tmp")
            && Path::new(&folder).join(&name).is_file()
        {
            files.push(name);
        }
    }
    files.sort();
    Ok(files)
}

#[requires_approval(
    risk = "high",
    action = "cleanup.delete_files",
    reason = "deletes temporary files for good",
    resource = "{folder}",
    key = "{folder} {files:?} {again}"
)]
async fn delete_files(
    folder: String,
    files: Vec<String>,
    again: u32,
    #[approval(skip = "only how long it rests after each file")] pause: Duration,
) -> io::Result<usize> {
    let mut deleted = 0;
    for name in &files {
        let shown = visible_name(name);
        match fs::remove_file(Path::new(&folder).join(name)) {
            Ok(()) => {
                deleted += 1;
                println!("deleted {shown}");
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => println!("{shown} was gone already"),
            Err(error) => {
                println!("{shown} cannot be deleted");
                return Err(error);
            }
        }
        tokio::time::sleep(pause).await;
    }
    Ok(deleted)
}

#[tokio::main]
async fn main() -> ExitCode {
    run().await.unwrap_or_else(|error| {
        // It quotes paths and files: none of their lines begins a line here.
        eprintln!("error: {}", visible_lines(&format!("{error:#}")).join("\n     | "));
        ExitCode::from(1)
    })
}

async fn run() -> Result<ExitCode> {
    let options = Options::parse()?;
    let people = options.store.with_file_name("people.toml");
    let operator = operator(&people).await?;
    let approvals = Approvals::builder()
        .agent(Agent::new("cleaner").owned_by(operator.as_str()))
        .store(Sqlite::open(&options.store).await?)
        .directory(People::from_file(&people)?)
        .policy(RiskPolicy::default().decide_within(options.decide_within))
        .backend(Terminal::new())
        .open_to_store() // the program `approvals` may answer too
        .single_operator() // you own this agent, and there is nobody else to ask
        .build()
        .await?;
    approvals.install()?;
    println!(
        "single operator: `{operator}` owns this agent and decides alone. Good for a laptop, refused for critical."
    );

    let outcome = clean_up(&options).await;
    approvals.shutdown().await?;
    print_ledger(&approvals).await?;
    outcome
}

async fn clean_up(options: &Options) -> Result<ExitCode> {
    let folder = options.folder()?;
    let place = options.place(&folder)?;
    let job = match Job::take_up(&place, &folder, options.again)? {
        Some(job) => {
            println!("taking up the list of an earlier run from {}", shown(&place));
            job
        }
        None => {
            // What was asked for already is not filled up again: a person said yes to what was there.
            if options.folder.is_none() && !place.exists() {
                fill(&folder).with_context(|| format!("{folder} cannot be filled"))?;
            }
            let files = scan_directory(folder.clone()).await;
            let files = files.with_context(|| format!("{folder} cannot be read"))?;
            Job { folder, files, again: options.again.unwrap_or(0), place }
        }
    };
    let folder = visible_name(&job.folder);
    if job.files.is_empty() {
        println!("no *.tmp files in {folder}: nothing to ask for");
        job.forget()?;
        return Ok(ExitCode::SUCCESS);
    }
    job.keep()?;
    println!(
        "{} files to delete in {folder}. Answer at the prompt, or in another terminal:",
        job.files.len()
    );
    println!("  cargo run --bin approvals -- {}list", options.store_argument());
    println!("  cargo run --bin approvals -- {}approve ID", options.store_argument());
    println!("  cargo run --bin approvals -- {}deny ID", options.store_argument());

    match delete_files(job.folder.clone(), job.files.clone(), job.again, options.pause).await {
        Ok(count) => {
            println!("done: {count} files deleted from {folder}");
            job.forget()?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("{error}");
            job.explain(refusal(&error))
        }
    }
}

/// A refusal comes as the error type of the function; an error of the body is the body's own.
fn refusal(error: &io::Error) -> Option<ErrorKind> {
    error.get_ref()?.downcast_ref().map(ApprovalError::kind)
}

/// The list of files that was asked about. Kept beside the store until the outcome is known: a restart must make the
/// very same call to find its request, and by then some of the files may be gone.
struct Job {
    folder: String,
    files: Vec<String>,
    again: u32,
    place: PathBuf,
}

impl Job {
    fn take_up(place: &Path, folder: &str, again: Option<u32>) -> Result<Option<Self>> {
        let text = match fs::read_to_string(place) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context("the list of an earlier run cannot be read"),
        };
        let mut lines = text.split_terminator('\0').map(str::to_owned);
        let kept = (lines.next(), lines.next().and_then(|number| number.parse().ok()));
        let (true, Some(kept)) = (kept.0.as_deref() == Some(folder), kept.1) else {
            bail!("the list in {} is damaged; remove it to start anew", place.display());
        };
        // Another time, that is another call.
        let same = again.is_none_or(|wanted| wanted == kept);
        Ok(same.then(|| Self {
            folder: folder.to_owned(),
            files: lines.collect(),
            again: kept,
            place: place.to_owned(),
        }))
    }

    fn keep(&self) -> Result<()> {
        let again = self.again.to_string();
        let lines = [&self.folder, &again].into_iter().chain(&self.files);
        let text: String = lines.flat_map(|line| [line.as_str(), "\0"]).collect();
        write_whole(&self.place, &text).context("the list cannot be kept beside the store")
    }

    fn forget(&self) -> Result<()> {
        match fs::remove_file(&self.place) {
            // Another run over the same folder was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed.context("the list beside the store cannot be removed"),
        }
    }

    fn left(&self) -> Vec<&String> {
        let is_there = |name: &&String| Path::new(&self.folder).join(name).symlink_metadata().is_ok();
        self.files.iter().filter(is_there).collect()
    }

    /// What a refusal means for these files, and what to do next.
    fn explain(&self, kind: Option<ErrorKind>) -> Result<ExitCode> {
        let next = self.again.saturating_add(1);
        let left = self.left();
        match kind {
            Some(ErrorKind::Unknown) if left.is_empty() => {
                println!(
                    "an earlier run was killed while it deleted; the outcome is unknown, and none of its files is left"
                );
                println!("look at the folder, then run again with --again {next} to start anew");
                Ok(ExitCode::from(1))
            }
            Some(ErrorKind::Unknown) => {
                println!("an earlier run was killed while it deleted; the outcome is unknown. Still there:");
                for name in left {
                    println!("  {}", visible_name(name));
                }
                println!("look at the folder, then run again with --again {next} to ask for what is left");
                Ok(ExitCode::from(1))
            }
            Some(ErrorKind::AlreadyRan) => {
                self.forget()?;
                if left.is_empty() {
                    println!("an earlier run used this approval, and none of its files is left");
                    return Ok(ExitCode::SUCCESS);
                }
                println!(
                    "an approval is good for one run, and {} of these files are there; run again with --again {next} \
                     to ask anew",
                    left.len()
                );
                Ok(ExitCode::from(1))
            }
            Some(ErrorKind::Denied | ErrorKind::Refused) => {
                println!(
                    "nothing was deleted. To ask anew for the same files, run again with --again {next}"
                );
                // Without a number the next run comes to the same key by itself; a number stands only here.
                if self.again == 0 {
                    self.forget()?;
                }
                Ok(ExitCode::from(3))
            }
            Some(ErrorKind::Expired) => {
                println!("nothing was deleted. To ask anew, run again");
                self.forget()?;
                Ok(ExitCode::from(3))
            }
            // Called off, or nothing that a person could be asked about as it is.
            Some(ErrorKind::Cancelled | ErrorKind::Invalid) => {
                println!("nothing was deleted. To ask anew, run again");
                self.forget()?;
                Ok(ExitCode::from(1))
            }
            Some(ErrorKind::KeyReused) => {
                println!(
                    "nothing was deleted. The list was asked about for another owner, or by another version of this \
                     program; run again with --again {next} to ask anew"
                );
                Ok(ExitCode::from(1))
            }
            // The request may be open: the same list is asked for by the next run.
            Some(_) => Ok(ExitCode::from(1)),
            None => {
                println!("the deletion failed; {} files are left", left.len());
                self.forget()?;
                Ok(ExitCode::from(1))
            }
        }
    }
}

/// Written aside and renamed: after a crash, and for another run at the same time, there is the old text or the new
/// one, never a part.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}", std::process::id()));
    let mut file = fs::File::create(&aside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(aside, path)
}

/// A path as text that poses as nothing else.
fn shown(path: &Path) -> String {
    visible_name(&path.to_string_lossy())
}

fn fill(folder: &str) -> io::Result<()> {
    for name in ["a.tmp", "b.tmp", "c.tmp", "keep.txt"] {
        fs::write(Path::new(folder).join(name), "made by the quickstart\n")?;
    }
    Ok(())
}

struct Options {
    folder: Option<PathBuf>,
    store: PathBuf,
    again: Option<u32>,
    pause: Duration,
    decide_within: Duration,
}

impl Options {
    fn parse() -> Result<Self> {
        let mut options = Self {
            folder: None,
            store: "approvals.db".into(),
            again: None,
            pause: Duration::ZERO,
            decide_within: Duration::from_secs(60 * 60),
        };
        let mut arguments = std::env::args_os().skip(1);
        while let Some(argument) = arguments.next() {
            let name = argument.display().to_string();
            let mut value = || arguments.next().with_context(|| format!("{name} needs a value; {USAGE}"));
            match argument.to_str() {
                Some("--store") => options.store = value()?.into(),
                Some("--again") => options.again = Some(number(&value()?)?),
                Some("--pause") => options.pause = Duration::from_secs(number(&value()?)?.into()),
                Some("--decide-within") => {
                    options.decide_within = Duration::from_secs(number(&value()?)?.into());
                }
                Some(option) if option.starts_with('-') => bail!("unknown option {name}; {USAGE}"),
                _ if options.folder.is_some() => bail!("more than one folder is given; {USAGE}"),
                _ => options.folder = Some(argument.into()),
            }
        }
        Ok(options)
    }

    /// The given folder, or one of our own.
    fn folder(&self) -> Result<String> {
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None => std::env::temp_dir().join("approvals-quickstart"),
        };
        if self.folder.is_none() {
            fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        let folder = fs::canonicalize(&folder).with_context(|| format!("no folder {}", folder.display()))?;
        folder.into_os_string().into_string().ok().context("the folder's name is no text that could be shown")
    }

    /// Where the list of a folder is kept. Its name has the same length whatever the folder is called.
    fn place(&self, folder: &str) -> Result<PathBuf> {
        let of_folder = RequestId::of_key("quickstart", &"cleaner".into(), "list", folder, 0)?;
        let mut name = self.store.file_name().unwrap_or_default().to_owned();
        name.push(format!(".quickstart-{of_folder}"));
        Ok(self.store.with_file_name(name))
    }

    fn store_argument(&self) -> String {
        match self.store.to_str() {
            Some("approvals.db") => String::new(),
            _ => format!("--store {:?} ", self.store),
        }
    }
}

fn number(text: &std::ffi::OsStr) -> Result<u32> {
    let number = text.to_str().and_then(|text| text.parse().ok());
    number.with_context(|| format!("{} is not a number; {USAGE}", text.display()))
}

/// The person that the operating-system user is. Without a directory, makes one with that user as its only person.
async fn operator(people: &Path) -> Result<String> {
    let user = approvals::terminal::os_identity();
    if !people.exists() {
        let name = user.subject();
        write_whole(people, &format!("[people.operator]\nname = {name:?}\nidentities.os = [{name:?}]\n"))
            .with_context(|| {
                format!("{} cannot be written; let --store name a folder that can", people.display())
            })?;
        println!("wrote {} with you, `{name}`, as its one person", shown(people));
    }
    let person = People::from_file(people)?.resolve(&user).await?;
    let person = person.with_context(|| {
        format!("{user} is nobody in {}; add it to the identities of a person there", people.display())
    })?;
    Ok(person.id().to_string())
}

async fn print_ledger(approvals: &Approvals) -> Result<()> {
    println!("the ledger:");
    let mut after = Seq::START;
    loop {
        let records = approvals.store().records(after, 100).await?;
        let Some(last) = records.last() else { return Ok(()) };
        after = last.seq;
        for record in &records {
            let body = &record.body;
            println!("  {:>4}  {}  {:<14}  {}", record.seq, body.time, body.event.name(), body.stream);
        }
    }
}
