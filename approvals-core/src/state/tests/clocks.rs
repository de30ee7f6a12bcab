//! Time is in the record: what each clock refuses, to the microsecond.

use super::kit::*;
use crate::ledger::{Event, Finish, Reconciliation};
use crate::request::Quorum;
use crate::state::{Illegal, Phase};

fn decide_by() -> crate::time::Timestamp {
    start().after(DECIDE)
}

#[test]
fn an_approval_counts_until_the_last_microsecond_before_decide_by() {
    let asked = History::asking(Quorum::people(1)).at(decide_by());
    let late = Illegal::TooLate { deadline: decide_by() };
    assert_eq!(asked.refusal(asked.yes("ann", &[])), late);
    assert_eq!(asked.clone().later(TICK).refusal(asked.yes("ann", &[])), late);
    assert_eq!(asked.just_before().approved_by("ann", &[]).phase(), Phase::Approved);
}

#[test]
fn an_override_counts_until_the_last_microsecond_before_decide_by() {
    let asked = History::asking(Quorum::people(1)).at(decide_by());
    let by_force = asked.overridden("zoe");
    assert_eq!(asked.refusal(by_force.clone()), Illegal::TooLate { deadline: decide_by() });
    assert_eq!(asked.just_before().then(by_force).phase(), Phase::Approved);
}

#[test]
fn a_denial_counts_after_decide_by_and_after_use_by_until_the_expiry_is_written() {
    let asked = History::asking(Quorum::people(1));
    assert_eq!(asked.clone().later(DECIDE).denied_by("ann", &[]).phase(), Phase::Denied);
    let approved = asked.approved_by("ann", &[]).later(USE);
    assert_eq!(approved.denied_by("bob", &[]).phase(), Phase::Denied);
}

#[test]
fn the_permit_lives_from_the_approval_not_from_the_ask() {
    let asked = History::asking(Quorum::people(1)).at(decide_by()).just_before();
    let approved = asked.approved_by("ann", &[]);
    let use_by = approved.now.after(USE);
    assert_eq!(approved.state.use_by(), Some(use_by));
    let at_the_edge = approved.at(use_by);
    assert_eq!(at_the_edge.refusal(started(1)), Illegal::TooLate { deadline: use_by });
    assert_eq!(at_the_edge.just_before().then(started(1)).phase(), Phase::Executing);
}

#[test]
fn the_permit_lives_from_the_answer_that_completed_the_quorum() {
    let short = History::asking(Quorum::people(2)).approved_by("ann", &[]).later(USE);
    assert_eq!(short.state.use_by(), None);
    let approved = short.approved_by("bob", &[]);
    assert_eq!(approved.state.use_by(), Some(approved.now.after(USE)));
}

#[test]
fn a_rerun_is_bound_by_the_same_use_by_as_the_first_run() {
    let approved = History::of(rerunnable(requirement(Quorum::people(1)))).approved_by("ann", &[]);
    let use_by = approved.now.after(USE);
    let lost = approved.later(TICK).then(started(1)).then(lost(1)).at(use_by);
    assert_eq!(lost.refusal(started(2)), Illegal::TooLate { deadline: use_by });
    let again = lost.just_before().then(started(2)).then(super::kit::lost(2));
    assert_eq!(again.state.use_by(), Some(use_by), "a rerun renews nothing");
}

#[test]
fn an_expiry_is_refused_before_the_deadline_and_accepted_from_it_on() {
    let asked = History::asking(Quorum::people(1)).at(decide_by());
    assert_eq!(
        asked.clone().just_before().refusal(Event::Expired {}),
        Illegal::TooEarly { deadline: decide_by() }
    );
    assert_eq!(asked.clone().then(Event::Expired {}).phase(), Phase::Expired);
    assert_eq!(asked.later(DECIDE).then(Event::Expired {}).phase(), Phase::Expired);

    let approved = History::asking(Quorum::people(1)).approved_by("ann", &[]).later(USE);
    let deadline = approved.now;
    assert_eq!(approved.clone().just_before().refusal(Event::Expired {}), Illegal::TooEarly { deadline });
    assert_eq!(approved.then(Event::Expired {}).phase(), Phase::Expired);
}

#[test]
fn overdue_is_the_moment_from_which_an_expiry_may_be_written() {
    let asked = History::asking(Quorum::people(1)).at(decide_by());
    assert!(asked.state.is_overdue(asked.now));
    assert!(!asked.state.is_overdue(asked.clone().just_before().now));
    let cancelled = asked.then(withdrawn());
    assert!(!cancelled.state.is_overdue(cancelled.now), "no clock runs in a terminal phase");
}

#[test]
fn no_clock_hurries_a_body_that_runs() {
    let running =
        History::asking(Quorum::people(1)).approved_by("ann", &[]).then(started(1)).later(DECIDE * 100);
    assert_eq!(running.state.deadline(), None);
    assert_eq!(running.clone().then(finished(1, Finish::Ok {})).phase(), Phase::Succeeded);
    assert_eq!(running.clone().then(lost(1)).phase(), Phase::Unknown);
    assert_eq!(running.then(reconciled("zoe", Reconciliation::Ran)).phase(), Phase::Succeeded);
}

#[test]
fn time_may_stand_still_in_a_stream_but_not_run_backwards() {
    let asked = History::asking(Quorum::people(2)).later(TICK).approved_by("ann", &[]);
    let before = asked.clone().just_before();
    assert_eq!(before.refusal(asked.yes("bob", &[])), Illegal::TimeRunsBackwards);
    assert_eq!(before.refusal(ignored()), Illegal::TimeRunsBackwards, "notes too");
    assert_eq!(asked.approved_by("bob", &[]).phase(), Phase::Approved);
}

#[test]
fn a_note_moves_the_time_below_which_nothing_may_follow() {
    let asked = History::asking(Quorum::people(1)).later(TICK).then(ignored());
    assert_eq!(asked.clone().just_before().refusal(asked.yes("ann", &[])), Illegal::TimeRunsBackwards);
}

#[test]
fn the_time_of_the_last_record_stands_in_the_state() {
    assert_eq!(History::empty().state.last(), None);
    let asked = History::asking(Quorum::people(1)).later(TICK);
    assert_eq!(asked.clone().then(ignored()).state.last(), Some(asked.now));
}
