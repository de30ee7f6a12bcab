//! The gate: a body runs only behind a permit.

mod by_hand;
mod chain;
mod permit;
mod turn;

use std::sync::Arc;

pub use self::by_hand::Gated;
pub(crate) use self::chain::carried;
use self::permit::Permit;
#[cfg(feature = "testing")]
pub(crate) use self::turn::Ending;
pub use self::turn::{Gate, Turn, never, refuse, refuse_by};
use crate::authority::{Asked, Authority, End, Grant, Seat, Ticket, Waited};
use crate::call::Call;
use crate::error::ApprovalError;
use crate::id::RequestId;
use crate::ledger::{Finish, NotRunWhy};

/// How far a call got.
pub(crate) enum Passed {
    /// Policy lets it run; where that has to be durable first, it is.
    Free(Box<Call>),
    /// A verdict may be claimed, by the call as it is now.
    Woken(Asking, Waited),
    /// People said yes, and the claim is ours.
    Claimed(Box<Held>),
}

/// The story of a call that is not let through by its site alone.
///
/// It goes on in [`claim`], and what is left to [`Gate::turn`] needs the live arguments, which no await may borrow: to
/// read the call anew for the claim, to read it once more and compare it with what was claimed, and to hand out the
/// permit, the last two right before the body.
pub(crate) async fn pass(authority: Arc<dyn Authority>, call: Box<Call>) -> Result<Passed, ApprovalError> {
    // The key is looked up before any policy is asked: a denied call must not run because policy changed its mind.
    let (ticket, seat) = match authority.ask(&call).await? {
        Asked::Run => {
            tracing::debug!("policy lets the call run");
            return Ok(Passed::Free(call));
        }
        Asked::Wait(ticket, seat) => (ticket, seat),
    };
    tracing::info!(request = %ticket.request, "the call waits for people");
    // What is asked for stands in the ledger: a call that waits for days, and there may be very many, holds none of it.
    drop(call);
    wait(Asking { authority, ticket, over: false }, seat).await
}

async fn wait(asking: Asking, seat: Option<Box<Seat>>) -> Result<Passed, ApprovalError> {
    let waited = asking.authority.wait(&asking.ticket, seat).await?;
    Ok(Passed::Woken(asking, waited))
}

/// The second half: the claim, by the call as it is after the wait.
pub(crate) async fn claim(
    mut asking: Asking,
    waited: Waited,
    call: Box<Call>,
) -> Result<Passed, ApprovalError> {
    tracing::info!(request = %asking.ticket.request, "the call may be claimed");
    // Policy and directory once more, then `started`, durable before the body (laws 2, 7 and 10).
    let held = asking.authority.claim(&call, &asking.ticket, waited).await?;
    drop(call);
    match held {
        Some(held) => {
            asking.over = true;
            tracing::info!(request = %asking.ticket.request, "the claim is on record");
            Ok(Passed::Claimed(Box::new(held)))
        }
        // The verdict is recorded by itself.
        None => wait(asking, None).await,
    }
}

/// A caller that waits. One that goes away withdraws the request, or parks it under its key.
pub(crate) struct Asking {
    authority: Arc<dyn Authority>,
    ticket: Arc<Ticket>,
    over: bool,
}

impl Asking {
    pub(crate) fn request(&self) -> RequestId {
        self.ticket.request
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.over {
            self.authority.leave(&self.ticket);
        }
    }
}

/// A claim that is ours until it is finished. Dropped before the body, it was not run; dropped inside, it is lost
/// (law 8).
pub(crate) struct Held {
    authority: Arc<dyn Authority>,
    grant: Grant,
    on_drop: Option<End>,
}

impl Held {
    pub(crate) fn new(authority: Arc<dyn Authority>, grant: Grant) -> Self {
        Self { authority, grant, on_drop: Some(End::not_run(NotRunWhy::CallerGone)) }
    }

    pub(crate) fn ticket(&self) -> &Ticket {
        &self.grant.ticket
    }

    /// Whether the call, read anew from the live arguments, is the one that was claimed (law 5).
    fn is_for(&self, call: &Call) -> bool {
        let facts = call.facts(self.grant.ticket.seed).0;
        facts.bound_to(call.key()).is_ok_and(|bound| bound == self.grant.ticket.bound)
    }

    /// The body is next.
    fn enter(&mut self) {
        self.on_drop = Some(End::Lost);
    }

    fn end(&mut self, end: End) {
        self.on_drop = None;
        self.authority.finish(&self.grant, end);
    }

    fn finish(mut self, outcome: Finish) {
        self.end(End::Finished(outcome));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(end) = self.on_drop.take() {
            self.authority.finish(&self.grant, end);
        }
    }
}
