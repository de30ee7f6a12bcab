//! How a waiter learns what another process wrote: one thread looks, and only while somebody waits.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use approvals_core::id::Seq;
use approvals_core::ledger::{Bell, StoreError};
use rusqlite::Connection;
use tokio::sync::watch;

use super::error::{Failure, closed};
use super::queue::{Queue, lock};
use super::schema::{Use, connect};
use super::sync::{Condvar, Mutex, rest};
use super::{SqliteOptions, error, rows};

/// SQLite tells nobody about a commit of another process, so somebody has to look (law 14).
const BEAT: Duration = Duration::from_millis(20);

/// Rings the bell for what other processes write.
pub(super) struct Watch {
    shared: Arc<Shared>,
    thread: Mutex<Option<Queue<()>>>,
    options: SqliteOptions,
}

struct Shared {
    path: Arc<Path>,
    bell: Arc<Bell>,
    crowd: Mutex<Crowd>,
    changed: Condvar,
    /// The last look that failed; whoever waits then is told.
    failed: watch::Sender<Option<StoreError>>,
    looks: AtomicU64,
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
            path,
            bell,
            crowd: Mutex::default(),
            changed: Condvar::new(),
            failed: watch::Sender::new(None),
            looks: AtomicU64::new(0),
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

/// A connection and the version of the file that it saw last.
struct Eye {
    conn: Connection,
    seen: Option<i64>,
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
        let eye = match eye {
            Some(eye) => eye,
            None => eye.insert(Eye { conn: connect(&self.path, options, Use::Read)?, seen: None }),
        };
        let version = eye.conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if eye.seen != Some(version) {
            // Read after the version: a commit between the two is rung now and found again at the next look.
            self.bell.ring(rows::last(&eye.conn)?);
            eye.seen = Some(version);
        }
        Ok(())
    }
}

#[cfg(test)]
impl Watch {
    /// How often the thread has looked.
    pub(super) fn looks(&self) -> u64 {
        self.shared.looks.load(Ordering::Relaxed)
    }

    /// Blocks until the thread is parked.
    pub(super) fn until_parked(&self) {
        let mut crowd = lock(&self.shared.crowd);
        while !crowd.parked {
            crowd = self.shared.changed.wait(crowd).unwrap();
        }
    }
}
