//! A store that fails over a verdict with its claim, and what the reviewer is told then: a body has its record and runs
//! once at most, no claim stays without an owner, and whoever's answer counted is not told that another's did.

use std::time::Duration;

use approvals::ErrorKind;
use approvals::desk::DeskError;
use approvals::ledger::{IgnoredWhy, NotRunWhy};
use approvals::state::Phase;
use approvals::time::Clock;

use crate::support::*;

#[tokio::test]
async fn a_verdict_with_its_claim_that_a_store_called_failed_is_not_written_after_the_verdict_alone() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let late = Hold::new();
    let fired = bench.store.fault("started", 1, Does::FailAndWriteLater(late.clone()));
    let call = keyed(&bench, &approvals);
    let card = bench.card().await;
    assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
    assert_eq!(call.await.unwrap().unwrap(), 5);
    late.open();
    settle().await;
    bench.ends(approvals).await;
    assert_eq!((fired.times(), bench.runs.count()), (1, 1));
    assert_eq!(bench.store.appends(), [["requested"], ["reviewed"], ["started"], ["finished"]]);
}

#[tokio::test]
async fn a_verdict_with_its_claim_that_comes_before_the_verdict_alone_is_taken_up_and_its_reviewer_counted() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (late, alone) = (Hold::new(), Hold::new());
    let fired = bench.store.fault("started", 1, Does::FailAndWriteLater(late.clone()));
    bench.store.fault("reviewed", 1, Does::Hold(alone.clone()));
    let call = keyed(&bench, &approvals);
    let card = bench.card().await;
    let answer = submitting(&bench.mock, "reviewer", yes(&card));
    alone.reached(1).await;
    late.open();
    settle().await;
    alone.open();
    assert_eq!(counted(&answer.await.unwrap().unwrap()), Phase::Approved);
    assert_eq!(call.await.unwrap().unwrap(), 5);
    bench.ends(approvals).await;
    assert_eq!((fired.times(), bench.runs.count()), (1, 1));
    assert_eq!(bench.store.appends(), [&["requested"][..], &["reviewed", "started"], &["finished"]]);
}

#[tokio::test]
async fn a_claim_that_a_failing_store_writes_when_nobody_holds_it_any_more_ends_as_not_run() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let late = Hold::new();
    let fired = bench.store.fault("started", 1, Does::FailAndWriteLater(late.clone()));
    let alone = bench.store.fault("reviewed", 1, Does::Fail);
    let call = keyed(&bench, &approvals);
    let card = bench.card().await;
    assert!(bench.mock.submit("reviewer", yes(&card)).await.is_err(), "nobody can say that it counted");
    settle().await;
    assert_eq!((fired.times(), alone.times()), (1, 1));
    assert_eq!(bench.phase(request_of(&card)).await, Phase::Pending);
    late.open();
    let outcome = call.await.unwrap();
    assert!(matches!(outcome.unwrap_err().kind(), ErrorKind::Running | ErrorKind::Cancelled));
    settle().await;
    let state = bench.store.state(request_of(&card)).await;
    assert_eq!((state.phase(), state.not_run()), (Phase::Cancelled, Some(NotRunWhy::CallerGone)));
    // Their own answer is on record, and they are told of none but theirs.
    assert_eq!(ignored(&bench.approve(&card).await), IgnoredWhy::AnsweredBefore);
    bench.ends(approvals).await;
    assert_eq!(bench.runs.count(), 0);
}

#[tokio::test]
async fn a_reviewer_whose_answer_is_lost_out_of_sight_hears_within_seven_seconds_to_submit_it_again() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let fired = bench.store.fault("started", 1, Does::LoseReplyAndSight(usize::MAX));
    let call = keyed(&bench, &approvals);
    let card = bench.card().await;
    let before = bench.clock.now();
    let answer = submitting(&bench.mock, "reviewer", yes(&card));
    let answer = drive(&bench.clock, Duration::from_millis(100), answer).await;
    let held = before.until(bench.clock.now());
    assert!(held <= Duration::from_secs(7), "the reviewer is held for {held:?}");
    assert!(matches!(answer, Err(DeskError::Store(_))), "{answer:?}");
    bench.store.heal();
    pass(&bench.clock, MINUTE).await;
    assert_eq!(ignored(&bench.approve(&card).await), IgnoredWhy::AnsweredBefore);
    assert!(call.await.unwrap().is_err());
    bench.ends(approvals).await;
    assert_eq!((fired.times(), bench.runs.count()), (1, 0));
    let story = bench.store.story(request_of(&card)).await;
    assert_eq!(story, ["requested", "reviewed", "started", "finished", "ignored"]);
}

#[test]
fn a_reviewer_is_told_that_their_answer_counted_though_a_shutdown_gave_up_writing_it() {
    let bench = Bench::new();
    let card = life(async {
        let approvals = bench.up().await;
        let (both, alone) = (Hold::new(), Hold::new());
        bench.store.fault("started", 1, Does::Hold(both.clone()));
        bench.store.fault("reviewed", 1, Does::Hold(alone.clone()));
        let call = keyed(&bench, &approvals);
        let card = bench.card().await;
        let answer = submitting(&bench.mock, "reviewer", yes(&card));
        both.reached(1).await;
        let stopping = shutting_down(&approvals);
        // In one jump, which ends no wait for the store.
        assert!(drive(&bench.clock, 2 * MINUTE, stopping).await.is_err(), "nothing was given up");
        // The desk goes on to record the answer by itself, and what was given up comes first.
        alone.reached(1).await;
        both.open();
        settle().await;
        alone.open();
        assert_eq!(counted(&answer.await.unwrap().unwrap()), Phase::Approved);
        assert!(call.await.unwrap().is_err());
        card
    });
    assert_eq!(bench.runs.count(), 0);
    assert_eq!(life(bench.store.story(request_of(&card))), ["requested", "reviewed", "started"]);
    life(async {
        let next = bench.up().await;
        assert_eq!(bench.phase(request_of(&card)).await, Phase::Unknown);
        bench.ends(next).await;
    });
}

#[tokio::test]
async fn a_store_that_fails_is_asked_ever_less_often_to_take_an_end_or_a_withdrawal() {
    for what in ["finished", "cancelled"] {
        let bench = Bench::new();
        let approvals = bench.up().await;
        let fired = bench.store.fault(what, usize::MAX, Does::Fail);
        let (call, card) = asked(&bench, &approvals).await;
        if what == "finished" {
            assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
            assert_eq!(call.await.unwrap().unwrap(), 3);
        } else {
            call.abort();
        }
        pass(&bench.clock, MINUTE).await;
        let times = fired.times();
        assert!((5..20).contains(&times), "{what}: {times} times in a minute");
        bench.store.heal();
        pass(&bench.clock, MINUTE).await;
        bench.ends(approvals).await;
    }
}

#[tokio::test]
async fn what_is_outrun_at_each_of_64_turns_waits_before_it_is_tried_again() {
    for what in ["started", "finished", "cancelled"] {
        let bench = Bench::new();
        let approvals = bench.up().await;
        let outruns = || bench.store.fault(what, usize::MAX, Does::Conflict);
        let fired = if what == "started" {
            // Nobody waits when the verdict comes, so that the claim is written by itself.
            let card = parked(&bench, &approvals).await;
            assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
            let fired = outruns();
            keyed(&bench, &approvals);
            fired
        } else {
            let (call, card) = asked(&bench, &approvals).await;
            let fired = outruns();
            if what == "finished" {
                assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
                assert_eq!(call.await.unwrap().unwrap(), 3);
            } else {
                call.abort();
            }
            fired
        };
        for _ in 0..10 {
            settle().await;
        }
        assert_eq!(fired.times(), 65, "{what}");
        bench.store.heal();
        pass(&bench.clock, MINUTE).await;
        bench.ends(approvals).await;
        assert_eq!(bench.runs.count(), usize::from(what != "cancelled"));
    }
}
