//! The pure half of the desk: does this review count?

use super::{Review, Reviewer, Seen, WayKind};
use crate::card::Shown;
use crate::id::RequestId;
use crate::ledger::{Answer, IgnoredWhy};
use crate::people::Person;
use crate::state::{Opened, Phase, State};
use crate::time::Timestamp;

/// What is to be recorded of a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It counts: a `reviewed` record for this person.
    Count(Person),
    /// The requester says no to their own request: a `cancelled` record by this person.
    Cancel(Person),
    /// It does not count: an `ignored` record.
    Ignore(IgnoredWhy),
}

/// Judges one review of one request. No I/O, no clock.
///
/// The order is that of the questions a stranger could ask: nothing about the request is judged before it is clear
/// that the reviewer is somebody.
pub fn decide(state: &State, reviewer: &Reviewer, review: &Review, now: Timestamp) -> Decision {
    match judge(state, reviewer, review, now) {
        Ok(decision) => decision,
        Err(why) => Decision::Ignore(why),
    }
}

fn judge(
    state: &State,
    reviewer: &Reviewer,
    review: &Review,
    now: Timestamp,
) -> Result<Decision, IgnoredWhy> {
    let (person, opened) = somebody(state, reviewer, review.request)?;
    if !review.seen.is(&opened.digest) {
        return Err(IgnoredWhy::OtherDigest);
    }
    let alone = decides_alone(opened, person);
    if opened.requested.call.requester.includes(person) && !alone {
        return match review.answer {
            Answer::Deny if may_be_taken_back(state.phase()) => Ok(Decision::Cancel(person.clone())),
            _ => Err(IgnoredWhy::Requester),
        };
    }
    if !alone && !opened.requested.has_place_for(person.groups()) {
        return Err(IgnoredWhy::NotAReviewer);
    }
    answered_before(state, person, review.answer)?;
    match review.answer {
        Answer::Deny => may_deny(state.phase())?,
        Answer::Approve => may_approve(state, opened, reviewer, review, now)?,
    }
    Ok(Decision::Count(person.clone()))
}

/// Judges whether this person may take the request back: the requester, until somebody has claimed it. Anyone else
/// denies it.
///
/// A single operator may too: their no is an answer, which stands until the key changes; this one lets the key ask anew.
///
/// # Errors
/// The reason why it does not count.
pub fn may_cancel(
    state: &State,
    reviewer: &Reviewer,
    request: RequestId,
    seen: &Seen,
) -> Result<Person, IgnoredWhy> {
    let (person, opened) = somebody(state, reviewer, request)?;
    if !seen.is(&opened.digest) {
        return Err(IgnoredWhy::OtherDigest);
    }
    if !opened.requested.call.requester.includes(person) {
        return Err(IgnoredWhy::NotTheRequester);
    }
    match may_be_taken_back(state.phase()) {
        true => Ok(person.clone()),
        false => Err(IgnoredWhy::AlreadyDecided),
    }
}

/// Judges whether this person may say what became of a claimed attempt: whoever could approve the request, and
/// never the requester (law 4).
///
/// # Errors
/// The reason why it does not count.
pub fn may_reconcile(state: &State, reviewer: &Reviewer, request: RequestId) -> Result<Person, IgnoredWhy> {
    let (person, opened) = somebody(state, reviewer, request)?;
    let alone = decides_alone(opened, person);
    if opened.requested.call.requester.includes(person) && !alone {
        return Err(IgnoredWhy::Requester);
    }
    if !alone && !opened.requested.has_place_for(person.groups()) {
        return Err(IgnoredWhy::NotAReviewer);
    }
    if reviewer.way.assurance < opened.requirement().assurance {
        return Err(IgnoredWhy::AssuranceTooLow);
    }
    match state.phase() {
        Phase::Executing | Phase::Unknown => Ok(person.clone()),
        _ => Err(IgnoredWhy::NotRunning),
    }
}

/// The person and the request, if they are what they say and may meet through this way.
fn somebody<'a>(
    state: &'a State,
    reviewer: &'a Reviewer,
    request: RequestId,
) -> Result<(&'a Person, &'a Opened), IgnoredWhy> {
    if reviewer.provider != reviewer.way.provider {
        return Err(IgnoredWhy::ForeignProvider);
    }
    let person = reviewer.person.as_ref().ok_or(IgnoredWhy::Unmapped)?;
    let opened = state.opened().filter(|opened| opened.id == request).ok_or(IgnoredWhy::UnknownRequest)?;
    if reviewer.way.kind == WayKind::Surface && !opened.requested.terms.open_to_store {
        return Err(IgnoredWhy::WayClosed);
    }
    Ok((person, opened))
}

/// Law 4's one exception. By id, never by alias, because a record holds ids only and has to show by itself who decided.
fn decides_alone(opened: &Opened, person: &Person) -> bool {
    opened.requirement().single_operator && opened.requested.call.requester.is_answered_for_by(person.id())
}

/// A yes may become a no; nothing else may change.
fn answered_before(state: &State, person: &Person, answer: Answer) -> Result<(), IgnoredWhy> {
    let before = state.answers().iter().rev().find(|counted| counted.by == *person.id());
    match (before.map(|counted| counted.answer), answer) {
        (None, _) | (Some(Answer::Approve), Answer::Deny) => Ok(()),
        _ => Err(IgnoredWhy::AnsweredBefore),
    }
}

/// Once it is claimed, calling it off would say that nothing runs.
const fn may_be_taken_back(phase: Phase) -> bool {
    matches!(phase, Phase::Pending | Phase::Approved)
}

fn may_deny(phase: Phase) -> Result<(), IgnoredWhy> {
    match phase {
        Phase::Pending | Phase::Approved | Phase::Executing | Phase::Unknown => Ok(()),
        _ => Err(IgnoredWhy::AlreadyDecided),
    }
}

fn may_approve(
    state: &State,
    opened: &Opened,
    reviewer: &Reviewer,
    review: &Review,
    now: Timestamp,
) -> Result<(), IgnoredWhy> {
    match state.phase() {
        Phase::Pending => {}
        Phase::Expired => return Err(IgnoredWhy::TooLate),
        _ => return Err(IgnoredWhy::AlreadyDecided),
    }
    if now >= opened.decide_by() {
        return Err(IgnoredWhy::TooLate);
    }
    if reviewer.way.assurance < opened.requirement().assurance {
        return Err(IgnoredWhy::AssuranceTooLow);
    }
    // Law 5: neither what the way says it showed now nor what it showed when it presented may be a part.
    let presented = state.presented().get(&reviewer.way.id).map(|(_, shown)| *shown);
    if [Some(review.shown), presented].into_iter().flatten().any(|shown| shown != Shown::Everything) {
        return Err(IgnoredWhy::NotEverythingShown);
    }
    Ok(())
}
