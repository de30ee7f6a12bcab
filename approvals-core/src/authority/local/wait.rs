//! Waiting for a verdict.

use std::future::{Future as _, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::{Local, Ticket, Waited, no_answer};
use crate::authority::hub::Waiter;
use crate::error::{ApprovalError, ErrorKind};
use crate::id::RequestId;
use crate::keeper::Order;
use crate::time::{Sleep, Timestamp};

/// The shortest nap: a store whose clock is behind ours is not asked without pause.
const LEAST: Duration = Duration::from_millis(250);

impl Local {
    /// Returns once the request may be claimed. A verdict wakes it, and the keeper once the deadline is over: a hundred
    /// thousand that are due in one moment have one clock between them, and look as fast as the keeper goes through them.
    ///
    /// As many of these stand in memory as calls wait: what is large is boxed while it runs, and dropped before the wait.
    pub(super) async fn wait_for_verdict(
        self,
        ticket: Arc<Ticket>,
        seat: Option<Box<Seat>>,
    ) -> Result<Waited, ApprovalError> {
        let unanswered = || Err(Self::store_error(&ticket.action, ticket.request, &no_answer()));
        // Out of its box, which is not kept while it waits.
        let (mut waiter, mut known) = match seat.map(|seat| *seat) {
            Some(Seat { waiter, deadline }) => (waiter, deadline),
            None => (self.hub.waiter(ticket.request), None),
        };
        let mut patience = ticket.patience.map(|patience| self.parts.clock.sleep(patience));
        loop {
            if let Some(offer) = waiter.offer() {
                return Ok(Waited::Offered(Box::new(offer)));
            }
            let deadline = match known.take() {
                // Nobody had been asked when the seat was taken: what came since is news.
                Some(deadline) => Some(deadline),
                None => {
                    let mut looking = Box::pin(self.parts.patience.wait(self.where_it_stands(&ticket)));
                    // By hand, as below: `select!` has room for a future of each.
                    let looked = poll_fn(|cx| match waiter.poll_offer(cx) {
                        // Whoever offers does not wait for a store that is being read.
                        Poll::Ready(offer) => Poll::Ready(Err(offer)),
                        Poll::Pending => looking.as_mut().poll(cx).map(Ok),
                    });
                    let looked = match looked.await {
                        Ok(looked) => looked,
                        Err(offer) => return Ok(Waited::Offered(Box::new(offer))),
                    };
                    match looked.unwrap_or_else(unanswered)? {
                        Stands::Claimable => return Ok(Waited::Approved),
                        Stands::Waits(deadline) => deadline,
                    }
                }
            };
            let mut nap = self.kept_by_ourselves(ticket.request, deadline);
            let woken = poll_fn(|cx| {
                if let Poll::Ready(news) = waiter.poll_news(cx) {
                    return Poll::Ready(news.map_or(Woken::Closed, |()| Woken::News));
                }
                match is_over(&mut nap, cx) {
                    true => Poll::Ready(Woken::News),
                    false if is_over(&mut patience, cx) => Poll::Ready(Woken::Impatient),
                    false => Poll::Pending,
                }
            });
            match woken.await {
                Woken::News => {}
                Woken::Closed if !ticket.keyed => return Err(closing(&ticket)),
                Woken::Closed | Woken::Impatient => return Err(pending(&ticket)),
            }
        }
    }

    /// Has the keeper see to the deadline. A clock of our own is for where no keeper is left, as when the runtime that
    /// the approvals were built on has ended: no call waits for ever.
    fn kept_by_ourselves(&self, request: RequestId, deadline: Option<Timestamp>) -> Option<Sleep> {
        let kept = deadline
            .is_some_and(|deadline| self.parts.keeper.send(Order::Watch { request, deadline }).is_ok());
        let clock = &self.parts.clock;
        let nap = || deadline.map_or(LEAST, |deadline| clock.now().until(deadline).max(LEAST));
        (!kept).then(|| clock.sleep(nap()))
    }

    /// Where a request stands that is waited for.
    async fn where_it_stands(&self, ticket: &Ticket) -> Result<Stands, ApprovalError> {
        let (action, request) = (&ticket.action, ticket.request);
        let store_error = |error| Self::store_error(action, request, &error);
        let mut expired = false;
        loop {
            let (outcome, state) = self.outcome(action, request).await.map_err(store_error)?;
            if let Some(outcome) = outcome {
                if outcome.is_err() {
                    self.clock_ended(request);
                }
                return outcome.map(|()| Stands::Claimable);
            }
            if state.opened().is_none() {
                // No clock runs for what is not there.
                let message = format!(
                    "the ledger has no request {request} any more: it was put back to an earlier time, or does not read \
                     what it has written; see to that, then call again"
                );
                return Err(ApprovalError::new(ErrorKind::Store, action, message).of(request));
            }
            if expired || !state.is_overdue(self.parts.clock.now()) {
                return Ok(Stands::Waits(state.deadline()));
            }
            // The keeper has not come to it, or could not: a call ends at its deadline, if only with what is wrong.
            expired = self.expire(request).await.map_err(store_error)?.is_none();
            if !expired {
                return Ok(Stands::Waits(state.deadline()));
            }
        }
    }

    /// Tells the keeper that no clock of a request runs any more.
    pub(crate) fn clock_ended(&self, request: RequestId) {
        // A keeper that is gone keeps none.
        let _ = self.parts.keeper.send(Order::Over(request));
    }
}

/// The place of a call that waits for a request which it opened itself.
pub(crate) struct Seat {
    pub(super) waiter: Waiter,
    /// Until when there may be a verdict, if the store told.
    pub(super) deadline: Option<Timestamp>,
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seat").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

enum Stands {
    Claimable,
    /// Until this time, at the longest.
    Waits(Option<Timestamp>),
}

/// What ends a wait.
enum Woken {
    News,
    Closed,
    Impatient,
}

fn is_over(sleep: &mut Option<Sleep>, cx: &mut Context<'_>) -> bool {
    sleep.as_mut().is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready())
}

/// A call without a key cannot find its request again, so it is withdrawn.
fn closing(ticket: &Ticket) -> ApprovalError {
    let message = "the approvals are shutting down, and the request is withdrawn";
    ApprovalError::new(ErrorKind::Cancelled, &ticket.action, message).of(ticket.request)
}

fn pending(ticket: &Ticket) -> ApprovalError {
    let message = format!(
        "no verdict yet on request {}; it stays open, and the same call with the same key finds it",
        ticket.request
    );
    ApprovalError::new(ErrorKind::Pending, &ticket.action, message).of(ticket.request)
}
