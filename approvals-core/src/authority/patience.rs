//! How long a store is waited for.

use std::future::{Future, pending, poll_fn};
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedSender, WeakUnboundedSender};

use crate::keeper::Order;
use crate::ledger::{StoreError, StoreErrorKind};
use crate::time::{Clock, Sleep};

/// The longest that a store may take to answer: longer than one takes to say that it is busy.
const LONGEST: Duration = Duration::from_secs(60);
/// How much longer it is waited for, twice: a clock that jumps, as when a machine has slept, ends no read by itself.
const GRACE: Duration = Duration::from_secs(1);

/// Waits for others' code, and not for ever.
#[derive(Clone)]
pub(crate) struct Patience {
    clock: Arc<dyn Clock>,
    /// Where the keeper is: a call may be polled where there is no timer.
    runtime: Handle,
    keeper: WeakUnboundedSender<Order>,
}

impl Patience {
    pub(crate) fn new(clock: Arc<dyn Clock>, runtime: Handle, keeper: &UnboundedSender<Order>) -> Self {
        Self { clock, runtime, keeper: keeper.downgrade() }
    }

    /// What a store answers, or that it does not. What it was to write may still be written then, as after any other
    /// error.
    pub(crate) fn answer<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        asked: F,
    ) -> impl Future<Output = Result<T, StoreError>> + use<'_, T, F> {
        let waiting = self.wait(asked);
        async { waiting.await.unwrap_or_else(|| Err(no_answer())) }
    }

    /// The same where nobody may have set a bound: then it is waited for as long as it takes.
    pub(crate) async fn answer_to<T>(
        patience: Option<&Self>,
        asked: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match patience {
            Some(patience) => patience.answer(asked).await,
            None => asked.await,
        }
    }

    /// What comes of work with a store in that time. In a box, as what is [caught](super::caught) is.
    pub(crate) fn wait<F: Future>(&self, work: F) -> impl Future<Output = Option<F::Output>> + use<'_, F> {
        let (mut work, mut rests, mut rest) =
            (Box::pin(work), [LONGEST.saturating_add(GRACE), GRACE].into_iter(), None);
        poll_fn(move |cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            loop {
                // Most stores answer before a timer is worth its while.
                let resting = match &mut rest {
                    Some(resting) => resting,
                    None => match rests.next() {
                        Some(time) => rest.insert(self.rest(time)),
                        None => return Poll::Ready(None),
                    },
                };
                ready!(resting.as_mut().poll(cx));
                rest = None;
            }
        })
    }

    fn rest(&self, time: Duration) -> Sleep {
        // A runtime that has ended has no timer either.
        let kept = self.keeper.upgrade().is_some_and(|keeper| !keeper.is_closed());
        if !kept && Handle::try_current().is_err() {
            // Nor is there one here, where a store is read that has outlived its handle: it may take as long as it likes.
            return Box::pin(pending());
        }
        let _runtime = kept.then(|| self.runtime.enter());
        self.clock.sleep(time)
    }
}

pub(crate) fn no_answer() -> StoreError {
    let message = format!(
        "the store has not answered for {} s; see what it waits for: a lock, a disk, a network",
        LONGEST.as_secs()
    );
    StoreError::new(StoreErrorKind::Unanswered, message)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::testing::ManualClock;
    use crate::time::{SystemClock, Timestamp};

    #[tokio::test]
    async fn a_clock_that_jumps_ends_no_wait_and_one_that_goes_on_does() {
        let (clock, (keeper, _orders)) = (ManualClock::at(Timestamp::now()), unbounded_channel());
        let patience = Patience::new(Arc::new(clock.clone()), Handle::current(), &keeper);
        let asked = tokio::spawn(async move { patience.answer::<(), _>(pending()).await });
        let turns = async || {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        };
        turns().await;
        clock.advance(Duration::from_secs(24 * 60 * 60));
        turns().await;
        assert!(!asked.is_finished());
        clock.advance(GRACE);
        assert_eq!(*asked.await.unwrap().unwrap_err().kind(), StoreErrorKind::Unanswered);
    }

    #[test]
    fn a_store_that_outlives_its_handle_is_read_where_there_is_no_timer_too() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (keeper, orders) = unbounded_channel();
        let patience = Patience::new(Arc::new(SystemClock), runtime.handle().clone(), &keeper);
        drop((keeper, orders));
        let mut answers = [Poll::Ready(Ok(7)), Poll::Pending].into_iter().collect::<Vec<_>>();
        let mut read = pin!(patience.answer(poll_fn(|_| answers.pop().unwrap())));
        let mut polled = || read.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled().is_pending());
        assert!(matches!(polled(), Poll::Ready(Ok(7))));
    }
}
