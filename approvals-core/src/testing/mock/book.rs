//! What the mock was told and what came to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Inner;
use super::matcher::Look;
use super::report::{Closures, report};
use super::rule::Entry;
use super::script::{Plan, Presents};
use crate::backend::BackendError;
use crate::card::{Card, Shown, visible};
use crate::desk::{DeskError, Reply};

/// Everything that a test said and saw.
#[derive(Default)]
pub(super) struct Book {
    pub(super) rules: Vec<Entry>,
    /// For cards that no rule is for.
    pub(super) default: Plan,
    /// A card that nobody would answer fails the test.
    pub(super) strict: bool,
    /// Nothing can be presented.
    pub(super) fails: Option<BackendError>,
    /// How much of a card is shown where its rule does not say.
    pub(super) shows: Option<Shown>,
    pub(super) came: Vec<Came>,
    pub(super) updates: Vec<Card>,
    pub(super) replies: Vec<Result<Reply, DeskError>>,
    /// What the test is wrong about.
    pub(super) faults: Vec<String>,
    /// Requests that are open although all that were to answer have, and why.
    pub(super) waiting: BTreeMap<String, String>,
    /// The test was told already.
    pub(super) told: bool,
}

/// A card that came.
#[derive(Clone)]
pub(super) struct Came {
    pub(super) card: Card,
    pub(super) taken: Taken,
    /// What was done with it.
    pub(super) plan: Plan,
    /// How many rules there were by then.
    pub(super) rules: usize,
    /// People saw it.
    pub(super) shown: bool,
}

/// Which rule a card went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// The rule of this place.
    Rule(usize),
    /// None, so it was done as for every such card.
    Default,
    /// None: the test is wrong about it.
    Nobody,
}

impl Book {
    pub(super) fn cards(&self) -> Vec<Card> {
        self.came.iter().filter(|came| came.shown).map(|came| came.card.clone()).collect()
    }

    /// What failures call whoever took a card.
    pub(super) fn title(&self, taken: Taken) -> String {
        match taken {
            Taken::Rule(place) => self.rules.get(place).map(|entry| entry.title(place)).unwrap_or_default(),
            Taken::Default | Taken::Nobody => "the mock".to_owned(),
        }
    }

    /// Who answers a card, and what it takes.
    pub(super) fn too_few(&self, came: &Came) -> String {
        let Came { card, taken, plan, .. } = came;
        let people: Vec<String> = plan.answers.iter().map(|answer| format!("`{}`", answer.who())).collect();
        let takes: Vec<String> = card.who_may_decide.iter().map(|quorum| visible(quorum)).collect();
        format!(
            "{} answers `{}` with {}, and it takes {}; name more people, put them into groups with `mock.group(…)`, or \
             say `.approve()` for whoever it takes",
            self.title(*taken),
            visible(&card.action),
            people.join(" and "),
            takes.join(", as well as "),
        )
    }

    /// Whether a card that no rule is for was left without an answer.
    pub(super) fn default_is_silent(&self, came: &Came) -> bool {
        came.plan.answers.is_empty() && matches!(came.plan.presents, Presents::Well)
    }
}

impl Inner {
    /// Finds the first rule for a card and what it has in store; else why the test is wrong about the card.
    ///
    /// No lock is held while a closure of the test's is asked: it may ask the mock.
    pub(super) fn choose(&self, card: &Card) -> (Taken, Result<Plan, String>) {
        let mut place = 0;
        loop {
            let (matcher, title, at) = {
                let mut book = self.book();
                let Some(entry) = book.rules.get_mut(place) else { break };
                // The same request once more, as after a failure or a restart, stays with its rule.
                if entry.requests.contains(&card.request)
                    && let Some(plan) = entry.take(&card.request)
                {
                    return (Taken::Rule(place), Ok(plan));
                }
                (Arc::clone(&entry.matcher), entry.title(place), entry.at)
            };
            match matcher.look(card) {
                Look::Fits => {
                    let mut book = self.book();
                    if let Some(plan) = book.rules.get_mut(place).and_then(|entry| entry.take(&card.request))
                    {
                        return (Taken::Rule(place), Ok(plan));
                    }
                }
                Look::Misses { .. } => {}
                Look::Misused(why) => {
                    let fault = format!(
                        "{title} cannot look at `{}`: {why}\n  when {matcher}\n  at {at}",
                        card.action
                    );
                    return (Taken::Nobody, Err(fault));
                }
            }
            place += 1;
        }
        let book = self.book();
        let plan = book.default.clone();
        if book.strict && plan.answers.is_empty() {
            let fault =
                format!("no rule is for this card of `{}`, and the mock is strict", visible(&card.action));
            return (Taken::Nobody, Err(fault));
        }
        (Taken::Default, Ok(plan))
    }

    /// What is wrong, if anything is that the test was not told of.
    pub(super) fn complaint(&self, closures: Closures) -> Option<String> {
        let snapshot = {
            let book = self.book();
            if book.told {
                return None;
            }
            Book {
                rules: book.rules.clone(),
                came: book.came.clone(),
                faults: book.faults.clone(),
                waiting: book.waiting.clone(),
                ..Book::default()
            }
        };
        let complaint = report(&snapshot, closures)?;
        self.book().told = true;
        Some(complaint)
    }
}
