//! The one thread that writes: everything that waits becomes one commit.

use std::path::Path;
use std::sync::Arc;

use approvals_core::id::Seq;
use approvals_core::ledger::{
    Append, Appended, Bell, Draft, Event, StoreError, StoreErrorKind, Stream, Summary,
};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::batch::{Batch, Entry, Pace, Reply};
use super::error::{Failure, closed};
use super::lately::Lately;
use super::node::Names;
use super::place::{Files, Standing, displaced};
use super::queue::{Jobs, Next, Queue};
use super::recent::{Known, Recent};
use super::rows::{Filed, Line, Quill, Sheet};
use super::schema::{Use, connect};
use super::{SqliteOptions, rows};

/// The most appends in one commit, so that the first of them does not wait for all the world.
const BATCH: usize = 1_024;

enum Job {
    Append(Entry),
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
        names: Arc<Names>,
        lately: Arc<Lately>,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = Queue::new();
        let (pen, files) = (Some(Pen::new(conn)), Files::of(&path));
        let stood = files.stand().ok();
        let mut scribe = Scribe {
            path: Arc::clone(&path),
            files,
            options,
            bell,
            names,
            lately,
            pen,
            stood,
            displaced: false,
        };
        queue.thread("approvals-write", move || scribe.work(&jobs))?;
        Ok(Self { queue, path })
    }

    /// Hands an append over at once; what becomes of it does not depend on whether the answer is awaited.
    pub(super) async fn append(&self, append: Append, pace: Pace) -> Result<Appended, StoreError> {
        // Written down here, by whoever has the append: the one thread that writes does what nobody else can.
        let sheet = Sheet::new(append)?;
        self.ask(|reply| Job::Append(Entry { sheet, reply, pace })).await
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
    files: Files,
    options: SqliteOptions,
    bell: Arc<Bell>,
    names: Arc<Names>,
    lately: Arc<Lately>,
    pen: Option<Pen>,
    /// Where the store stood when it was last written.
    stood: Option<Standing>,
    /// Its files were taken away. For good: what this process still reads is not what others read by now.
    displaced: bool,
}

impl Scribe {
    fn work(&mut self, jobs: &Jobs<Job>) {
        let mut batch = Batch::new(self.options.company);
        loop {
            match jobs.next_until(batch.until()) {
                Next::Work(Job::Append(entry)) => {
                    batch.put(entry);
                    if batch.is_due() {
                        self.commit(&mut batch, jobs);
                    }
                }
                Next::Work(Job::Rebuild(reply)) => self.rebuild(reply),
                Next::TimeIsOver => self.commit(&mut batch, jobs),
                Next::Closed => {
                    if batch.len() > 0 {
                        self.commit(&mut batch, jobs);
                    }
                    break;
                }
            }
        }
        if let Some(Pen { conn, .. }) = self.pen.take() {
            // Nothing hangs on it: the log is as durable as the file, and whoever opens the store next reads both.
            if let Err(error) = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
                tracing::warn!(path = %self.path.display(), %error, "the write-ahead log was not folded into the file; leave the `-wal` beside it, and whoever opens the store next reads both");
            }
        }
    }

    /// Commits a batch and all that wait behind it at once.
    fn commit(&mut self, batch: &mut Batch, jobs: &Jobs<Job>) {
        let begun = self.begin();
        // Gathered when the lock is held, and not before: what came while another process held it rides along.
        let mut other = None;
        while batch.len() < BATCH {
            match jobs.next_now() {
                Some(Job::Append(entry)) => batch.put(entry),
                Some(Job::Rebuild(reply)) => {
                    other = Some(reply);
                    break;
                }
                None => break,
            }
        }
        let (sheets, replies) = batch.take();
        let written = begun.and_then(|mut pen| {
            let written = self.write(&mut pen, sheets).map_err(|failure| failure.at(&self.path))?;
            self.pen = Some(pen);
            Ok(written)
        });
        match written {
            Ok(Committed { last, answers }) => {
                let answers: Vec<_> = answers.into_iter().map(|answer| self.told(answer)).collect();
                self.bell.ring(last);
                for (reply, answer) in replies.into_iter().zip(answers) {
                    let _ = reply.send(answer);
                }
            }
            // The connection is closed by now: after a failed sync the system may call dirty pages clean, and a second
            // try on the same handle would succeed without them.
            Err(error) => {
                tracing::error!(%error, appends = replies.len(), "a commit failed and its callers were told; do what the error says");
                for reply in replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
        if let Some(reply) = other {
            self.rebuild(reply);
        }
    }

    /// What is told of an append that was committed, which is kept to be read.
    fn told(&self, answer: Result<Filed, StoreError>) -> Result<Appended, StoreError> {
        let Filed { seq, version, written } = answer?;
        let records = written.iter().map(|written| written.record.clone()).collect();
        self.lately.put(written.into_iter());
        Ok(Appended { seq, version, records })
    }

    /// A pen that holds the write lock.
    fn begin(&mut self) -> Result<Pen, StoreError> {
        if self.displaced {
            return Err(displaced(&self.path));
        }
        let (pen, same) = match self.pen.take() {
            Some(pen) => (Ok(pen), true),
            None => (connect(&self.path, &self.options, Use::Write).map(Pen::new), false),
        };
        let pen = pen.and_then(|pen| {
            pen.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            Ok(pen)
        });
        let pen = pen.map_err(|failure| failure.at(&self.path))?;
        self.check_place(same)?;
        Ok(pen)
    }

    /// Refuses to write where nobody else reads. A connection that was made anew may have a log that was made anew.
    fn check_place(&mut self, same_connection: bool) -> Result<(), StoreError> {
        let stands = self.files.stand().inspect_err(|_| self.displaced = true)?;
        stands.refuse_second_name(&self.path)?;
        self.displaced = self.stood.as_ref().is_some_and(|stood| match same_connection {
            true => !stood.is_of_the_files(&stands),
            false => !stood.is_of_the_file(&stands),
        });
        self.stood = Some(stands);
        if self.displaced { Err(displaced(&self.path)) } else { Ok(()) }
    }

    /// Judges each append on its own, writes those that stand, and commits.
    fn write(&self, pen: &mut Pen, sheets: Vec<Sheet>) -> Result<Committed, Failure> {
        let Pen { conn, recent } = pen;
        let mut last = recent.check(conn)?;
        let mut quill = Quill::new(conn)?;
        let mut answers = Vec::with_capacity(sheets.len());
        for sheet in sheets {
            let known = match self.check_node(&sheet.draft) {
                Ok(()) => recent.known(conn, sheet.draft.stream()),
                Err(refused) => Err(refused.into()),
            };
            // The time is taken here, under the lock.
            let judged = known.and_then(|known| {
                let judged = sheet.judge(known, self.options.clock.now())?;
                Ok((known, judged))
            });
            answers.push(match judged {
                Ok((known, (mut after, lines))) => {
                    let behind = last;
                    last = quill.write(&lines, behind, &mut after.opened)?;
                    let version = after.state.version();
                    *known = after;
                    Ok(lines.filed(behind, version))
                }
                // Refused before anything of it was written: its neighbours stand.
                Err(Failure::Store(refused)) => Err(refused),
                Err(failure) => return Err(failure),
            });
        }
        drop(quill);
        conn.prepare_cached("COMMIT")?.execute([])?;
        recent.reached(last);
        Ok(Committed { last, answers })
    }

    /// Whether a body may start on this node.
    fn check_node(&self, draft: &Draft) -> Result<(), StoreError> {
        match draft.events().any(|event| matches!(event, Event::Started { .. })) {
            true => self.names.check(&self.path, draft.node()),
            false => Ok(()),
        }
    }

    fn rebuild(&mut self, reply: Reply<u64>) {
        let _ = reply.send(self.try_rebuild());
    }

    fn try_rebuild(&mut self) -> Result<u64, StoreError> {
        let pen = self.begin()?;
        let rebuilt = rebuild(&pen.conn).map_err(|failure| failure.at(&self.path))?;
        self.pen = Some(pen);
        Ok(rebuilt)
    }
}

/// What one connection writes with. Gone as a whole when a commit fails.
struct Pen {
    conn: Connection,
    recent: Recent,
}

impl Pen {
    fn new(conn: Connection) -> Self {
        Self { conn, recent: Recent::default() }
    }
}

/// A commit: where the ledger ends now, and one answer for each append.
struct Committed {
    last: Seq,
    answers: Vec<Result<Filed, StoreError>>,
}

fn rebuild(conn: &Connection) -> Result<u64, Failure> {
    conn.execute("DELETE FROM summaries", [])?;
    let mut ask = conn.prepare(
        "SELECT DISTINCT stream FROM records WHERE stream NOT IN ('system', 'allowed') ORDER BY stream",
    )?;
    let mut streams = ask.query([])?;
    let mut quill = Quill::new(conn)?;
    let mut rebuilt = 0;
    while let Some(row) = streams.next()? {
        let stream: Stream = row.get::<_, String>(0)?.parse().map_err(unfit)?;
        let Known { state, opened } = rows::known(conn, stream)?;
        if let (Some(opened), Some(summary)) = (opened, Summary::of(&state)) {
            quill.summarise(&Line::of(summary)?, opened)?;
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
