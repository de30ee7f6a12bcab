//! The gate: a body runs only behind a permit.

mod by_hand;
mod chain;
mod permit;
mod turn;

use std::sync::Arc;

pub use self::by_hand::Gated;
pub(crate) use self::chain::carried;
use self::permit::Permit;
pub use self::turn::{Gate, Turn, never, refuse, refuse_by};
use crate::authority::{Asked, Authority, End, Grant, Ticket, Waited};
use crate::call::Call;
use crate::error::ApprovalError;
use crate::ledger::{Finish, NotRunWhy};

/// How a call got through.
pub(crate) enum Passed {
    /// Policy lets it run; where that has to be durable first, it is.
    Free,
    /// People said yes, and the claim is ours.
    Claimed(Held),
}

/// The story of a call that is not let through by its site alone.
///
/// What is left to [`Gate::turn`] needs the live arguments, which no await may borrow: to rebuild the call, compare
/// it with what was claimed and hand out the permit, all right before the body.
pub(crate) async fn pass(authority: Arc<dyn Authority>, call: &Call) -> Result<Passed, ApprovalError> {
    // The key is looked up before any policy is asked: a denied call must not run because policy changed its mind.
    let ticket = match authority.ask(call).await? {
        Asked::Run => {
            tracing::debug!("policy lets the call run");
            return Ok(Passed::Free);
        }
        Asked::Wait(ticket) => ticket,
    };
    tracing::info!(request = %ticket.request, "the call waits for people");
    // From here on, a caller that goes away withdraws the request, or parks it under its key.
    let mut asking = Asking { authority: &*authority, ticket: &ticket, over: false };
    let held = match authority.wait(call, &ticket).await? {
        Waited::Claimed(held) => held,
        Waited::Approved => {
            tracing::info!(request = %ticket.request, "the call may be claimed");
            // Policy and directory once more, then `started`, durable before the body (laws 2, 7 and 10).
            authority.claim(call, &ticket).await?
        }
    };
    asking.over = true;
    tracing::info!(request = %ticket.request, "the claim is on record");
    Ok(Passed::Claimed(held))
}

/// A caller that waits.
struct Asking<'a> {
    authority: &'a dyn Authority,
    ticket: &'a Ticket,
    over: bool,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.authority.leave(self.ticket);
        }
    }
}

/// A claim that is ours until it is finished. Dropped before the body, it was not run; dropped inside, it is lost
/// (law 8).
pub(crate) struct Held {
    authority: Arc<dyn Authority>,
    grant: Box<Grant>,
    on_drop: Option<End>,
}

impl Held {
    pub(crate) fn new(authority: Arc<dyn Authority>, grant: Grant) -> Self {
        Self { authority, grant: Box::new(grant), on_drop: Some(End::not_run(NotRunWhy::CallerGone)) }
    }

    pub(crate) fn ticket(&self) -> &Ticket {
        &self.grant.ticket
    }

    /// Whether the call, read anew from the live arguments, is the one that was claimed (law 5).
    fn is_for(&self, call: &Call) -> bool {
        call.facts(self.grant.ticket.seed).0 == self.grant.ticket.facts
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
