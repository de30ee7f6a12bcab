//! What a rule is given, and the words that rules are written in.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::StoreUnderTest;
use crate::conformance::SetupError;
use crate::conformance::check::{Boxed, Checked, Failure};
use crate::conformance::sample::Sample;
use crate::id::Seq;
use crate::ledger::{Append, Appended, Filter, Record, Store, StoreError, StoreErrorKind, Stream, Summary};
use crate::state::{Illegal, State};
use crate::testing::ManualClock;
use crate::time::Timestamp;

pub(super) type Handle = Arc<dyn Store>;

/// The place of one ledger and the clock of its records.
pub(super) struct Bench {
    place: Box<dyn Ground>,
    pub(super) clock: ManualClock,
    pub(super) patience: Duration,
    pub(super) shared: bool,
}

/// A [`StoreUnderTest`] and one of its places, without their types.
#[async_trait]
trait Ground: Send + Sync {
    async fn open(&self) -> Result<Handle, SetupError>;
}

struct Laid<U: StoreUnderTest> {
    under_test: Arc<U>,
    place: U::Place,
}

#[async_trait]
impl<U: StoreUnderTest> Ground for Laid<U> {
    async fn open(&self) -> Result<Handle, SetupError> {
        Ok(Arc::new(self.under_test.open(&self.place).await?))
    }
}

impl Bench {
    pub(super) async fn lay<U: StoreUnderTest>(under_test: Arc<U>) -> Result<Self, Failure> {
        let clock = ManualClock::at(Timestamp::from_micros(1_900_000_000_123_456));
        let place = under_test.place(Arc::new(clock.clone())).await.map_err(|e| Failure::of_setup(&e))?;
        let patience = under_test.patience();
        let place = Box::new(Laid { under_test, place });
        Ok(Self { place, clock, patience, shared: U::SHARED })
    }

    /// One more handle on the same ledger.
    pub(super) async fn open(&self) -> Result<Handle, Failure> {
        self.place.open().await.map_err(|e| Failure::of_setup(&e))
    }

    /// Two handles: of two processes where the store can, of one otherwise.
    pub(super) async fn open_two(&self) -> Result<[Handle; 2], Failure> {
        let first = self.open().await?;
        let second = if self.shared { self.open().await? } else { Arc::clone(&first) };
        Ok([first, second])
    }

    /// Ends every handle and opens the ledger again, as after a restart.
    pub(super) async fn reopen(&self, store: Handle) -> Result<Handle, Failure> {
        drop(store);
        self.open().await
    }

    /// Fails when the future does not end in time. Never waits for a clock.
    pub(super) async fn soon<T>(&self, what: &str, future: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::time::timeout(self.patience, future)
            .await
            .map_err(|_| Failure(format!("{what} within {:?}", self.patience)))
    }

    /// Waits as callers do: a wait may end early, so look, wait, and look again.
    pub(super) async fn woken(&self, store: &Handle, after: Seq) -> Checked {
        let wait = async {
            while store.last().await? <= after {
                store.wait_past(after).await?;
                tokio::task::yield_now().await;
            }
            Ok::<_, StoreError>(())
        };
        Ok(self.soon("a waiter was not woken", wait).await??)
    }
}

/// Runs futures on threads of their own, so that they truly meet.
pub(super) async fn together<T: Send + 'static>(
    futures: impl IntoIterator<Item = Boxed<T>>,
) -> Result<Vec<T>, Failure> {
    let futures: Vec<_> = futures.into_iter().collect();
    let (all, here) = (futures.len(), Arc::new(AtomicUsize::new(0)));
    let runtime = tokio::runtime::Handle::current();
    let start = |future: Boxed<T>| {
        let (here, runtime) = (Arc::clone(&here), runtime.clone());
        tokio::task::spawn_blocking(move || {
            here.fetch_add(1, Ordering::SeqCst);
            // Bounded: the runtime may have fewer threads than there are futures.
            for _ in 0..10_000 {
                if here.load(Ordering::SeqCst) == all {
                    break;
                }
                std::thread::yield_now();
            }
            runtime.block_on(future)
        })
    };
    let tasks: Vec<_> = futures.into_iter().map(start).collect();
    let mut results = Vec::with_capacity(all);
    for task in tasks {
        results.push(task.await?);
    }
    Ok(results)
}

/// The same append many times over, each on a thread of its own and through the handles in turn.
pub(super) async fn race(
    stores: &[Handle],
    appends: impl IntoIterator<Item = Append>,
) -> Result<Vec<Result<Appended, StoreError>>, Failure> {
    let stores = stores.iter().cycle().cloned();
    let tries = stores
        .zip(appends)
        .map(|(store, append)| -> Boxed<_> { Box::pin(async move { store.append(append).await }) });
    together(tries).await
}

/// Every record of the ledger.
pub(super) async fn all(store: &Handle) -> Result<Vec<Record>, Failure> {
    Ok(store.records(Seq::START, 1_000_000).await?)
}

pub(super) async fn state(store: &Handle, sample: &Sample) -> Result<State, Failure> {
    fold(&store.history(sample.stream()).await?)
}

pub(super) fn fold(history: &[Record]) -> Result<State, Failure> {
    State::fold(history).map_err(|e| Failure(format!("a history does not fold: {e}")))
}

/// The summary of one request as the list gives it.
pub(super) async fn listed(store: &Handle, sample: &Sample) -> Result<Option<Summary>, Failure> {
    let page = store.list(&Filter::default(), None, 1_000).await?;
    Ok(page.summaries.into_iter().find(|summary| summary.id == sample.id()))
}

/// Sends an append that has to be refused, and looks whether it left a trace.
pub(super) async fn refused(store: &Handle, append: Append, what: &str) -> Result<StoreErrorKind, Failure> {
    let stream = append.stream;
    let before = traces(store, stream).await?;
    match store.append(append).await {
        Ok(_) => Err(Failure(format!("{what} was answered with `Ok`"))),
        Err(error) => {
            ensure!(traces(store, stream).await? == before, "{what} was refused and yet left a trace");
            Ok(error.kind().clone())
        }
    }
}

type Traces = (Seq, Vec<Record>, Vec<Record>, Vec<Summary>);

async fn traces(store: &Handle, stream: Stream) -> Result<Traces, Failure> {
    Ok((
        store.last().await?,
        all(store).await?,
        store.history(stream).await?,
        store.list(&Filter::default(), None, 1_000).await?.summaries,
    ))
}

pub(super) async fn conflicts(store: &Handle, append: Append, what: &str) -> Checked {
    same!(refused(store, append, what).await?, StoreErrorKind::Conflict, "the error of {what}");
    Ok(())
}

pub(super) async fn illegal(store: &Handle, append: Append, why: Illegal, what: &str) -> Checked {
    same!(refused(store, append, what).await?, StoreErrorKind::Illegal(why), "the error of {what}");
    Ok(())
}
