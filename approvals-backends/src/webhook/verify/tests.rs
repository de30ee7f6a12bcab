//! What is believed, and what each thing that is not believed is told.

use std::time::Duration;

use approvals_core::card::Shown;
use approvals_core::id::{ProviderId, RequestId};
use approvals_core::ledger::Answer;
use approvals_core::people::{Assurance, Identity};
use approvals_core::request::Digest;
use approvals_core::time::Timestamp;

use super::super::nonce::nonce;
use super::super::schema::{Decision, DecisionSchema, InvalidDecision};
use super::super::signature::{Scheme, SigningKey, Unverified, sign};
use super::{Message, Refusal, Verified, Verifier};

const NOW: Timestamp = Timestamp::from_micros(1_795_305_209_000_000);
/// Keys of the endpoint, of ours, and of nobody that anybody knows.
const ENDPOINT: &str = "whsk_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const SHARED: &str = "whsec_AgICAgICAgICAgICAgICAgICAgICAgIC";
const OURS: &str = "whsec_AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD";
const OTHER: &str = "whsk_BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=";

fn key(text: &str) -> SigningKey {
    text.parse().unwrap()
}

fn request(last: u8) -> RequestId {
    format!("0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d{last:02x}").parse().unwrap()
}

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn decision() -> Decision {
    Decision {
        schema: DecisionSchema,
        request: request(1),
        digest: digest(7),
        nonce: nonce(&key(OURS), request(1), &digest(7), Shown::Everything),
        person: "u-4711".to_owned(),
        decision: Answer::Approve,
        comment: Some("after the audit".to_owned()),
        decided_at: NOW,
    }
}

fn json(decision: &Decision) -> Vec<u8> {
    serde_json::to_vec(decision).unwrap()
}

/// What an attempt to deliver a body comes to.
struct Attempt {
    keys: Vec<SigningKey>,
    at: Timestamp,
    body: Vec<u8>,
    is_json: bool,
}

impl Attempt {
    fn of(body: impl Into<Vec<u8>>) -> Self {
        Self { keys: vec![key(ENDPOINT)], at: NOW, body: body.into(), is_json: true }
    }

    fn signed(mut self, keys: &[&str]) -> Self {
        self.keys = keys.iter().map(|text| key(text)).collect();
        self
    }

    fn verify(&self) -> Result<Verified, Refusal> {
        let signature = sign(&self.keys, "msg_1", self.at, &self.body).unwrap();
        self.verify_as("msg_1", &signature)
    }

    fn verify_as(&self, id: &str, signature: &str) -> Result<Verified, Refusal> {
        let timestamp = (self.at.as_micros() / 1_000_000).to_string();
        let message =
            Message { id, timestamp: &timestamp, signature, is_json: self.is_json, body: &self.body };
        let keys = [ENDPOINT, SHARED].map(|text| key(text).verifying());
        let verifier = Verifier::new(keys.into(), vec![key(SHARED), key(OURS)]);
        verifier.verify(&message, &ProviderId::new("acme"), NOW)
    }
}

#[track_caller]
fn is_of_a_stranger(attempt: &Attempt, why: &Refusal) {
    let refusal = attempt.verify().unwrap_err();
    assert_eq!(refusal, *why);
    assert_eq!((refusal.status(), refusal.code()), (401, "unauthenticated"));
    assert!(refusal.is_of_a_stranger());
}

#[track_caller]
fn is_malformed(body: impl Into<Vec<u8>>) {
    let refusal = Attempt::of(body).verify().unwrap_err();
    assert!(matches!(refusal, Refusal::Invalid(InvalidDecision::Malformed(_))), "{refusal:?}");
    assert_eq!((refusal.status(), refusal.code()), (400, "malformed"));
    assert!(!refusal.is_of_a_stranger());
}

#[test]
fn a_signed_decision_is_the_review_of_the_person_it_names_within_the_provider_of_the_registration() {
    let verified = Attempt::of(json(&decision())).verify().unwrap();
    assert_eq!(verified.identity, Identity::new("acme", "u-4711"));
    assert_eq!(verified.review.request, request(1));
    assert!(verified.review.seen.is(&digest(7)));
    assert_eq!(verified.review.answer, Answer::Approve);
    assert_eq!(verified.review.comment.as_deref(), Some("after the audit"));
}

#[test]
fn the_scheme_says_what_a_proof_can_be_worth_and_the_body_cannot() {
    let worth = |keys: &[&str]| {
        let verified = Attempt::of(json(&decision())).signed(keys).verify().unwrap();
        (verified.scheme, verified.assurance())
    };
    assert_eq!(worth(&[ENDPOINT]), (Scheme::Ed25519, Assurance::Signed));
    assert_eq!(worth(&[SHARED]), (Scheme::Hmac, Assurance::Chat));
    assert_eq!(worth(&[SHARED, ENDPOINT]), (Scheme::Ed25519, Assurance::Signed));
    let mut body = serde_json::to_value(decision()).unwrap();
    body["assurance"] = "signed".into();
    is_malformed(body.to_string());
}

#[test]
fn a_person_of_another_provider_cannot_be_named() {
    let foreign = Decision { person: "slack/U01".to_owned(), ..decision() };
    let verified = Attempt::of(json(&foreign)).verify().unwrap();
    assert_eq!(verified.identity, Identity::new("acme", "slack/U01"), "acme's, whatever it looks like");
    let mut body = serde_json::to_value(decision()).unwrap();
    body["provider"] = "slack".into();
    is_malformed(body.to_string());
    body = serde_json::to_value(decision()).unwrap();
    body["person"] = serde_json::json!({ "provider": "slack", "subject": "U01" });
    is_malformed(body.to_string());
}

#[test]
fn the_key_of_somebody_else_proves_nothing() {
    let attempt = Attempt::of(json(&decision())).signed(&[OTHER]);
    is_of_a_stranger(&attempt, &Refusal::Unverified(Unverified::Mismatch));
}

#[test]
fn a_message_counts_for_five_minutes_before_and_after_its_time() {
    let at = |seconds: i64| {
        let at = Timestamp::from_micros(NOW.as_micros() + seconds * 1_000_000);
        Attempt { at, ..Attempt::of(json(&decision())) }
    };
    assert!(at(-300).verify().is_ok() && at(300).verify().is_ok());
    is_of_a_stranger(&at(-301), &Refusal::Unverified(Unverified::TooOld));
    is_of_a_stranger(&at(301), &Refusal::Unverified(Unverified::TooNew));
}

#[test]
fn the_raw_body_is_what_is_signed() {
    let attempt = Attempt::of(json(&decision()));
    let signature = sign(&attempt.keys, "msg_1", NOW, &attempt.body).unwrap();
    assert!(attempt.verify_as("msg_1", &signature).is_ok());
    let mut spaced = attempt.body.clone();
    spaced.push(b' ');
    let spaced = Attempt::of(spaced);
    assert_eq!(
        spaced.verify_as("msg_1", &signature).unwrap_err(),
        Refusal::Unverified(Unverified::Mismatch),
        "the same JSON in other bytes"
    );
    assert_eq!(
        attempt.verify_as("msg_2", &signature).unwrap_err(),
        Refusal::Unverified(Unverified::Mismatch),
        "the same bytes under another id"
    );
}

#[test]
fn a_leaked_key_alone_decides_nothing_because_the_nonce_is_not_in_it() {
    for nonce in ["", "00000000000000000000000000000000", &"0".repeat(64)] {
        let guessed = Decision { nonce: nonce.to_owned(), ..decision() };
        is_of_a_stranger(&Attempt::of(json(&guessed)), &Refusal::Nonce);
    }
}

#[test]
fn the_nonce_of_one_card_answers_no_other_request_and_no_other_digest() {
    let foreign = Decision { request: request(2), ..decision() };
    is_of_a_stranger(&Attempt::of(json(&foreign)), &Refusal::Nonce);
    let other = Decision { digest: digest(8), ..decision() };
    is_of_a_stranger(&Attempt::of(json(&other)), &Refusal::Nonce);
    let of_another_card =
        Decision { nonce: nonce(&key(OURS), request(2), &digest(8), Shown::Everything), ..decision() };
    is_of_a_stranger(&Attempt::of(json(&of_another_card)), &Refusal::Nonce);
}

#[test]
fn a_key_that_is_given_twice_is_as_good_as_once() {
    let verifier = Verifier::new(vec![key(ENDPOINT).verifying()], vec![key(OURS), key(OURS)]);
    let body = json(&decision());
    let signature = sign(&[key(ENDPOINT)], "msg_1", NOW, &body).unwrap();
    let timestamp = (NOW.as_micros() / 1_000_000).to_string();
    let message =
        Message { id: "msg_1", timestamp: &timestamp, signature: &signature, is_json: true, body: &body };
    let verified = verifier.verify(&message, &ProviderId::new("acme"), NOW).unwrap();
    assert_eq!(verified.review.shown, Shown::Everything);
}

#[test]
fn the_nonce_says_whether_the_card_was_whole() {
    for (shown, seen) in
        [(Shown::Everything, Shown::Everything), (Shown::Part { hidden: 7 }, Shown::Part { hidden: 0 })]
    {
        let nonce = nonce(&key(OURS), request(1), &digest(7), shown);
        let verified = Attempt::of(json(&Decision { nonce, ..decision() })).verify().unwrap();
        assert_eq!(verified.review.shown, seen);
    }
}

#[test]
fn cards_that_were_signed_with_the_key_before_are_answered_while_keys_are_rotated() {
    for ours in [SHARED, OURS] {
        let nonce = nonce(&key(ours), request(1), &digest(7), Shown::Everything);
        assert!(Attempt::of(json(&Decision { nonce, ..decision() })).verify().is_ok());
    }
}

#[test]
fn what_is_not_exactly_a_decision_is_malformed() {
    let good = serde_json::to_value(decision()).unwrap();
    for field in ["schema", "request", "digest", "nonce", "person", "decision", "decided_at"] {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(field);
        is_malformed(without.to_string());
        let mut wrong = good.clone();
        wrong[field] = serde_json::json!([1]);
        is_malformed(wrong.to_string());
    }
    for (field, wrong) in [
        ("schema", "approvals.decision/2"),
        ("decision", "maybe"),
        ("digest", "4f2a9c01d3e7"),
        ("request", "42"),
        ("decided_at", "yesterday"),
    ] {
        let mut body = good.clone();
        body[field] = wrong.into();
        is_malformed(body.to_string());
    }
    let text = good.to_string();
    let twice = text.replacen('{', r#"{"decision":"deny","#, 1);
    for body in ["", "null", "[]", "{", &text[1..], &format!("{text}{text}"), &twice, "\u{feff}{}"] {
        is_malformed(body);
    }
    is_malformed(b"{\"schema\":\"\xff\"}");
    is_malformed("[".repeat(10_000));
}

#[test]
fn what_is_longer_than_a_decision_is_not_read() {
    let long = Decision { comment: Some("x".repeat(5_000)), ..decision() };
    let padded = [json(&decision()), vec![b' '; Decision::LONGEST]].concat();
    for body in [json(&long), padded] {
        let refusal = Attempt::of(body).verify().unwrap_err();
        assert_eq!((refusal.status(), refusal.code()), (413, "too_long"), "{refusal}");
    }
}

#[test]
fn another_content_type_is_refused_once_it_is_clear_who_sent_it() {
    let attempt = Attempt { is_json: false, ..Attempt::of(json(&decision())) };
    let refusal = attempt.verify().unwrap_err();
    assert_eq!((refusal.status(), refusal.code()), (415, "not_json"));
    is_of_a_stranger(&attempt.signed(&[OTHER]), &Refusal::Unverified(Unverified::Mismatch));
}

#[test]
fn no_refusal_holds_a_key_or_what_was_sent() {
    let attempt = Attempt::of(json(&Decision { person: "u-canary".to_owned(), ..decision() }));
    let refusal = attempt.signed(&[OTHER]).verify().unwrap_err();
    let told = format!("{refusal} {refusal:?}");
    assert!(!told.contains("canary") && !told.contains("whs"), "{told}");
    assert!(Duration::from_secs(300) == super::super::signature::TOLERANCE);
}
