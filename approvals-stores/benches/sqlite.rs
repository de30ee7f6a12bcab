//! What the store costs beside bare SQLite with the same bytes on the same disk.
//!
//! ```sh
//! cargo bench -p approvals-stores --features sqlite --bench sqlite [-- --quick]
//! ```
//!
//! The disk is that of `TMPDIR`. Only the ratios mean anything: each figure stands beside a reference that was measured
//! in turn with it. `docs/performance.md` says how to read them.

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use approvals_core::conformance::sample::{Sample, claim, process_up, started};
use approvals_core::id::Seq;
use approvals_core::ledger::{Append, Filter, Record, Store as _, StoreError};
use approvals_core::state::Phase;
use approvals_stores::Sqlite;
use rusqlite::{Connection, params};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How often a store looks for what other processes wrote.
const BEAT: Duration = Duration::from_millis(20);

fn main() -> Result<()> {
    let given = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    if !given("--bench") || given("--test") {
        println!("nothing is measured in a test; run `cargo bench`");
        return Ok(());
    }
    let size = if given("--quick") { Size::QUICK } else { Size::FULL };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        heading();
        one_commit(size).await?;
        three_commits(size).await?;
        all_at_once(size, "1,000 appends at once", Sample::new).await?;
        all_at_once(size, "1,000 keyed at once", || Sample::new().keyed()).await?;
        wakes(size).await?;
        opening(size).await?;
        waiting(size).await
    })
}

/// How much is measured.
#[derive(Clone, Copy)]
struct Size {
    rounds: u64,
    crowds: usize,
    wakes: u64,
    pending: usize,
    openings: usize,
    watched: Duration,
}

impl Size {
    const FULL: Self = Self {
        rounds: 2_000,
        crowds: 15,
        wakes: 200,
        pending: 100_000,
        openings: 15,
        watched: Duration::from_secs(10),
    };
    const QUICK: Self = Self {
        rounds: 200,
        crowds: 3,
        wakes: 20,
        pending: 2_000,
        openings: 3,
        watched: Duration::from_secs(2),
    };
}

async fn one_commit(size: Size) -> Result<()> {
    let (folder, store) = fresh().await?;
    let bare = Bare::open(&folder.path().join("bare.db"))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        let sample = Sample::new();
        let append = sample.opens();
        let begun = Instant::now();
        store.append(append).await?;
        ours.push(begun.elapsed());
        let rows = rows(store.history(sample.stream()).await?)?;
        theirs.push(bare.commit_each(&rows)?);
    }
    print("one append", ours, "one bare commit", theirs, "≤ 1.5");
    Ok(())
}

async fn three_commits(size: Size) -> Result<()> {
    let (folder, store) = fresh().await?;
    let bare = Bare::open(&folder.path().join("bare.db"))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        let sample = Sample::new();
        let trip =
            [sample.opens(), sample.at(1, [sample.approved_by("ann")]), sample.at(2, [started(claim())])];
        let begun = Instant::now();
        for append in trip {
            store.append(append).await?;
        }
        ours.push(begun.elapsed());
        let rows = rows(store.history(sample.stream()).await?)?;
        theirs.push(bare.commit_each(&rows)?);
    }
    print("requested, reviewed, started", ours, "three bare commits", theirs, "≤ 1.5");
    Ok(())
}

async fn all_at_once(size: Size, what: &str, sample: impl Fn() -> Sample) -> Result<()> {
    let (folder, store) = fresh().await?;
    let group = Group::start(Bare::open(&folder.path().join("bare.db"))?)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (mut ours_busy, mut theirs_busy) = (Vec::new(), Vec::new());
    for _ in 0..size.crowds {
        let samples: Vec<_> = (0..1_000).map(|_| sample()).collect();
        let appends: Vec<_> = samples.iter().map(Sample::opens).collect();
        let before = processor_time();
        ours.push(crowd(&store, appends).await?);
        ours_busy.extend(busy_since(before));
        let mut all = Vec::with_capacity(samples.len());
        for sample in &samples {
            all.extend(rows(store.history(sample.stream()).await?)?);
        }
        let before = processor_time();
        theirs.push(group.commit_all(all).await?);
        theirs_busy.extend(busy_since(before));
    }
    print(what, ours, "bare group commit", theirs, "≤ 2.5");
    // On a machine that others use too, a tenfold wait may be a threefold work.
    print("the same, processor's time", ours_busy, "bare group commit", theirs_busy, "");
    Ok(())
}

/// How soon a waiter has returned: on one handle since the append began, beside the append itself; on another handle
/// since the commit was answered.
async fn wakes(size: Size) -> Result<()> {
    let (folder, store) = fresh().await?;
    let other = Sqlite::open(folder.path().join("ours.db")).await?;
    let (mut same, mut answered) = (Vec::new(), Vec::new());
    let (mut across, mut naps) = (Vec::new(), Vec::new());
    for round in 0..size.wakes {
        let wake = wake(&store, &store, Duration::ZERO).await?;
        same.push(wake.woken - wake.begun);
        answered.push(wake.committed - wake.begun);
        // Spread over the beat, or each commit would come right after a look.
        let pause = BEAT + Duration::from_micros(round * 7_919 % 20_000);
        let wake = self::wake(&store, &other, pause).await?;
        across.push(wake.woken.saturating_duration_since(wake.committed));
        naps.push(nap().await);
    }
    print("append to wake, one handle", same, "append to answer", answered, "1 ms later");
    print("commit to wake, two handles", across, "a sleep of 20 ms", naps, "p99 50 ms");
    other.close().await;
    Ok(())
}

/// When an append was handed over, was answered, and had woken who waited for it.
struct Wake {
    begun: Instant,
    committed: Instant,
    woken: Instant,
}

async fn wake(waiting: &Sqlite, writing: &Sqlite, pause: Duration) -> Result<Wake> {
    let seen = waiting.last().await?;
    let wait = async {
        waiting.wait_past(seen).await?;
        Ok(Instant::now())
    };
    let write = async {
        tokio::time::sleep(pause).await;
        let begun = Instant::now();
        writing.append(process_up()).await?;
        Ok::<_, StoreError>((begun, Instant::now()))
    };
    let (woken, (begun, committed)) = tokio::try_join!(wait, write)?;
    Ok(Wake { begun, committed, woken })
}

async fn nap() -> Duration {
    let begun = Instant::now();
    tokio::time::sleep(BEAT).await;
    begun.elapsed()
}

/// From nothing to the first answer of a person in a ledger that is full of open requests.
async fn opening(size: Size) -> Result<()> {
    let (folder, store) = fresh().await?;
    let samples: Vec<_> = (0..size.pending).map(|_| Sample::new()).collect();
    for part in samples.chunks(1_000) {
        crowd(&store, part.iter().map(Sample::opens).collect()).await?;
    }
    store.close().await;
    let bare = folder.path().join("bare.db");
    drop(Bare::open(&bare)?);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for sample in samples.iter().step_by(size.pending / size.openings).take(size.openings) {
        let begun = Instant::now();
        let store = Sqlite::open(folder.path().join("ours.db")).await?;
        store.list(&Filter::in_phases([Phase::Pending]), None, 50).await?;
        store.history(sample.stream()).await?;
        store.append(sample.at(1, [sample.approved_by("ann")])).await?;
        ours.push(begun.elapsed());
        let rows = rows(store.history(sample.stream()).await?)?;
        store.close().await;
        let begun = Instant::now();
        Bare::open(&bare)?.commit_each(rows.get(1..).unwrap_or_default())?;
        theirs.push(begun.elapsed());
    }
    let what = format!("open, {} pending, decide", size.pending);
    print(&what, ours, "bare open, one commit", theirs, "1 s");
    Ok(())
}

/// The processor's time while one waiter waits and nothing happens.
async fn waiting(size: Size) -> Result<()> {
    let (_folder, store) = fresh().await?;
    let Some(waited) = busy_while(&store, Some(Seq(1_000)), size.watched).await? else {
        println!("processor's time while one waits: not measured, it is read from /proc of Linux");
        return Ok(());
    };
    let idle = busy_while(&store, None, size.watched).await?.unwrap_or_default();
    let share = |busy: Duration| 100.0 * busy.as_secs_f64() / size.watched.as_secs_f64();
    println!(
        "one waiter for {:?}: {:.3} % of a core; nobody waits: {:.3} %; budget 0.5 %",
        size.watched,
        share(waited),
        share(idle)
    );
    Ok(())
}

async fn busy_while(store: &Sqlite, after: Option<Seq>, time: Duration) -> Result<Option<Duration>> {
    let Some(before) = processor_time() else { return Ok(None) };
    match after {
        Some(after) => drop(tokio::time::timeout(time, store.wait_past(after)).await),
        None => tokio::time::sleep(time).await,
    }
    Ok(busy_since(Some(before)))
}

/// What the threads of this process have run; finer than the ticks of /proc/self/stat.
fn processor_time() -> Option<Duration> {
    let mut nanos = 0;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        // A thread that ended meanwhile has run nothing since.
        let Ok(ran) = std::fs::read_to_string(task.ok()?.path().join("schedstat")) else { continue };
        nanos += ran.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanos))
}

fn busy_since(before: Option<Duration>) -> Option<Duration> {
    Some(processor_time()?.saturating_sub(before?))
}

async fn fresh() -> Result<(tempfile::TempDir, Sqlite)> {
    let folder = tempfile::tempdir()?;
    let store = Sqlite::open(folder.path().join("ours.db")).await?;
    Ok((folder, store))
}

/// Every append in a task of its own, until the last is answered.
async fn crowd(store: &Sqlite, appends: Vec<Append>) -> Result<Duration> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for append in appends {
        let store = store.clone();
        tasks.spawn(async move { store.append(append).await });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(begun.elapsed())
}

/// What a record puts on the disk.
struct Row {
    bytes: Vec<u8>,
    payload: Option<Vec<u8>>,
}

fn rows(records: Vec<Record>) -> Result<Vec<Row>> {
    let row = |record: Record| {
        let payload = record.payload.map(|payload| payload.to_bytes()).transpose()?;
        Ok(Row { bytes: record.bytes.to_vec(), payload })
    };
    records.into_iter().map(row).collect()
}

/// SQLite with one table and nothing else, as durable as the store.
struct Bare(Connection);

impl Bare {
    fn open(path: &Path) -> Result<Self> {
        let conn = Connection::open(path)?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
             CREATE TABLE IF NOT EXISTS records (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL, payload BLOB);",
        )?;
        Ok(Self(conn))
    }

    /// A commit for each row. How long they took.
    fn commit_each(&self, rows: &[Row]) -> Result<Duration> {
        let begun = Instant::now();
        for row in rows {
            self.commit([row])?;
        }
        Ok(begun.elapsed())
    }

    fn commit<'a>(&self, rows: impl IntoIterator<Item = &'a Row>) -> rusqlite::Result<()> {
        self.0.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut put = self.0.prepare_cached("INSERT INTO records (bytes, payload) VALUES (?1, ?2)")?;
        for row in rows {
            put.execute(params![row.bytes, row.payload])?;
        }
        self.0.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }
}

/// A thread that commits whatever waits at once, and does nothing else.
struct Group(mpsc::Sender<(Row, oneshot::Sender<()>)>);

impl Group {
    fn start(bare: Bare) -> Result<Self> {
        let (send, receive) = mpsc::channel::<(Row, oneshot::Sender<()>)>();
        std::thread::Builder::new().spawn(move || {
            while let Ok(first) = receive.recv() {
                let batch: Vec<_> = std::iter::once(first).chain(receive.try_iter().take(1_023)).collect();
                if bare.commit(batch.iter().map(|(row, _)| row)).is_err() {
                    return;
                }
                for (_, done) in batch {
                    let _ = done.send(());
                }
            }
        })?;
        Ok(Self(send))
    }

    async fn commit_all(&self, rows: Vec<Row>) -> Result<Duration> {
        let begun = Instant::now();
        let mut tasks = JoinSet::new();
        for row in rows {
            let queue = self.0.clone();
            tasks.spawn(async move {
                let (done, when_done) = oneshot::channel();
                let _ = queue.send((row, done));
                when_done.await
            });
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(begun.elapsed())
    }
}

fn heading() {
    println!(
        "{:<30} {:>10} {:>10}   {:<24} {:>10} {:>10} {:>7}   budget",
        "", "p50", "p99", "beside", "p50", "p99", "p50 ×"
    );
}

fn print(what: &str, ours: Vec<Duration>, beside: &str, theirs: Vec<Duration>, budget: &str) {
    let (ours, theirs) = (Spread::of(ours), Spread::of(theirs));
    let times = ours.p50.as_secs_f64() / theirs.p50.as_secs_f64();
    println!(
        "{what:<30} {:>10} {:>10}   {beside:<24} {:>10} {:>10} {times:>7.2}   {budget}",
        millis(ours.p50),
        millis(ours.p99),
        millis(theirs.p50),
        millis(theirs.p99)
    );
}

struct Spread {
    p50: Duration,
    p99: Duration,
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        Self { p50: at(50), p99: at(99) }
    }
}

fn millis(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}
