//! The faults of a network and of the host behind it, over a whole call: the body does not run, or runs once.

use std::time::Duration;

use approvals::ErrorKind;
use approvals::ledger::Answer;
use approvals::state::Phase;
use approvals::time::Clock as _;
use serde_json::{Value, json};

use crate::agent::{Sealed, THEIRS, World, quiet};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn while_an_endpoint_is_away_the_call_waits_shut_and_its_card_arrives_once_it_is_back() {
    for outage in [Some(503), None] {
        let world = World::called_back().await;
        world.fault("approval.requested", outage);
        let call = world.call();
        world.passes(Duration::from_secs(60)).await;
        let tries = world.endpoint.with(|state| state.messages.len());
        assert!((3..=60).contains(&tries), "{tries} messages in a minute");
        assert_eq!((world.ran(), call.is_finished()), (0, false));
        world.endpoint.with(|state| state.faults.clear());
        world.passes(Duration::from_secs(31)).await;
        let asked = world.first(call).await;
        assert_eq!(world.ledger.count(asked.request, "present_failed").await, 1, "on record, once");
        assert_eq!(world.post(&asked.sealed(Answer::Approve)).await.0, 200);
        asked.call.await.unwrap().unwrap();
        assert_eq!(world.ran(), 1);
    }
}

#[tokio::test]
async fn a_call_whose_endpoint_stays_away_expires_and_its_body_never_runs() {
    let world = World::called_back().await;
    world.fault("approval.requested", None);
    let call = world.call();
    quiet().await;
    for _ in 0..61 {
        world.advance(Duration::from_secs(60));
        quiet().await;
    }
    assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::Expired);
    assert_eq!(world.ran(), 0);
    // An hour of it: ever more seldom, and within a bound.
    let tries = world.endpoint.with(|state| state.messages.len());
    assert!(tries < 200, "{tries} messages in an hour");
}

#[tokio::test]
async fn a_call_whose_endpoint_refuses_the_card_is_told_that_nobody_could_be_asked() {
    for refusal in [400, 401, 404, 410, 302] {
        let world = World::called_back().await;
        world.fault("approval.requested", Some(refusal));
        let error = world.call().await.unwrap().unwrap_err();
        assert_eq!((error.kind(), world.ran()), (ErrorKind::Unavailable, 0), "{refusal}: {error}");
        let request = error.request().unwrap();
        let names = world.ledger.names(request).await;
        assert_eq!(names, ["requested", "present_failed", "cancelled"], "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_yes_and_a_no_in_the_same_instant_exactly_one_decides() {
    let (mut ran, mut shut) = (0, 0);
    for round in 0..40 {
        let world = World::called_back().await;
        let asked = world.ask().await;
        let mut no = asked.decision(Answer::Deny);
        no.person = "u-2".to_owned();
        let (yes, no) = (asked.sealed(Answer::Approve), Sealed::of(&no, THEIRS));
        // Who answers before the agent listens is sent away, and comes again.
        let stranger = Sealed { signature: "v1a,c3RyYW5nZXI=".to_owned(), ..yes.clone() };
        while world.post(&stranger).await.0 == 503 {
            tokio::task::yield_now().await;
        }
        // Each is first in half of the rounds.
        let (first, second) = if round % 2 == 0 { (&yes, &no) } else { (&no, &yes) };
        let ((first, _), (second, _)) = tokio::join!(world.post(first), world.post(second));
        assert!([first, second].iter().all(|status| [200, 409].contains(status)), "{first} {second}");
        let outcome = asked.call.await.unwrap();
        assert_eq!(outcome.is_ok(), world.ran() == 1);
        let names = world.ledger.names(asked.request).await;
        assert_eq!(names.iter().filter(|name| **name == "started").count(), world.ran(), "{names:?}");
        match outcome {
            Ok(()) => ran += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Denied);
                shut += 1;
            }
        }
    }
    assert!(shut > 0 && ran + shut == 40, "{ran} ran, {shut} did not");
}

#[tokio::test]
async fn a_request_that_is_over_takes_no_later_answer_and_says_so() {
    let world = World::called_back().await;
    let asked = world.ask().await;
    assert_eq!(world.post(&asked.sealed(Answer::Deny)).await.0, 200);
    let mut yes = asked.decision(Answer::Approve);
    asked.call.await.unwrap().unwrap_err();
    for (person, code) in [("u-1", "answered_before"), ("u-2", "already_decided")] {
        yes.person = person.to_owned();
        for _ in 0..3 {
            let (status, body) = world.post(&Sealed::of(&yes, THEIRS)).await;
            assert_eq!((status, &body["code"]), (409, &json!(code)), "{body}");
        }
    }
    assert_eq!((world.ran(), world.phase(asked.request).await), (0, Phase::Denied));
    assert_eq!(world.ledger.count(asked.request, "ignored").await, 2, "each on record, and no repetition");
}

#[tokio::test]
async fn questions_that_meet_an_outage_are_asked_again_and_the_decision_counts_once() {
    for outage in [Some(500), Some(429), None] {
        let world = World::asking().await;
        world.fault("asks", outage);
        let asked = world.ask().await;
        world.passes(Duration::from_secs(20)).await;
        assert_eq!((world.ran(), asked.call.is_finished()), (0, false));
        world.enqueue(&asked.sealed(Answer::Approve));
        world.endpoint.with(|state| state.faults.clear());
        world.passes(Duration::from_secs(60)).await;
        asked.call.await.unwrap().unwrap();
        assert_eq!((world.ran(), world.ledger.count(asked.request, "reviewed").await), (1, 1));
    }
}

#[tokio::test]
async fn a_clock_that_jumps_by_a_day_lets_nobody_in_and_the_decision_counts_once_it_is_set_right() {
    for forwards in [true, false] {
        let world = World::called_back().await;
        let asked = world.ask().await;
        let right = world.backend_clock.now();
        let wrong = if forwards { right.after(DAY) } else { before(right) };
        world.backend_clock.set(wrong);
        let (status, body) = world.post(&asked.sealed(Answer::Approve)).await;
        assert_eq!((status, &body["code"]), (401, &json!("unauthenticated")), "{body}");
        assert_eq!((world.ran(), asked.call.is_finished()), (0, false));
        world.backend_clock.set(right);
        assert_eq!(world.post(&asked.sealed(Answer::Approve)).await.0, 200);
        asked.call.await.unwrap().unwrap();
        assert_eq!(world.ran(), 1);
    }
}

fn before(at: approvals::time::Timestamp) -> approvals::time::Timestamp {
    approvals::time::Timestamp::from_micros(at.as_micros() - i64::try_from(DAY.as_micros()).unwrap())
}

#[tokio::test]
async fn a_decision_names_its_request_by_its_digest_and_one_for_another_leaves_it_pending() {
    let world = World::called_back().await;
    let (one, other) = (world.ask().await, world.ask().await);
    let mut wrong = one.decision(Answer::Approve);
    wrong.digest = other.decision(Answer::Approve).digest;
    let mut stolen = one.decision(Answer::Approve);
    stolen.request = other.request;
    for decision in [wrong, stolen] {
        let (status, body) = world.post(&Sealed::of(&decision, THEIRS)).await;
        assert_eq!((status, &body["code"]), (401, &json!("unauthenticated")));
        assert_eq!(body.get("state"), None::<&Value>);
    }
    quiet().await;
    assert_eq!((world.ran(), one.call.is_finished(), other.call.is_finished()), (0, false, false));
    for asked in [&one, &other] {
        assert_eq!(world.phase(asked.request).await, Phase::Pending);
    }
    one.call.abort();
    other.call.abort();
}
