//! What the people of the mock say, and how the mock behaves when it is sent a card.

use std::fmt;
use std::time::Duration;

use super::PROVIDER;
use crate::backend::BackendError;
use crate::card::{Card, Shown, visible};
use crate::desk::Review;
use crate::id::{PersonId, RequestId};
use crate::ledger::Answer;
use crate::people::Identity;
use crate::request::Digest;

/// Who gives a scripted answer. A text is a person of the mock; an [`Identity`] is taken as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Who {
    /// A person, authenticated by the mock.
    Person(PersonId),
    /// As many people as the request takes, of the groups that it takes: see [`MockBackend::approve`]. For a no, one of
    /// them.
    ///
    /// [`MockBackend::approve`]: super::MockBackend::approve
    WhoeverItTakes,
    /// The agent that asks.
    Agent,
    /// The agent's owner.
    Owner,
    /// The human that the agent acts for. A call that names none fails the test.
    Human,
    /// An identity that the mock may not vouch for, such as one of another provider: a forgery.
    Identity(Identity),
}

impl Who {
    /// The identity that the answer to this card carries; `None` is for whoever it takes.
    fn identity(&self, card: &Card) -> Result<Option<Identity>, String> {
        let requester = &card.requester;
        let subject = match self {
            Self::Identity(identity) => return Ok(Some(identity.clone())),
            Self::WhoeverItTakes => return Ok(None),
            Self::Person(id) => id.as_str(),
            Self::Agent => &requester.agent,
            Self::Owner => bare(&requester.owner),
            Self::Human => match &requester.on_behalf_of {
                Some(human) => bare(human),
                None => {
                    return Err(
                        "answers as the human that the agent acts for, and this call names none".to_owned()
                    );
                }
            },
        };
        Ok(Some(Identity::new(PROVIDER, subject)))
    }
}

/// The id of a principal, without what a card adds for people.
fn bare(principal: &str) -> &str {
    principal.strip_suffix(" (external)").unwrap_or(principal)
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => f.write_str(&visible(id.as_str())),
            Self::WhoeverItTakes => f.write_str("whoever it takes"),
            Self::Agent => f.write_str("the agent itself"),
            Self::Owner => f.write_str("the agent's owner"),
            Self::Human => f.write_str("the human that the agent acts for"),
            Self::Identity(identity) => write!(f, "the identity {}", visible(&identity.to_string())),
        }
    }
}

impl From<&str> for Who {
    fn from(person: &str) -> Self {
        Self::Person(person.into())
    }
}

impl From<PersonId> for Who {
    fn from(person: PersonId) -> Self {
        Self::Person(person)
    }
}

impl From<Identity> for Who {
    fn from(identity: Identity) -> Self {
        Self::Identity(identity)
    }
}

/// One scripted answer: [`yes`] or [`no`], and what is odd about it.
///
/// ```
/// use approvals_core::testing::{MockBackend, any, no, yes};
/// use std::time::Duration;
///
/// let mock = MockBackend::new();
/// let minute = Duration::from_secs(60);
/// mock.when(any()).answer([yes("ann").twice(), no("bob").comment("not on a Friday").after(5 * minute)]);
/// ```
#[derive(Debug, Clone)]
#[must_use = "an answer is given by `answer([…])`"]
pub struct Scripted {
    who: Who,
    answer: Answer,
    comment: Option<String>,
    after: Duration,
    late: bool,
    times: usize,
    other_digest: bool,
    part: Option<usize>,
}

/// A yes of this person.
pub fn yes(who: impl Into<Who>) -> Scripted {
    Scripted::new(who.into(), Answer::Approve)
}

/// A no of this person.
pub fn no(who: impl Into<Who>) -> Scripted {
    Scripted::new(who.into(), Answer::Deny)
}

impl Scripted {
    fn new(who: Who, answer: Answer) -> Self {
        let (after, late) = (Duration::ZERO, false);
        Self { who, answer, comment: None, after, late, times: 1, other_digest: false, part: None }
    }

    /// What they say about it.
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into());
        self
    }

    /// They think about it for so long, in the mock's virtual time, counted from the card. Default: not at all.
    pub fn after(mut self, delay: Duration) -> Self {
        self.after = delay;
        self
    }

    /// They answer once the request is decided, expired or called off, as the mock sees on the card's update.
    pub fn late(mut self) -> Self {
        self.late = true;
        self
    }

    /// The answer arrives twice, as when a service repeats a delivery.
    pub fn twice(mut self) -> Self {
        self.times = 2;
        self
    }

    /// The answer is for another digest than the card shows.
    pub fn for_another_digest(mut self) -> Self {
        self.other_digest = true;
        self
    }

    /// This person was shown the card without so many characters of its facts.
    pub fn who_saw_part(mut self, hidden: usize) -> Self {
        self.part = Some(hidden);
        self
    }

    /// Whether it waits for the end of the request.
    pub(super) fn is_late(&self) -> bool {
        self.late
    }

    /// How long it takes.
    pub(super) fn delay(&self) -> Duration {
        self.after
    }

    /// Whether it is a plain yes of somebody who may say it.
    pub(super) fn is_meant_to_count(&self) -> bool {
        let of_a_person = matches!(self.who, Who::Person(_) | Who::WhoeverItTakes);
        self.answer == Answer::Approve && of_a_person && !self.other_digest && self.part.is_none()
    }

    /// Who gives it.
    pub(super) fn who(&self) -> &Who {
        &self.who
    }

    /// The reviews that the desk gets of it for this card, and from whom; `None` is whoever it takes.
    pub(super) fn reviews(
        &self,
        card: &Card,
        request: RequestId,
        digest: Digest,
        shown: Shown,
    ) -> Result<Vec<(Option<Identity>, Review)>, String> {
        let seen = if self.other_digest { Digest::from_bytes([0; 32]) } else { digest };
        let mut review = match self.answer {
            Answer::Approve => Review::approve(request, seen),
            Answer::Deny => Review::deny(request, seen),
        };
        review.comment.clone_from(&self.comment);
        let review = review.shown(self.part.map_or(shown, |hidden| Shown::Part { hidden }));
        let identity = self.who.identity(card)?;
        Ok(vec![(identity, review); self.times])
    }
}

impl fmt::Display for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.answer, self.who)?;
        if let Some(comment) = &self.comment {
            write!(f, " (\"{}\")", visible(comment))?;
        }
        if !self.after.is_zero() {
            write!(f, " after {:?}", self.after)?;
        }
        for (says, holds) in [
            (", late", self.late),
            (", twice", self.times > 1),
            (", for another digest", self.other_digest),
            (", who saw a part", self.part.is_some()),
        ] {
            f.write_str(if holds { says } else { "" })?;
        }
        Ok(())
    }
}

/// What the mock does with a card.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    pub(super) answers: Vec<Scripted>,
    pub(super) presents: Presents,
    /// How much of the card is shown; as much as there is if absent.
    pub(super) shows: Option<Shown>,
}

/// How presenting goes.
#[derive(Debug, Clone, Default)]
pub(super) enum Presents {
    /// The card stands.
    #[default]
    Well,
    /// It does not, and core is told.
    Fails(BackendError),
    /// It stands, and the backend panics before core has its reference.
    ThenPanics,
    /// It stands, and core never hears of it.
    ThenHangs,
}

impl Plan {
    /// Stands, with these answers.
    pub(super) fn of(answers: impl IntoIterator<Item = Scripted>) -> Self {
        Self { answers: answers.into_iter().collect(), ..Self::default() }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.presents {
            Presents::Well => {}
            Presents::Fails(error) => return write!(f, "cannot be presented: {error}"),
            Presents::ThenPanics => return f.write_str("is shown, then the backend panics"),
            Presents::ThenHangs => return f.write_str("is shown, then the backend hangs"),
        }
        if self.answers.is_empty() {
            return f.write_str("nobody answers");
        }
        for (place, answer) in self.answers.iter().enumerate() {
            write!(f, "{}{answer}", if place == 0 { "" } else { ", then " })?;
        }
        Ok(())
    }
}
