//! What the gate costs beside a bare async call, and an approval beside a bare oneshot.
//!
//! ```sh
//! cargo bench --bench gate [-- --quick]
//! ```
//!
//! The ledger is in memory but for one row, whose disk is that of `TMPDIR`. Only the ratios mean anything: each figure
//! stands beside a reference that was measured in turn with it. `docs/performance.md` says how to read them. Allocations
//! are counted by `cargo bench -p approvals-allocations`, whose allocator would be part of what is timed here.

#[path = "shared/folder.rs"]
mod folder;
#[path = "shared/spread.rs"]
mod spread;

use std::future::Future;
use std::hint::black_box;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use approvals::backend::{Backend, BackendError, Capabilities, Presented};
use approvals::card::Card;
use approvals::desk::{Desk, Review};
#[cfg(feature = "sqlite")]
use approvals::desk::{Way, WayKind};
use approvals::id::{Reference, Seq};
#[cfg(feature = "sqlite")]
use approvals::ledger::Filter;
use approvals::ledger::{Memory, Store};
use approvals::request::Digest;
#[cfg(feature = "sqlite")]
use approvals::state::Phase;
use approvals::{
    Agent, ApprovalError, Approvals, Assurance, Identity, People, Person, RiskPolicy, requires_approval,
};
use tokio::sync::{Mutex, mpsc, oneshot};

use self::folder::Folder;
use self::spread::Spread;

/// Calls in a row that are timed as one; the buffer of their records has room for twice as many.
const BURST: u64 = 512;

async fn bare(rows: u64) -> Result<u64, ApprovalError> {
    Ok(black_box(rows))
}

#[requires_approval(risk = "low", action = "bench.count")]
async fn free(rows: u64) -> Result<u64, ApprovalError> {
    Ok(black_box(rows))
}

/// Gives the time at which its body starts.
#[requires_approval(risk = "high", action = "bench.export", reason = "exports {rows} rows")]
async fn asked(rows: u64) -> Result<Instant, ApprovalError> {
    black_box(rows);
    Ok(Instant::now())
}

fn main() -> Result<()> {
    let given = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    let words: Vec<String> = std::env::args().collect();
    if let [_, syncs, trips, decided] = words.as_slice()
        && syncs == "--syncs"
    {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let folder = Folder::make()?;
        return runtime.block_on(synced_calls(trips.parse()?, decided == "here", folder.path().to_owned()));
    }
    if !given("--bench") || given("--test") {
        println!("nothing is measured in a test; run `cargo bench`");
        return Ok(());
    }
    let (bursts, trips) = if given("--quick") { (20, 200) } else { (100, 3_000) };
    println!(
        "{:<30} {:>10} {:>10}   {:<24} {:>10} {:>10} {:>7}   budget",
        "", "p50", "p99", "beside", "p50", "p99", "p50 ×"
    );
    // One thread: what is timed is the call, and the records are written between the bursts.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(free_calls(bursts))?;
    // Two: in a program, whoever answers is elsewhere.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async { tokio::spawn(sustained(bursts)).await? })?;
    runtime.block_on(async { tokio::spawn(approved_calls(trips)).await? })?;
    let folder = Folder::make()?;
    let path = folder.path().to_owned();
    runtime.block_on(async { tokio::spawn(durable_calls(trips / 10, path)).await? })?;
    sizes();
    Ok(())
}

async fn set_up(store: impl Store) -> Result<Approvals> {
    set_up_with(store, YesMan::new()).await
}

fn people() -> Result<People> {
    Ok(People::new([Person::new("olga"), Person::new("ann").known_as("bench", "ann")])?)
}

async fn set_up_with(store: impl Store, yes_man: YesMan) -> Result<Approvals> {
    Approvals::builder()
        .agent(Agent::new("bench").owned_by("olga"))
        .directory(people()?)
        .policy(RiskPolicy::default())
        .store(store)
        .backend(yes_man)
        .build()
        .await
        .context("the set-up is refused")
}

async fn free_calls(bursts: usize) -> Result<()> {
    let store = Memory::new()?;
    let approvals = set_up(store.clone()).await?;
    let (mut installed, mut scoped, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    approvals.install()?;
    let mut last = store.last().await?;
    for _ in 0..bursts {
        theirs.push(burst(bare).await?);
        installed.push(burst(free).await?);
        last = written(&store, last).await?;
        scoped.push(approvals.scope(burst(free)).await?);
        last = written(&store, last).await?;
    }
    print("risk low, installed handle", installed, "a bare async call", theirs.clone(), "1.5 µs");
    print("risk low, through a scope", scoped, "a bare async call", theirs, "1.5 µs");
    approvals.shutdown().await?;
    Ok(())
}

/// The time of one call, out of many in a row.
async fn burst<F>(call: impl Fn(u64) -> F) -> Result<Duration>
where
    F: Future<Output = Result<u64, ApprovalError>>,
{
    let begun = Instant::now();
    for rows in 0..BURST {
        call(black_box(rows)).await?;
    }
    Ok(begun.elapsed() / u32::try_from(BURST)?)
}

/// Lets the records of a burst be written, so that the next one finds an empty buffer.
async fn written(store: &Memory, before: Seq) -> Result<Seq> {
    let due = Seq(before.0 + BURST);
    while store.last().await? < due {
        tokio::task::yield_now().await;
    }
    Ok(due)
}

/// Calls without end, which are as fast as their records are written.
async fn sustained(bursts: usize) -> Result<()> {
    let approvals = set_up(Memory::new()?).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..bursts {
        theirs.push(burst(bare).await?);
        ours.push(approvals.scope(burst(free)).await?);
    }
    // What the first bursts put into an empty buffer says nothing.
    ours.drain(..bursts / 4);
    print("risk low, buffer full", ours, "a bare async call", theirs, "-");
    approvals.shutdown().await?;
    Ok(())
}

/// From a call to the first line of its body.
async fn approved_calls(trips: usize) -> Result<()> {
    let approvals = set_up(Memory::new()?).await?;
    // One answers in a task of this runtime, one on a thread elsewhere.
    let (ask, mut asked_for) = mpsc::unbounded_channel::<oneshot::Sender<()>>();
    tokio::spawn(async move {
        while let Some(reply) = asked_for.recv().await {
            let _ = reply.send(());
        }
    });
    let (ask_thread, thread_asked_for) = std::sync::mpsc::channel::<oneshot::Sender<()>>();
    std::thread::spawn(move || thread_asked_for.iter().map(|reply| reply.send(())).for_each(drop));
    let (mut ours, mut tasks, mut threads) = (Vec::new(), Vec::new(), Vec::new());
    for rows in 0..u64::try_from(trips)? {
        let begun = Instant::now();
        let started = approvals.scope(asked(rows)).await?;
        ours.push(started.saturating_duration_since(begun));
        tasks.push(trip(|reply| ask.send(reply).context("nobody answers")).await?);
        threads.push(trip(|reply| ask_thread.send(reply).context("nobody answers")).await?);
    }
    print("approved, in memory", ours.clone(), "a oneshot, two tasks", tasks, "≤ 5");
    print("approved, in memory", ours, "a oneshot, two threads", threads, "≤ 5");
    approvals.shutdown().await?;
    Ok(())
}

async fn trip(ask: impl FnOnce(oneshot::Sender<()>) -> Result<()>) -> Result<Duration> {
    let begun = Instant::now();
    let (reply, answer) = oneshot::channel();
    ask(reply)?;
    answer.await?;
    Ok(begun.elapsed())
}

/// The same over a file, where request, verdict and claim are durable before the body starts.
#[cfg(feature = "sqlite")]
async fn durable_calls(trips: usize, folder: PathBuf) -> Result<()> {
    let approvals = set_up(approvals::Sqlite::open(folder.join("gate.db")).await?).await?;
    let mut file = std::fs::File::create(folder.join("floor"))?;
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for rows in 0..u64::try_from(trips)? {
        let begun = Instant::now();
        let started = approvals.scope(asked(rows)).await?;
        ours.push(started.saturating_duration_since(begun));
        let begun = Instant::now();
        for _ in 0..2 {
            std::io::Write::write_all(&mut file, &[0; 1_024])?;
            file.sync_data()?;
        }
        floor.push(begun.elapsed());
    }
    print("approved, on SQLite", ours, "two fdatasync", floor, "goal ≤ 2.5");
    approvals.shutdown().await?;
    Ok(())
}

/// Trips for `scripts/bench syncs`, which watches the disk from outside and is told by a look at a file that is not
/// there when a call begins and when its body does. Decided elsewhere, the reviewer has a handle of their own, as another
/// process would.
#[cfg(feature = "sqlite")]
async fn synced_calls(trips: usize, here: bool, folder: PathBuf) -> Result<()> {
    let path = folder.join("gate.db");
    let yes_man = YesMan { silent: !here, ..YesMan::new() };
    let approvals = set_up_with(approvals::Sqlite::open(&path).await?, yes_man).await?;
    let reviewer = if here { None } else { Some(tokio::spawn(elsewhere(path))) };
    for rows in 0..u64::try_from(trips)? {
        let _ = folder.join("call").exists();
        approvals.scope(asked(rows)).await?;
        let _ = folder.join("body").exists();
        // The end of the body is written meanwhile, and is no part of the next call.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    reviewer.inspect(|reviewer| reviewer.abort());
    approvals.shutdown().await?;
    Ok(())
}

/// Says yes to whatever waits.
#[cfg(feature = "sqlite")]
async fn elsewhere(path: PathBuf) -> Result<()> {
    let store = std::sync::Arc::new(approvals::Sqlite::open(&path).await?);
    let way = Way {
        id: "elsewhere".into(),
        provider: "bench".into(),
        assurance: Assurance::Sso,
        kind: WayKind::Backend,
    };
    let desk = Desk::new(store.clone(), std::sync::Arc::new(people()?), way, "elsewhere");
    let pending = Filter::in_phases([Phase::Pending]);
    let mut seen = Seq::START;
    loop {
        for request in store.list(&pending, None, 8).await?.summaries {
            desk.submit(&Identity::new("bench", "ann"), Review::approve(request.id, request.digest)).await?;
        }
        store.wait_past(seen).await?;
        seen = store.last().await?;
    }
}

#[cfg(not(feature = "sqlite"))]
async fn synced_calls(_: usize, _: bool, _: PathBuf) -> Result<()> {
    anyhow::bail!("the feature `sqlite` is off")
}

#[cfg(not(feature = "sqlite"))]
async fn durable_calls(_: usize, _: PathBuf) -> Result<()> {
    println!("approved, on SQLite: not measured, the feature `sqlite` is off");
    Ok(())
}

fn sizes() {
    println!(
        "size of the future: gated {} bytes, bare {} bytes",
        size_of_val(&free(1)),
        size_of_val(&bare(1))
    );
}

/// A backend whose one person says yes to every card.
struct YesMan {
    shown: mpsc::UnboundedSender<Review>,
    answers: Mutex<mpsc::UnboundedReceiver<Review>>,
    /// Leaves the answer to somebody else.
    silent: bool,
}

impl YesMan {
    fn new() -> Self {
        let (shown, answers) = mpsc::unbounded_channel();
        Self { shown, answers: Mutex::new(answers), silent: false }
    }
}

type Boxed<'f> = Pin<Box<dyn Future<Output = Result<(), BackendError>> + Send + 'f>>;

// What `#[async_trait]` makes of its functions, written out: the package is built with few crates.
impl Backend for YesMan {
    fn name(&self) -> &str {
        "bench"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { provider: "bench".into(), assurance: Assurance::Sso, cards_outlive_process: false }
    }

    fn present<'s, 'c, 'f>(
        &'s self,
        card: &'c Card,
    ) -> Pin<Box<dyn Future<Output = Result<Presented, BackendError>> + Send + 'f>>
    where
        's: 'f,
        'c: 'f,
        Self: 'f,
    {
        if let (Ok(request), Some(digest)) = (card.request.parse(), Digest::from_hex(&card.digest))
            && !self.silent
        {
            let _ = self.shown.send(Review::approve(request, digest));
        }
        let presented = Presented { reference: Reference::new("card"), shown: card.shown() };
        Box::pin(async move { Ok(presented) })
    }

    fn listen<'s, 'f>(&'s self, desk: Desk) -> Boxed<'f>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let ann = Identity::new("bench", "ann");
            while let Some(review) = self.answers.lock().await.recv().await {
                if let Err(error) = desk.submit(&ann, review).await {
                    eprintln!("not counted: {error}");
                }
            }
            Ok(())
        })
    }
}

fn print(what: &str, ours: Vec<Duration>, beside: &str, theirs: Vec<Duration>, budget: &str) {
    let (ours, theirs) = (Spread::of(ours), Spread::of(theirs));
    let times = ours.times(&theirs);
    println!(
        "{what:<30} {:>10} {:>10}   {beside:<24} {:>10} {:>10} {times:>7.1}   {budget}",
        micros(ours.p50),
        micros(ours.p99),
        micros(theirs.p50),
        micros(theirs.p99)
    );
}

fn micros(time: Duration) -> String {
    format!("{:.3} µs", time.as_secs_f64() * 1e6)
}
