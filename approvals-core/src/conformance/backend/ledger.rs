//! The suite's ledger: in memory, shared by the processes of a rule, with two ways to be made worse.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;

use crate::id::{NodeName, Seq};
use crate::ledger::{
    Append, Appended, Cursor, Event, Filter, Memory, NodeHold, Page, Record, Store, StoreError,
    StoreErrorKind, Stream,
};
use crate::request::StoreKey;

/// Clones are the same ledger.
#[derive(Clone)]
pub(super) struct Ledger {
    memory: Memory,
    erased: Arc<AtomicBool>,
    losing: Arc<AtomicUsize>,
}

impl Ledger {
    pub(super) fn of(memory: Memory) -> Self {
        Self { memory, erased: Arc::default(), losing: Arc::default() }
    }

    /// From now on the values of every request are gone, as after an erasure.
    pub(super) fn erase_values(&self) {
        self.erased.store(true, Ordering::SeqCst);
    }

    /// The next so many records that a card was placed fail.
    pub(super) fn lose_placings(&self, count: usize) {
        self.losing.store(count, Ordering::SeqCst);
    }
}

#[async_trait]
impl Store for Ledger {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        let placing = append.events.iter().any(|new| matches!(new.event, Event::Presented { .. }));
        let one_less = |left: usize| left.checked_sub(1);
        if placing && self.losing.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            return Err(StoreError::new(StoreErrorKind::Busy, "the suite holds the ledger back"));
        }
        let mut appended = self.memory.append(append).await?;
        if self.erased.load(Ordering::SeqCst) {
            // The history has less by now.
            appended.records.clear();
        }
        Ok(appended)
    }

    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError> {
        let mut history = self.memory.history(stream).await?;
        if self.erased.load(Ordering::SeqCst) {
            for record in &mut history {
                if matches!(record.body.event, Event::Requested(_)) {
                    record.payload = None;
                }
            }
        }
        Ok(history)
    }

    async fn list(&self, filter: &Filter, after: Option<Cursor>, limit: usize) -> Result<Page, StoreError> {
        self.memory.list(filter, after, limit).await
    }

    async fn records(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.memory.records(after, limit).await
    }

    async fn last(&self) -> Result<Seq, StoreError> {
        self.memory.last().await
    }

    async fn wait_past(&self, after: Seq) -> Result<(), StoreError> {
        self.memory.wait_past(after).await
    }

    async fn hold_node(&self, node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        self.memory.hold_node(node).await
    }

    fn key(&self) -> &StoreKey {
        self.memory.key()
    }
}
