//! What is sent.

use std::time::Duration;

use approvals_core::card::{CardAnswer, CardState, Shown};
use serde_json::json;

use super::*;
use crate::webhook::nonce::shown_by;

#[tokio::test]
async fn a_card_is_posted_as_signed_json() {
    let endpoint = Endpoint::default();
    let presented = webhook(&endpoint).present(&card()).await.unwrap();
    assert_eq!(presented.shown, Shown::Everything);
    let sent = endpoint.last();
    assert_eq!((sent.method().as_str(), sent.uri().to_string().as_str()), ("POST", URL));
    assert_eq!(header(&sent, "content-type"), "application/json");
    assert_eq!(header(&sent, "webhook-id"), format!("{REQUEST}_requested"));
    assert_eq!(header(&sent, "webhook-timestamp"), "1795301610");
    assert_eq!(verified(&sent, NEW_PUBLIC, START), Ok(Scheme::Ed25519));
    let message = json(&sent);
    assert_eq!(message["type"], "approval.requested");
    assert_eq!(
        message["timestamp"], "2026-11-21T22:53:29.000000Z",
        "when it was asked, not when it was sent"
    );
    assert_eq!(message["data"]["schema"], "approvals.card/1");
    assert_eq!(message["data"]["arguments"][0]["value"]["raw"], "\"/tmp\"");
}

#[tokio::test]
async fn a_message_is_tried_again_under_the_same_id_signed_anew() {
    let endpoint = Endpoint::default().answers([status(503), Err(TransportError::TimedOut)]);
    let clock = ManualClock::at(START);
    let webhook = builder(&endpoint, &clock).sign_with(NEW.parse().unwrap()).build().unwrap();
    let card = card();
    let presented = webhook.present(&card);
    let time = async {
        loop {
            clock.until_asleep(2).await;
            clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    tokio::select! { presented = presented => assert!(presented.is_ok()), () = time => {} }
    let sent = endpoint.arrived();
    assert_eq!(sent.len(), 3);
    let ids: Vec<_> = sent.iter().map(|sent| header(sent, "webhook-id")).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert!(sent.iter().all(|attempt| attempt.body() == sent[0].body()));
    let times: Vec<i64> =
        sent.iter().map(|sent| header(sent, "webhook-timestamp").parse().unwrap()).collect();
    assert!(times[0] < times[1] && times[1] < times[2], "{times:?}");
    for (attempt, at) in sent.iter().zip(times) {
        assert!(verified(attempt, NEW_PUBLIC, Timestamp::from_micros(at * 1_000_000)).is_ok());
    }
}

#[tokio::test]
async fn another_process_sends_the_same_card_under_the_same_id() {
    let (first, second) = (Endpoint::default(), Endpoint::default());
    webhook(&first).present(&card()).await.unwrap();
    let mut answered = card();
    answered.answers = vec![answer("kim")];
    webhook(&second).present(&answered).await.unwrap();
    assert_eq!(header(&first.last(), "webhook-id"), header(&second.last(), "webhook-id"));
}

#[tokio::test]
async fn each_state_is_a_message_of_its_own_with_one_id_in_every_process() {
    let reference = Reference::new("card-7");
    let with = |label: &str, line: Option<&str>, answers: &[&str]| {
        let mut card = card();
        card.state = CardState { label: label.into(), lines: line.map(Into::into).into_iter().collect() };
        card.answers = answers.iter().map(|who| answer(who)).collect();
        card
    };
    let cards = [
        with("pending", None, &[]),
        with("pending", None, &["kim"]),
        with("pending", None, &["lee"]),
        with("pending", None, &["kim", "lee"]),
        with("approved", None, &["kim", "lee"]),
        with("denied", None, &[]),
        with("cancelled", None, &[]),
        with("cancelled", Some("revoked"), &[]),
    ];
    let mut ids = std::collections::BTreeSet::new();
    for card in &cards {
        let (first, second) = (Endpoint::default(), Endpoint::default());
        webhook(&first).update(card, &reference).await.unwrap();
        webhook(&second).update(card, &reference).await.unwrap();
        let sent = first.last();
        assert_eq!(header(&sent, "webhook-id"), header(&second.last(), "webhook-id"));
        assert_eq!(json(&sent)["type"], "approval.updated");
        assert_eq!(json(&sent)["data"]["reference"], "card-7");
        ids.insert(header(&sent, "webhook-id").to_owned());
    }
    assert_eq!(ids.len(), cards.len(), "{ids:?}");
    assert!(!ids.contains(&format!("{REQUEST}_requested")));
}

fn answer(who: &str) -> CardAnswer {
    let at = Time { text: "2026-11-21T22:55:00Z".into(), unix_ms: 1_795_301_700_000 };
    CardAnswer { who: who.into(), answer: "approved".into(), at, comment: None }
}

#[tokio::test]
async fn during_rotation_a_message_carries_both_signatures() {
    let endpoint = Endpoint::default();
    let keys = builder(&endpoint, &ManualClock::at(START)).sign_with(NEW.parse().unwrap());
    let webhook = keys.sign_with(OLD.parse().unwrap()).build().unwrap();
    webhook.present(&card()).await.unwrap();
    let sent = endpoint.last();
    assert_eq!(verified(&sent, OLD, START), Ok(Scheme::Hmac));
    assert_eq!(verified(&sent, NEW_PUBLIC, START), Ok(Scheme::Ed25519));
}

#[tokio::test]
async fn the_nonce_of_a_card_is_the_same_after_a_restart_and_known_under_either_key() {
    let (first, second) = (Endpoint::default(), Endpoint::default());
    webhook(&first).present(&card()).await.unwrap();
    webhook(&second).update(&card(), &Reference::new("x")).await.unwrap();
    let nonce = json(&first.last())["data"]["nonce"].as_str().unwrap().to_owned();
    assert_eq!(json(&second.last())["data"]["nonce"], nonce.as_str());
    let keys: Vec<SigningKey> = [OLD, NEW].iter().map(|key| key.parse().unwrap()).collect();
    let (request, digest) =
        (REQUEST.parse().unwrap(), approvals_core::request::Digest::from_hex(DIGEST).unwrap());
    assert_eq!(shown_by(&keys, request, &digest, &nonce), Some(Shown::Everything));
    assert_eq!(shown_by(&keys[..1], request, &digest, &nonce), None, "another key");
    let other = "0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5f".parse().unwrap();
    assert_eq!(shown_by(&keys, other, &digest, &nonce), None, "another request");
    let changed = approvals_core::request::Digest::from_bytes([0; 32]);
    assert_eq!(shown_by(&keys, request, &changed, &nonce), None, "another digest");
    for wrong in ["", "0", &nonce[1..], &nonce.to_uppercase()] {
        assert_eq!(shown_by(&keys, request, &digest, wrong), None, "{wrong}");
    }
}

#[tokio::test]
async fn a_cloud_event_is_the_same_message_in_its_envelope() {
    let endpoint = Endpoint::default();
    let events = builder(&endpoint, &ManualClock::at(START)).cloud_events("//ops.example/cleaner");
    events.sign_with(NEW.parse().unwrap()).build().unwrap().present(&card()).await.unwrap();
    let sent = endpoint.last();
    assert_eq!(header(&sent, "content-type"), "application/cloudevents+json");
    let mut event = json(&sent);
    let data = event.as_object_mut().unwrap().remove("data").unwrap();
    let expected = json!({
        "specversion": "1.0",
        "id": format!("{REQUEST}_requested"),
        "source": "//ops.example/cleaner",
        "type": "approval.requested",
        "time": "2026-11-21T22:53:29.000000Z",
        "subject": REQUEST,
        "datacontenttype": "application/json",
    });
    assert_eq!(event, expected);
    assert_eq!(header(&sent, "webhook-id"), event["id"]);
    webhook(&endpoint).present(&card()).await.unwrap();
    assert_eq!(json(&endpoint.last())["data"], data);
}

#[tokio::test]
async fn what_does_not_fit_is_cut_and_cannot_be_approved() {
    let endpoint = Endpoint::default();
    let webhook = builder(&endpoint, &ManualClock::at(START)).max_body(8 * 1024);
    let webhook = webhook.sign_with(NEW.parse().unwrap()).build().unwrap();
    let mut long = card();
    long.arguments =
        vec![CardArgument::new("folder", CardValue::Shown(format!("\"{}\"", "x".repeat(60_000))))];
    let presented = webhook.present(&long).await.unwrap();
    let sent = endpoint.last();
    assert!(sent.body().len() <= 8 * 1024);
    let Shown::Part { hidden } = presented.shown else { panic!("{presented:?}") };
    assert!(hidden > 50_000, "{hidden}");
    assert_eq!(json(&sent)["data"]["offer"], json!(["deny"]));
    long.agent_says = Some("y".repeat(60_000));
    long.arguments = card().arguments;
    assert_eq!(webhook.present(&long).await.unwrap().shown, Shown::Everything, "words are no facts");
    assert_eq!(json(&endpoint.last())["data"]["offer"], json!(["approve", "deny"]));
}

#[tokio::test]
async fn sixty_four_kib_of_arguments_fit_by_default() {
    let endpoint = Endpoint::default();
    let mut long = card();
    // The worst of text: each character becomes an escape of nine.
    let text = serde_json::Value::from("\u{202e}".repeat(64 * 1024 / 3 - 1)).to_string();
    long.arguments = vec![CardArgument::new("folder", CardValue::Shown(text))];
    assert_eq!(webhook(&endpoint).present(&long).await.unwrap().shown, Shown::Everything);
}

#[tokio::test]
async fn nothing_is_sent_for_a_request_that_is_over() {
    let endpoint = Endpoint::default();
    let late = ManualClock::at(START.after(Duration::from_secs(3_600)));
    let webhook = builder(&endpoint, &late).sign_with(NEW.parse().unwrap()).build().unwrap();
    assert!(webhook.present(&card()).await.unwrap_err().is_temporary());
    assert_eq!(endpoint.arrived().len(), 0);
    webhook.update(&card(), &Reference::new("x")).await.unwrap();
    assert_eq!(endpoint.arrived().len(), 1, "that it is over is told");
}

#[tokio::test]
async fn decisions_are_not_verified_with_the_key_that_this_side_signs_with() {
    let endpoint = Endpoint::default();
    let own = builder(&endpoint, &ManualClock::at(START)).sign_with(NEW.parse().unwrap());
    let error = own.verify_with(NEW_PUBLIC.parse().unwrap()).build().unwrap_err();
    assert_eq!(error, WebhookError::OwnKey);
}

#[tokio::test]
async fn a_check_asks_nobody_anything() {
    let endpoint = Endpoint::default();
    webhook(&endpoint).check().await.unwrap();
    let sent = endpoint.last();
    assert_eq!(json(&sent)["type"], "approval.check");
    assert_eq!(json(&sent)["data"], json!({"schema": "approvals.card/1"}));
    assert!(verified(&sent, NEW_PUBLIC, START).is_ok());
    let refusing = Endpoint::default().answers([status(401)]);
    let error = webhook(&refusing).check().await.unwrap_err();
    assert!(error.to_string().contains("verify the raw body"), "{error}");
}
