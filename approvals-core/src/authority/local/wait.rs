//! Waiting for a verdict.

use std::sync::Arc;
use std::time::Duration;

use super::{Local, Ticket, Waited, outcome_of};
use crate::error::{ApprovalError, ErrorKind};

/// The shortest nap: a store whose clock is behind ours is not asked without pause.
const LEAST: Duration = Duration::from_millis(250);

impl Local {
    /// Returns once the request may be claimed. A verdict wakes it; the clocks are its own only for the deadline.
    ///
    /// As many of these stand in memory as calls wait: what is large is boxed while it runs, and dropped before the wait.
    pub(super) async fn wait_for_verdict(&self, ticket: &Arc<Ticket>) -> Result<Waited, ApprovalError> {
        let clock = &self.parts.clock;
        let mut waiter = self.hub.waiter(ticket.request);
        let patience = async {
            match ticket.patience {
                Some(patience) => clock.sleep(patience).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(patience);
        loop {
            if let Some(offer) = waiter.offer() {
                return Ok(Waited::Offered(Box::new(offer)));
            }
            let nap = match Box::pin(self.where_it_stands(ticket)).await? {
                Stands::Claimable => return Ok(Waited::Approved),
                Stands::Waits(nap) => nap,
            };
            tokio::select! {
                biased;
                news = waiter.news() => {
                    if news.is_err() {
                        return Err(if ticket.keyed { pending(ticket) } else { closing(ticket) });
                    }
                }
                () = clock.sleep(nap) => {}
                () = &mut patience => return Err(pending(ticket)),
            }
        }
    }

    /// Where a request stands that is waited for.
    async fn where_it_stands(&self, ticket: &Ticket) -> Result<Stands, ApprovalError> {
        let (action, request) = (&ticket.action, ticket.request);
        let store_error = |error| Self::store_error(action, request, &error);
        let (history, state) = self.look(request).await.map_err(store_error)?;
        if let Some(outcome) = outcome_of(action, &history, &state) {
            return outcome.map(|()| Stands::Claimable);
        }
        let now = self.parts.clock.now();
        if state.is_overdue(now) {
            self.expire(request).await.map_err(store_error)?;
        }
        Ok(Stands::Waits(state.deadline().map_or(LEAST, |deadline| now.until(deadline).max(LEAST))))
    }
}

enum Stands {
    Claimable,
    /// For so long, at the longest, until it is looked at anew.
    Waits(Duration),
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
