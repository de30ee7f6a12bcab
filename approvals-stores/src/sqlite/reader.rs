//! The threads that read. In a write-ahead log readers wait for nobody.

use std::path::Path;
use std::sync::Arc;

use approvals_core::ledger::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::SqliteOptions;
use super::error::{Failure, closed};
use super::queue::Queue;
use super::schema::{Use, connect};

/// Two, so that reading the whole ledger for an audit does not hold up the reading of one request.
const THREADS: usize = 2;

/// Statements that a connection keeps prepared; `list` makes one for each number of phases.
const STATEMENTS: usize = 32;

type Job = Box<dyn FnOnce(&mut Lectern) + Send>;

/// The way to the threads that read.
pub(super) struct Readers {
    queue: Queue<Job>,
    path: Arc<Path>,
}

/// Where one thread reads.
struct Lectern {
    path: Arc<Path>,
    options: SqliteOptions,
    conn: Option<Connection>,
}

impl Readers {
    pub(super) fn start(path: Arc<Path>, options: &SqliteOptions) -> std::io::Result<Self> {
        let (queue, jobs) = Queue::<Job>::new();
        let jobs = Arc::new(jobs);
        for _ in 0..THREADS {
            let jobs = Arc::clone(&jobs);
            let mut lectern = Lectern { path: Arc::clone(&path), options: options.clone(), conn: None };
            queue.thread("approvals-read", move || {
                while let Some(job) = jobs.next() {
                    job(&mut lectern);
                }
            })?;
        }
        Ok(Self { queue, path })
    }

    /// Reads on one of the threads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |lectern| lectern.read(read)).await
    }

    /// Does work that touches the file system and not the database.
    pub(super) async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |lectern| work(&lectern.path)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Lectern) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.push(Box::new(move |lectern| {
            let _ = reply.send(work(lectern));
        }));
        answer.await.unwrap_or_else(|_| Err(closed(&self.path)))
    }

    /// Answers what waits and ends. Blocks.
    pub(super) fn close(&self) {
        self.queue.close();
    }
}

impl Lectern {
    fn read<T>(&mut self, read: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, StoreError> {
        let conn = match self.conn.take() {
            Some(conn) => Ok(conn),
            None => connect(&self.path, &self.options, Use::Read)
                .inspect(|conn| conn.set_prepared_statement_cache_capacity(STATEMENTS)),
        };
        // A connection that failed is not used again.
        let found = conn.and_then(|conn| read(&conn).map(|found| (conn, found)));
        let (conn, found) = found.map_err(|failure| failure.at(&self.path))?;
        self.conn = Some(conn);
        Ok(found)
    }
}
