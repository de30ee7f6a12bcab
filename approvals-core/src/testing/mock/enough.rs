//! Whoever it takes: as many people, of such groups, as a request asks for; and telling when those of a script are too
//! few.

use std::collections::btree_map::Entry;

use super::book::{Book, Came};
use super::post::Seat;
use super::script::{Plan, Scripted};
use super::{Inner, PROVIDER, Who};
use crate::card::Shown;
use crate::desk::{Desk, Review};
use crate::id::{GroupId, PersonId, RequestId};
use crate::ledger::{Answer, Stream};
use crate::people::{Identity, Person};
use crate::state::{Phase, State};

/// The first of those who answer where the test names nobody; the others are `reviewer-2`, `reviewer-3`, ….
const REVIEWER: &str = "reviewer";

impl Inner {
    /// Those who give this answer when the test names nobody, put into the groups that the request asks for.
    pub(super) async fn whoever_it_takes(&self, desk: &Desk, review: &Review) -> Vec<Identity> {
        let slots = match review.answer {
            // One no is enough, of somebody who could say yes.
            Answer::Deny => slots(desk, review.request).await.into_iter().take(1).collect(),
            Answer::Approve => slots(desk, review.request).await,
        };
        let mut known = self.known();
        for (person, groups) in &slots {
            known.groups.entry(person.clone()).or_default().extend(groups.iter().cloned());
        }
        slots.iter().map(|(person, _)| Identity::new(PROVIDER, person.as_str())).collect()
    }

    /// Tells that no more answers come to a request that is still open, if they were all meant to count: its call
    /// would wait without a word.
    pub(super) async fn tell_if_too_few(&self, seat: Seat, desk: &Desk, request: RequestId) {
        let id = request.to_string();
        let why = {
            let book = self.book();
            let came = book.came.iter().rev().find(|came| came.card.request == id);
            came.filter(|came| self.all_count(&book, came)).map(|came| book.too_few(came))
        };
        let Some(why) = why.filter(|_| !self.post().has_more_for(request)) else { return };
        let Ok(history) = desk.store.history(Stream::Request(request)).await else { return };
        if !State::fold(&history).is_ok_and(|state| state.phase() == Phase::Pending) {
            return;
        }
        let mut book = self.book();
        if book.strict {
            book.faults.push(why);
            drop(book);
            self.call_off(seat, request);
        } else if let Entry::Vacant(entry) = book.waiting.entry(id) {
            // Where a runner shows what a test printed that it had to kill, this says why.
            eprintln!("{why}");
            entry.insert(why);
        }
    }

    /// Whether the test means all answers to a card to count. One with a forgery, a no, a stranger or a half-seen card
    /// in it is about what does not.
    fn all_count(&self, book: &Book, came: &Came) -> bool {
        let known = self.known();
        let is_stranger = |answer: &Scripted| matches!(answer.who(), Who::Person(person) if known.strangers.contains(person));
        let Plan { answers, shows, .. } = &came.plan;
        let in_part = matches!(shows.or(book.shows), Some(Shown::Part { .. }));
        let counts = |answer: &Scripted| answer.is_meant_to_count() && !is_stranger(answer);
        !in_part && !answers.is_empty() && answers.iter().all(counts)
    }
}

/// A person for each slot of the request, none of them its requester. Those of one quorum may fill another as well.
async fn slots(desk: &Desk, request: RequestId) -> Vec<(PersonId, Vec<GroupId>)> {
    let history = desk.store.history(Stream::Request(request)).await.unwrap_or_default();
    let opened = State::fold(&history).ok().and_then(|state| state.opened().cloned());
    let requested = opened.as_ref().map(|opened| &opened.requested);
    let quorums = requested.into_iter().flat_map(|requested| requested.quorums());
    let quorums: Vec<_> = quorums.map(|quorum| quorum.fewest_slots()).collect();
    let count = quorums.iter().map(Vec::len).max().unwrap_or(1);
    let group = |place: usize| {
        let slots = quorums.iter().filter_map(move |slots| slots.get(place));
        slots.filter_map(|groups| groups.first().cloned()).collect()
    };
    let people = (1..).map(|number| match number {
        1 => PersonId::new(REVIEWER),
        number => PersonId::new(format!("{REVIEWER}-{number}")),
    });
    let others = people.filter(|id| {
        let person = Person::new(id.clone());
        requested.is_none_or(|requested| !requested.call.requester.includes(&person))
    });
    others.take(count).enumerate().map(|(place, person)| (person, group(place))).collect()
}
