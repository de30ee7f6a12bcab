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
use approvals::id::Seq;
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
    for name in &files {
        match fs::remove_file(Path::new(&folder).join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => println!("deleted {name}"),
        }
        tokio::time::sleep(pause).await;
    }
    Ok(files.len())
}

#[tokio::main]
async fn main() -> ExitCode {
    run().await.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
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
    let job = match Job::take_up(options)? {
        Some(job) => {
            println!("taking up the list of an earlier run from {}", options.job().display());
            job
        }
        None => {
            let folder = options.folder()?;
            let files = scan_directory(folder.clone()).await?;
            Job { folder, files, again: options.again.unwrap_or(0) }
        }
    };
    if job.files.is_empty() {
        println!("no *.tmp files in {}: nothing to ask for", job.folder);
        return Ok(ExitCode::SUCCESS);
    }
    job.keep(options)?;
    println!(
        "{} files to delete in {}. Answer at the prompt, or in another terminal:",
        job.files.len(),
        job.folder
    );
    println!("  cargo run --bin approvals -- {}list", options.store_argument());
    println!("  cargo run --bin approvals -- {}approve ID", options.store_argument());
    println!("  cargo run --bin approvals -- {}deny ID", options.store_argument());

    match delete_files(job.folder.clone(), job.files.clone(), job.again, options.pause).await {
        Ok(count) => {
            println!("done: {count} files deleted from {}", job.folder);
            job.forget(options)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("{error}");
            job.explain(refusal(&error), options)
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
}

impl Job {
    fn take_up(options: &Options) -> Result<Option<Self>> {
        let text = match fs::read_to_string(options.job()) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).context("cannot read the list of an earlier run"),
        };
        let mut lines = text.split_terminator('\0').map(str::to_owned);
        let (Some(folder), Some(again)) = (lines.next(), lines.next().and_then(|n| n.parse().ok())) else {
            bail!("the list in {} is damaged; remove it to start anew", options.job().display());
        };
        // Another folder, or another time: that is another call.
        let same = folder == options.folder()? && options.again.is_none_or(|wanted| wanted == again);
        Ok(same.then(|| Self { folder, files: lines.collect(), again }))
    }

    fn keep(&self, options: &Options) -> Result<()> {
        let again = self.again.to_string();
        let lines = [&self.folder, &again].into_iter().chain(&self.files);
        let text: String = lines.flat_map(|line| [line.as_str(), "\0"]).collect();
        // Written aside and renamed, so that a crash leaves the old list or the new one.
        let aside = options.job().with_extension("new");
        let mut file = fs::File::create(&aside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(aside, options.job()).context("cannot keep the list beside the store")
    }

    fn forget(&self, options: &Options) -> Result<()> {
        fs::remove_file(options.job()).context("cannot remove the list beside the store")
    }

    fn left(&self) -> Vec<&String> {
        self.files.iter().filter(|name| Path::new(&self.folder).join(name).exists()).collect()
    }

    /// What a refusal means for these files, and what to do next.
    fn explain(&self, kind: Option<ErrorKind>, options: &Options) -> Result<ExitCode> {
        let next = self.again + 1;
        match kind {
            Some(ErrorKind::Unknown) => {
                println!(
                    "an earlier run was killed while it deleted; how far it came is unknown. Still there:"
                );
                for name in self.left() {
                    println!("  {name}");
                }
                println!("look at the folder, then run again with --again {next} to ask for what is left");
                Ok(ExitCode::from(1))
            }
            Some(ErrorKind::AlreadyRan) => {
                self.forget(options)?;
                if self.left().is_empty() {
                    println!("an earlier run used this approval, and none of its files is left");
                    return Ok(ExitCode::SUCCESS);
                }
                println!(
                    "{} of its files are still there; run again with --again {next} to ask anew",
                    self.left().len()
                );
                Ok(ExitCode::from(1))
            }
            Some(ErrorKind::Denied | ErrorKind::Refused) => {
                println!(
                    "nothing was deleted. To ask anew for the same files, run again with --again {next}"
                );
                self.forget(options)?;
                Ok(ExitCode::from(3))
            }
            Some(ErrorKind::Expired | ErrorKind::Cancelled) => {
                println!("nothing was deleted. To ask anew, run again");
                self.forget(options)?;
                Ok(ExitCode::from(3))
            }
            // The request stays open: the same list is asked for by the next run.
            Some(_) => Ok(ExitCode::from(1)),
            None => {
                println!("the deletion failed; {} files are left", self.left().len());
                self.forget(options)?;
                Ok(ExitCode::from(1))
            }
        }
    }
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
            let mut value =
                || arguments.next().with_context(|| format!("{} needs a value", argument.display()));
            match argument.to_str() {
                Some("--store") => options.store = value()?.into(),
                Some("--again") => options.again = Some(number(&value()?)?),
                Some("--pause") => options.pause = Duration::from_secs(number(&value()?)?.into()),
                Some("--decide-within") => {
                    options.decide_within = Duration::from_secs(number(&value()?)?.into());
                }
                Some(unknown) if unknown.starts_with('-') => bail!("unknown option {unknown}; {USAGE}"),
                _ if options.folder.is_some() => bail!("more than one folder is given; {USAGE}"),
                _ => options.folder = Some(argument.into()),
            }
        }
        Ok(options)
    }

    /// The given folder, or one of our own with something to delete in it.
    fn folder(&self) -> Result<String> {
        let folder = match &self.folder {
            Some(folder) => folder.clone(),
            None => self.filled_folder()?,
        };
        let folder = fs::canonicalize(&folder).with_context(|| format!("no folder {}", folder.display()))?;
        folder.into_os_string().into_string().ok().context("the folder's name is no text that could be shown")
    }

    fn filled_folder(&self) -> Result<PathBuf> {
        let folder = std::env::temp_dir().join("approvals-quickstart");
        fs::create_dir_all(&folder)?;
        // What is asked for already is not filled up again: a person said yes to what was there.
        if !self.job().exists() {
            for name in ["a.tmp", "b.tmp", "c.tmp", "keep.txt"] {
                fs::write(folder.join(name), "made by the quickstart\n")?;
            }
        }
        Ok(folder)
    }

    fn job(&self) -> PathBuf {
        let mut name = self.store.file_name().unwrap_or_default().to_owned();
        name.push(".quickstart");
        self.store.with_file_name(name)
    }

    fn store_argument(&self) -> String {
        match self.store.to_str() {
            Some("approvals.db") => String::new(),
            _ => format!("--store {:?} ", self.store),
        }
    }
}

fn number(text: &std::ffi::OsStr) -> Result<u32> {
    text.to_str().and_then(|text| text.parse().ok()).context("not a number")
}

/// The person that the operating-system user is. Without a directory, makes one with that user as its only person.
async fn operator(people: &Path) -> Result<String> {
    let user = approvals::terminal::os_identity();
    if !people.exists() {
        let name = user.subject();
        fs::write(people, format!("[people.operator]\nname = {name:?}\nidentities.os = [{name:?}]\n"))?;
        println!("wrote {} with you, `{name}`, as its one person", people.display());
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
