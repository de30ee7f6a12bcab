//! Policies, directories and backends are others' code. That one panics is an answer too, and a closed one (law 6).

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;

use crate::id::{AgentId, GroupId, PersonId};
use crate::people::{Directory, DirectoryError, Identity, Person};

/// It panicked. What it said is in the log of the panic and nowhere else: it may hold a secret (law 12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Panicked;

pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        polled.map_or_else(|_| Err(Panicked).into(), |poll| poll.map(Ok))
    })
    .await
}

pub(crate) fn caught_now<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
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
