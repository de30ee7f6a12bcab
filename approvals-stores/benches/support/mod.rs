//! What the benches measure against: SQLite with the same bytes on the same disk, and a table of both.

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use approvals_core::ledger::Record;
use approvals_stores::Sqlite;
use rusqlite::{Connection, params};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How often a store looks for what other processes wrote.
pub(crate) const BEAT: Duration = Duration::from_millis(20);

pub(crate) async fn fresh() -> Result<(tempfile::TempDir, Sqlite)> {
    let folder = tempfile::tempdir()?;
    let store = Sqlite::open(folder.path().join("ours.db")).await?;
    Ok((folder, store))
}

pub(crate) async fn nap() -> Duration {
    let begun = Instant::now();
    tokio::time::sleep(BEAT).await;
    begun.elapsed()
}

/// What a record puts on the disk.
pub(crate) struct Row {
    pub(crate) bytes: Vec<u8>,
    payload: Option<Vec<u8>>,
}

pub(crate) fn rows(records: Vec<Record>) -> Result<Vec<Row>> {
    let row = |record: Record| {
        let payload = record.payload.map(|payload| payload.to_bytes()).transpose()?;
        Ok(Row { bytes: record.bytes.to_vec(), payload })
    };
    records.into_iter().map(row).collect()
}

/// SQLite with one table and nothing else, as durable as the store.
pub(crate) struct Bare(Connection);

impl Bare {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let conn = Connection::open(path)?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
             CREATE TABLE IF NOT EXISTS records (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL, payload BLOB);",
        )?;
        Ok(Self(conn))
    }

    /// A commit for each row. How long they took.
    pub(crate) fn commit_each(&self, rows: &[Row]) -> Result<Duration> {
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
pub(crate) struct Group(mpsc::Sender<(Row, oneshot::Sender<()>)>);

impl Group {
    pub(crate) fn start(bare: Bare) -> Result<Self> {
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

    pub(crate) async fn commit_all(&self, rows: Vec<Row>) -> Result<Duration> {
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

/// What the threads of this process have run; finer than the ticks of /proc/self/stat.
pub(crate) fn processor_time() -> Option<Duration> {
    let mut nanos = 0;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        // A thread that ended meanwhile has run nothing since.
        let Ok(ran) = std::fs::read_to_string(task.ok()?.path().join("schedstat")) else { continue };
        nanos += ran.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanos))
}

/// What they have run since then.
pub(crate) fn busy_since(before: Option<Duration>) -> Option<Duration> {
    Some(processor_time()?.saturating_sub(before?))
}

pub(crate) fn heading() {
    println!(
        "{:<30} {:>10} {:>10}   {:<24} {:>10} {:>10} {:>7}   budget",
        "", "p50", "p99", "beside", "p50", "p99", "p50 ×"
    );
}

pub(crate) fn print(what: &str, ours: Vec<Duration>, beside: &str, theirs: Vec<Duration>, budget: &str) {
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
