//! What may go wrong while a verdict is offered to the calls that wait for it.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals::card::Card;
use approvals::id::PolicyVersion;
use approvals::ledger::CancelWhy;
use approvals::policy::{PolicyError, Ruling};
use approvals::request::{Quorum, Requirement};
use approvals::state::Phase;
use approvals::testing::MockBackend;
use approvals::{Call, ErrorKind, Policy, Risk};
use async_trait::async_trait;

use crate::support::*;

const TOGETHER: [&str; 2] = ["reviewed", "started"];

#[tokio::test]
async fn a_yes_of_somebody_who_left_the_group_is_not_claimed_under_by_the_yes_that_completes_the_quorum() {
    for leaves in ["ann", "bob"] {
        let bench = Bench::new();
        bench.policy.asks(Quorum::people_from(2, ["sre"]));
        bench.people.groups("ann", &["sre"]);
        bench.people.groups("bob", &["sre"]);
        let approvals = bench.up().await;
        let (call, card) = asked(&bench, &approvals).await;
        assert_eq!(counted(&bench.mock.submit("ann", yes(&card)).await.unwrap()), Phase::Pending);
        let hold = Hold::new();
        if leaves == "ann" {
            bench.people.groups("ann", &[]);
        } else {
            // Between the review and the second look into the directory.
            bench.policy.says(Says::Hold(hold.clone()));
        }
        assert_eq!(counted(&bench.mock.submit("bob", yes(&card)).await.unwrap()), Phase::Approved);
        bench.people.groups(leaves, &[]);
        hold.open();
        refused(call.await.unwrap(), ErrorKind::Cancelled, &["may no longer"]);
        assert_eq!(bench.runs.count(), 0);
        let state = bench.store.state(request_of(&card)).await;
        assert_eq!(state.cancelled().map(|(why, _)| why), Some(CancelWhy::Directory));
        bench.ends(approvals).await;
        assert!(!bench.store.appends().iter().any(|names| *names == TOGETHER));
    }
}

/// Panics each time that it is asked again, at its first poll.
#[derive(Clone, Default)]
struct PanicsLater(Arc<AtomicUsize>);

#[async_trait]
impl Policy for PanicsLater {
    fn version(&self) -> PolicyVersion {
        "panics later".into()
    }

    async fn rule(&self, _: &Call) -> Result<Ruling, PolicyError> {
        assert_eq!(self.0.fetch_add(1, SeqCst), 0, "a panic that is part of the test");
        Ok(Ruling::Ask(Requirement::at(Risk::High)))
    }
}

#[tokio::test]
async fn a_policy_that_panics_over_an_offer_leaves_the_verdict_on_record_and_the_body_shut() {
    let bench = Bench::new();
    let policy = PanicsLater::default();
    let approvals = bench.builder().policy(policy.clone()).build().await.unwrap();
    let (call, card) = asked(&bench, &approvals).await;
    assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
    refused(call.await.unwrap(), ErrorKind::Unavailable, &["it panicked"]);
    assert_eq!((policy.0.load(SeqCst), bench.runs.count()), (3, 0));
    bench.ends(approvals).await;
    assert_eq!(bench.store.appends(), [["requested"], ["reviewed"], ["cancelled"]]);
}

/// Answers the card itself whenever it is asked again.
#[derive(Clone)]
struct Answers(MockBackend, Arc<Mutex<Option<Card>>>, Arc<AtomicUsize>);

#[async_trait]
impl Policy for Answers {
    fn version(&self) -> PolicyVersion {
        "answers".into()
    }

    async fn rule(&self, _: &Call) -> Result<Ruling, PolicyError> {
        let card = self.1.lock().unwrap().clone();
        if let Some(card) = card {
            self.2.fetch_add(1, SeqCst);
            drop(self.0.submit("other", yes(&card)).await);
        }
        Ok(Ruling::Ask(Requirement::at(Risk::High)))
    }
}

#[tokio::test]
async fn a_policy_that_answers_the_request_it_is_asked_about_hangs_nobody() {
    let bench = Bench::new();
    let answers = Answers(bench.mock.clone(), Arc::default(), Arc::default());
    let approvals = bench.builder().policy(answers.clone()).build().await.unwrap();
    let (call, card) = asked(&bench, &approvals).await;
    *answers.1.lock().unwrap() = Some(card.clone());
    // Either yes may be the one that counts.
    drop(bench.approve(&card).await);
    assert_eq!(call.await.unwrap().unwrap(), 3);
    assert!(answers.2.load(SeqCst) > 0);
    bench.ends(approvals).await;
    let reviewed = bench.store.appends().into_iter().flatten().filter(|name| *name == "reviewed").count();
    assert_eq!((reviewed, bench.runs.count()), (1, 1));
}

#[tokio::test]
async fn a_shutdown_while_a_verdict_is_written_with_its_claim_leaves_nothing_claimed() {
    for with_key in [false, true] {
        let bench = Bench::new();
        let approvals = bench.up().await;
        let hold = Hold::new();
        bench.store.fault("started", 1, Does::Hold(hold.clone()));
        let call = match with_key {
            true => keyed(&bench, &approvals),
            false => {
                let wiped = approvals.scope(wipe(bench.runs.clone(), "sda"));
                tokio::spawn(async { wiped.await.map(|bytes| bytes as u64) })
            }
        };
        let card = bench.card().await;
        let answer = submitting(&bench.mock, "reviewer", yes(&card));
        hold.reached(1).await;
        let stopping = shutting_down(&approvals);
        settle().await;
        hold.open();
        let reply = tokio::time::timeout(LONG, answer).await.unwrap().unwrap().unwrap();
        assert_eq!(counted(&reply), Phase::Approved);
        let ran = usize::from(call.await.unwrap().is_ok());
        stopping.await.unwrap().unwrap();
        assert_eq!(bench.runs.count(), ran);
        settle().await;
        for request in bench.store.intact().await {
            assert_ne!(bench.phase(request).await, Phase::Executing);
        }
    }
}

#[test]
fn a_review_from_another_runtime_counts_and_runs_one_body() {
    for _ in 0..10 {
        let bench = Bench::new();
        life(async {
            let approvals = bench.up().await;
            let call = keyed(&bench, &approvals);
            let card = bench.card().await;
            let (mock, review) = (bench.mock.clone(), yes(&card));
            let desk = std::thread::spawn(move || life(async move { mock.submit("reviewer", review).await }));
            assert_eq!(call.await.unwrap().unwrap(), 5);
            assert_eq!(counted(&desk.join().unwrap().unwrap()), Phase::Approved);
            bench.ends(approvals).await;
        });
        assert_eq!(bench.runs.count(), 1);
    }
}

/// Only a test that fails waits so long.
const LONG: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn however_answers_calls_and_leaving_fall_together_a_key_runs_once_at_most_and_never_after_a_no() {
    let (mut together, mut denied, mut ran) = (0, 0, 0);
    for round in 0..60_usize {
        let bench = Bench::new();
        if round % 3 == 0 {
            bench.policy.asks(Quorum::people(2));
        }
        let approvals = bench.up().await;
        if round % 5 == 0 {
            bench.store.slow_down();
        }
        let calls: Vec<_> = (0..3).map(|_| keyed(&bench, &approvals)).collect();
        let card = bench.card().await;
        let says_no = ("eve", no(&card));
        let mut reviews: Vec<_> = ["ann", "bob", "cid"].map(|person| (person, yes(&card))).into();
        match round % 4 {
            0 => reviews.insert(0, says_no),
            2 => reviews.push(says_no),
            _ => {}
        }
        let answers: Vec<_> = reviews
            .into_iter()
            .map(|(person, review)| {
                let mock = bench.mock.clone();
                tokio::spawn(async move { mock.submit(person, review).await })
            })
            .collect();
        if round % 7 < 3 {
            for _ in 0..round % 11 {
                tokio::task::yield_now().await;
            }
            calls[round % 3].abort();
            calls[(round + 1) % 3].abort();
        }
        for answer in answers {
            tokio::time::timeout(LONG, answer).await.expect("a desk hangs").unwrap().unwrap();
        }
        for call in calls {
            let _ = tokio::time::timeout(LONG, call).await.expect("a call hangs");
        }
        bench.ends(approvals).await;
        let (request, runs) = (request_of(&card), bench.runs.count());
        let (story, phase) = (bench.store.story(request).await, bench.phase(request).await);
        assert!(runs <= 1, "{story:?}");
        if phase == Phase::Denied {
            assert_eq!(runs, 0, "{story:?}");
            denied += 1;
        }
        ran += runs;
        together += usize::from(bench.store.appends().contains(&TOGETHER.to_vec()));
    }
    println!("{together} claims came with their verdict, {denied} were denied, {ran} bodies ran");
    assert!(together > 0 && denied > 0 && ran > 0);
}
