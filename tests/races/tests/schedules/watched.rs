//! A store whose every call is a chance for the others to go first.

use std::sync::{Arc, Mutex};

use approvals_races_core::async_trait;
use approvals_races_core::id::{Seq, Version};
use approvals_races_core::ledger::{Append, Appended, Event, Record, Store, StoreError, Stream};
use approvals_test_support::hand_on;
use shuttle::future::yield_now;

/// Hands everything on, and keeps what was to be claimed together with a verdict.
#[derive(Clone)]
pub(crate) struct Watched {
    inner: Arc<dyn Store>,
    together: Arc<Mutex<Vec<(Stream, Version)>>>,
}

impl Watched {
    pub(crate) fn over(store: impl Store) -> Self {
        Self { inner: Arc::new(store), together: Arc::default() }
    }

    /// At which versions a verdict was to be written with its claim, try by try.
    pub(crate) fn together(&self) -> Vec<(Stream, Version)> {
        self.together.lock().unwrap().clone()
    }
}

#[async_trait]
impl Store for Watched {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        yield_now().await;
        let claims = append.events.iter().any(|new| matches!(new.event, Event::Started { .. }));
        if let Some(version) = append.expected.filter(|_| claims && append.events.len() > 1) {
            self.together.lock().unwrap().push((append.stream, version));
        }
        let appended = self.inner.append(append).await;
        yield_now().await;
        appended
    }

    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError> {
        yield_now().await;
        let history = self.inner.history(stream).await;
        yield_now().await;
        history
    }

    async fn records(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        yield_now().await;
        self.inner.records(after, limit).await
    }

    async fn last(&self) -> Result<Seq, StoreError> {
        yield_now().await;
        self.inner.last().await
    }

    hand_on!(approvals_races_core, inner: list, wait_past, hold_node, key);
}
