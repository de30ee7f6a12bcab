//! What can happen. The table of `docs/states.md` says when.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::action::Risk;
use crate::capture::{CaptureError, canonical_within};
use crate::card::Shown;
use crate::id::{ClaimId, GroupId, PersonId, PolicyVersion, Reference, WayId};
use crate::people::{Assurance, Requester};
use crate::request::{CallFacts, Commitment, Digest, Requested};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// A call waits for people.
    #[serde(with = "shared")]
    Requested(Arc<Requested>),
    /// A backend put the card where people are.
    Presented {
        /// Which backend.
        way: WayId,
        /// Where it put the card.
        reference: Reference,
        /// How much of the request it could show.
        shown: Shown,
    },
    /// A backend could not.
    PresentFailed {
        /// Which backend.
        way: WayId,
        /// Why not.
        why: PresentFailure,
    },
    /// A backend brought its card up to date.
    Updated {
        /// Which backend.
        way: WayId,
    },
    /// A person looked at the request.
    Viewed {
        /// Who.
        by: PersonId,
        /// Through which way.
        way: WayId,
    },
    /// People were reminded.
    Reminded {
        /// By which backend.
        way: WayId,
    },
    /// More people were asked.
    Escalated {
        /// Which groups were added to those asked.
        to: BTreeSet<GroupId>,
    },
    /// A person said something without deciding.
    Commented {
        /// Who.
        by: PersonId,
        /// What, in the payload.
        comment: Commitment,
    },
    /// A person signed off a break-glass approval after the fact.
    DebtSigned {
        /// Who.
        by: PersonId,
    },
    /// Something that does not count.
    Ignored(Ignored),
    /// A person answered.
    Reviewed(Reviewed),
    /// Break-glass: a person whom policy names approved alone.
    Overridden {
        /// Who.
        by: PersonId,
        /// How strongly they were authenticated.
        assurance: Assurance,
        /// Which request they saw.
        digest: Digest,
        /// Why, in the payload.
        reason: Commitment,
    },
    /// A clock ran out.
    Expired {},
    /// The request was called off.
    Cancelled {
        /// The person who did; absent when the program did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<PersonId>,
        /// Why.
        why: CancelWhy,
    },
    /// A node claimed the approved request; the body is next.
    Started {
        /// Which attempt.
        claim: ClaimId,
    },
    /// The attempt ended.
    Finished {
        /// Which attempt.
        claim: ClaimId,
        /// How.
        outcome: Finish,
    },
    /// The attempt was cut off inside the body.
    Lost {
        /// Which attempt.
        claim: ClaimId,
    },
    /// A person says what became of an attempt that nobody can tell of.
    Reconciled {
        /// What became of it.
        outcome: Reconciliation,
        /// Who vouches for it.
        by: PersonId,
        /// Why they know, in the payload.
        reason: Commitment,
    },
    /// A process started.
    Up {
        /// The crate with its version.
        build: String,
        /// The policy that it rules by.
        policy: PolicyVersion,
    },
    /// A process stopped cleanly.
    Down {},
    /// Unauthenticated input, counted.
    Unauthenticated {
        /// Through which way.
        way: WayId,
        /// How often since the last such record.
        count: u64,
    },
    /// A call ran freely.
    Allowed(Allowed),
    /// Policy refused a call, or it could not be ruled.
    Refused(RefusedCall),
}

impl Event {
    /// Whether it leaves the state as it is and is appended without compare-and-set.
    pub fn is_note(&self) -> bool {
        !matches!(
            self,
            Self::Requested(_)
                | Self::Reviewed(_)
                | Self::Overridden { .. }
                | Self::Expired {}
                | Self::Cancelled { .. }
                | Self::Started { .. }
                | Self::Finished { .. }
                | Self::Lost { .. }
                | Self::Reconciled { .. }
        )
    }

    /// Its canonical bytes, as they stand in a record.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, CaptureError> {
        canonical_within(1, self)
    }

    /// The digest of the request that it opens, from its canonical bytes.
    pub(super) fn digest_in(&self, bytes: &[u8]) -> Option<Digest> {
        let Self::Requested(_) = self else { return None };
        let requested = bytes.strip_prefix(br#"{"requested":"#)?.strip_suffix(b"}")?;
        Some(Requested::digest_of(requested))
    }

    /// The word for it, as records write it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Requested(_) => "requested",
            Self::Presented { .. } => "presented",
            Self::PresentFailed { .. } => "present_failed",
            Self::Updated { .. } => "updated",
            Self::Viewed { .. } => "viewed",
            Self::Reminded { .. } => "reminded",
            Self::Escalated { .. } => "escalated",
            Self::Commented { .. } => "commented",
            Self::DebtSigned { .. } => "debt_signed",
            Self::Ignored(_) => "ignored",
            Self::Reviewed(_) => "reviewed",
            Self::Overridden { .. } => "overridden",
            Self::Expired {} => "expired",
            Self::Cancelled { .. } => "cancelled",
            Self::Started { .. } => "started",
            Self::Finished { .. } => "finished",
            Self::Lost { .. } => "lost",
            Self::Reconciled { .. } => "reconciled",
            Self::Up { .. } => "up",
            Self::Down {} => "down",
            Self::Unauthenticated { .. } => "unauthenticated",
            Self::Allowed(_) => "allowed",
            Self::Refused(_) => "refused",
        }
    }
}

/// What a person answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Yes, to exactly this.
    Approve,
    /// No.
    Deny,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Approve => "approve",
            Self::Deny => "deny",
        })
    }
}

/// A person's answer, with all that folding it needs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reviewed {
    /// The answer.
    pub answer: Answer,
    /// Who.
    pub by: PersonId,
    /// Their groups at that moment.
    pub groups: BTreeSet<GroupId>,
    /// How strongly they were authenticated.
    pub assurance: Assurance,
    /// Through which way.
    pub way: WayId,
    /// Which request they saw.
    pub digest: Digest,
    /// What they said, in the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Commitment>,
}

/// What does not count, and why.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ignored {
    /// What came.
    pub what: IgnoredWhat,
    /// Why it does not count.
    pub why: IgnoredWhy,
    /// The person it came from, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// The way it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way: Option<WayId>,
    /// The identity that maps onto nobody, in the payload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Commitment>,
}

/// What came and does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IgnoredWhat {
    /// A yes.
    Approve,
    /// A no.
    Deny,
    /// A call with the key of another call.
    Call,
    /// The end of an attempt.
    Finished,
    /// A cancellation.
    Cancel,
    /// A reconciliation.
    Reconcile,
}

impl From<Answer> for IgnoredWhat {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Approve => Self::Approve,
            Answer::Deny => Self::Deny,
        }
    }
}

/// Why something does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IgnoredWhy {
    /// The identity maps onto no person.
    #[error("nobody in the directory has this identity; add it to a person there")]
    Unmapped,
    /// The way in does not vouch for this provider's identities.
    #[error("this way in does not vouch for identities of that provider")]
    ForeignProvider,
    /// The person is the agent, its owner, or the human it acts for.
    #[error("the requester's own approval never counts; another person has to decide")]
    Requester,
    /// Somebody else than the requester wants to take the request back.
    #[error("only the requester takes a request back; whoever may decide it can deny it instead")]
    NotTheRequester,
    /// The person is in none of the groups that may decide.
    #[error("this person is not among those who may decide; `approvals show` lists them")]
    NotAReviewer,
    /// The person answered already and cannot answer so again.
    #[error("this person has answered already; a yes can become a no, and nothing else changes")]
    AnsweredBefore,
    /// The review is for another digest.
    #[error("the answer is for another digest than this request has; look at the request again")]
    OtherDigest,
    /// The person was not authenticated strongly enough.
    #[error("this way in is not strong enough for this request; use one with more assurance")]
    AssuranceTooLow,
    /// The person was not shown everything.
    #[error("not everything was shown there; open the whole request and answer from there")]
    NotEverythingShown,
    /// Surfaces that read the store may not answer this request.
    #[error("this request is not open to programs that read the store; answer where it was presented")]
    WayClosed,
    /// There is a verdict already.
    #[error("there is a verdict already")]
    AlreadyDecided,
    /// It came at or after the deadline.
    #[error("it came too late: the time to decide, or to use the approval, is over")]
    TooLate,
    /// There is no such request.
    #[error("there is no request with this id; `approvals list` shows those that there are")]
    UnknownRequest,
    /// The attempt is not, or no longer, the one that runs.
    #[error("the attempt is not the one that runs")]
    NotRunning,
    /// The key belongs to a call with other arguments.
    #[error("the key belongs to a call with other arguments")]
    KeyReused,
}

/// Why a backend could not present a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PresentFailure {
    /// There is no terminal to ask at.
    #[error("no terminal")]
    NoTty,
    /// It could not be reached, or did not answer in time.
    #[error("unreachable")]
    Unreachable,
    /// It refused the card.
    #[error("refused by the service")]
    Rejected,
    /// Anything else.
    #[error("failed")]
    Other,
}

/// Why a request was called off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CancelWhy {
    /// The caller is gone.
    #[error("withdrawn: the caller is gone")]
    Withdrawn,
    /// A person took it back.
    #[error("revoked")]
    Revoked,
    /// The requester said no to their own request.
    #[error("the requester said no")]
    Requester,
    /// Policy no longer lets it run.
    #[error("stopped by policy at the claim")]
    Policy,
    /// Those who approved may no longer.
    #[error("stopped at the claim: those who approved may no longer")]
    Directory,
    /// Nobody could be asked.
    #[error("undeliverable: nobody could be asked")]
    Undeliverable,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The body returned `Ok`.
    Ok {},
    /// The body returned an error of this type; its text is not kept (law 12).
    Err {
        /// Name of the type.
        kind: String,
    },
    /// The body was never entered.
    NotRun {
        /// Why not.
        why: NotRunWhy,
    },
}

/// Why a claimed body was never entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NotRunWhy {
    /// The caller is gone.
    #[error("the caller is gone")]
    CallerGone,
    /// The live arguments are no longer those that were approved.
    #[error("the arguments changed")]
    ArgumentsChanged,
}

/// What a person says became of a lost attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reconciliation {
    /// It ran.
    Ran,
    /// It did not.
    DidNotRun,
}

/// A call that ran without asking.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Allowed {
    /// The stable name of the action.
    pub action: String,
    /// Its risk.
    pub risk: Risk,
    /// Who called.
    pub requester: Requester,
    /// The policy that ruled.
    pub policy: PolicyVersion,
    /// What was called with what; from risk medium up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Box<CallFacts>>,
}

/// A call that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RefusedCall {
    /// The stable name of the action.
    pub action: String,
    /// Its declared risk.
    pub risk: Risk,
    /// Who called.
    pub requester: Requester,
    /// The policy that ruled.
    pub policy: PolicyVersion,
    /// Why, in the payload.
    pub why: Commitment,
}

/// What its state shares with the record, written as itself. Not by the feature `rc` of serde: that would let every
/// program show what stands behind an `Arc` among its arguments.
mod shared {
    use super::*;

    pub(super) fn serialize<T: Serialize, S: serde::Serializer>(
        shared: &Arc<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        shared.as_ref().serialize(to)
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
        from: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(from).map(Arc::new)
    }
}
