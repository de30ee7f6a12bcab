//! What an author says of a medium: what can be done there, what people see, and how it fails.

use std::collections::BTreeSet;
use std::fmt;

use crate::id::RequestId;
use crate::request::Digest;

/// Something that can happen on a medium, and that the author's bench can make happen.
///
/// A claim is judged: the rules that need it run, and one of them fails if it was claimed and could not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Ability {
    /// A person can approve and deny there.
    Answer,
    /// A second person can.
    SecondPerson,
    /// An answer can carry a comment.
    Comment,
    /// An answer can arrive that was given before its giver could see the verdict.
    Late,
    /// The medium may deliver one answer twice.
    Repeat,
    /// Input can arrive that does not prove where it comes from: unsigned, or signed with another secret.
    Forge,
    /// Somebody can answer whom the directory does not know.
    Stranger,
    /// Somebody can answer who belongs to another workspace, tenant or realm, under an id that a person here has.
    Foreign,
    /// What an answer says about the digest can be changed on its way.
    Tamper,
    /// The medium can refuse a card for good: a revoked token, a channel that is gone.
    Refuse,
    /// The medium can be out of reach for a while.
    Outage,
    /// The medium can do what it was asked and its reply be lost.
    LostReply,
    /// Cards outlive the process that placed them.
    Outlive,
    /// The backend holds secrets of its own.
    Secrets,
}

impl Ability {
    /// What is said of a medium that does not claim it.
    pub(super) const fn is_missing(self) -> &'static str {
        match self {
            Self::Answer => "nobody can answer there",
            Self::SecondPerson => "only one person can answer there",
            Self::Comment => "an answer carries no comment there",
            Self::Late => "no answer can come late there",
            Self::Repeat => "no answer can come twice there",
            Self::Forge => "nothing can be forged there",
            Self::Stranger => "no stranger can answer there",
            Self::Foreign => "no foreign identity can answer there",
            Self::Tamper => "no digest can be changed there",
            Self::Refuse => "no card can be refused there",
            Self::Outage => "the medium is always in reach",
            Self::LostReply => "no reply can be lost there",
            Self::Outlive => "its cards end with the process",
            Self::Secrets => "it holds no secrets",
        }
    }
}

/// The abilities that an author claims.
pub type Abilities = BTreeSet<Ability>;

/// One of the people of a medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// Whoever sits there.
    First,
    /// Somebody else; only asked for with [`Ability::SecondPerson`].
    Second,
}

/// What somebody does on a medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Does {
    /// Approves with what the card offers now.
    Approve,
    /// Denies with what the card offers now.
    Deny,
    /// Denies with a comment: these words.
    DenySaying(&'static str),
    /// Approves with what the card offered when it was placed, whatever it offers now ([`Ability::Late`]).
    ApproveLate,
    /// Nobody does: the last answer is delivered once more as it was ([`Ability::Repeat`]).
    Again,
    /// Approves in the name of this person without being able to prove it ([`Ability::Forge`]).
    ApproveForged,
    /// Approves as somebody whom the directory does not know ([`Ability::Stranger`]).
    ApproveAsStranger,
    /// Approves as somebody of another workspace, tenant or realm who has this person's id there
    /// ([`Ability::Foreign`]).
    ApproveAsForeigner,
    /// Approves, and the digest in the answer is changed on its way to another one ([`Ability::Tamper`]).
    ApproveOtherDigest,
}

impl Does {
    /// What it can only be done with.
    pub const fn needs(self) -> Ability {
        match self {
            Self::Approve | Self::Deny => Ability::Answer,
            Self::DenySaying(_) => Ability::Comment,
            Self::ApproveLate => Ability::Late,
            Self::Again => Ability::Repeat,
            Self::ApproveForged => Ability::Forge,
            Self::ApproveAsStranger => Ability::Stranger,
            Self::ApproveAsForeigner => Ability::Foreign,
            Self::ApproveOtherDigest => Ability::Tamper,
        }
    }
}

/// Something that is to be done on a medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Act {
    /// To the card of which request.
    pub request: RequestId,
    /// The digest of that request.
    pub digest: Digest,
    /// By whom.
    pub who: Who,
    /// What.
    pub does: Does,
}

/// What came of an [`Act`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Acted {
    /// It reached the backend, and the backend has dealt with it: the medium has its reply.
    Delivered,
    /// There was nothing there to do it with.
    NotOffered,
}

/// A way for a medium to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// It refuses every card, and trying again cannot help ([`Ability::Refuse`]).
    Refuses,
    /// It is out of reach: no connection, no answer in time, a server error ([`Ability::Outage`]).
    IsAway,
    /// It does what it is asked, and the reply is lost ([`Ability::LostReply`]).
    LosesReplies,
}

impl Fault {
    pub(super) const fn needs(self) -> Ability {
        match self {
            Self::Refuses => Ability::Refuse,
            Self::IsAway => Ability::Outage,
            Self::LosesReplies => Ability::LostReply,
        }
    }
}

/// What people see of one request, now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// How many messages about it stand there, whatever they say by now. What a dead process left behind counts if
    /// cards outlive a process, and not otherwise.
    pub messages: usize,
    /// What they say, as people read it: after the medium's own escapes, without its markup, lines kept apart. The
    /// words for an end are looked for in it: `approved`, `denied`, `expired`, `cancelled`; say those for your own.
    pub text: String,
    /// Whether something there approves.
    pub can_approve: bool,
    /// Whether something there denies.
    pub can_deny: bool,
    /// Everything there that is more than text: links, mentions, images, other controls, headings; a word each.
    /// Empty on a medium of plain text.
    pub live: Vec<String>,
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
