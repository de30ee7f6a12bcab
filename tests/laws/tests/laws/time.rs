//! The two clocks, and law 14: a verdict wakes its waiter.

use std::sync::Arc;
use std::time::Duration;

use approvals::ledger::{Event, IgnoredWhy};
use approvals::state::Phase;
use approvals::testing::ManualClock;
use approvals::{Approvals, ErrorKind};
use tokio::task::JoinHandle;

use crate::support::*;

const MICRO: Duration = Duration::from_micros(1);

/// More calls than are expired at once.
const CALLS: usize = 300;

/// So many calls, each with a key of its own, that wait for people.
async fn many(bench: &Bench, approvals: &Approvals) -> Vec<JoinHandle<Res<u64>>> {
    let call = |number| {
        let runs = bench.runs.clone();
        tokio::spawn(approvals.scope(async move { pay(runs, &format!("R-{number}"), 5).await }))
    };
    let calls = (0..CALLS).map(call).collect();
    bench.mock.presented(CALLS).await;
    settle().await;
    calls
}

/// A bench whose store is stamped by another clock than the agent's.
fn apart() -> (Bench, ManualClock) {
    let stamps = ManualClock::at(noon());
    (Bench { store: Faulty::on(&stamps), ..Bench::new() }, stamps)
}

#[tokio::test]
async fn a_verdict_wakes_its_waiter_without_a_clock() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    settle().await;
    let reads = bench.store.reads();
    settle().await;
    assert_eq!(bench.store.reads(), reads, "nobody asks while nothing happens");
    bench.approve(&card).await;
    assert_eq!(call.await.unwrap().unwrap(), 3);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_verdict_that_comes_before_the_ledger_is_followed_wakes_its_waiter_too() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let hold = Hold::new();
    bench.store.fault("last", 1, Does::Hold(hold.clone()));
    let call = waiting(&bench, &approvals);
    hold.reached(1).await;
    settle().await;
    bench.approve(&bench.card().await).await;
    hold.open();
    settle().await;
    assert!(call.is_finished());
    assert_eq!(call.await.unwrap().unwrap(), 3);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn an_approval_counts_until_the_deadline_and_not_at_it() {
    for (before, phase) in [(MICRO, Phase::Succeeded), (Duration::ZERO, Phase::Expired)] {
        let bench = Bench::new();
        let approvals = bench.up().await;
        let (call, card) = asked(&bench, &approvals).await;
        // The wall clock alone: nobody wakes by it.
        bench.clock.set(noon().after(HOUR - before));
        let reply = bench.approve(&card).await;
        if phase == Phase::Expired {
            assert_eq!(ignored(&reply), IgnoredWhy::TooLate);
            bench.clock.advance(HOUR);
        } else {
            assert_eq!(counted(&reply), Phase::Approved);
        }
        let _ = call.await.unwrap();
        settle().await;
        assert_eq!(bench.phase(request_of(&card)).await, phase);
        bench.ends(approvals).await;
    }
}

#[tokio::test]
async fn a_permit_can_be_used_until_its_deadline_and_not_at_it() {
    for (before, used) in [(MICRO, true), (Duration::ZERO, false)] {
        let bench = Bench::new();
        let approvals = bench.up().await;
        let card = parked(&bench, &approvals).await;
        bench.approve(&card).await;
        let hold = Hold::new();
        let fired = bench.store.fault("started", 1, Does::Hold(hold.clone()));
        let call = keyed(&bench, &approvals);
        hold.reached(1).await;
        bench.clock.set(noon().after(15 * MINUTE - before));
        hold.open();
        let outcome = call.await.unwrap();
        assert_eq!((fired.times(), bench.runs.count()), (1, usize::from(used)));
        match used {
            true => assert_eq!(outcome.unwrap(), 5),
            false => drop(refused(outcome, ErrorKind::Expired, &["not used in time", "ask anew"])),
        }
        let phase = if used { Phase::Succeeded } else { Phase::Expired };
        assert_eq!(bench.phase(request_of(&card)).await, phase);
        bench.ends(approvals).await;
    }
}

#[tokio::test]
async fn an_expiry_wakes_the_waiter() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let call = waiting(&bench, &approvals);
    let request = request_of(&bench.card().await);
    bench.clock.advance(HOUR);
    refused(call.await.unwrap(), ErrorKind::Expired, &["nobody decided in time"]);
    assert_eq!(bench.store.story(request).await, ["requested", "expired"]);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn the_keeper_expires_what_nobody_waits_for() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let request = request_of(&parked(&bench, &approvals).await);
    settle().await;
    bench.clock.advance(HOUR);
    settle().await;
    assert_eq!(bench.phase(request).await, Phase::Expired);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn requests_that_are_due_together_expire_side_by_side_and_never_all_at_once() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let calls = many(&bench, &approvals).await;
    let cards = bench.mock.presented(CALLS).await;
    calls.iter().for_each(JoinHandle::abort);
    settle().await;
    let hold = Hold::new();
    bench.store.fault("expired", usize::MAX, Does::Hold(hold.clone()));
    bench.clock.advance(HOUR);
    hold.reached(256).await;
    settle().await;
    assert_eq!(hold.count(), 256, "one after the other, they were a commit each; all at once, a task each");
    hold.open();
    settle().await;
    for card in &cards {
        assert_eq!(bench.phase(request_of(card)).await, Phase::Expired);
    }
    bench.ends(approvals).await;
}

#[tokio::test]
async fn calls_that_are_due_together_end_as_the_keeper_comes_to_them_and_never_all_at_once() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let calls = many(&bench, &approvals).await;
    let hold = Hold::new();
    bench.store.fault("expired", usize::MAX, Does::Hold(hold.clone()));
    bench.clock.advance(HOUR);
    hold.reached(256).await;
    settle().await;
    assert_eq!(hold.count(), 256, "those that wait leave the expiry to the keeper");
    hold.open();
    for call in calls {
        refused(call.await.unwrap(), ErrorKind::Expired, &["nobody decided in time"]);
    }
    assert_eq!(hold.count(), CALLS, "each is expired once");
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_though_the_keeper_cannot_record_it() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let call = waiting(&bench, &approvals);
    let request = request_of(&bench.card().await);
    settle().await;
    let fired = bench.store.fault("expired", 2, Does::Fail);
    bench.clock.advance(HOUR);
    refused(call.await.unwrap(), ErrorKind::Store, &["the disk is broken"]);
    assert_eq!((fired.times(), bench.runs.count()), (2, 0), "the keeper's, and the call's own");
    settle().await;
    assert!(matches!(bench.phase(request).await, Phase::Expired | Phase::Cancelled));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_though_nobody_can_follow_the_ledger() {
    let bench = Bench::new();
    let hold = Hold::new();
    bench.store.fault("last", usize::MAX, Does::Hold(hold.clone()));
    let approvals = bench.up().await;
    let call = waiting(&bench, &approvals);
    bench.card().await;
    settle().await;
    bench.clock.advance(HOUR);
    refused(call.await.unwrap(), ErrorKind::Expired, &["nobody decided in time"]);
    hold.open();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_store_that_hangs_over_some_deadlines_holds_up_no_other() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let calls = many(&bench, &approvals).await;
    let hold = Hold::new();
    bench.store.fault("expired", 256, Does::Hold(hold.clone()));
    bench.clock.advance(HOUR);
    hold.reached(256).await;
    settle().await;
    assert_eq!(calls.iter().filter(|call| call.is_finished()).count(), 0);
    pass(&bench.clock, MINUTE + Duration::from_secs(2)).await;
    assert!(calls.iter().filter(|call| call.is_finished()).count() >= CALLS - 256);
    hold.open();
    for call in calls {
        refused(call.await.unwrap(), ErrorKind::Expired, &[]);
    }
    bench.ends(approvals).await;
}

#[tokio::test]
async fn calls_that_are_due_together_end_though_the_store_answers_for_none() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let calls = many(&bench, &approvals).await;
    let hold = Hold::new();
    bench.store.fault("expired", usize::MAX, Does::Hold(hold.clone()));
    bench.clock.advance(HOUR);
    pass(&bench.clock, 2 * (MINUTE + Duration::from_secs(2))).await;
    for call in calls {
        assert!(call.is_finished(), "it waits for what holds up the others");
        refused(call.await.unwrap(), ErrorKind::Store, &["not answered for 60 s"]);
    }
    hold.open();
    bench.ends(approvals).await;
}

#[test]
fn a_call_ends_at_its_deadline_though_what_an_earlier_process_left_cannot_be_withdrawn() {
    const LEFT: usize = 300;
    let bench = Bench::new();
    life(async {
        let approvals = bench.up().await;
        let _calls: Vec<_> = (0..LEFT).map(|_| waiting(&bench, &approvals)).collect();
        let _keyed = keyed(&bench, &approvals);
        bench.mock.presented(LEFT + 1).await;
        bench.store.fault("cancelled", usize::MAX, Does::Fail);
    });
    life(async {
        let approvals = bench.up().await;
        let call = keyed(&bench, &approvals);
        for _ in 0..10 {
            settle().await;
        }
        bench.clock.advance(HOUR);
        settle().await;
        settle().await;
        assert!(call.is_finished(), "it waits for what is none of its business");
        refused(call.await.unwrap(), ErrorKind::Expired, &[]);
        bench.store.heal();
        let stop = shutting_down(&approvals);
        drive(&bench.clock, MINUTE / 6, stop).await.unwrap();
    });
}

#[test]
fn a_call_ends_at_its_deadline_though_the_runtime_of_its_keeper_is_gone() {
    let bench = Bench::new();
    let keepers = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let ours = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let approvals = keepers.block_on(bench.up());
    let call = ours.spawn(approvals.scope(wipe(bench.runs.clone(), "sda")));
    ours.block_on(async {
        bench.card().await;
        settle().await;
    });
    drop(keepers);
    ours.block_on(async {
        settle().await;
        assert!(!call.is_finished());
        bench.clock.advance(HOUR);
        refused(call.await.unwrap(), ErrorKind::Expired, &["nobody decided in time"]);
    });
}

#[test]
fn the_keeper_expires_what_an_earlier_process_left() {
    let bench = Bench::new();
    let request = life(async {
        bench.policy.says(Says::Late);
        let approvals = bench.up().await;
        let _call = keyed(&bench, &approvals);
        let card = bench.card().await;
        bench.approve(&card).await;
        request_of(&card)
    });
    assert_eq!(life(bench.phase(request)), Phase::Approved);
    life(async {
        let approvals = bench.up().await;
        bench.clock.advance(15 * MINUTE);
        settle().await;
        bench.clock.advance(MINUTE);
        settle().await;
        assert_eq!(bench.phase(request).await, Phase::Expired);
        bench.ends(approvals).await;
    });
}

#[tokio::test]
async fn a_keeper_that_meets_a_broken_store_tries_again() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let request = request_of(&parked(&bench, &approvals).await);
    settle().await;
    let fired = bench.store.fault("expired", 2, Does::Fail);
    for _ in 0..4 {
        bench.clock.advance(HOUR);
        settle().await;
    }
    assert_eq!((fired.times(), bench.phase(request).await), (2, Phase::Expired));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_store_whose_clock_is_a_day_ahead_refuses_what_is_late_by_its_time() {
    let (bench, stamps) = apart();
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    settle().await;
    stamps.set(noon().after(DAY));
    // Late by the store's stamp, which our clock cannot know: recorded all the same.
    assert_eq!(ignored(&bench.approve(&card).await), IgnoredWhy::TooLate);
    bench.clock.advance(HOUR);
    refused(call.await.unwrap(), ErrorKind::Expired, &[]);
    assert_eq!(bench.runs.count(), 0);
    let story = bench.store.story(request_of(&card)).await;
    assert_eq!(story, ["requested", "ignored", "expired"]);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_store_whose_clock_is_a_day_behind_is_not_hammered_and_its_stamp_decides() {
    let (bench, stamps) = apart();
    bench.clock.set(noon().after(DAY));
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    settle().await;
    let reads = bench.store.reads();
    settle().await;
    assert_eq!(bench.store.reads(), reads);
    // Our clock says that it is too late by a day, so our desk does not take it.
    assert_eq!(ignored(&bench.approve(&card).await), IgnoredWhy::TooLate);
    stamps.advance(HOUR);
    bench.clock.advance(MINUTE);
    refused(call.await.unwrap(), ErrorKind::Expired, &[]);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_claim_is_judged_by_the_stores_clock_when_ours_jumps_a_day_ahead() {
    let (bench, _stamps) = apart();
    let approvals = bench.up().await;
    let card = parked(&bench, &approvals).await;
    bench.approve(&card).await;
    bench.clock.set(noon().after(DAY));
    let outcome = approvals.scope(pay(bench.runs.clone(), "R-1", 5)).await;
    assert_eq!((outcome.unwrap(), bench.runs.count()), (5, 1));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_a_day_never_turns_a_record_back_nor_revives_a_request() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    bench.clock.advance(HOUR);
    refused(call.await.unwrap(), ErrorKind::Expired, &[]);
    bench.clock.set(noon());
    assert_eq!(ignored(&bench.approve(&card).await), IgnoredWhy::TooLate);
    let records = bench.store.of(request_of(&card).into()).await;
    assert!(records.is_sorted_by_key(|record| record.body.time));
    assert_eq!(bench.phase(request_of(&card)).await, Phase::Expired);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_wall_clock_that_jumps_wakes_nobody_early() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    settle().await;
    bench.clock.set(noon().after(HOUR / 2));
    settle().await;
    assert!(!call.is_finished());
    bench.approve(&card).await;
    call.await.unwrap().unwrap();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn every_record_is_stamped_by_the_store() {
    let (bench, stamps) = apart();
    stamps.set(noon().after(DAY));
    bench.mock.approve();
    let approvals = bench.builder().clock(Arc::new(stamps.clone())).build().await.unwrap();
    approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap();
    bench.ends(approvals).await;
    for record in bench.store.records().await {
        assert_eq!(record.body.time, noon().after(DAY), "{:?}", record.body.event);
        assert!(!matches!(record.body.event, Event::Expired {}));
    }
}

#[tokio::test]
async fn a_ledger_that_cannot_be_followed_for_a_while_still_wakes_its_waiters() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    settle().await;
    let fired = bench.store.fault("records", 3, Does::Fail);
    bench.approve(&card).await;
    assert_eq!(drive(&bench.clock, MINUTE / 60, call).await.unwrap(), 3);
    assert!(fired.times() > 0);
    bench.ends(approvals).await;
}
