//! How a waiter learns what another process wrote: one thread looks, and only while somebody waits.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use approvals_core::id::Seq;
use approvals_core::ledger::{Bell, StoreError};
use rusqlite::Connection;
use tokio::sync::watch;

use super::error::{Failure, closed};
use super::place::beside;
use super::queue::{Queue, lock};
use super::schema::{Use, connect};
use super::sync::{Condvar, Mutex, rest};
use super::{SqliteOptions, error, rows};

/// SQLite tells nobody about a commit of another process, so somebody has to look (law 14).
const BEAT: Duration = Duration::from_millis(20);
/// Longer than a file system's clock stands still.
const TICK: Duration = Duration::from_secs(2);
/// How often it looks itself, whatever the file system says: a commit that syncs for longer than a tick is one later than
/// its last write.
const LONGEST: Duration = Duration::from_secs(1);

/// Rings the bell for what other processes write.
pub(super) struct Watch {
    shared: Arc<Shared>,
    thread: Mutex<Option<Queue<()>>>,
    options: SqliteOptions,
}

struct Shared {
    path: Arc<Path>,
    log: PathBuf,
    bell: Arc<Bell>,
    crowd: Mutex<Crowd>,
    changed: Condvar,
    /// The last look that failed; whoever waits then is told.
    failed: watch::Sender<Option<StoreError>>,
    looks: AtomicU64,
    /// How many of these asked SQLite.
    asked: AtomicU64,
}

#[derive(Default)]
struct Crowd {
    waiting: usize,
    parked: bool,
    closed: bool,
}

impl Watch {
    pub(super) fn new(path: Arc<Path>, bell: Arc<Bell>, options: SqliteOptions) -> Self {
        let shared = Shared {
            log: beside(&path, "-wal"),
            path,
            bell,
            crowd: Mutex::default(),
            changed: Condvar::new(),
            failed: watch::Sender::new(None),
            looks: AtomicU64::new(0),
            asked: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared), thread: Mutex::default(), options }
    }

    /// Returns once the ledger reaches past a place.
    ///
    /// A commit that came before this call is not missed: the thread keeps the version of the file at which it last
    /// rang the bell, and looks again after the waiter is counted.
    pub(super) async fn wait_past(&self, after: Seq) -> Result<(), StoreError> {
        let mut failed = self.shared.failed.subscribe();
        let _waiter = self.join()?;
        tokio::select! {
            biased;
            () = self.shared.bell.wait_past(after) => Ok(()),
            _ = failed.changed() => {
                let error = failed.borrow().clone();
                Err(error.unwrap_or_else(|| closed(&self.shared.path)))
            }
        }
    }

    fn join(&self) -> Result<Waiter<'_>, StoreError> {
        let mut crowd = lock(&self.shared.crowd);
        if crowd.closed {
            return Err(closed(&self.shared.path));
        }
        let mut thread = lock(&self.thread);
        if thread.is_none() {
            let (queue, _) = Queue::new();
            let (shared, options) = (Arc::clone(&self.shared), self.options.clone());
            queue
                .thread("approvals-watch", move || shared.work(&options))
                .map_err(|e| error::io(&self.shared.path, "watch", e))?;
            *thread = Some(queue);
        }
        crowd.waiting += 1;
        if crowd.parked {
            self.shared.changed.notify_all();
        }
        Ok(Waiter(&self.shared))
    }

    /// Tells whoever waits, and ends the thread. Blocks for one look at most.
    pub(super) fn close(&self) {
        self.end();
        let thread = lock(&self.thread).take();
        if let Some(thread) = thread {
            thread.close();
        }
    }

    fn end(&self) {
        lock(&self.shared.crowd).closed = true;
        self.shared.changed.notify_all();
        self.shared.failed.send_replace(Some(closed(&self.shared.path)));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}

struct Waiter<'a>(&'a Shared);

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        // The thread finds out at its next beat: waking it here would cost every trip a switch of threads.
        lock(&self.0.crowd).waiting -= 1;
    }
}

/// A connection and what it saw last.
struct Eye {
    conn: Connection,
    /// The version of the file.
    seen: Option<i64>,
    /// The log as it stood before that, if nothing can be written to it without leaving a trace there.
    log: Option<Log>,
    looked: Instant,
}

/// What the file system says of the write-ahead log, which every commit writes to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Log {
    file: (u64, u64),
    length: u64,
    modified: SystemTime,
}

impl Log {
    fn of(path: &Path) -> Option<Self> {
        let found = path.metadata().ok()?;
        let modified = found.modified().ok()?;
        Some(Self { file: (found.dev(), found.ino()), length: found.len(), modified })
    }

    /// Whether the next write is sure to leave another time: one that is as long and follows at once may have the same.
    fn is_still(&self, now: SystemTime) -> bool {
        now.duration_since(self.modified).is_ok_and(|age| age > TICK)
    }
}

impl Shared {
    fn work(&self, options: &SqliteOptions) {
        let mut eye = None;
        while self.somebody_waits() {
            self.looks.fetch_add(1, Ordering::Relaxed);
            if let Err(failure) = self.look(&mut eye, options) {
                eye = None;
                self.failed.send_replace(Some(failure.at(&self.path)));
            }
            rest(&self.changed, lock(&self.crowd), BEAT, |crowd| !crowd.closed);
        }
    }

    /// Parks until somebody waits; `false` when the store is closed.
    fn somebody_waits(&self) -> bool {
        let mut crowd = lock(&self.crowd);
        while crowd.waiting == 0 && !crowd.closed {
            crowd.parked = true;
            self.changed.notify_all();
            crowd = self.changed.wait(crowd).unwrap_or_else(PoisonError::into_inner);
        }
        crowd.parked = false;
        !crowd.closed
    }

    fn look(&self, eye: &mut Option<Eye>, options: &SqliteOptions) -> Result<(), Failure> {
        // Before the look: what is written from now on changes it. Most beats end here, for a tenth of what SQLite takes
        // to say the same.
        let log = Log::of(&self.log).filter(|log| log.is_still(SystemTime::now()));
        let same = |eye: &Eye| log.is_some() && eye.log == log && eye.looked.elapsed() < LONGEST;
        let eye = match eye {
            Some(eye) if same(eye) => return Ok(()),
            Some(eye) => eye,
            None => {
                let conn = connect(&self.path, options, Use::Read)?;
                eye.insert(Eye { conn, seen: None, log: None, looked: Instant::now() })
            }
        };
        self.asked.fetch_add(1, Ordering::Relaxed);
        let version = eye.conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if eye.seen != Some(version) {
            // Read after the version: a commit between the two is rung now and found again at the next look.
            self.bell.ring(rows::last(&eye.conn)?);
            eye.seen = Some(version);
        }
        (eye.log, eye.looked) = (log, Instant::now());
        Ok(())
    }
}

#[cfg(test)]
impl Watch {
    /// How often the thread has looked.
    pub(super) fn looks(&self) -> u64 {
        self.shared.looks.load(Ordering::Relaxed)
    }

    /// How often it has asked SQLite.
    pub(super) fn asked(&self) -> u64 {
        self.shared.asked.load(Ordering::Relaxed)
    }

    /// Blocks until the thread is parked.
    pub(super) fn until_parked(&self) {
        let mut crowd = lock(&self.shared.crowd);
        while !crowd.parked {
            crowd = self.shared.changed.wait(crowd).unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_was_written_a_moment_ago_or_in_the_future_is_looked_into() {
        let now = SystemTime::now();
        let written = |modified| Log { file: (1, 2), length: 3, modified };
        assert!(written(now - 2 * TICK).is_still(now));
        assert!(!written(now - TICK / 2).is_still(now));
        assert!(!written(now + 2 * TICK).is_still(now), "a clock that was set back");
    }

    #[test]
    fn a_write_of_the_same_length_and_a_file_in_its_place_are_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert_eq!(Log::of(&path), None);
        let write = |text: &str, minute: u64| {
            std::fs::write(&path, text).unwrap();
            let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(60 * minute);
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
            Log::of(&path).unwrap()
        };
        let first = write("one", 1);
        assert_eq!(Log::of(&path), Some(first.clone()));
        assert_ne!(write("two", 2), first);
        assert_ne!(write("more", 1), first);
        std::fs::rename(&path, folder.path().join("kept")).unwrap();
        assert_ne!(write("one", 1), first);
    }
}
