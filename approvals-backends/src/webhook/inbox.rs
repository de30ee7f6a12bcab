//! Where decisions arrive, however they were brought: verified, dealt with once, and answered.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use approvals_core::desk::{Desk, Outcome};
use approvals_core::id::PersonId;
use approvals_core::ledger::IgnoredWhy;
use approvals_core::state::Phase;
use approvals_core::time::Clock;

use super::dealt::{Dealt, Mark};
use super::verify::{Message, Refusal, Verifier};

/// What a message is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It counted.
    Counted {
        /// For whom.
        by: PersonId,
        /// Where the request stands now.
        phase: Phase,
    },
    /// It is authentic and does not count; that is on record.
    Ignored(IgnoredWhy),
    /// It is authentic and no decision.
    Refused(Refusal),
    /// It proves nothing. The same words for every reason: a stranger learns nothing of how far they came.
    Stranger,
    /// Nothing can be recorded now; it may come again.
    Away,
}

impl Answer {
    /// The word for it: `counted`, or why it did not count.
    pub(super) fn code(&self) -> String {
        match self {
            Self::Counted { .. } => "counted".to_owned(),
            // As records write it.
            Self::Ignored(why) => match serde_json::to_value(why) {
                Ok(serde_json::Value::String(word)) => word,
                _ => "ignored".to_owned(),
            },
            Self::Refused(refusal) => refusal.code().to_owned(),
            Self::Stranger => "unauthenticated".to_owned(),
            Self::Away => "unavailable".to_owned(),
        }
    }

    /// The HTTP status that says the same, for the callback and the page: below 500 it is final, and sending it again changes nothing.
    #[cfg(any(test, feature = "webhook-http"))]
    pub(super) const fn status(&self) -> u16 {
        match self {
            Self::Counted { .. } => 200,
            Self::Ignored(IgnoredWhy::UnknownRequest) => 404,
            Self::Ignored(IgnoredWhy::OtherDigest) => 422,
            Self::Ignored(
                IgnoredWhy::AnsweredBefore
                | IgnoredWhy::AlreadyDecided
                | IgnoredWhy::TooLate
                | IgnoredWhy::NotRunning,
            ) => 409,
            Self::Ignored(_) => 403,
            Self::Refused(refusal) => refusal.status(),
            Self::Stranger => 401,
            Self::Away => 503,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counted { phase, .. } => write!(f, "the answer counted; the request is {phase}"),
            Self::Ignored(why) => fmt::Display::fmt(why, f),
            Self::Refused(refusal) => fmt::Display::fmt(refusal, f),
            Self::Stranger => f.write_str(
                "the message proves nothing; sign the raw body with the key of this endpoint, at the present time, \
                 and send the nonce of the card",
            ),
            Self::Away => f.write_str("nothing can be recorded now; send the same message again later"),
        }
    }
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) answer: Answer,
    /// Whether the desk was asked about it for the first time.
    pub(super) is_new: bool,
}

impl From<Answer> for Received {
    fn from(answer: Answer) -> Self {
        Self { answer, is_new: false }
    }
}

/// Who listens: the last one that opened, and how many did.
#[derive(Default)]
struct Place {
    times: u64,
    desk: Option<Desk>,
}

/// Where decisions arrive. Open while a backend listens.
pub(super) struct Inbox {
    verifier: Verifier,
    clock: Arc<dyn Clock>,
    dealt: Dealt,
    desk: Mutex<Place>,
}

impl Inbox {
    pub(super) fn new(verifier: Verifier, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { verifier, clock, dealt: Dealt::default(), desk: Mutex::default() })
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Takes decisions to this desk for as long as the guard lives.
    pub(super) fn open(&self, desk: Desk) -> Open<'_> {
        let mut place = self.place();
        place.times = place.times.wrapping_add(1);
        place.desk = Some(desk);
        Open { inbox: self, time: place.times }
    }

    /// The desk, while it is open.
    pub(super) fn desk(&self) -> Option<Desk> {
        self.place().desk.clone()
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the body of a message is worth waiting for.
    #[cfg(feature = "webhook-http")]
    pub(super) fn is_worth_reading(&self, message: &Message<'_>) -> bool {
        let judged = self.verifier.is_worth_reading(message, self.clock.now());
        judged.inspect_err(|why| tracing::debug!(%why, "a message proves nothing and is not read")).is_ok()
    }

    /// Deals with a message. What proves nothing is counted (law 11) and goes no further.
    pub(super) async fn receive(self: &Arc<Self>, message: Message<'_>) -> Received {
        let Some(desk) = self.desk() else { return Answer::Away.into() };
        let verified = match self.verifier.verify(&message, &desk.way().provider, self.clock.now()) {
            Ok(verified) => verified,
            Err(refusal) if refusal.is_of_a_stranger() => {
                match refusal {
                    Refusal::Nonce => {
                        tracing::warn!(way = %desk.way().id, %refusal, "a signed message does not belong to the card of its request; if the endpoint did not send it, its key has leaked: rotate it")
                    }
                    // Not louder: strangers must not fill a log either. The record of their number is.
                    _ => tracing::debug!(way = %desk.way().id, %refusal, "a message proves nothing"),
                }
                desk.unauthenticated(1);
                return Answer::Stranger.into();
            }
            Err(refusal) => {
                tracing::warn!(way = %desk.way().id, %refusal, "an authentic message is no decision; mend its sender");
                return Answer::Refused(refusal).into();
            }
        };
        let dealing = self.dealt.with(Mark::of(verified.scheme, message.body));
        let (desk, is_new) = (desk.at_most(verified.assurance()), !dealing.initialized());
        // Detached: a sender that hangs up must not cut a review off between its record and its answer.
        let submitted = tokio::spawn(async move {
            let submit = || desk.submit(&verified.identity, verified.review.clone());
            dealing.get_or_try_init(submit).await.cloned()
        });
        let answer = match submitted.await {
            Ok(Ok(reply)) => match reply.outcome {
                Outcome::Counted { by, phase } => Answer::Counted { by, phase },
                Outcome::Ignored(why) => Answer::Ignored(why),
            },
            Ok(Err(error)) => {
                tracing::warn!(%error, "a decision could not be recorded and was sent away for now; do what the error says");
                Answer::Away
            }
            Err(panicked) => {
                tracing::error!(%panicked, "store or directory panicked over a decision; tell whoever wrote it");
                Answer::Away
            }
        };
        Received { answer, is_new }
    }
}

/// Closes the inbox when the backend no longer listens, unless another has taken its place: a handle that is built
/// anew listens before the old one has ended.
pub(super) struct Open<'a> {
    inbox: &'a Inbox,
    time: u64,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let mut place = self.inbox.place();
        if place.times == self.time {
            place.desk = None;
        }
    }
}
