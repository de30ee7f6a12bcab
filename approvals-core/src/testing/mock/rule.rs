//! Rules: which cards the mock answers how, and how many it has to meet.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::{Range, RangeFrom, RangeInclusive, RangeTo, RangeToInclusive};
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::script::{Plan, Presents, Scripted, no, yes};
use super::{Inner, Matcher, MockBackend, Who};
use crate::backend::BackendError;
use crate::card::Shown;
use crate::id::PersonId;

/// A rule in the making: for these cards. See [`MockBackend::when`].
#[must_use = "say what happens: `.approve()`, `.deny(…)`, `.answer([…])`, …"]
pub struct When<'a> {
    pub(super) mock: &'a MockBackend,
    pub(super) matcher: Matcher,
    pub(super) at: &'static Location<'static>,
}

impl When<'_> {
    /// Whoever it takes approves: see [`MockBackend::approve`].
    pub fn approve(self) -> Rule {
        self.answer([yes(Who::WhoeverItTakes)])
    }

    /// These people approve, one after the other, and nobody else: see [`MockBackend::strict`] for when they are too
    /// few.
    pub fn approve_by<P: Into<PersonId>>(self, people: impl IntoIterator<Item = P>) -> Rule {
        self.answer(people.into_iter().map(|person| yes(person.into())))
    }

    /// `reviewer` denies with this comment.
    pub fn deny(self, comment: impl Into<String>) -> Rule {
        self.deny_by("reviewer", comment)
    }

    /// This person denies with this comment.
    pub fn deny_by(self, person: impl Into<Who>, comment: impl Into<String>) -> Rule {
        self.answer([no(person).comment(comment)])
    }

    /// Nobody answers.
    pub fn never(self) -> Rule {
        self.answer([])
    }

    /// These answers come, in this order as far as their delays allow.
    pub fn answer(self, answers: impl IntoIterator<Item = Scripted>) -> Rule {
        self.plan(Plan::of(answers))
    }

    /// The card cannot be presented.
    pub fn fail(self, error: BackendError) -> Rule {
        self.presents(Presents::Fails(error))
    }

    /// The card is shown, and the backend panics before core knows where it stands.
    pub fn show_then_panic(self) -> Rule {
        self.presents(Presents::ThenPanics)
    }

    /// The card is shown, and core never hears of it: what a process leaves behind that is killed right then.
    pub fn show_then_hang(self) -> Rule {
        self.presents(Presents::ThenHangs)
    }

    fn presents(self, presents: Presents) -> Rule {
        self.plan(Plan { presents, ..Plan::default() })
    }

    fn plan(self, plan: Plan) -> Rule {
        let Self { mock, matcher, at } = self;
        let mut book = mock.inner.book();
        book.rules.push(Entry {
            matcher: Arc::new(matcher),
            plan,
            name: None,
            expects: None,
            only: None,
            at,
            cards: 0,
            requests: BTreeSet::new(),
        });
        Rule { inner: Arc::clone(&mock.inner), place: book.rules.len() - 1 }
    }
}

impl fmt::Debug for When<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("When").field(&self.matcher).finish()
    }
}

/// A rule of the mock, in force. What is said of it here holds for the cards that come from now on.
#[derive(Clone)]
pub struct Rule {
    inner: Arc<Inner>,
    place: usize,
}

impl Rule {
    fn change(self, change: impl FnOnce(&mut Entry)) -> Self {
        if let Some(entry) = self.inner.book().rules.get_mut(self.place) {
            change(entry);
        }
        self
    }

    /// What failures call it. Default: `rule` and its place, from 1.
    pub fn named(self, name: impl Into<String>) -> Self {
        self.change(|entry| entry.name = Some(name.into()))
    }

    /// How many requests it has to be for: a number, or a range. Checked by [`MockBackend::verify`] and when the last
    /// handle of the mock is dropped. A request that is presented again counts once. Default: any number.
    pub fn expect(self, requests: impl Into<Times>) -> Self {
        self.change(|entry| entry.expects = Some(requests.into()))
    }

    /// It takes its first so many cards, one that is presented again included; later ones go to the rules after it.
    ///
    /// ```
    /// use approvals_core::{backend::BackendError, ledger::PresentFailure};
    /// use approvals_core::testing::{MockBackend, action};
    ///
    /// let mock = MockBackend::new();
    /// let no_route = BackendError::temporary(PresentFailure::Unreachable, "no route");
    /// mock.when(action("refund")).fail(no_route).only(2);
    /// mock.when(action("refund")).approve();
    /// ```
    pub fn only(self, cards: usize) -> Self {
        self.change(|entry| entry.only = Some(cards))
    }

    /// All of its answers take so much longer, in virtual time.
    pub fn after(self, delay: Duration) -> Self {
        self.each(|answer| {
            let delay = answer.delay().saturating_add(delay);
            answer.after(delay)
        })
    }

    /// All of its answers come once the request is over.
    pub fn late(self) -> Self {
        self.each(Scripted::late)
    }

    /// All of its answers arrive twice.
    pub fn twice(self) -> Self {
        self.each(Scripted::twice)
    }

    fn each(self, change: impl Fn(Scripted) -> Scripted) -> Self {
        self.change(|entry| entry.plan.answers = entry.plan.answers.drain(..).map(change).collect())
    }

    /// Its cards are shown without so many characters of their facts.
    pub fn show_part(self, hidden: usize) -> Self {
        self.change(|entry| entry.plan.shows = Some(Shown::Part { hidden }))
    }

    /// How many requests it was for so far.
    pub fn requests(&self) -> usize {
        self.inner.book().rules.get(self.place).map_or(0, |entry| entry.requests.len())
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule").field("place", &self.place).finish_non_exhaustive()
    }
}

/// A rule as the mock keeps it.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) matcher: Arc<Matcher>,
    pub(super) plan: Plan,
    pub(super) name: Option<String>,
    pub(super) expects: Option<Times>,
    pub(super) only: Option<usize>,
    pub(super) at: &'static Location<'static>,
    /// How many cards it took.
    pub(super) cards: usize,
    /// The ids of the requests that they were for.
    pub(super) requests: BTreeSet<String>,
}

impl Entry {
    /// What failures call it.
    pub(super) fn title(&self, place: usize) -> String {
        match &self.name {
            Some(name) => format!("rule `{name}`"),
            None => format!("rule {}", place + 1),
        }
    }

    /// Whether it has had all the cards that it takes.
    fn is_used_up(&self) -> bool {
        self.only.is_some_and(|only| self.cards >= only)
    }

    /// Takes a card, unless it has had all.
    pub(super) fn take(&mut self, request: &str) -> Option<Plan> {
        if self.is_used_up() {
            return None;
        }
        self.cards += 1;
        self.requests.insert(request.to_owned());
        Some(self.plan.clone())
    }

    /// Whether as many requests came as it expects.
    pub(super) fn is_met(&self) -> bool {
        self.expects.is_none_or(|times| times.admit(self.requests.len()))
    }
}

/// How many requests a rule expects: `1`, `1..`, `..=3`, `2..4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    least: usize,
    most: Option<usize>,
}

impl Times {
    fn admit(self, requests: usize) -> bool {
        self.least <= requests && self.most.is_none_or(|most| requests <= most)
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (0, Some(0)) => f.write_str("no request"),
            (0, None) => f.write_str("any number of requests"),
            (least, Some(most)) if least == most => write!(f, "{}", counted(most)),
            (least, None) => write!(f, "at least {}", counted(least)),
            (0, Some(most)) => write!(f, "at most {}", counted(most)),
            (least, Some(most)) => write!(f, "{least} to {}", counted(most)),
        }
    }
}

/// `1 request`, `2 requests`.
fn counted(requests: usize) -> String {
    format!("{requests} request{}", if requests == 1 { "" } else { "s" })
}

impl From<usize> for Times {
    fn from(exactly: usize) -> Self {
        Self { least: exactly, most: Some(exactly) }
    }
}

impl From<RangeInclusive<usize>> for Times {
    fn from(range: RangeInclusive<usize>) -> Self {
        Self { least: *range.start(), most: Some(*range.end()) }
    }
}

impl From<Range<usize>> for Times {
    fn from(range: Range<usize>) -> Self {
        Self { least: range.start, most: Some(range.end.saturating_sub(1)) }
    }
}

impl From<RangeFrom<usize>> for Times {
    fn from(range: RangeFrom<usize>) -> Self {
        Self { least: range.start, most: None }
    }
}

impl From<RangeTo<usize>> for Times {
    fn from(range: RangeTo<usize>) -> Self {
        Self::from(0..range.end)
    }
}

impl From<RangeToInclusive<usize>> for Times {
    fn from(range: RangeToInclusive<usize>) -> Self {
        Self::from(0..=range.end)
    }
}
