//! The desk: the one way in for reviews. Authenticated identity → person → may they? → record → verdict.

mod asked;
mod decide;
mod strangers;
mod submit;
#[cfg(test)]
mod tests;

use std::fmt;

pub use self::decide::{Decision, decide, may_cancel, may_reconcile};
pub use self::submit::{Desk, DeskError, Reply};
pub(crate) use self::submit::{cut, unreadable};
use crate::card::Shown;
use crate::id::{PersonId, ProviderId, RequestId, WayId};
use crate::ledger::{Answer, IgnoredWhy};
use crate::people::{Assurance, Person};
use crate::request::Digest;
use crate::state::Phase;

/// A registration: through which way in reviews come, for which provider's identities it may vouch, and how strongly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Its name in the ledger.
    pub id: WayId,
    /// Whose identities it may vouch for, and no others.
    pub provider: ProviderId,
    /// How strongly it authenticates them.
    pub assurance: Assurance,
    /// Whether it was sent cards or reads the store.
    pub kind: WayKind,
}

/// What kind of way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WayKind {
    /// A backend, which was sent the card by the process that asks.
    Backend,
    /// A surface that reads the store; only for requests that are open to it.
    Surface,
}

/// Who answers, after the directory was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewer {
    /// The person, or `None` if the identity maps onto nobody.
    pub person: Option<Person>,
    /// The registration that it came through.
    pub way: Way,
    /// Whose identity it is.
    pub provider: ProviderId,
}

/// Which request the reviewer saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The whole digest.
    Digest(Digest),
    /// The first hexadecimal digits of it, at least eight.
    Prefix(String),
}

impl Seen {
    /// The fewest digits of a prefix.
    pub const MIN_PREFIX: usize = 8;

    /// Whether it is that digest.
    pub fn is(&self, digest: &Digest) -> bool {
        match self {
            Self::Digest(seen) => seen == digest,
            Self::Prefix(prefix) => {
                prefix.len() >= Self::MIN_PREFIX && digest.to_hex().starts_with(&prefix.to_ascii_lowercase())
            }
        }
    }
}

impl From<Digest> for Seen {
    fn from(digest: Digest) -> Self {
        Self::Digest(digest)
    }
}

/// One person's answer to one request.
#[derive(Clone, PartialEq, Eq)]
pub struct Review {
    /// Which request.
    pub request: RequestId,
    /// What they saw.
    pub seen: Seen,
    /// How much of it they were shown.
    pub shown: Shown,
    /// What they answer.
    pub answer: Answer,
    /// What they say about it.
    pub comment: Option<String>,
}

impl Review {
    /// A yes from somebody who was shown everything.
    pub fn approve(request: RequestId, seen: impl Into<Seen>) -> Self {
        Self { request, seen: seen.into(), shown: Shown::Everything, answer: Answer::Approve, comment: None }
    }

    /// A no.
    pub fn deny(request: RequestId, seen: impl Into<Seen>) -> Self {
        Self { answer: Answer::Deny, ..Self::approve(request, seen) }
    }

    /// What they say about it; at most 4 KiB, longer text is cut at the desk.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// How much they were shown, where that is not everything.
    #[must_use]
    pub fn shown(mut self, shown: Shown) -> Self {
        self.shown = shown;
        self
    }
}

impl fmt::Debug for Review {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Review")
            .field("request", &self.request)
            .field("answer", &self.answer)
            .field("shown", &self.shown)
            .finish_non_exhaustive()
    }
}

/// What became of a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It counted.
    Counted {
        /// Who answered.
        by: PersonId,
        /// Where the answer took the request: `approved` also if its call was claimed with it, at once.
        phase: Phase,
    },
    /// It did not count, and that is recorded.
    Ignored(IgnoredWhy),
}
