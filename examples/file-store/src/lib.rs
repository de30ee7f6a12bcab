//! A store of one's own: a ledger in a text file, one line per append, for one process at a time.
//!
//! What a store has to do is little, because the rules are in core: read the history of a stream, take the time, call
//! [`seal`], write what it gives, all or nothing, and answer when it is durable. The conformance suite in `tests/` says
//! whether it does.
//!
//! Everything is kept in memory as well, so this one is for ledgers that fit there.

mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use approvals::async_trait;
use approvals::id::{NodeName, RequestId, Seq};
use approvals::ledger::{
    Append, Appended, Bell, Cursor, Filter, NodeHold, Page, Record, Store, StoreError, StoreErrorKind,
    Stream, Summary, seal,
};
use approvals::request::StoreKey;
use approvals::state::State;
use approvals::time::{Clock, SystemClock};

use crate::file::File;

/// A ledger in a folder: `ledger.jsonl`, and `key` for secret arguments. Clones are the same ledger.
#[derive(Clone)]
pub struct FileStore(Arc<Inner>);

struct Inner {
    ledger: Mutex<Ledger>,
    /// The names that runs of this process hold. Other processes are kept out by the lock on the file.
    nodes: Arc<Mutex<BTreeSet<NodeName>>>,
    bell: Bell,
    clock: Arc<dyn Clock>,
    key: StoreKey,
}

struct Ledger {
    file: File,
    records: Vec<Record>,
    /// Each request with the place where it was opened.
    requests: BTreeMap<RequestId, (Seq, Summary)>,
}

impl FileStore {
    /// Opens the ledger of a folder, or makes one. The folder must exist.
    ///
    /// # Errors
    /// If another process has it open, if a line is no record, or if the folder cannot be read or written.
    pub async fn open(folder: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Self::open_with(folder, Arc::new(SystemClock)).await
    }

    /// The same, with records stamped by this clock.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub async fn open_with(folder: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let folder = folder.into();
        blocking(move || {
            let (file, records) = File::open(&folder)?;
            let key = file::key(&folder)?;
            let last = Seq(records.len() as u64);
            let mut ledger = Ledger { file, records: Vec::new(), requests: BTreeMap::new() };
            ledger.take_in(records)?;
            let (bell, nodes) = (Bell::default(), Arc::default());
            bell.ring(last);
            Ok(Self(Arc::new(Inner { ledger: Mutex::new(ledger), nodes, bell, clock, key })))
        })
        .await
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Nothing panics while it is held, and what is in it changes only after a write has succeeded.
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append_now(&self, append: Append) -> Result<Appended, StoreError> {
        let mut ledger = self.ledger();
        let stream = append.stream;
        let history: Vec<&Record> = ledger.of(stream).collect();
        let before = history.last().map(|record| record.body.version).unwrap_or_default();
        // Judged under the lock, at the time that is written: between this and the write nobody else can append.
        let sealed = seal(history, append, self.0.clock.now())?;
        let version = sealed.last().map_or(before, |sealed| sealed.body.version);
        let first = ledger.records.len() as u64 + 1;
        let records: Vec<Record> =
            (first..).zip(sealed).map(|(seq, sealed)| Record::at(Seq(seq), sealed)).collect();
        ledger.file.write(&records)?;
        ledger.take_in(records.clone())?;
        let seq = Seq(ledger.records.len() as u64);
        drop(ledger);
        self.0.bell.ring(seq);
        Ok(Appended { seq, version, records })
    }
}

impl Ledger {
    fn of(&self, stream: Stream) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(move |record| record.body.stream == stream)
    }

    /// Adds records that are in the file, and brings the summaries up to date: they are a fold, too.
    fn take_in(&mut self, records: Vec<Record>) -> Result<(), StoreError> {
        let streams: BTreeMap<Stream, Seq> =
            records.iter().rev().map(|record| (record.body.stream, record.seq)).collect();
        self.records.extend(records);
        for (stream, first) in streams {
            let Some(request) = stream.request() else { continue };
            let state = State::fold(self.of(stream)).map_err(|illegal| {
                let message = format!("the history of request {request} does not fold: {illegal}");
                StoreError::new(StoreErrorKind::Unreadable, message)
            })?;
            if let Some(summary) = Summary::of(&state) {
                let opened = self.requests.get(&request).map_or(first, |(opened, _)| *opened);
                self.requests.insert(request, (opened, summary));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Store for FileStore {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        // On a thread of its own: it waits for the disk, and it comes to its end also if the caller goes away.
        let store = self.clone();
        blocking(move || store.append_now(append)).await
    }

    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError> {
        Ok(self.ledger().of(stream).cloned().collect())
    }

    async fn list(&self, filter: &Filter, after: Option<Cursor>, limit: usize) -> Result<Page, StoreError> {
        let ledger = self.ledger();
        let mut found: Vec<&(Seq, Summary)> = ledger
            .requests
            .values()
            .filter(|(opened, summary)| {
                after.is_none_or(|Cursor(after)| *opened < after) && filter.admits(summary)
            })
            .collect();
        found.sort_by_key(|(opened, _)| std::cmp::Reverse(*opened));
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|(opened, _)| Cursor(*opened));
        Ok(Page { summaries: found.into_iter().map(|(_, summary)| summary.clone()).collect(), next })
    }

    async fn records(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        Ok(self.ledger().records.iter().filter(|record| record.seq > after).take(limit).cloned().collect())
    }

    async fn last(&self) -> Result<Seq, StoreError> {
        Ok(Seq(self.ledger().records.len() as u64))
    }

    async fn wait_past(&self, after: Seq) -> Result<(), StoreError> {
        // Only this process writes, so its own bell tells of everything.
        self.0.bell.wait_past(after).await;
        Ok(())
    }

    async fn hold_node(&self, node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        let nodes = Arc::clone(&self.0.nodes);
        let free = nodes.lock().unwrap_or_else(PoisonError::into_inner).insert(node.clone());
        Ok(free.then(|| NodeHold::new(Held { node: node.clone(), nodes })))
    }

    fn key(&self) -> &StoreKey {
        &self.0.key
    }
}

struct Held {
    node: NodeName,
    nodes: Arc<Mutex<BTreeSet<NodeName>>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.node);
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| {
        Err(StoreError::new(StoreErrorKind::Other, "the runtime is shutting down; read the history again"))
    })
}
