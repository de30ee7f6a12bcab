//! Laws 7 and 11: the ledger before the act, and nothing is lost silently.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use approvals::ledger::{Allowed, Event, Stream};
use approvals::state::Phase;
use approvals::{ApprovalError, ErrorKind, Risk, requires_approval};

use crate::support::*;

#[requires_approval(risk = "medium", action = "ledger.edit", reason = "edits {file}")]
async fn edit(#[approval(skip = "counts the runs")] runs: Runs, file: &str) -> Res<usize> {
    runs.enter().await;
    Ok(file.len())
}

fn allowed(record: &approvals::ledger::Record) -> &Allowed {
    match &record.body.event {
        Event::Allowed(allowed) => allowed,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_free_call_of_risk_low_is_recorded_behind_it_without_its_arguments() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    assert_eq!(approvals.scope(peek(bench.runs.clone(), "sda-of-kim")).await.unwrap(), 10);
    bench.ends(approvals).await;
    let records = bench.store.of(Stream::Allowed).await;
    assert_eq!(records.len(), 1);
    let ran = allowed(&records[0]);
    assert_eq!((ran.action.as_str(), &ran.call), ("bench.peek", &None));
    assert_eq!(ran.requester.owner.to_string(), "owner");
    assert!(records[0].payload.is_none() && !bench.store.text().await.contains("sda-of-kim"));
}

#[tokio::test]
async fn a_free_call_of_risk_medium_is_durable_with_its_arguments_before_its_body() {
    let bench = Bench::new();
    bench.policy.says(Says::Run);
    let approvals = bench.up().await;
    let fired = bench.store.fault("allowed", 1, Does::Fail);
    refused(
        at_once(approvals.scope(edit(bench.runs.clone(), "a.txt"))).await,
        ErrorKind::Store,
        &["mend it"],
    );
    assert_eq!((fired.times(), bench.runs.count()), (1, 0));
    let hold = Hold::new();
    bench.store.fault("allowed", 1, Does::Hold(hold.clone()));
    let call = tokio::spawn(approvals.scope(edit(bench.runs.clone(), "a.txt")));
    hold.reached(1).await;
    settle().await;
    assert_eq!(bench.runs.count(), 0, "not before it is on record");
    hold.open();
    assert_eq!(call.await.unwrap().unwrap(), 5);
    let records = bench.store.of(Stream::Allowed).await;
    let facts = allowed(&records[0]).call.clone().unwrap();
    let payload = records[0].payload.as_ref().unwrap();
    assert_eq!(payload.text("arguments.file"), Some("a.txt"));
    assert!(payload.opens("reason", &facts.reason.unwrap()));
    assert!(!String::from_utf8_lossy(&records[0].bytes).contains("a.txt"));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_full_buffer_makes_calls_wait_and_loses_nothing() {
    const CALLS: usize = 3_000;
    let bench = Bench::new();
    let approvals = bench.up().await;
    let hold = Hold::new();
    let fired = bench.store.fault("allowed", 1, Does::Hold(hold.clone()));
    let calls: Vec<_> =
        (0..CALLS).map(|_| tokio::spawn(approvals.scope(peek(bench.runs.clone(), "sda")))).collect();
    hold.reached(1).await;
    settle().await;
    let ran = bench.runs.count();
    assert!((1_024..CALLS).contains(&ran), "{ran} calls ran while nothing could be written");
    hold.open();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    bench.ends(approvals).await;
    assert_eq!(fired.times(), 1);
    assert_eq!((bench.runs.count(), bench.store.of(Stream::Allowed).await.len()), (CALLS, CALLS));
}

#[requires_approval(risk = if raised.load(SeqCst) { Risk::High } else { Risk::Low }, action = "ledger.raised")]
async fn raised(
    #[approval(skip = "what the risk depends on")] raised: Arc<AtomicBool>,
    #[approval(skip = "counts the runs")] runs: Runs,
) -> Res<()> {
    runs.enter().await;
    Ok(())
}

#[tokio::test]
async fn a_call_whose_risk_rises_while_it_waits_for_room_does_not_run_freely() {
    const FIRST: usize = 2_000;
    let bench = Bench::new();
    let approvals = bench.up().await;
    let hold = Hold::new();
    bench.store.fault("allowed", 1, Does::Hold(hold.clone()));
    let calls: Vec<_> =
        (0..FIRST).map(|_| tokio::spawn(approvals.scope(peek(bench.runs.clone(), "sda")))).collect();
    hold.reached(1).await;
    settle().await;
    let (switch, own) = (Arc::<AtomicBool>::default(), Runs::default());
    let call = tokio::spawn(approvals.scope(raised(Arc::clone(&switch), own.clone())));
    settle().await;
    switch.store(true, SeqCst);
    hold.open();
    refused(call.await.unwrap(), ErrorKind::ArgumentsChanged, &["policy let run"]);
    assert_eq!(own.count(), 0);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_free_call_that_cannot_be_written_yet_is_tried_again_until_it_is() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let fired = bench.store.fault("allowed", 3, Does::Fail);
    approvals.scope(peek(bench.runs.clone(), "sda")).await.unwrap();
    for _ in 0..5 {
        settle().await;
        bench.clock.advance(MINUTE);
    }
    bench.ends(approvals).await;
    assert_eq!((fired.times(), bench.store.of(Stream::Allowed).await.len()), (3, 1));
}

#[tokio::test]
async fn a_free_call_during_a_shutdown_is_recorded_or_refused() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (stopping, writing) = (Hold::new(), Hold::new());
    bench.store.fault("down", 1, Does::Hold(stopping.clone()));
    bench.store.fault("allowed", 1, Does::Hold(writing.clone()));
    let stop = shutting_down(&approvals);
    stopping.reached(1).await;
    let outcome = at_once(approvals.scope(peek(bench.runs.clone(), "sda"))).await;
    settle().await;
    stopping.open();
    stop.await.unwrap().unwrap();
    writing.open();
    settle().await;
    let recorded = bench.store.of(Stream::Allowed).await.len();
    assert_eq!((outcome.is_ok(), bench.runs.count()), (recorded == 1, recorded), "{outcome:?}");
    if outcome.is_err() {
        refused(outcome, ErrorKind::Unavailable, &["shut down"]);
    }
}

#[tokio::test]
async fn after_a_shutdown_nothing_runs_freely_unrecorded() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    approvals.shutdown().await.unwrap();
    refused(
        at_once(approvals.scope(peek(bench.runs.clone(), "sda"))).await,
        ErrorKind::Unavailable,
        &["shut down"],
    );
    assert_eq!(bench.runs.count(), 0);
    approvals.shutdown().await.unwrap();
}

#[requires_approval(risk = "high", action = "ledger.look")]
async fn look(#[approval(skip = "the ledger itself")] store: Faulty) -> Result<Phase, ApprovalError> {
    let request = store.intact().await[0];
    Ok(store.state(request).await.phase())
}

#[tokio::test]
async fn started_is_durable_before_the_first_line_of_the_body() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    assert_eq!(approvals.scope(look(bench.store.clone())).await.unwrap(), Phase::Executing);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn what_policy_refuses_is_recorded_with_the_reason_in_the_payload_alone() {
    let bench = Bench::new();
    bench.policy.says(Says::Refuse);
    let approvals = bench.up().await;
    refused(at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await, ErrorKind::Refused, &["Monday"]);
    let records = bench.store.of(Stream::Allowed).await;
    let Event::Refused(call) = &records[0].body.event else { panic!("{:?}", records[0]) };
    assert_eq!(call.action, "bench.wipe");
    let payload = records[0].payload.as_ref().unwrap();
    assert!(payload.opens("why", &call.why) && payload.text("why") == Some("frozen until Monday"));
    assert!(!String::from_utf8_lossy(&records[0].bytes).contains("Monday"));
    bench.store.fault("refused", 1, Does::Fail);
    refused(at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await, ErrorKind::Store, &["mend it"]);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_process_writes_when_it_comes_and_when_it_goes() {
    let bench = Bench::new();
    let (one, two) = (bench.up().await, bench.up().await);
    two.shutdown().await.unwrap();
    drop(one);
    settle().await;
    let records = bench.store.of(Stream::System).await;
    let names: Vec<&str> = records.iter().map(|record| record.body.event.name()).collect();
    assert_eq!(names, ["up", "up", "down"], "an unclean stop leaves no `down`");
    assert_eq!(records[1].body.node, records[2].body.node);
    let Event::Up { build, policy } = &records[0].body.event else { panic!("{:?}", records[0]) };
    assert!(build.starts_with("action-approvals ") && policy.as_str() == "script");
}

#[tokio::test]
async fn a_stop_that_cannot_be_recorded_is_an_error() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    bench.store.fault("down", 1, Does::Fail);
    assert!(approvals.shutdown().await.unwrap_err().to_string().contains("mend it"));
}

#[tokio::test]
async fn a_start_that_cannot_be_recorded_is_no_start() {
    let bench = Bench::new();
    bench.store.fault("up", 1, Does::Fail);
    let error = bench.builder().build().await.unwrap_err();
    assert!(error.to_string().contains("mend it"), "{error}");
}
