//! Verdict and claim in one append, where the call waits in the process whose desk decides.
//!
//! A desk that holds the review which completes an approval offers it to the calls that wait for the request here. The
//! first of them that is polled does what it would do after the verdict: it reads the live call, which nobody kept while
//! it waited, asks policy and directory once more, as the review leaves the request, and has `[reviewed, started]` appended, which the compare-and-set makes both or
//! neither. The arguments are compared where they always are, right before the body, with no await in between.
//!
//! - **A verdict waits for nobody.** The offer stands for a number of turns of the scheduler and no longer, so only a
//!   call that is being polled is claimed for. A policy or directory that does not answer at its first poll, or has
//!   something against the call, a shutdown, and a store that refuses the two together: each leaves the review to the
//!   desk, which records it by itself, and the call claims as it does after a verdict from elsewhere.
//! - **The append has a task of its own.** Neither the caller of the desk nor the call can cut it off between the
//!   record and the guard that owns the claim: a call that is gone by then has `finished{not_run}` recorded (law 8).
//! - **A reply that is lost is read back.** Ours goes on; anything else the desk decides anew. What is not there may
//!   still be written: the verdict by itself, appended at the same version, lets only one of the two in.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::oneshot;
use tokio::task::yield_now;

use super::claim::{TRIES, is_ours};
use super::{Grant, Local, Ticket, backoff};
use crate::call::Call;
use crate::gate::Held;
use crate::id::{ClaimId, RequestId, Version, uuid_v7};
use crate::ledger::{Event, NewEvent, StoreError, StoreErrorKind};
use crate::state::State;

/// How many turns a call that waits is given to take a verdict up.
const TURNS: usize = 1_024;

/// The review that completes an approval, before it is recorded.
pub(crate) struct Offer {
    /// The version that it was decided at.
    at: Version,
    reviewed: NewEvent,
    /// The request as the review leaves it.
    approved: State,
    reply: oneshot::Sender<Result<Together, StoreError>>,
}

/// What became of a verdict that was to be recorded together with a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Together {
    /// The verdict is on record, and the claim with it, unless the store failed over the two together.
    Written,
    /// Neither is: the request has moved.
    Moved,
    /// Neither is: the verdict is to be recorded by itself.
    Declined,
}

impl Local {
    /// Offers the review that completes an approval to the calls that wait here. `approved` is the request as the
    /// review leaves it.
    ///
    /// # Errors
    /// If it cannot be told whether it was recorded, or not in time.
    pub(crate) async fn verdict_with_claim(
        &self,
        request: RequestId,
        at: Version,
        reviewed: NewEvent,
        approved: State,
    ) -> Result<Together, StoreError> {
        let (reply, replied) = oneshot::channel();
        let Some(offered) = self.hub.offer(request, Offer { at, reviewed, approved, reply }) else {
            return Ok(Together::Declined);
        };
        for _ in 0..TURNS {
            if !offered.stands() {
                break;
            }
            yield_now().await;
        }
        drop(offered);
        // Dropped without a reply, nothing was written; or a shutdown gave it up, and the compare-and-set lets only one
        // of the two in.
        let replied = async { replied.await.unwrap_or(Ok(Together::Declined)) };
        self.parts.patience.answer(replied).await
    }

    /// Records an offered review together with the claim of this call, if nothing stands against it.
    pub(super) async fn take_up(&self, call: &Call, ticket: &Arc<Ticket>, offer: Offer) -> Option<Held> {
        let asked_again = at_once(async {
            self.ask_policy_again(call).await?;
            self.ask_directory_again(call, &offer.approved).await
        });
        let nothing_against = matches!(asked_again.await, Some(Ok(())));
        let claim = uuid_v7(self.parts.clock.now(), &*self.parts.chance).map(ClaimId::from_uuid).ok();
        let claim = claim.filter(|_| nothing_against && !self.hub.is_closed())?;
        let (give, take) = oneshot::channel();
        let (local, ticket) = (self.clone(), Arc::clone(ticket));
        self.background.run(async move {
            let Offer { at, reviewed, reply, .. } = offer;
            let (held, told) = match local.append_both(&ticket, claim, at, reviewed).await {
                Ok(Both::Written(version)) => {
                    tracing::info!(request = %ticket.request, "verdict and claim are on record");
                    let grant = Grant { ticket, claim, version };
                    (Some(Held::new(Arc::new(local), grant)), Ok(Together::Written))
                }
                Ok(Both::Alone) => (None, Ok(Together::Written)),
                Ok(Both::Moved) => (None, Ok(Together::Moved)),
                Ok(Both::Refused) => (None, Ok(Together::Declined)),
                Err(error) => (None, Err(error)),
            };
            let _ = reply.send(told);
            // A call that is gone has the claim dropped here, which records that nothing was run.
            let _ = give.send(held);
        });
        // One that is written later than that meets a caller that is gone, and the call waits on for what comes of it.
        let held = self.parts.patience.wait(take).await.and_then(Result::ok).flatten();
        // The reviewer is answered before a body that may be long, also where one thread does both.
        yield_now().await;
        held
    }

    async fn append_both(
        &self,
        ticket: &Arc<Ticket>,
        claim: ClaimId,
        at: Version,
        reviewed: NewEvent,
    ) -> Result<Both, StoreError> {
        let request = ticket.request;
        let both = vec![reviewed.clone(), Event::Started { claim }.into()];
        let mut error = match self.append(request, at, both).await {
            Ok(appended) => return Ok(Both::Written(appended.version)),
            Err(error) => error,
        };
        let mut tries = 0;
        while tries < TRIES {
            let unread = match self.state(request).await {
                Ok(state) if is_ours(&state, claim) => return Ok(Both::Written(state.version())),
                Ok(_) if *error.kind() == StoreErrorKind::Conflict => return Ok(Both::Moved),
                Ok(_) if error.is_stale() => return Ok(Both::Refused),
                Ok(_) => match self.append(request, at, vec![reviewed.clone()]).await {
                    Ok(_) => return Ok(Both::Alone),
                    Err(stale) if stale.is_stale() => {
                        error = stale;
                        continue;
                    }
                    Err(unwritten) => {
                        error = unwritten;
                        break;
                    }
                },
                Err(unread) => unread,
            };
            tries += 1;
            tracing::warn!(%request, error = %unread, tries, "whether a verdict was recorded cannot be read; trying again, do what the error says if it stays");
            self.parts.clock.sleep(backoff(tries)).await;
        }
        self.abandon(Arc::clone(ticket), claim);
        Err(error)
    }
}

enum Both {
    Written(Version),
    /// The verdict, without the claim.
    Alone,
    Moved,
    Refused,
}

/// What a future gives at its first poll.
async fn at_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}
