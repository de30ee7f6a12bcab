//! What a call may expect of the request that it finds.

use super::kit::*;
use crate::error::ErrorKind;
use crate::ledger::{CancelWhy, Event, Finish, Reconciliation};
use crate::request::Quorum;
use crate::state::Prospect;

fn asked() -> History {
    History::asking(Quorum::people(1))
}

fn running() -> History {
    asked().approved_by("ann", &[]).then(started(1))
}

fn rerunnable_and_lost() -> History {
    let asked = History::of(rerunnable(requirement(Quorum::people(1))));
    asked.approved_by("ann", &[]).then(started(1)).then(lost(1))
}

fn undeliverable() -> Event {
    Event::Cancelled { by: None, why: CancelWhy::Undeliverable }
}

#[test]
fn a_request_is_waited_for_claimed_or_refused_by_its_phase() {
    use Prospect::{Claimable, Refused, Waits};
    let expected = [
        (History::empty(), Waits),
        (asked(), Waits),
        (asked().approved_by("ann", &[]), Claimable),
        (asked().denied_by("ann", &[]), Refused(ErrorKind::Denied)),
        (asked().later(DECIDE).then(Event::Expired {}), Refused(ErrorKind::Expired)),
        (asked().then(withdrawn()), Refused(ErrorKind::Cancelled)),
        (asked().then(undeliverable()), Refused(ErrorKind::Unavailable)),
        (running(), Refused(ErrorKind::Running)),
        (running().then(finished(1, Finish::Ok {})), Refused(ErrorKind::AlreadyRan)),
        (running().then(finished(1, failed())), Refused(ErrorKind::AlreadyRan)),
        (running().then(finished(1, not_run())), Refused(ErrorKind::Cancelled)),
        (running().then(lost(1)), Refused(ErrorKind::Unknown)),
        (rerunnable_and_lost(), Claimable),
        (rerunnable_and_lost().denied_by("bob", &[]), Refused(ErrorKind::Unknown)),
    ];
    for (history, prospect) in expected {
        assert_eq!(history.state.prospect(), prospect, "{}", history.phase());
    }
}

#[test]
fn a_key_asks_anew_only_after_an_end_without_a_verdict() {
    let anew = [
        asked().then(withdrawn()),
        asked().later(DECIDE).then(Event::Expired {}),
        running().then(finished(1, not_run())),
        running().then(reconciled("ann", Reconciliation::DidNotRun)),
    ];
    for history in anew {
        assert!(history.state.opens_next_round(), "{}", history.phase());
    }
    let standing = [
        History::empty(),
        asked(),
        asked().denied_by("ann", &[]),
        running(),
        running().then(lost(1)),
        running().then(finished(1, Finish::Ok {})),
    ];
    for history in standing {
        assert!(!history.state.opens_next_round(), "{}", history.phase());
    }
}

#[test]
fn a_no_that_came_after_the_claim_stands_although_the_body_did_not_run() {
    let history = running().denied_by("bob", &[]).then(finished(1, not_run()));
    assert_eq!(history.state.prospect(), Prospect::Refused(ErrorKind::Denied));
    assert!(!history.state.opens_next_round());
}

#[test]
fn an_attempt_holds_a_request_while_it_runs_and_no_other_does() {
    assert!(running().state.is_held_by(claim(1)));
    assert!(!running().state.is_held_by(claim(2)));
    assert!(!running().then(lost(1)).state.is_held_by(claim(1)));
}
