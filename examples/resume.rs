//! An agent that is killed while it waits, and again while it works: nobody is asked twice, nothing runs twice.
//!
//! ```sh
//! cargo run --example resume
//! ```
//!
//! The program plays the story with real processes over one ledger: it starts itself as the agent, kills it, answers in
//! its absence as a person, and starts it again.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::{env, fs, io};

use anyhow::{Context as _, Result, ensure};
use approvals::desk::{Desk, Review, Way, WayKind};
use approvals::ledger::{Filter, Reconciliation, Store, Summary};
use approvals::people::{Assurance, Identity, Person};
use approvals::state::Phase;
use approvals::{Agent, Approvals, People, Sqlite, requires_approval};

/// The key names the work: a restarted agent that makes the same call finds its request and the verdict.
#[requires_approval(
    risk = "high",
    action = "invoices.send",
    key = "{month}",
    reason = "sends the invoices of {month}"
)]
async fn send_invoices(
    month: String,
    #[approval(skip = "where this example keeps what it sent")] outbox: PathBuf,
) -> io::Result<()> {
    fs::write(outbox.join(&month), "sent\n")?;
    crash_if(&outbox, "invoices");
    Ok(())
}

/// To do this twice does no harm, and the author says so: after a crash it runs again under the same approval.
#[requires_approval(risk = "high", action = "index.rebuild", key = "{month}", rerunnable)]
async fn rebuild_index(
    month: String,
    #[approval(skip = "where this example keeps its index")] outbox: PathBuf,
) -> io::Result<()> {
    crash_if(&outbox, "index");
    fs::write(outbox.join("index"), month)
}

/// Dies in the midst of the work, the first time that it comes here.
fn crash_if(outbox: &Path, work: &str) {
    if fs::File::create_new(outbox.join(format!("crashed in {work}"))).is_ok() {
        std::process::abort();
    }
}

fn people() -> Result<People> {
    Ok(People::new([Person::new("dana"), Person::new("lee").known_as("console", "lee")])?)
}

fn store(folder: &Path) -> PathBuf {
    folder.join("approvals.db")
}

/// The agent's process.
async fn agent(folder: PathBuf) -> Result<()> {
    let approvals = Approvals::builder()
        .agent(Agent::new("biller").owned_by("dana"))
        .store(Sqlite::open(store(&folder)).await?)
        .directory(people()?)
        .open_to_store() // whoever reads this ledger may answer; there is no backend to send cards to
        .build()
        .await?;
    approvals.install()?;
    tell("invoices", send_invoices("2026-11".to_owned(), folder.clone()).await);
    tell("index", rebuild_index("2026-11".to_owned(), folder.clone()).await);
    approvals.shutdown().await?;
    Ok(())
}

fn tell(work: &str, ended: io::Result<()>) {
    match ended {
        Ok(()) => println!("    agent: {work} done"),
        Err(refusal) => println!("    agent: {refusal}"),
    }
}

/// Somebody at a console that reads the ledger.
struct Lee {
    store: Arc<dyn Store>,
    desk: Desk,
    identity: Identity,
}

impl Lee {
    async fn at(folder: &Path) -> Result<Self> {
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(store(folder)).await?);
        let way = Way {
            id: "console".into(),
            provider: "console".into(),
            assurance: Assurance::Local,
            kind: WayKind::Surface,
        };
        let desk = Desk::new(Arc::clone(&store), Arc::new(people()?), way, "console");
        Ok(Self { store, desk, identity: Identity::new("console", "lee") })
    }

    /// Waits for a request in that phase. The ledger wakes its readers; nothing here polls.
    async fn sees(&self, action: &str, phase: Phase) -> Result<Summary> {
        loop {
            let last = self.store.last().await?;
            let page = self.store.list(&Filter::in_phases([phase]), None, 16).await?;
            if let Some(found) = page.summaries.into_iter().find(|found| found.action == action) {
                return Ok(found);
            }
            self.store.wait_past(last).await?;
        }
    }

    async fn approves(&self, seen: &Summary) -> Result<()> {
        let reply = self.desk.submit(&self.identity, Review::approve(seen.id, seen.digest)).await?;
        println!("lee approves `{}`: {:?}", seen.action, reply.outcome);
        Ok(())
    }

    async fn says_it_ran(&self, seen: &Summary) -> Result<()> {
        let why = "the invoices are in the outbox";
        let reply = self.desk.reconcile(&self.identity, seen.id, Reconciliation::Ran, why).await?;
        println!("lee has looked, `{}` did run: {:?}", seen.action, reply.outcome);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    if let Some(folder) = env::args_os().nth(1) {
        return agent(folder.into()).await;
    }
    let folder = env::temp_dir().join(format!("approvals-resume-{}", std::process::id()));
    fs::create_dir_all(&folder).context("no folder for the example")?;
    let told = story(&folder).await;
    fs::remove_dir_all(&folder)?;
    told
}

async fn story(folder: &Path) -> Result<()> {
    let start = || Command::new(env::current_exe()?).arg(folder).spawn();
    let ended = |ended: io::Result<ExitStatus>| -> Result<ExitStatus> { ended.context("the agent is gone") };
    let lee = Lee::at(folder).await?;

    println!("the agent asks, and is killed while it waits");
    let mut waiting = start()?;
    let invoices = lee.sees("invoices.send", Phase::Pending).await?;
    waiting.kill()?;
    ended(waiting.wait())?;

    lee.approves(&invoices).await?;
    println!("the next agent finds the approval, asks nobody, and dies in the midst of sending");
    ensure!(!ended(start()?.wait())?.success(), "it should have crashed");

    println!(
        "the next one does not send again: nobody can tell what was sent. It goes on, and asks for the index"
    );
    let mut other_work = start()?;
    let unknown = lee.sees("invoices.send", Phase::Unknown).await?;
    let index = lee.sees("index.rebuild", Phase::Pending).await?;
    lee.says_it_ran(&unknown).await?;
    lee.approves(&index).await?;
    ensure!(!ended(other_work.wait())?.success(), "it should have crashed");

    println!("the index may be built twice, so the next one builds it under the same approval");
    ensure!(ended(start()?.wait())?.success(), "it should have come to its end");
    Ok(())
}
