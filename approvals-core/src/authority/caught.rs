//! Policies, directories, stores and backends are others' code. That one panics is an answer too, and a closed one (law 6).

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;

use super::Patience;
use crate::id::{AgentId, GroupId, NodeName, PersonId, Seq};
use crate::ledger::{
    Append, Appended, Cursor, Filter, Known, NodeHold, Page, Record, Store, StoreError, StoreErrorKind,
    Stream,
};
use crate::people::{Directory, DirectoryError, Identity, Person};
use crate::request::StoreKey;

/// It panicked. What it said is in the log of the panic and nowhere else: it may hold a secret (law 12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Panicked;

impl Panicked {
    /// What it panicked with is never dropped: that may be code of the others too, and panic once more.
    fn with(payload: Box<dyn Any + Send>) -> Self {
        std::mem::forget(payload);
        Self
    }
}

/// In a box: a block that pins what it is given has room for it twice, and each block around it twice as much again.
pub(crate) fn caught<F: Future>(future: F) -> impl Future<Output = Result<F::Output, Panicked>> + use<F> {
    let mut future = Box::pin(future);
    poll_fn(move |cx| caught_poll(future.as_mut(), cx))
}

/// One turn of a future that may panic, after which it is not polled again.
pub(crate) fn caught_poll<F: Future>(
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Poll<Result<F::Output, Panicked>> {
    let polled = catch_unwind(AssertUnwindSafe(|| future.poll(cx)));
    polled.map_or_else(|payload| Err(Panicked::with(payload)).into(), |poll| poll.map(Ok))
}

pub(crate) fn caught_now<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(Panicked::with)
}

/// A directory whose panics are errors.
pub(crate) struct CaughtDirectory(pub(crate) Arc<dyn Directory>);

async fn answer<T>(asked: impl Future<Output = Result<T, DirectoryError>>) -> Result<T, DirectoryError> {
    let panicked = |Panicked| Err(DirectoryError("it panicked; the panic is in the log".to_owned()));
    caught(asked).await.unwrap_or_else(panicked)
}

// Called inside a block, so that one that panics before it gives its future is caught too.
#[deny(clippy::missing_trait_methods, reason = "a default would answer in its place")]
#[async_trait]
impl Directory for CaughtDirectory {
    async fn resolve(&self, identity: &Identity) -> Result<Option<Person>, DirectoryError> {
        answer(async { self.0.resolve(identity).await }).await
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, DirectoryError> {
        answer(async { self.0.person(id).await }).await
    }

    async fn members(&self, groups: &[GroupId]) -> Result<Option<Vec<Person>>, DirectoryError> {
        answer(async { self.0.members(groups).await }).await
    }

    async fn owner(&self, agent: &AgentId) -> Result<Option<PersonId>, DirectoryError> {
        answer(async { self.0.owner(agent).await }).await
    }
}

/// A store whose panics are failed reads and writes: tried again where those are, and as little believed. So are reads
/// that get no answer; a write belongs to whoever began it, who may be answered late.
pub(crate) struct CaughtStore(pub(crate) Arc<dyn Store>, pub(crate) Patience);

impl CaughtStore {
    async fn read<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        kept(self.1.answer(asked)).await
    }
}

async fn kept<T>(asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    caught(asked).await.unwrap_or_else(|Panicked| {
        let message = "the store panicked; the panic is in the log: tell whoever wrote the store";
        Err(StoreError::new(StoreErrorKind::Other, message))
    })
}

#[deny(clippy::missing_trait_methods, reason = "a default would answer in its place")]
#[async_trait]
impl Store for CaughtStore {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        kept(async { self.0.append(append).await }).await
    }

    async fn append_along(&self, append: Append) -> Result<Appended, StoreError> {
        kept(async { self.0.append_along(append).await }).await
    }

    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError> {
        self.read(async { self.0.history(stream).await }).await
    }

    async fn history_past(&self, stream: Stream, known: &Known) -> Result<Option<Vec<Record>>, StoreError> {
        self.read(async { self.0.history_past(stream, known).await }).await
    }

    async fn list(&self, filter: &Filter, after: Option<Cursor>, limit: usize) -> Result<Page, StoreError> {
        self.read(async { self.0.list(filter, after, limit).await }).await
    }

    async fn records(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.read(async { self.0.records(after, limit).await }).await
    }

    async fn last(&self) -> Result<Seq, StoreError> {
        self.read(async { self.0.last().await }).await
    }

    async fn wait_past(&self, after: Seq) -> Result<(), StoreError> {
        kept(async { self.0.wait_past(after).await }).await
    }

    async fn hold_node(&self, node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        self.read(async { self.0.hold_node(node).await }).await
    }

    fn key(&self) -> &StoreKey {
        self.0.key()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panics once more when it is dropped.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "a payload that panics, as part of the test");
        }
    }

    #[tokio::test]
    async fn a_payload_that_would_panic_when_it_is_dropped_is_caught_with_its_panic() {
        let asked = caught(async { std::panic::panic_any(Bomb) }).await;
        assert_eq!(asked, Err::<(), _>(Panicked));
        assert_eq!(caught_now(|| std::panic::panic_any(Bomb)), Err::<(), _>(Panicked));
    }
}
