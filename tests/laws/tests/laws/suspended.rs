//! A machine that was suspended: the wall clock is ahead at once, and the monotonic one, which sleepers go by, has stood.

use std::time::Duration;

use approvals::ErrorKind;
use approvals::ledger::IgnoredWhy;
use approvals::state::Phase;
use approvals::time::Clock;

use crate::support::*;

/// Closes the lid for so long.
async fn sleep_through(bench: &Bench, time: Duration) {
    settle().await;
    bench.clock.set(bench.clock.now().after(time));
    settle().await;
}

#[tokio::test]
async fn a_machine_that_slept_past_the_deadline_takes_no_yes_and_the_call_expires() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    sleep_through(&bench, HOUR).await;
    assert_eq!(ignored(&bench.approve(&card).await), IgnoredWhy::TooLate);
    // At the latest when what was left to sleep has passed while it was awake.
    bench.clock.advance(HOUR);
    refused(call.await.unwrap(), ErrorKind::Expired, &["nobody decided in time"]);
    assert_eq!(bench.runs.count(), 0);
    let story = bench.store.story(request_of(&card)).await;
    assert_eq!(story, ["requested", "ignored", "expired"]);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_machine_that_slept_within_the_deadline_goes_on_where_it_was() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    sleep_through(&bench, HOUR - MINUTE).await;
    assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
    assert_eq!(call.await.unwrap().unwrap(), 3);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn an_approval_that_was_slept_past_is_not_claimed_and_the_key_asks_anew() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let card = parked(&bench, &approvals).await;
    bench.approve(&card).await;
    sleep_through(&bench, 15 * MINUTE).await;
    let call = keyed(&bench, &approvals);
    let next = bench.nth_card(2).await;
    assert_ne!(request_of(&next), request_of(&card));
    assert_eq!((bench.phase(request_of(&card)).await, bench.runs.count()), (Phase::Expired, 0));
    call.abort();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_machine_that_sleeps_between_verdict_and_claim_runs_nothing_afterwards() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    let policy = Hold::new();
    bench.policy.says(Says::Hold(policy.clone()));
    assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
    sleep_through(&bench, 15 * MINUTE).await;
    policy.open();
    refused(call.await.unwrap(), ErrorKind::Expired, &["not used in time"]);
    assert_eq!((bench.phase(request_of(&card)).await, bench.runs.count()), (Phase::Expired, 0));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_machine_that_sleeps_while_verdict_and_claim_are_written_runs_nothing_afterwards() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let hold = Hold::new();
    let fired = bench.store.fault("started", 1, Does::Hold(hold.clone()));
    let (call, card) = asked(&bench, &approvals).await;
    let answer = submitting(&bench.mock, "reviewer", yes(&card));
    hold.reached(1).await;
    sleep_through(&bench, HOUR).await;
    hold.open();
    assert_eq!(ignored(&answer.await.unwrap().unwrap()), IgnoredWhy::TooLate);
    bench.clock.advance(HOUR);
    refused(call.await.unwrap(), ErrorKind::Expired, &[]);
    assert_eq!((fired.times(), bench.runs.count()), (1, 0));
    bench.ends(approvals).await;
}
