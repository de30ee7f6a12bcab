//! A verdict brings the claim along, in one append, where its call waits in the process whose desk decides.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::{Context, Waker};

use approvals::card::Card;
use approvals::ledger::{IgnoredWhy, NotRunWhy};
use approvals::request::Quorum;
use approvals::state::Phase;
use approvals::testing::MockBackend;
use approvals::{Approvals, ErrorKind, requires_approval};

use crate::support::*;

const TOGETHER: [&str; 2] = ["reviewed", "started"];

async fn not_run(bench: &Bench, card: &Card) -> Option<NotRunWhy> {
    bench.store.state(request_of(card)).await.not_run()
}

#[tokio::test]
async fn a_local_verdict_and_its_claim_are_one_append() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let call = waiting(&bench, &approvals);
    let reply = bench.approve(&bench.card().await).await;
    assert_eq!(counted(&reply), Phase::Approved, "what the answer made of the request");
    assert_eq!(call.await.unwrap().unwrap(), 3);
    bench.ends(approvals).await;
    assert_eq!(bench.store.appends(), [&["requested"][..], &TOGETHER, &["finished"]]);
}

#[tokio::test]
async fn of_a_quorum_of_two_only_the_review_that_completes_it_brings_the_claim() {
    let bench = Bench::new();
    bench.policy.asks(Quorum::people(2));
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    assert_eq!(counted(&bench.mock.submit("ann", yes(&card)).await.unwrap()), Phase::Pending);
    settle().await;
    assert_eq!(bench.runs.count(), 0);
    assert_eq!(counted(&bench.mock.submit("bob", yes(&card)).await.unwrap()), Phase::Approved);
    assert_eq!(call.await.unwrap().unwrap(), 3);
    bench.ends(approvals).await;
    assert_eq!(bench.store.appends(), [&["requested"][..], &["reviewed"], &TOGETHER, &["finished"]]);
}

#[tokio::test]
async fn a_verdict_of_another_process_leaves_the_claim_to_the_call() {
    let bench = Bench::new();
    let (here, there) = (bench.up().await, MockBackend::new());
    let elsewhere = Approvals::test_builder(&there)
        .store(bench.store.clone())
        .clock(Arc::new(bench.clock.clone()))
        .directory(bench.people.clone())
        .build()
        .await
        .unwrap();
    let (call, card) = asked(&bench, &here).await;
    assert_eq!(counted(&there.submit("reviewer", yes(&card)).await.unwrap()), Phase::Approved);
    assert_eq!(call.await.unwrap().unwrap(), 3);
    bench.all_end([here, elsewhere]).await;
    assert_eq!(bench.store.appends(), [["requested"], ["reviewed"], ["started"], ["finished"]]);
}

#[tokio::test]
async fn one_of_many_who_hold_a_key_gets_the_claim_that_comes_with_the_verdict() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let calls: Vec<_> = (0..5).map(|_| keyed(&bench, &approvals)).collect();
    let card = bench.card().await;
    settle().await;
    bench.approve(&card).await;
    let mut ran = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => ran += 1,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Running | ErrorKind::AlreadyRan), "{error}");
            }
        }
    }
    bench.ends(approvals).await;
    assert_eq!((ran, bench.runs.count()), (1, 1));
    assert_eq!(bench.store.appends(), [&["requested"][..], &TOGETHER, &["finished"]]);
}

#[tokio::test]
async fn two_who_complete_the_quorum_at_once_bring_one_claim() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let hold = Hold::new();
    bench.store.fault("started", 2, Does::Hold(hold.clone()));
    let (call, card) = asked(&bench, &approvals).await;
    let first = submitting(&bench.mock, "ann", yes(&card));
    hold.reached(1).await;
    // The call is taken: this one is recorded by itself, before the other.
    let second = submitting(&bench.mock, "bob", yes(&card));
    assert_eq!(counted(&second.await.unwrap().unwrap()), Phase::Approved);
    hold.open();
    assert_eq!(ignored(&first.await.unwrap().unwrap()), IgnoredWhy::AlreadyDecided);
    assert_eq!(call.await.unwrap().unwrap(), 3);
    bench.ends(approvals).await;
    let appends = bench.store.appends();
    assert_eq!(appends, [["requested"], ["reviewed"], ["ignored"], ["started"], ["finished"]]);
    assert_eq!(bench.runs.count(), 1);
}

#[tokio::test]
async fn a_policy_that_refuses_by_now_stops_the_call_and_not_the_verdict() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    bench.policy.says(Says::Refuse);
    assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
    refused(call.await.unwrap(), ErrorKind::Cancelled, &["stopped by policy", "frozen until Monday"]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
    assert_eq!(bench.store.appends(), [["requested"], ["reviewed"], ["cancelled"]]);
}

#[tokio::test]
async fn a_policy_that_errs_or_takes_its_time_does_not_hold_up_the_verdict() {
    let hold = Hold::new();
    for says in [Says::Hold(hold.clone()), Says::Late, Says::Fail] {
        let bench = Bench::new();
        let approvals = bench.up().await;
        let call = keyed(&bench, &approvals);
        let card = bench.card().await;
        bench.policy.says(says);
        assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
        hold.open();
        let ran = usize::from(call.await.unwrap().is_ok());
        assert_eq!(bench.runs.count(), ran);
        bench.ends(approvals).await;
        assert!(!bench.store.appends().iter().any(|names| *names == TOGETHER));
    }
}

#[tokio::test]
async fn a_requester_who_no_longer_resolves_is_not_claimed_for() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    bench.people.remove("owner");
    assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
    refused(call.await.unwrap(), ErrorKind::Unmapped, &["the owner, `owner`"]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
    assert!(!bench.store.appends().iter().any(|names| *names == TOGETHER));
}

/// Counts like a number that somebody else may change.
#[derive(Clone, Default)]
struct Shared(Arc<AtomicU64>);

impl serde::Serialize for Shared {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0.load(SeqCst))
    }
}

#[requires_approval(risk = "high", action = "fused.send")]
async fn send(#[approval(skip = "counts the runs")] runs: Runs, cents: Shared) -> Res<u64> {
    runs.enter().await;
    Ok(cents.0.load(SeqCst))
}

#[tokio::test]
async fn arguments_that_changed_are_seen_after_the_claim_that_came_with_the_verdict() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let cents = Shared::default();
    let call = tokio::spawn(approvals.scope(send(bench.runs.clone(), cents.clone())));
    let card = bench.card().await;
    cents.0.store(1_000_000, SeqCst);
    bench.approve(&card).await;
    refused(call.await.unwrap(), ErrorKind::ArgumentsChanged, &["ask anew"]);
    bench.ends(approvals).await;
    assert_eq!(not_run(&bench, &card).await, Some(NotRunWhy::ArgumentsChanged));
    assert_eq!(bench.store.appends(), [&["requested"][..], &TOGETHER, &["finished"]]);
    assert_eq!(bench.runs.count(), 0);
}

#[tokio::test]
async fn a_call_that_leaves_while_its_verdict_and_claim_are_being_written_is_not_run() {
    for with_key in [false, true] {
        let bench = Bench::new();
        let approvals = bench.up().await;
        let hold = Hold::new();
        bench.store.fault("started", 1, Does::Hold(hold.clone()));
        let call = match with_key {
            true => tokio::spawn(approvals.scope(async { drop(pay(Runs::default(), "R-1", 5).await) })),
            false => tokio::spawn(approvals.scope(async { drop(wipe(Runs::default(), "sda").await) })),
        };
        let card = bench.card().await;
        let answer = submitting(&bench.mock, "reviewer", yes(&card));
        hold.reached(1).await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        settle().await;
        hold.open();
        let story: &[&str] = match with_key {
            true => {
                assert_eq!(counted(&answer.await.unwrap().unwrap()), Phase::Approved);
                &["requested", "reviewed", "started", "finished"]
            }
            // Withdrawn before the two could be written.
            false => {
                assert_eq!(ignored(&answer.await.unwrap().unwrap()), IgnoredWhy::AlreadyDecided);
                &["requested", "cancelled", "ignored"]
            }
        };
        bench.ends(approvals).await;
        assert_eq!(bench.store.story(request_of(&card)).await, story);
        assert_eq!(not_run(&bench, &card).await, with_key.then_some(NotRunWhy::CallerGone));
        assert_eq!(bench.phase(request_of(&card)).await, Phase::Cancelled);
    }
}

#[tokio::test]
async fn a_no_that_overtakes_a_verdict_with_its_claim_wins() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let hold = Hold::new();
    let fired = bench.store.fault("started", 1, Does::Hold(hold.clone()));
    let (call, card) = asked(&bench, &approvals).await;
    let answer = submitting(&bench.mock, "reviewer", yes(&card));
    hold.reached(1).await;
    assert_eq!(counted(&bench.mock.submit("late", no(&card)).await.unwrap()), Phase::Denied);
    hold.open();
    assert_eq!(ignored(&answer.await.unwrap().unwrap()), IgnoredWhy::AlreadyDecided);
    refused(call.await.unwrap(), ErrorKind::Denied, &["`late`"]);
    assert_eq!((fired.times(), bench.runs.count()), (1, 0));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_no_that_comes_after_a_verdict_with_its_claim_is_kept_and_does_not_stop_the_body() {
    let bench = Bench::new();
    let (hold, approvals) = (Hold::new(), bench.up().await);
    let runs = Runs::held_by(&hold);
    let call = tokio::spawn(approvals.scope(pay(runs.clone(), "R-1", 5)));
    let card = bench.card().await;
    bench.approve(&card).await;
    hold.reached(1).await;
    assert_eq!(counted(&bench.mock.submit("late", no(&card)).await.unwrap()), Phase::Executing);
    hold.open();
    assert_eq!(call.await.unwrap().unwrap(), 5);
    bench.ends(approvals).await;
    let story = ["requested", "reviewed", "started", "reviewed", "finished"];
    assert_eq!(bench.store.story(request_of(&card)).await, story);
}

#[tokio::test]
async fn a_verdict_with_its_claim_whose_reply_is_lost_is_read_back_and_runs_once() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let fired = bench.store.fault("started", 1, Does::LoseReply);
    let (call, card) = asked(&bench, &approvals).await;
    assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
    assert_eq!(call.await.unwrap().unwrap(), 3);
    bench.ends(approvals).await;
    assert_eq!((fired.times(), bench.runs.count()), (1, 1));
    assert_eq!(bench.store.appends(), [&["requested"][..], &TOGETHER, &["finished"]]);
}

#[tokio::test]
async fn a_verdict_with_its_claim_that_is_lost_out_of_sight_ends_as_not_run_once_it_is_seen() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let fired = bench.store.fault("started", 1, Does::LoseReplyAndSight(13));
    let (call, card) = asked(&bench, &approvals).await;
    let answer = submitting(&bench.mock, "reviewer", yes(&card));
    let outcome = drive(&bench.clock, MINUTE / 60, call).await;
    assert!(outcome.is_err());
    assert!(answer.await.unwrap().is_err(), "nobody can say that it counted");
    for _ in 0..60 {
        settle().await;
        bench.clock.advance(MINUTE / 60);
    }
    assert_eq!((fired.times(), bench.runs.count()), (1, 0));
    bench.ends(approvals).await;
    assert_eq!(not_run(&bench, &card).await, Some(NotRunWhy::CallerGone));
}

#[tokio::test]
async fn a_store_that_fails_or_panics_over_the_two_together_gets_the_verdict_by_itself() {
    for does in [Does::Fail, Does::Panic] {
        let bench = Bench::new();
        let approvals = bench.up().await;
        let fired = bench.store.fault("started", 1, does);
        let call = waiting(&bench, &approvals);
        assert_eq!(counted(&bench.approve(&bench.card().await).await), Phase::Approved);
        assert_eq!(call.await.unwrap().unwrap(), 3);
        bench.ends(approvals).await;
        assert_eq!((fired.times(), bench.runs.count()), (1, 1));
        assert_eq!(bench.store.appends(), [["requested"], ["reviewed"], ["started"], ["finished"]]);
    }
}

#[test]
fn a_process_that_is_killed_between_the_append_and_the_body_leaves_what_its_successor_finds() {
    let bench = Bench::new();
    let card = life(async {
        let approvals = bench.up().await;
        // Written, and neither the desk nor the call ever learns of it.
        bench.store.fault("started", 1, Does::LoseReplyAndSight(usize::MAX));
        let _call = keyed(&bench, &approvals);
        let card = bench.card().await;
        let _answer = submitting(&bench.mock, "reviewer", yes(&card));
        settle().await;
        card
    });
    bench.store.heal();
    life(async {
        let story = bench.store.story(request_of(&card)).await;
        assert_eq!(story, ["requested", "reviewed", "started"]);
        let approvals = bench.up().await;
        assert_eq!(bench.phase(request_of(&card)).await, Phase::Unknown);
        let outcome = at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 5))).await;
        refused(outcome, ErrorKind::Unknown, &["approvals reconcile"]);
        assert_eq!(bench.runs.count(), 0);
        bench.ends(approvals).await;
    });
}

/// Polls a call until its card is there, and from then on nobody does.
async fn left_alone<F: Future + ?Sized>(bench: &Bench, call: &mut Pin<Box<F>>) -> Card {
    for _ in 0..10_000 {
        if !bench.mock.cards().is_empty() {
            return bench.card().await;
        }
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        tokio::task::yield_now().await;
    }
    panic!("the call never asks")
}

#[tokio::test]
async fn a_call_that_nobody_polls_neither_holds_up_a_verdict_nor_is_claimed_for() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let mut call = Box::pin(approvals.scope(pay(bench.runs.clone(), "R-1", 5)));
    let card = left_alone(&bench, &mut call).await;
    assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
    settle().await;
    assert_eq!(bench.phase(request_of(&card)).await, Phase::Approved);
    // Parked, not used up: the next call of the key finds the verdict.
    drop(call);
    assert_eq!(keyed(&bench, &approvals).await.unwrap().unwrap(), 5);
    assert_eq!((bench.runs.count(), bench.mock.cards().len()), (1, 1));
    bench.ends(approvals).await;
    assert_eq!(bench.store.appends(), [["requested"], ["reviewed"], ["started"], ["finished"]]);
}

#[tokio::test]
async fn a_no_beats_the_yes_that_a_call_which_nobody_polls_has_not_taken_up() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let mut call = Box::pin(approvals.scope(wipe(bench.runs.clone(), "sda")));
    let card = left_alone(&bench, &mut call).await;
    bench.approve(&card).await;
    assert_eq!(counted(&bench.mock.submit("late", no(&card)).await.unwrap()), Phase::Denied);
    refused(call.await, ErrorKind::Denied, &["`late`"]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}
