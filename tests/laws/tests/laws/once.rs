//! Laws 2 and 8: one approval, at most one body; and what a crash leaves is `unknown`.

use approvals::ledger::{Event, Finish, NotRunWhy, Reconciliation};
use approvals::request::{Quorum, Seed};
use approvals::state::Phase;
use approvals::{ApprovalError, ErrorKind, requires_approval};

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_calls_with_one_key_and_one_approval_run_one_body() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let calls: Vec<_> = (0..50).map(|_| keyed(&bench, &approvals)).collect();
    let mut ran = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(5) => ran += 1,
            Ok(other) => panic!("{other}"),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Running | ErrorKind::AlreadyRan), "{error}");
            }
        }
    }
    assert_eq!((ran, bench.runs.count()), (1, 1));
    let requests = bench.store.intact().await;
    assert_eq!(requests.len(), 1, "nobody is asked twice");
    bench.ends(approvals).await;
}

#[tokio::test]
async fn two_nodes_with_one_key_share_one_request_and_run_one_body() {
    let bench = Bench::new();
    bench.store.slow_down();
    let (here, there) = (bench.up().await, bench.up().await);
    assert_ne!(here.node(), there.node());
    let one = keyed(&bench, &here);
    let two = keyed(&bench, &there);
    bench.nth_card(2).await;
    bench.approve(&bench.card().await).await;
    let outcomes = [one.await.unwrap(), two.await.unwrap()];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert_eq!((bench.runs.count(), bench.store.intact().await.len()), (1, 1));
    bench.all_end([here, there]).await;
}

#[tokio::test]
async fn an_approval_is_used_up_by_its_call() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    for disk in ["sda", "sda"] {
        approvals.scope(wipe(bench.runs.clone(), disk)).await.unwrap();
    }
    assert_eq!(bench.store.intact().await.len(), 2, "a call without a key is a request of its own");
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_claim_whose_reply_is_lost_is_read_back_and_runs_once() {
    let bench = Bench::new();
    bench.policy.says(Says::Late);
    bench.mock.approve();
    let approvals = bench.up().await;
    let fired = bench.store.fault("started", 1, Does::LoseReply);
    let call = waiting(&bench, &approvals);
    assert_eq!(drive(&bench.clock, MINUTE / 60, call).await.unwrap(), 3);
    assert_eq!((fired.times(), bench.runs.count()), (1, 1));
    let request = request_of(&bench.card().await);
    assert_eq!(bench.store.story(request).await, ["requested", "reviewed", "started", "finished"]);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_claim_that_is_lost_out_of_sight_is_ended_as_not_run_once_it_is_seen() {
    let bench = Bench::new();
    bench.policy.says(Says::Late);
    bench.mock.approve();
    let approvals = bench.up().await;
    let fired = bench.store.fault("started", 1, Does::LoseReplyAndSight(12));
    let call = waiting(&bench, &approvals);
    refused(drive(&bench.clock, MINUTE / 60, call).await, ErrorKind::Store, &["mend it"]);
    for _ in 0..60 {
        settle().await;
        bench.clock.advance(MINUTE / 60);
    }
    assert_eq!((fired.times(), bench.runs.count()), (1, 0));
    bench.ends(approvals).await;
    let state = bench.store.state(request_of(&bench.card().await)).await;
    assert_eq!((state.phase(), state.not_run()), (Phase::Cancelled, Some(NotRunWhy::CallerGone)));
}

#[tokio::test]
async fn a_request_whose_reply_is_lost_is_read_back_and_asked_once() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let fired = bench.store.fault("requested", 1, Does::LoseReply);
    assert_eq!(approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap(), 3);
    assert_eq!((fired.times(), bench.store.intact().await.len(), bench.mock.cards().len()), (1, 1, 1));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_request_that_is_lost_out_of_sight_is_withdrawn_once_it_is_seen() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let fired = bench.store.fault("requested", 1, Does::LoseReplyAndSight(3));
    refused(at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await, ErrorKind::Store, &["mend it"]);
    for _ in 0..10 {
        settle().await;
        bench.clock.advance(MINUTE);
    }
    assert_eq!(fired.times(), 1);
    bench.ends(approvals).await;
    let request = bench.store.intact().await[0];
    assert_eq!(bench.phase(request).await, Phase::Cancelled, "nobody waits for it");
}

#[tokio::test]
async fn the_record_of_an_end_is_tried_again_and_the_body_is_not() {
    for does in [Does::Fail, Does::LoseReply] {
        let bench = Bench::new();
        bench.mock.approve();
        let approvals = bench.up().await;
        let fired = bench.store.fault("finished", 2, does);
        assert_eq!(approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap(), 3);
        for _ in 0..10 {
            settle().await;
            bench.clock.advance(MINUTE / 60);
        }
        assert!(fired.times() > 0);
        bench.ends(approvals).await;
        let request = request_of(&bench.card().await);
        assert_eq!(bench.store.story(request).await, ["requested", "reviewed", "started", "finished"]);
        assert_eq!(bench.runs.count(), 1);
    }
}

#[tokio::test]
async fn a_blind_store_is_not_hammered_for_the_end_of_a_claim() {
    let bench = Bench::new();
    let hold = Hold::new();
    let runs = Runs::held_by(&hold);
    bench.mock.approve();
    let approvals = bench.up().await;
    let call = tokio::spawn(approvals.scope(wipe(runs.clone(), "sda")));
    hold.reached(1).await;
    // A denial moves the request, so that the end meets another version and has to read.
    bench.mock.submit("late", no(&bench.card().await)).await.unwrap();
    settle().await;
    let fired = bench.store.fault("history", 50, Does::Fail);
    hold.open();
    call.await.unwrap().unwrap();
    settle().await;
    assert!((1..5).contains(&fired.times()), "{} reads while no time passes", fired.times());
    bench.store.heal();
    bench.clock.advance(MINUTE);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_caller_that_goes_away_during_a_slow_claim_leaves_nothing_claimed() {
    for keyed in [false, true] {
        let bench = Bench::new();
        bench.policy.says(Says::Late);
        bench.mock.approve();
        let approvals = bench.up().await;
        let hold = Hold::new();
        bench.store.fault("started", 1, Does::Hold(hold.clone()));
        let call = match keyed {
            true => tokio::spawn(approvals.scope(async { drop(pay(Runs::default(), "R-1", 5).await) })),
            false => tokio::spawn(approvals.scope(async { drop(wipe(Runs::default(), "sda").await) })),
        };
        hold.reached(1).await;
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
        let stop = shutting_down(&approvals);
        settle().await;
        hold.open();
        stop.await.unwrap().unwrap();
        let request = bench.store.intact().await[0];
        assert_eq!(bench.phase(request).await, Phase::Cancelled, "keyed: {keyed}");
    }
}

#[tokio::test]
async fn an_unkeyed_call_that_is_dropped_while_it_waits_is_withdrawn_and_a_keyed_one_is_parked() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let unkeyed = waiting(&bench, &approvals);
    let withdrawn = request_of(&bench.card().await);
    let keyed = keyed(&bench, &approvals);
    let parked = request_of(&bench.nth_card(2).await);
    unkeyed.abort();
    keyed.abort();
    settle().await;
    assert_eq!(bench.phase(withdrawn).await, Phase::Cancelled);
    assert_eq!(bench.phase(parked).await, Phase::Pending);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_withdrawal_that_a_yes_outran_is_written_at_its_next_turn() {
    let bench = Bench::new();
    bench.policy.asks(Quorum::people(2));
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    let hold = Hold::new();
    bench.store.fault("cancelled", 1, Does::Hold(hold.clone()));
    call.abort();
    hold.reached(1).await;
    assert_eq!(counted(&bench.approve(&card).await), Phase::Pending);
    hold.open();
    // No time passes.
    settle().await;
    assert_eq!(bench.phase(request_of(&card)).await, Phase::Cancelled);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_body_that_is_dropped_midway_is_unknown_and_never_runs_again_by_itself() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, runs, hold) = in_the_body(&bench, &approvals).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    hold.open();
    let outcome = at_once(approvals.scope(pay(runs.clone(), "R-1", 5))).await;
    let error = refused(outcome, ErrorKind::Unknown, &["cut off", "approvals reconcile"]);
    let request = error.request().unwrap();
    assert!(error.to_string().contains(&format!("`approvals reconcile {request} --ran`")));
    assert_eq!(bench.store.story(request).await, ["requested", "reviewed", "started", "lost"]);
    assert_eq!(runs.count(), 1);
    bench.ends(approvals).await;
}

#[requires_approval(risk = "high", action = "once.panic")]
async fn panics(#[approval(skip = "counts the runs")] runs: Runs) -> Result<(), ApprovalError> {
    runs.enter().await;
    panic!("in the body");
}

#[tokio::test]
async fn a_body_that_panics_is_unknown() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let call = tokio::spawn(approvals.scope(panics(bench.runs.clone())));
    assert!(call.await.unwrap_err().is_panic());
    bench.ends(approvals).await;
    let request = request_of(&bench.card().await);
    assert_eq!(bench.phase(request).await, Phase::Unknown);
    assert_eq!(bench.runs.count(), 1);
}

#[requires_approval(risk = "high", action = "once.fail", key = "{name}")]
async fn fails(#[approval(skip = "counts the runs")] runs: Runs, name: &str) -> Result<(), std::io::Error> {
    runs.enter().await;
    Err(std::io::Error::other(format!("{name}: no route to swordfish")))
}

#[tokio::test]
async fn an_error_of_the_body_stays_its_own_and_is_recorded_by_type_alone() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let error = at_once(approvals.scope(fails(bench.runs.clone(), "n"))).await.unwrap_err();
    assert_eq!(error.to_string(), "n: no route to swordfish");
    assert!(error.get_ref().is_none_or(|source| !source.is::<ApprovalError>()));
    let request = request_of(&bench.card().await);
    let records = bench.store.of(request.into()).await;
    let outcome = records.iter().find_map(|record| match &record.body.event {
        Event::Finished { outcome, .. } => Some(outcome.clone()),
        _ => None,
    });
    assert_eq!(outcome, Some(Finish::Err { kind: "std::io::error::Error".to_owned() }));
    assert!(!bench.store.text().await.contains("swordfish"));
    assert_eq!(bench.phase(request).await, Phase::Failed);
    bench.ends(approvals).await;
}

/// What a person says elsewhere of a body that was cut off.
pub(crate) fn did_not_run() -> Event {
    let reason = Seed::from_bytes([7; 32]).commit_text("reason", "power was cut");
    Event::Reconciled { outcome: Reconciliation::DidNotRun, by: "ann".into(), reason }
}

#[tokio::test]
async fn an_end_that_comes_after_a_reconciliation_is_noted_and_changes_nothing() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, _, hold) = in_the_body(&bench, &approvals).await;
    let request = request_of(&bench.card().await);
    bench.store.write(request, did_not_run()).await;
    hold.open();
    assert_eq!(call.await.unwrap().unwrap(), 5);
    settle().await;
    assert_eq!(bench.phase(request).await, Phase::Cancelled);
    assert!(bench.store.names(request.into()).await.contains(&"ignored"));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_shutdown_that_is_given_up_and_repeated_still_records_every_end() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let fired = bench.store.fault("finished", 1, Does::Fail);
    approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap();
    assert_eq!(fired.times(), 1);
    let impatient = shutting_down(&approvals);
    settle().await;
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    bench.clock.advance(MINUTE);
    approvals.shutdown().await.unwrap();
    let request = request_of(&bench.card().await);
    assert_eq!(bench.phase(request).await, Phase::Succeeded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_nodes_that_race_for_one_key_run_one_body() {
    for _ in 0..10 {
        let bench = Bench::new();
        bench.mock.approve();
        bench.store.slow_down();
        let mut nodes = Vec::new();
        for _ in 0..4 {
            nodes.push(bench.up().await);
        }
        let calls: Vec<_> =
            (0..16).map(|n| tokio::spawn(nodes[n % 4].scope(pay(bench.runs.clone(), "R-1", 5)))).collect();
        let mut ran = 0;
        for call in calls {
            ran += usize::from(call.await.unwrap().is_ok());
        }
        assert_eq!((ran, bench.runs.count(), bench.store.intact().await.len()), (1, 1, 1));
        bench.all_end(nodes).await;
    }
}

#[tokio::test]
async fn a_shutdown_withdraws_what_waits_without_a_key_and_parks_what_waits_under_one() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let unkeyed = waiting(&bench, &approvals);
    let withdrawn = request_of(&bench.card().await);
    let keyed = keyed(&bench, &approvals);
    let parked = request_of(&bench.nth_card(2).await);
    settle().await;
    bench.ends(approvals.clone()).await;
    refused(unkeyed.await.unwrap(), ErrorKind::Cancelled, &["shutting down"]);
    refused(keyed.await.unwrap(), ErrorKind::Pending, &["stays open"]);
    assert_eq!(bench.phase(withdrawn).await, Phase::Cancelled);
    assert_eq!(bench.phase(parked).await, Phase::Pending);
    assert_eq!(bench.store.of(approvals::ledger::Stream::System).await.len(), 2);
}

#[tokio::test]
async fn after_a_shutdown_nothing_is_asked_claimed_or_run() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let card = parked(&bench, &approvals).await;
    bench.approve(&card).await;
    bench.ends(approvals.clone()).await;
    let records = bench.store.records().await.len();
    refused(
        at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 5))).await,
        ErrorKind::Unavailable,
        &["shut down"],
    );
    refused(
        at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await,
        ErrorKind::Unavailable,
        &["shut down"],
    );
    assert_eq!((bench.runs.count(), bench.store.records().await.len()), (0, records));
    assert_eq!(bench.phase(request_of(&card)).await, Phase::Approved);
}

#[tokio::test]
async fn a_denial_after_the_claim_does_not_stop_the_body_and_keeps_the_key_shut() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, runs, _) = in_the_body(&bench, &approvals).await;
    let late = bench.mock.submit("late", no(&bench.card().await)).await.unwrap();
    assert_eq!(counted(&late), Phase::Executing);
    call.abort();
    let _ = call.await;
    let outcome = at_once(approvals.scope(pay(runs.clone(), "R-1", 5))).await;
    refused(outcome, ErrorKind::Unknown, &["approvals reconcile"]);
    let request = request_of(&bench.card().await);
    let reason = Seed::from_bytes([7; 32]).commit_text("reason", "looked");
    let (outcome, by) = (Reconciliation::DidNotRun, "ann".into());
    bench.store.write(request, Event::Reconciled { outcome, by, reason }).await;
    let outcome = at_once(approvals.scope(pay(runs.clone(), "R-1", 5))).await;
    refused(outcome, ErrorKind::Denied, &["`late`"]);
    assert_eq!((runs.count(), bench.store.intact().await.len()), (1, 1), "the no stands: no other round");
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_claim_that_a_shutdown_overtakes_is_not_made() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let call = keyed(&bench, &approvals);
    let card = bench.card().await;
    let hold = Hold::new();
    bench.policy.says(Says::Hold(hold.clone()));
    bench.approve(&card).await;
    // Once when the verdict is offered to the call, which does not wait for it, and once at the claim.
    hold.reached(2).await;
    bench.ends(approvals).await;
    hold.open();
    refused(call.await.unwrap(), ErrorKind::Unavailable, &["shut down", "same key"]);
    assert_eq!((bench.runs.count(), bench.phase(request_of(&card)).await), (0, Phase::Approved));
    let last = bench.store.records().await.pop().unwrap();
    assert_eq!(last.body.event.name(), "down");
}

#[tokio::test]
async fn a_free_ruling_that_a_denial_of_its_key_overtakes_opens_nothing() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let hold = Hold::new();
    bench.policy.says(Says::Hold(hold.clone()));
    let slow = keyed(&bench, &approvals);
    hold.reached(1).await;
    bench.policy.says(Says::Usual);
    bench.mock.deny("no");
    refused(at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 5))).await, ErrorKind::Denied, &[]);
    hold.open();
    refused(slow.await.unwrap(), ErrorKind::Denied, &[]);
    assert_eq!((bench.runs.count(), bench.store.intact().await.len()), (0, 1));
    bench.ends(approvals).await;
}
