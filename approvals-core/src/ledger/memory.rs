//! The ledger in memory: for tests, and for programs that need no history.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, PoisonError};

use async_trait::async_trait;

use super::{
    Append, Appended, Bell, Cursor, Draft, Filter, Known, NodeHold, Page, Record, Store, StoreError,
    StoreErrorKind, Stream, Summary,
};
use crate::id::{NodeName, Seq, SystemChance};
use crate::request::StoreKey;
use crate::state::State;
use crate::sync::{Mutex, MutexGuard};
use crate::time::{Clock, SystemClock};

/// A ledger that lives as long as its last handle. Clones are the same ledger.
#[derive(Clone)]
pub struct Memory(Arc<Inner>);

struct Inner {
    tables: Mutex<Tables>,
    held: Arc<Mutex<BTreeSet<NodeName>>>,
    bell: Bell,
    clock: Arc<dyn Clock>,
    key: StoreKey,
}

#[derive(Default)]
struct Tables {
    records: Vec<Record>,
    streams: HashMap<Stream, History>,
    /// By the place where each was opened.
    requests: BTreeMap<Seq, Summary>,
}

/// A stream with its fold, so that an append costs the same however long the stream is.
#[derive(Default)]
struct History {
    state: State,
    opened: Option<Seq>,
    records: Vec<Record>,
}

impl Memory {
    /// An empty ledger on the system's clock.
    ///
    /// # Errors
    /// If the operating system gives no randomness for its key.
    pub fn new() -> Result<Self, StoreError> {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty ledger whose records are stamped by the given clock.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn with_clock(clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let (key, _) = StoreKey::fresh(&SystemChance)
            .map_err(|e| StoreError::new(StoreErrorKind::Other, e.to_string()))?;
        Ok(Self(Arc::new(Inner {
            tables: Mutex::default(),
            held: Arc::default(),
            bell: Bell::default(),
            clock,
            key,
        })))
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        // A poisoned lock is safe to enter: every write below is complete or not begun.
        self.0.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for Memory {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        let draft = Draft::new(append)?;
        let stream = draft.stream();
        let mut tables = self.tables();
        let Tables { records, streams, requests } = &mut *tables;
        let mut none = History::default();
        let history = streams.get_mut(&stream).unwrap_or(&mut none);
        let (state, sealed) = draft.seal(&history.state, self.0.clock.now())?;
        let version = state.version();
        history.state = state;
        let mut written = Vec::with_capacity(sealed.len());
        for mut sealed in sealed {
            let seq = Seq(records.len() as u64 + 1);
            if let Some(summary) = sealed.summary.take() {
                requests.insert(*history.opened.get_or_insert(seq), summary);
            }
            let record = Record::at(seq, sealed);
            records.push(record.clone());
            history.records.push(record.clone());
            written.push(record);
        }
        let seq = Seq(records.len() as u64);
        if !none.records.is_empty() {
            streams.insert(stream, none);
        }
        drop(tables);
        self.0.bell.ring(seq);
        Ok(Appended { seq, version, records: written })
    }

    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError> {
        let tables = self.tables();
        Ok(tables.streams.get(&stream).map(|history| history.records.clone()).unwrap_or_default())
    }

    async fn history_past(&self, stream: Stream, known: &Known) -> Result<Option<Vec<Record>>, StoreError> {
        let tables = self.tables();
        let records = tables.streams.get(&stream).map(|history| &*history.records).unwrap_or_default();
        Ok(known.end_in(records).map(|end| records.get(end..).unwrap_or_default().to_vec()))
    }

    async fn list(&self, filter: &Filter, after: Option<Cursor>, limit: usize) -> Result<Page, StoreError> {
        let tables = self.tables();
        let before = after.map_or(Bound::Unbounded, |cursor| Bound::Excluded(cursor.0));
        let mut found = tables
            .requests
            .range((Bound::Unbounded, before))
            .rev()
            .filter(|(_, summary)| filter.admits(summary));
        let page: Vec<_> = found.by_ref().take(limit).collect();
        let next = found.next().and(page.last()).map(|(opened, _)| Cursor(**opened));
        Ok(Page { summaries: page.into_iter().map(|(_, summary)| summary.clone()).collect(), next })
    }

    async fn records(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        let tables = self.tables();
        let start = usize::try_from(after.0).unwrap_or(usize::MAX);
        Ok(tables.records.iter().skip(start).take(limit).cloned().collect())
    }

    async fn last(&self) -> Result<Seq, StoreError> {
        Ok(Seq(self.tables().records.len() as u64))
    }

    async fn wait_past(&self, after: Seq) -> Result<(), StoreError> {
        self.0.bell.wait_past(after).await;
        Ok(())
    }

    async fn hold_node(&self, node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        let held = Arc::clone(&self.0.held);
        let fresh = held.lock().unwrap_or_else(PoisonError::into_inner).insert(node.clone());
        Ok(fresh.then(|| NodeHold::new(Held { node: node.clone(), held })))
    }

    fn key(&self) -> &StoreKey {
        &self.0.key
    }
}

struct Held {
    node: NodeName,
    held: Arc<Mutex<BTreeSet<NodeName>>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.node);
    }
}
