//! A verdict takes the claim of a waiting call along, and again each time that the request moved before, but not for ever.

use approvals_test_support::at_once;

use super::*;
use crate::action::Risk;
use crate::call::Call;
use crate::error::ApprovalError;
use crate::handle::Approvals;
use crate::testing::{MockBackend, ids};

/// What the reviewer is told whose yes completes the approval of a call that waits, over a store that does so by then.
/// Whatever it takes, the call runs.
async fn told(over: impl FnOnce(&Busy)) -> (Outcome, Busy) {
    let mock = MockBackend::new();
    let store = Busy::over(Memory::with_clock(Arc::new(mock.clock())).unwrap());
    let approvals = Approvals::test_builder(&mock).store(store.clone()).build().await.unwrap();
    let gate = approvals.clone();
    let call = tokio::spawn(async move {
        let call = Call::new("refund").risk(Risk::High).arg("cents", &5);
        gate.gate(call).run(|| async { Ok::<_, ApprovalError>("refunded") }).await
    });
    let (request, digest) = ids(&mock.presented(1).await[0]).unwrap();
    over(&store);
    let reply = mock.submit("ann", Review::approve(request, digest)).await.unwrap();
    assert_eq!(call.await.unwrap().unwrap(), "refunded");
    approvals.shutdown().await.unwrap();
    (reply.outcome, store)
}

fn counted() -> Outcome {
    Outcome::Counted { by: "ann".into(), phase: Phase::Approved }
}

/// How often a verdict was to be written together with the claim, if the first so many tries find that the request has
/// moved. It counts all the same.
async fn tries_if_it_moves(times: usize) -> usize {
    let (outcome, store) = told(|store| store.says_of(2, StoreErrorKind::Conflict, times)).await;
    assert_eq!(outcome, counted());
    store.appends()
}

#[tokio::test]
async fn a_claim_is_taken_along_again_after_the_request_moved_as_long_as_there_are_turns() {
    for times in [0, 1, 2, 63] {
        assert_eq!(at_once(tries_if_it_moves(times)).await, times + 1);
    }
}

#[tokio::test]
async fn a_verdict_over_a_request_that_moves_at_each_of_64_turns_is_counted_by_itself() {
    for times in [64, 65, usize::MAX] {
        assert_eq!(at_once(tries_if_it_moves(times)).await, 64);
    }
}

/// What the reviewer is told if the request has moved, once, by this record in the place of theirs.
async fn told_if_it_moves_by(what: fn(NewEvent) -> NewEvent) -> Outcome {
    let over = |store: &Busy| {
        store.says_of(2, StoreErrorKind::Conflict, 1);
        store.writes_all_the_same(what);
    };
    told(over).await.0
}

#[tokio::test]
async fn a_verdict_that_a_store_wrote_and_called_failed_counts() {
    let outcome = at_once(told_if_it_moves_by(|reviewed| reviewed)).await;
    assert_eq!(outcome, counted());
}

#[tokio::test]
async fn a_yes_that_the_same_person_gave_elsewhere_meanwhile_is_not_taken_for_this_one() {
    let elsewhere = |reviewed: NewEvent| {
        let payload = Payload::new(Seed::fresh(&crate::id::SystemChance).unwrap());
        NewEvent::with(reviewed.event, payload)
    };
    let outcome = at_once(told_if_it_moves_by(elsewhere)).await;
    assert_eq!(outcome, Outcome::Ignored(IgnoredWhy::AnsweredBefore));
}
