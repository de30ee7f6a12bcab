//! The ledger in memory: for tests, and for programs that need no history.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{
    Append, Appended, Bell, Cursor, Filter, NodeHold, Page, Record, Store, StoreError, StoreErrorKind,
    Stream, Summary, seal,
};
use crate::id::{NodeName, RequestId, Seq, SystemChance};
use crate::request::StoreKey;
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
    records: Vec<Arc<Record>>,
    streams: HashMap<Stream, Vec<Arc<Record>>>,
    /// By the place at which a request was opened, which is the order of the list.
    summaries: BTreeMap<Seq, Summary>,
    opened: HashMap<RequestId, Seq>,
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
        let mut tables = self.tables();
        let stream = append.stream;
        let history = match stream {
            Stream::Request(_) => tables.streams.get(&stream).map(Vec::as_slice).unwrap_or_default(),
            Stream::System | Stream::Allowed => &[],
        };
        let before = history.last().map(|record| record.body.version).unwrap_or_default();
        let sealed = seal(history.iter().map(Arc::as_ref), append, self.0.clock.now())?;
        let version = sealed.last().map_or(before, |sealed| sealed.body.version);
        for sealed in sealed {
            let seq = Seq(tables.records.len() as u64 + 1);
            if let Some(summary) = sealed.summary {
                let opened = *tables.opened.entry(summary.id).or_insert(seq);
                tables.summaries.insert(opened, summary);
            }
            let record = Arc::new(Record {
                seq,
                body: sealed.body,
                bytes: sealed.bytes,
                payload: sealed.payload,
                signature: sealed.signature,
            });
            tables.records.push(Arc::clone(&record));
            tables.streams.entry(stream).or_default().push(record);
        }
        let seq = Seq(tables.records.len() as u64);
        drop(tables);
        self.0.bell.ring(seq);
        Ok(Appended { seq, version })
    }

    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError> {
        let tables = self.tables();
        let records = tables.streams.get(&stream).map(Vec::as_slice).unwrap_or_default();
        Ok(records.iter().map(|record| (**record).clone()).collect())
    }

    async fn list(&self, filter: &Filter, after: Option<Cursor>, limit: usize) -> Result<Page, StoreError> {
        let tables = self.tables();
        let before = after.map_or(Bound::Unbounded, |cursor| Bound::Excluded(cursor.0));
        let newest_first = tables.summaries.range((Bound::Unbounded, before)).rev();
        let mut found = newest_first.filter(|(_, summary)| filter.admits(summary));
        let mut page = Page::default();
        let mut last = None;
        for (opened, summary) in found.by_ref().take(limit) {
            page.summaries.push(summary.clone());
            last = Some(Cursor(*opened));
        }
        page.next = last.filter(|_| found.next().is_some());
        Ok(page)
    }

    async fn records(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        let tables = self.tables();
        let start = usize::try_from(after.0).unwrap_or(usize::MAX);
        Ok(tables.records.iter().skip(start).take(limit).map(|record| (**record).clone()).collect())
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
