//! A ledger that fails under a decision: nothing is lost, nobody is let in, and the same decision counts once.

use std::time::Duration;

use approvals::ledger::Answer;
use serde_json::{Value, json};

use crate::agent::{Trouble, World, quiet};

#[tokio::test]
async fn while_the_ledger_takes_nothing_the_callback_says_so_and_the_same_decision_counts_later() {
    for trouble in [Trouble::Fails, Trouble::Panics] {
        for (given, state, bodies) in [(Answer::Approve, "approved", 1), (Answer::Deny, "denied", 0)] {
            let world = World::called_back().await;
            let asked = world.ask().await;
            let sealed = asked.sealed(given);
            world.ledger.set(Some(trouble));
            for _ in 0..3 {
                let (status, body) = world.post(&sealed).await;
                assert_eq!((status, &body["code"]), (503, &json!("unavailable")), "{trouble:?}");
                assert!(!body.to_string().contains("disk"), "the endpoint learns nothing of it: {body}");
            }
            quiet().await;
            // A yes is tried together with the claim first, and then by itself.
            let tries = if given == Answer::Approve { 6 } else { 3 };
            assert_eq!((world.ledger.fired(), world.ran()), (tries, 0), "{trouble:?}");
            assert!(!asked.call.is_finished(), "nobody is let in, and nobody is sent away");
            world.ledger.set(None);
            let (status, body) = world.post(&sealed).await;
            assert_eq!((status, &body["code"], &body["state"]), (200, &json!("counted"), &json!(state)));
            assert_eq!(world.post(&sealed).await, (status, body), "and once more changes nothing");
            assert_eq!(asked.call.await.unwrap().is_ok(), given == Answer::Approve);
            assert_eq!((world.ran(), world.ledger.count(asked.request, "reviewed").await), (bodies, 1));
        }
    }
}

#[tokio::test]
async fn an_answer_of_the_ledger_that_is_lost_makes_the_decision_come_again_and_count_once() {
    let world = World::called_back().await;
    let asked = world.ask().await;
    let sealed = asked.sealed(Answer::Deny);
    world.ledger.set(Some(Trouble::LosesReplies));
    assert_eq!(world.post(&sealed).await.0, 503, "nobody knows yet that it counted");
    assert_eq!(world.ledger.fired(), 1);
    world.ledger.set(None);
    let (status, body) = world.post(&sealed).await;
    assert_eq!((status, &body["code"]), (409, &json!("answered_before")), "{body}");
    asked.call.await.unwrap().unwrap_err();
    assert_eq!((world.ran(), world.ledger.count(asked.request, "reviewed").await), (0, 1));
}

#[tokio::test]
async fn an_answer_of_the_ledger_that_is_lost_under_a_claim_is_read_back_and_the_decision_counts_at_once() {
    let world = World::called_back().await;
    let asked = world.ask().await;
    let sealed = asked.sealed(Answer::Approve);
    world.ledger.set(Some(Trouble::LosesReplies));
    let (status, body) = world.post(&sealed).await;
    assert_eq!((status, &body["code"]), (200, &json!("counted")), "{body}");
    assert_eq!(world.ledger.fired(), 1);
    world.ledger.set(None);
    asked.call.await.unwrap().unwrap();
    assert_eq!((world.ran(), world.ledger.count(asked.request, "reviewed").await), (1, 1));
}

#[tokio::test]
async fn while_the_ledger_takes_nothing_no_cursor_is_taken_and_the_decision_counts_later() {
    for trouble in [Trouble::Fails, Trouble::Panics] {
        for (given, bodies) in [(Answer::Approve, 1), (Answer::Deny, 0)] {
            let world = World::asking().await;
            let asked = world.ask().await;
            world.ledger.set(Some(trouble));
            world.enqueue(&asked.sealed(given));
            world.passes(Duration::from_secs(5)).await;
            assert!(world.ledger.fired() >= 2, "{trouble:?} fired {} times", world.ledger.fired());
            let questions = world.endpoint.with(|state| state.asked.clone());
            let names = |field: &str| questions.iter().any(|question| question[field] != Value::Null);
            assert!(!names("cursor") && !names("told"), "{questions:#?}");
            assert_eq!((world.ran(), asked.call.is_finished()), (0, false));
            world.ledger.set(None);
            world.passes(Duration::from_secs(60)).await;
            assert_eq!(asked.call.await.unwrap().is_ok(), given == Answer::Approve);
            assert_eq!((world.ran(), world.ledger.count(asked.request, "reviewed").await), (bodies, 1));
            let last = world.endpoint.with(|state| state.asked.last().cloned()).unwrap();
            assert_eq!((&last["cursor"], &last["told"][0]["code"]), (&json!("1"), &json!("counted")));
        }
    }
}

#[tokio::test]
async fn a_reply_that_is_lost_while_asking_makes_the_decision_come_again_and_count_once() {
    // A yes is read back with its claim; a no is found on record when it comes again.
    for (given, code, bodies) in [(Answer::Approve, "counted", 1), (Answer::Deny, "answered_before", 0)] {
        a_reply_is_lost_while_asking(given, code, bodies).await;
    }
}

async fn a_reply_is_lost_while_asking(given: Answer, code: &str, bodies: usize) {
    let world = World::asking().await;
    let asked = world.ask().await;
    world.ledger.set(Some(Trouble::LosesReplies));
    world.enqueue(&asked.sealed(given));
    world.endpoint.until(|state| (state.asked.len() == 1).then_some(())).await;
    quiet().await;
    assert_eq!(world.ledger.fired(), 1);
    world.ledger.set(None);
    world.passes(Duration::from_secs(60)).await;
    assert_eq!(asked.call.await.unwrap().is_ok(), given == Answer::Approve);
    assert_eq!((world.ran(), world.ledger.count(asked.request, "reviewed").await), (bodies, 1));
    // It was over before it could be told: that is made good with the next question.
    let next = world.ask().await;
    world.passes(Duration::from_secs(5)).await;
    let told =
        world.endpoint.until(|state| state.asked.iter().find(|ask| ask["cursor"] == "1").cloned()).await;
    assert_eq!(told["told"][0]["code"], code);
    next.call.abort();
}
