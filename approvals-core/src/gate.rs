//! The gate: a body runs only behind a permit.

mod by_hand;
mod chain;
mod permit;
mod turn;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

pub use self::by_hand::Gated;
pub(crate) use self::chain::carried;
use self::permit::Permit;
#[cfg(feature = "testing")]
pub(crate) use self::turn::Ending;
pub use self::turn::{Gate, Turn, never, refuse, refuse_by};
use crate::authority::{Asked, Authority, End, Grant, Seat, Ticket, Verdict, Waited};
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
    Claimed(Held),
}

/// How far a call gets before it waits.
pub(crate) enum Reached {
    Passed(Passed),
    /// People are asked.
    Waits(Waiting),
}

/// The story of a call that is not let through by its site alone.
///
/// It goes on in [`claim`], and what is left to [`Gate::turn`] needs the live arguments, which no await may borrow: to
/// read the call anew for the claim, to read it once more and compare it with what was claimed, and to hand out the
/// permit, the last two right before the body.
pub(crate) async fn pass(authority: Arc<dyn Authority>, call: Box<Call>) -> Result<Reached, ApprovalError> {
    // The key is looked up before any policy is asked: a denied call must not run because policy changed its mind.
    let (ticket, seat) = match authority.ask(&call).await? {
        Asked::Run => {
            tracing::debug!("policy lets the call run");
            return Ok(Reached::Passed(Passed::Free(call)));
        }
        Asked::Wait(ticket, seat) => (ticket, seat),
    };
    tracing::info!(request = %ticket.request, "the call waits for people");
    // What is asked for stands in the ledger: a call that waits for days, and there may be very many, holds none of it,
    // nor what it took to ask.
    Ok(Reached::Waits(Waiting::of(Asking { authority, ticket, over: false }, seat)))
}

/// The second half: the claim, by the call as it is after the wait.
pub(crate) async fn claim(
    mut asking: Asking,
    waited: Waited,
    call: Box<Call>,
) -> Result<Reached, ApprovalError> {
    tracing::info!(request = %asking.ticket.request, "the call may be claimed");
    // Policy and directory once more, then `started`, durable before the body (laws 2, 7 and 10).
    let held = asking.authority.claim(&call, &asking.ticket, waited).await?;
    drop(call);
    match held {
        Some(held) => {
            asking.over = true;
            tracing::info!(request = %asking.ticket.request, "the claim is on record");
            Ok(Reached::Passed(Passed::Claimed(held)))
        }
        // The verdict is recorded by itself.
        None => Ok(Reached::Waits(Waiting::of(asking, None))),
    }
}

/// A call on its way: while it waits, nothing is left of what it took to ask.
pub(crate) enum Passing {
    Asks(Pin<Box<dyn Future<Output = Result<Reached, ApprovalError>> + Send>>),
    Waits(Waiting),
}

impl Future for Passing {
    type Output = Result<Passed, ApprovalError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Self::Asks(asks) = &mut *self {
            match ready!(asks.as_mut().poll(cx))? {
                Reached::Passed(passed) => return Poll::Ready(Ok(passed)),
                Reached::Waits(waiting) => *self = Self::Waits(waiting),
            }
        }
        match &mut *self {
            Self::Asks(_) => Poll::Pending,
            Self::Waits(waiting) => waiting.poll(cx),
        }
    }
}

/// A call that waits for a verdict.
pub(crate) struct Waiting {
    // Before its caller leaves.
    verdict: Verdict,
    asking: Option<Asking>,
}

impl Waiting {
    fn of(asking: Asking, seat: Option<Box<Seat>>) -> Self {
        Self { verdict: asking.authority.wait(&asking.ticket, seat), asking: Some(asking) }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Passed, ApprovalError>> {
        let waited = ready!(self.verdict.as_mut().poll(cx));
        // It is not polled again.
        let Some(asking) = self.asking.take() else { return Poll::Pending };
        Poll::Ready(waited.map(|waited| Passed::Woken(asking, waited)))
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
///
/// In a box: a call has room for it as long as it waits.
pub(crate) struct Held(Box<Claimed>);

struct Claimed {
    authority: Arc<dyn Authority>,
    grant: Grant,
    on_drop: Option<End>,
}

impl Held {
    pub(crate) fn new(authority: Arc<dyn Authority>, grant: Grant) -> Self {
        Self(Box::new(Claimed { authority, grant, on_drop: Some(End::not_run(NotRunWhy::CallerGone)) }))
    }

    pub(crate) fn ticket(&self) -> &Ticket {
        &self.0.grant.ticket
    }

    /// Whether the call, read anew from the live arguments, is the one that was claimed (law 5).
    fn is_for(&self, call: &Call) -> bool {
        let facts = call.facts(self.ticket().seed).0;
        facts.bound_to(call.key()).is_ok_and(|bound| bound == self.ticket().bound)
    }

    /// The body is next.
    fn enter(&mut self) {
        self.0.on_drop = Some(End::Lost);
    }

    fn end(&mut self, end: End) {
        self.0.on_drop = None;
        self.0.authority.finish(&self.0.grant, end);
    }

    fn finish(mut self, outcome: Finish) {
        self.end(End::Finished(outcome));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(end) = self.0.on_drop.take() {
            self.0.authority.finish(&self.0.grant, end);
        }
    }
}
