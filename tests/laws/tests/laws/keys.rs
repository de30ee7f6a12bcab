//! Law 9: same key, same request.

use std::collections::BTreeSet;

use approvals::card::Card;
use approvals::ledger::{Event, IgnoredWhy};
use approvals::policy::SiteRuling;
use approvals::state::Phase;
use approvals::testing::MockBackend;
use approvals::{Agent, ApprovalError, Approvals, ErrorKind, requires_approval};

use crate::support::*;

/// A first life that asks under its key and is killed while it waits.
fn killed_while_waiting(bench: &Bench) -> Card {
    life(async {
        let approvals = bench.up().await;
        let _call = keyed(bench, &approvals);
        let card = bench.card().await;
        settle().await;
        card
    })
}

/// A first life that asks without a key and is killed before it can take that back.
fn killed_before_it_withdraws(bench: &Bench) -> Card {
    let card = life(async {
        let approvals = bench.up().await;
        let _call = waiting(bench, &approvals);
        let card = bench.card().await;
        bench.store.fault("cancelled", usize::MAX, Does::Fail);
        card
    });
    bench.store.heal();
    card
}

/// Another agent over the same ledger, through whose mock people answer while the first is down.
async fn elsewhere(bench: &Bench, mock: &MockBackend) -> Approvals {
    let agent = Agent::new("other-agent").owned_by("owner");
    Approvals::test_builder(mock)
        .agent(agent)
        .store(bench.store.clone())
        .directory(bench.people.clone())
        .clock(std::sync::Arc::new(bench.clock.clone()))
        .build()
        .await
        .unwrap()
}

#[test]
fn a_restarted_agent_finds_its_request_and_nobody_is_asked_for_another() {
    let bench = Bench::new();
    let first = killed_while_waiting(&bench);
    life(async {
        let approvals = bench.up().await;
        let call = keyed(&bench, &approvals);
        // The mock's cards die with their process, so the same request is presented once more.
        let second = bench.nth_card(2).await;
        assert_eq!((&first.request, &first.digest), (&second.request, &second.digest));
        bench.approve(&second).await;
        assert_eq!(call.await.unwrap().unwrap(), 5);
        assert_eq!(bench.store.intact().await.len(), 1);
        bench.ends(approvals).await;
    });
    assert_eq!(bench.runs.count(), 1);
}

#[test]
fn a_damaged_request_is_closed_and_does_not_keep_its_agent_from_starting() {
    let bench = Bench::new();
    killed_while_waiting(&bench);
    life(async {
        let fired = bench.store.fault("history", 2, Does::Damage);
        let approvals = bench.up().await;
        settle().await;
        assert_eq!(fired.times(), 1, "it was looked at");
        refused(keyed(&bench, &approvals).await.unwrap(), ErrorKind::Store, &["damaged"]);
        bench.mock.approve();
        approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap();
        bench.ends(approvals).await;
    });
    assert_eq!(bench.runs.count(), 1);
}

#[test]
fn a_verdict_that_came_while_the_agent_was_down_is_found() {
    for (approves, kind) in [(true, None), (false, Some(ErrorKind::Denied))] {
        let bench = Bench::new();
        let card = killed_while_waiting(&bench);
        life(async {
            let mock = MockBackend::new();
            let other = elsewhere(&bench, &mock).await;
            let review = if approves { yes(&card) } else { no(&card) };
            counted(&mock.submit("reviewer", review).await.unwrap());
            other.shutdown().await.unwrap();
        });
        life(async {
            let approvals = bench.up().await;
            let outcome = at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 5))).await;
            match kind {
                None => assert_eq!(outcome.unwrap(), 5),
                Some(kind) => drop(refused(outcome, kind, &["`reviewer`"])),
            }
            assert_eq!(bench.mock.cards().len(), 1, "nobody is asked twice");
            bench.ends(approvals).await;
        });
    }
}

#[test]
fn an_approval_that_was_not_used_in_time_is_over_and_the_next_round_asks_anew() {
    let bench = Bench::new();
    let card = killed_while_waiting(&bench);
    life(async {
        let mock = MockBackend::new();
        let other = elsewhere(&bench, &mock).await;
        mock.submit("reviewer", yes(&card)).await.unwrap();
        other.shutdown().await.unwrap();
    });
    bench.clock.advance(15 * MINUTE);
    life(async {
        let approvals = bench.up().await;
        let call = keyed(&bench, &approvals);
        let second = bench.nth_card(2).await;
        assert_ne!(card.request, second.request);
        assert!(second.state.lines.iter().any(|line| line.contains("asked again")), "{:?}", second.state);
        assert_eq!(bench.phase(request_of(&card)).await, Phase::Expired);
        assert_eq!(bench.runs.count(), 0);
        bench.approve(&second).await;
        assert_eq!(call.await.unwrap().unwrap(), 5);
        bench.ends(approvals).await;
    });
}

#[tokio::test]
async fn a_denied_key_stays_denied_even_when_policy_comes_to_run_it_freely() {
    let bench = Bench::new();
    bench.mock.deny("no");
    let approvals = bench.up().await;
    for flip in [false, true, true] {
        if flip {
            bench.policy.says(Says::Run);
            bench.policy.site(SiteRuling::Run);
            bench.mock.approve();
        }
        let outcome = at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 5))).await;
        refused(outcome, ErrorKind::Denied, &["`reviewer`"]);
    }
    assert_eq!(approvals.scope(pay(bench.runs.clone(), "R-2", 5)).await.unwrap(), 5);
    assert_eq!((bench.runs.count(), bench.mock.cards().len()), (1, 1));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_key_with_other_arguments_is_refused_and_recorded_in_every_phase() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let call = keyed(&bench, &approvals);
    let card = bench.card().await;
    let request = request_of(&card);
    let reuse = async || {
        let outcome = at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 999_999))).await;
        let error = refused(outcome, ErrorKind::KeyReused, &["other arguments", "name in the key"]);
        assert_eq!(error.request(), Some(request));
    };
    reuse().await;
    bench.approve(&card).await;
    call.await.unwrap().unwrap();
    reuse().await;
    let notes = bench.store.of(request.into()).await;
    let reused = notes.iter().filter(|record| {
        matches!(&record.body.event, Event::Ignored(ignored) if ignored.why == IgnoredWhy::KeyReused)
    });
    assert_eq!(reused.count(), 2);
    let fired = bench.store.fault("ignored", 1, Does::Fail);
    let outcome = at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 999_999))).await;
    refused(outcome, ErrorKind::Store, &["mend it"]);
    assert_eq!(fired.times(), 1);
    assert_eq!(bench.runs.count(), 1);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_call_whose_key_runs_right_now_is_told_so() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, runs, hold) = in_the_body(&bench, &approvals).await;
    let outcome = at_once(approvals.scope(pay(runs.clone(), "R-1", 5))).await;
    refused(outcome, ErrorKind::Running, &["claimed by", approvals.node().as_str()]);
    hold.open();
    call.await.unwrap().unwrap();
    assert_eq!(runs.count(), 1);
    bench.ends(approvals).await;
}

#[requires_approval(risk = "high", action = "keys.fails", key = "{name}", error = Failure::from_refusal)]
async fn fails(#[approval(skip = "counts the runs")] runs: Runs, name: &str) -> Result<(), Failure> {
    runs.enter().await;
    Err(Failure::Own(name.len()))
}

#[derive(Debug)]
enum Failure {
    Own(usize),
    Refusal(ApprovalError),
}

impl Failure {
    fn from_refusal(error: ApprovalError) -> Self {
        Self::Refusal(error)
    }
}

#[tokio::test]
async fn a_key_that_ran_does_not_run_again_even_if_its_body_failed() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    approvals.scope(pay(bench.runs.clone(), "R-1", 5)).await.unwrap();
    let outcome = at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 5))).await;
    refused(outcome, ErrorKind::AlreadyRan, &["value is not kept", "another key"]);
    let own = at_once(approvals.scope(fails(bench.runs.clone(), "n"))).await.unwrap_err();
    assert!(matches!(own, Failure::Own(1)), "{own:?}");
    match at_once(approvals.scope(fails(bench.runs.clone(), "n"))).await.unwrap_err() {
        Failure::Refusal(error) => assert_eq!(error.kind(), ErrorKind::AlreadyRan),
        own @ Failure::Own(_) => panic!("{own:?}"),
    }
    assert_eq!(bench.runs.count(), 2);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_request_that_was_called_off_or_ran_out_makes_room_for_a_round_with_its_own_digest() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let first = keyed(&bench, &approvals);
    bench.mock.submit("owner", no(&bench.card().await)).await.unwrap();
    refused(first.await.unwrap(), ErrorKind::Cancelled, &[]);
    let second = keyed(&bench, &approvals);
    bench.nth_card(2).await;
    refused(drive(&bench.clock, 10 * MINUTE, second).await, ErrorKind::Expired, &["ask anew"]);
    let third = keyed(&bench, &approvals);
    let card = bench.nth_card(3).await;
    // The approval of an earlier round opens nothing.
    let reply = bench.approve(&bench.nth_card(2).await).await;
    assert_eq!(ignored(&reply), IgnoredWhy::TooLate);
    bench.approve(&card).await;
    assert_eq!(third.await.unwrap().unwrap(), 5);
    let digests: BTreeSet<String> = bench.mock.cards().into_iter().map(|card| card.digest).collect();
    assert_eq!((digests.len(), bench.store.intact().await.len()), (3, 3));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_key_belongs_to_its_agent_and_namespace() {
    let bench = Bench::new();
    bench.mock.approve();
    let mut handles = vec![bench.up().await];
    let other = Agent::new("other-agent").owned_by("owner");
    handles.push(bench.builder().agent(other).build().await.unwrap());
    handles.push(bench.builder().namespace("staging").build().await.unwrap());
    for approvals in &handles {
        assert_eq!(approvals.scope(pay(bench.runs.clone(), "R-1", 5)).await.unwrap(), 5);
    }
    assert_eq!((bench.runs.count(), bench.store.intact().await.len()), (3, 3));
    let sibling = bench.up().await;
    let outcome = at_once(sibling.scope(pay(bench.runs.clone(), "R-1", 5))).await;
    refused(outcome, ErrorKind::AlreadyRan, &[]);
    handles.push(sibling);
    bench.all_end(handles).await;
}

#[tokio::test]
async fn a_call_that_runs_out_of_patience_stays_open_and_the_same_call_finds_the_verdict() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let call = tokio::spawn(approvals.scope(patient(bench.runs.clone(), "n")));
    let card = bench.card().await;
    settle().await;
    bench.clock.advance(MINUTE / 2);
    let error = refused(call.await.unwrap(), ErrorKind::Pending, &["stays open", "the same key finds it"]);
    assert!(error.is_pending() && error.message_for_model().contains("call again later"));
    assert_eq!(bench.phase(request_of(&card)).await, Phase::Pending);
    bench.approve(&card).await;
    assert_eq!(bench.runs.count(), 0, "nobody calls at the moment");
    assert_eq!(approvals.scope(patient(bench.runs.clone(), "n")).await.unwrap(), 1);
    assert_eq!(bench.mock.cards().len(), 1);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_holder_that_goes_away_does_not_take_the_request_from_the_other() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (gone, stays) = (keyed(&bench, &approvals), keyed(&bench, &approvals));
    let card = bench.card().await;
    settle().await;
    gone.abort();
    settle().await;
    bench.approve(&card).await;
    assert_eq!(stays.await.unwrap().unwrap(), 5);
    bench.ends(approvals).await;
}

#[requires_approval(risk = "low", action = "keys.low", key = "{name}")]
async fn low(#[approval(skip = "counts the runs")] runs: Runs, name: &str) -> Res<usize> {
    runs.enter().await;
    Ok(name.len())
}

#[tokio::test]
async fn a_keyed_call_takes_no_fast_path() {
    let bench = Bench::new();
    bench.mock.deny("no");
    bench.policy.asks(approvals::request::Quorum::people(1));
    let approvals = bench.up().await;
    refused(at_once(approvals.scope(low(bench.runs.clone(), "n"))).await, ErrorKind::Denied, &[]);
    bench.policy.says(Says::Usual);
    refused(at_once(approvals.scope(low(bench.runs.clone(), "n"))).await, ErrorKind::Denied, &[]);
    assert_eq!(bench.runs.count(), 0);
    assert_eq!(approvals.scope(low(bench.runs.clone(), "m")).await.unwrap(), 1);
    bench.ends(approvals).await;
}

#[test]
fn a_start_does_not_wait_for_the_requests_that_wait_and_a_call_finds_its_own_meanwhile() {
    let bench = Bench::new();
    let card = life(async {
        let approvals = bench.up().await;
        let _call = keyed(&bench, &approvals);
        bench.card().await
    });
    let hold = Hold::new();
    bench.store.fault("list of what waits", usize::MAX, Does::Hold(hold.clone()));
    life(async {
        let approvals = bench.up().await;
        let call = keyed(&bench, &approvals);
        hold.reached(1).await;
        settle().await;
        bench.approve(&card).await;
        assert_eq!(call.await.unwrap().unwrap(), 5);
        hold.open();
        bench.ends(approvals).await;
    });
}

#[tokio::test]
async fn what_a_process_asks_while_it_takes_up_what_others_left_is_not_taken_for_theirs() {
    let bench = Bench::new();
    let hold = Hold::new();
    bench.store.fault("list of what waits", 1, Does::Hold(hold.clone()));
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    hold.reached(1).await;
    hold.open();
    settle().await;
    assert_eq!(bench.phase(request_of(&card)).await, Phase::Pending);
    bench.approve(&card).await;
    assert_eq!(call.await.unwrap().unwrap(), 3);
    bench.ends(approvals).await;
}

#[test]
fn a_store_that_cannot_list_what_waits_is_asked_again_and_the_calls_go_on() {
    let bench = Bench::new();
    let card = killed_before_it_withdraws(&bench);
    life(async {
        let fired = bench.store.fault("list of what waits", 3, Does::Fail);
        let approvals = bench.up().await;
        for _ in 0..4 {
            settle().await;
            bench.clock.advance(MINUTE / 2);
        }
        settle().await;
        assert_eq!((fired.times(), bench.phase(request_of(&card)).await), (3, Phase::Cancelled));
        bench.ends(approvals).await;
    });
}

#[test]
fn an_unkeyed_request_of_a_killed_process_is_withdrawn_by_its_successor() {
    let bench = Bench::new();
    let card = killed_before_it_withdraws(&bench);
    life(async {
        assert_eq!(bench.phase(request_of(&card)).await, Phase::Pending);
        let approvals = bench.up().await;
        settle().await;
        assert_eq!(bench.phase(request_of(&card)).await, Phase::Cancelled);
        bench.ends(approvals).await;
    });
}

/// A first life that asks under some keys and is killed while it waits.
fn killed_while_many_wait(bench: &Bench, calls: usize) -> Vec<Card> {
    life(async {
        let approvals = bench.up().await;
        for call in 0..calls {
            let runs = bench.runs.clone();
            tokio::spawn(approvals.scope(async move { pay(runs, &format!("R-{call}"), 5).await }));
            bench.nth_card(call + 1).await;
        }
        settle().await;
        bench.mock.cards()
    })
}

#[test]
fn requests_whose_history_gives_no_answer_hold_up_no_other_at_a_start_and_are_taken_up_once_they_do() {
    for does in [Does::Fail, Does::Panic, Does::Hold(Hold::new())] {
        let bench = Bench::new();
        let requests: Vec<_> = killed_while_many_wait(&bench, 5).iter().map(request_of).collect();
        // The newest are listed first.
        for silent in &requests[3..] {
            bench.store.fault_over(*silent, does.clone());
        }
        life(async {
            let approvals = bench.up().await;
            pass(&bench.clock, 2 * MINUTE + MINUTE / 2).await;
            bench.clock.advance(HOUR);
            settle().await;
            for request in &requests[..3] {
                assert_eq!(bench.phase(*request).await, Phase::Expired, "they are listed behind it");
            }
            bench.store.heal();
            pass(&bench.clock, 12 * MINUTE).await;
            for request in &requests {
                assert_eq!(bench.phase(*request).await, Phase::Expired, "it is tried again");
            }
            bench.ends(approvals).await;
        });
    }
}
