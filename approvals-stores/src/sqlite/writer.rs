//! The one thread that writes: everything that waits becomes one commit.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use approvals_core::id::{Seq, Version};
use approvals_core::ledger::{Append, Appended, Bell, StoreError, StoreErrorKind, Stream, Summary, seal};
use approvals_core::state::{State, apply};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::error::{Failure, closed};
use super::queue::Queue;
use super::rows::{Line, Lines};
use super::schema::{Use, connect};
use super::{SqliteOptions, rows};

/// The most appends in one commit, so that the first of them does not wait for all the world.
const BATCH: usize = 1_024;

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

enum Job {
    Append(Box<Append>, Reply<Appended>),
    Rebuild(Reply<u64>),
}

/// The way to the thread that writes.
pub(super) struct Writer {
    queue: Queue<Job>,
    path: Arc<Path>,
}

impl Writer {
    /// Starts the thread on a connection that is ready to write.
    pub(super) fn start(
        conn: Connection,
        path: Arc<Path>,
        options: SqliteOptions,
        bell: Arc<Bell>,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = Queue::new();
        let mut scribe = Scribe { path: Arc::clone(&path), options, bell, conn: Some(conn) };
        queue.thread("approvals-write", move || scribe.work(&jobs))?;
        Ok(Self { queue, path })
    }

    /// Hands an append over at once; what becomes of it does not depend on whether the answer is awaited.
    pub(super) async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        self.ask(|reply| Job::Append(Box::new(append), reply)).await
    }

    /// Folds every request anew.
    pub(super) async fn rebuild(&self) -> Result<u64, StoreError> {
        self.ask(Job::Rebuild).await
    }

    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.queue.push(job(reply));
        answer.await.unwrap_or_else(|_| Err(closed(&self.path)))
    }

    /// Writes what waits and ends. Blocks.
    pub(super) fn close(&self) {
        self.queue.close();
    }
}

/// Sits on the thread that writes.
struct Scribe {
    path: Arc<Path>,
    options: SqliteOptions,
    bell: Arc<Bell>,
    conn: Option<Connection>,
}

impl Scribe {
    fn work(&mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            let mut next = Some(job);
            while let Some(job) = next.take() {
                match job {
                    Job::Append(append, reply) => next = self.commit_all(*append, reply, jobs),
                    Job::Rebuild(reply) => {
                        let _ = reply.send(self.rebuild());
                    }
                }
            }
        }
        if let Some(conn) = self.conn.take() {
            // Nothing hangs on it: the log is as durable as the file, and whoever opens the store next reads both.
            if let Err(error) = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
                tracing::warn!(path = %self.path.display(), %error, "the write-ahead log was not folded into the file");
            }
        }
    }

    /// Commits this append and all that wait behind it at once. Gives back the job that ended the batch, if one did.
    fn commit_all(&mut self, append: Append, reply: Reply<Appended>, jobs: &Receiver<Job>) -> Option<Job> {
        let mut appends = vec![append];
        let mut replies = vec![reply];
        let begun = self.begin();
        // Gathered when the lock is held, and not before: what came while another process held it rides along.
        let mut other = None;
        while appends.len() < BATCH {
            match jobs.try_recv() {
                Ok(Job::Append(append, reply)) => {
                    appends.push(*append);
                    replies.push(reply);
                }
                Ok(job) => {
                    other = Some(job);
                    break;
                }
                Err(_) => break,
            }
        }
        let answers = begun.and_then(|conn| {
            let answers = self.write(&conn, appends).map_err(|failure| failure.at(&self.path))?;
            self.conn = Some(conn);
            Ok(answers)
        });
        match answers {
            Ok(Written { last, answers }) => {
                self.bell.ring(last);
                for (reply, answer) in replies.into_iter().zip(answers) {
                    let _ = reply.send(answer);
                }
            }
            // The connection is closed by now: after a failed sync the system may call dirty pages clean, and a second
            // try on the same handle would succeed without them.
            Err(error) => {
                tracing::error!(%error, appends = replies.len(), "a commit failed");
                for reply in replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
        other
    }

    /// A connection that holds the write lock.
    fn begin(&mut self) -> Result<Connection, StoreError> {
        let conn = match self.conn.take() {
            Some(conn) => Ok(conn),
            None => connect(&self.path, &self.options, Use::Write),
        };
        conn.and_then(|conn| {
            conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            Ok(conn)
        })
        .map_err(|failure| failure.at(&self.path))
    }

    /// Judges each append on its own, writes those that stand, and commits.
    fn write(&self, conn: &Connection, appends: Vec<Append>) -> Result<Written, Failure> {
        let mut last = rows::last(conn)?;
        let mut answers = Vec::with_capacity(appends.len());
        for append in appends {
            answers.push(match self.judge(conn, append) {
                Ok((before, lines)) => {
                    let (seq, version) = lines.write(conn, last)?;
                    last = seq;
                    Ok(Appended { seq, version: version.unwrap_or(before) })
                }
                // Refused before anything of it was written: its neighbours stand.
                Err(Failure::Store(refused)) => Err(refused),
                Err(failure) => return Err(failure),
            });
        }
        conn.prepare_cached("COMMIT")?.execute([])?;
        Ok(Written { last, answers })
    }

    /// What is to be written, and the version that the stream is at before. The time is taken here, under the lock.
    fn judge(&self, conn: &Connection, append: Append) -> Result<(Version, Lines), Failure> {
        let history = match append.stream {
            Stream::Request(_) => rows::history(conn, append.stream)?,
            Stream::System | Stream::Allowed => Vec::new(),
        };
        let before = history.last().map(|record| record.body.version).unwrap_or_default();
        let sealed = seal(&history, append, self.options.clock.now()).map_err(StoreError::from)?;
        Ok((before, Lines::of(sealed)?))
    }

    fn rebuild(&mut self) -> Result<u64, StoreError> {
        let conn = self.begin()?;
        let rebuilt = rebuild(&conn).map_err(|failure| failure.at(&self.path))?;
        self.conn = Some(conn);
        Ok(rebuilt)
    }
}

/// A commit: where the ledger ends now, and one answer for each append.
struct Written {
    last: Seq,
    answers: Vec<Result<Appended, StoreError>>,
}

fn rebuild(conn: &Connection) -> Result<u64, Failure> {
    conn.execute("DELETE FROM summaries", [])?;
    let mut ask = conn.prepare(
        "SELECT DISTINCT stream FROM records WHERE stream NOT IN ('system', 'allowed') ORDER BY stream",
    )?;
    let mut streams = ask.query([])?;
    let mut rebuilt = 0;
    while let Some(row) = streams.next()? {
        let stream: Stream = row.get::<_, String>(0)?.parse().map_err(unfit)?;
        let history = rows::history(conn, stream)?;
        let mut state = State::default();
        let mut first = None;
        for record in &history {
            state = apply(&state, &record.body).map_err(unfit)?;
            if first.is_none() && state.opened().is_some() {
                first = Some(record.seq);
            }
        }
        if let (Some(first), Some(summary)) = (first, Summary::of(&state)) {
            Line::known(summary)?.write(conn, first)?;
            rebuilt += 1;
        }
    }
    drop(streams);
    conn.execute_batch("COMMIT")?;
    Ok(rebuilt)
}

fn unfit(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    let message = format!("the records of a request do not fold ({error}); restore the store from a backup");
    StoreError::new(StoreErrorKind::Unreadable, message)
}
