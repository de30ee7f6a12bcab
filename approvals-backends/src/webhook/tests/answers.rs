//! What an answer means.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use approvals_core::ledger::PresentFailure;

use super::super::outcome::{About, outcome};
use super::*;

async fn reference(answer: Answered) -> String {
    let endpoint = Endpoint::default().answers([answer]);
    once(&endpoint).present(&card()).await.unwrap().reference.to_string()
}

async fn error(answer: Answered) -> BackendError {
    let endpoint = Endpoint::default().answers([answer]);
    once(&endpoint).present(&card()).await.unwrap_err()
}

#[tokio::test]
async fn the_endpoint_may_name_the_card() {
    for code in [200, 201, 202, 409] {
        let named = says(code, "application/json; charset=utf-8", r#"{"id": "card-7", "more": 1}"#);
        assert_eq!(reference(named).await, "card-7", "{code}");
    }
    let own = format!("{REQUEST}_requested");
    for unnamed in [
        status(200),
        status(204),
        says(200, "application/json", "{}"),
        says(200, "application/json", r#"{"id": null}"#),
        says(200, "application/json", " \n"),
        says(200, "text/plain", "ok"),
    ] {
        assert_eq!(reference(unnamed).await, own);
    }
}

#[tokio::test]
async fn a_message_that_is_known_already_has_arrived() {
    assert_eq!(reference(says(409, "text/html", "<p>duplicate")).await, format!("{REQUEST}_requested"));
    let endpoint = Endpoint::default().answers([status(409)]);
    once(&endpoint).update(&card(), &Reference::new("x")).await.unwrap();
}

#[tokio::test]
async fn a_yes_that_is_not_the_endpoints_is_none() {
    let long = format!(r#"{{"id": "{}"}}"#, "a".repeat(257));
    for (kind, body) in [
        ("text/html", "<h1>Sign in</h1>"),
        ("application/json", "{\"id\""),
        ("application/json", "[]"),
        ("application/json", "\"card-7\""),
        ("application/json", "{\"id\": 7}"),
        ("application/json", "{\"id\": \"\"}"),
        ("application/json", "{\"id\": \"a b\"}"),
        ("application/json", "{\"id\": \"\\u202e\"}"),
        ("application/json", long.as_str()),
        ("application/octet-stream", "\u{0}"),
    ] {
        let error = error(says(200, kind, body)).await;
        assert_eq!((error.is_temporary(), error.why()), (false, PresentFailure::Rejected), "{kind}: {body}");
    }
}

#[tokio::test]
async fn what_the_endpoint_refuses_is_not_sent_again_by_core() {
    for (code, remedy) in [
        (301, "final URL"),
        (307, "final URL"),
        (400, "log"),
        (401, "verify the raw body"),
        (403, "verify the raw body"),
        (404, "URL"),
        (405, "POST"),
        (413, "max_body"),
        (415, "CloudEvents"),
        (422, "log"),
        (501, "log"),
    ] {
        let error = error(status(code)).await;
        assert_eq!((error.is_temporary(), error.why()), (false, PresentFailure::Rejected), "{code}");
        let text = error.to_string();
        assert!(text.contains(&code.to_string()) && text.contains(remedy), "{text}");
    }
}

#[tokio::test]
async fn what_may_pass_is_presented_again_by_core() {
    for code in [408, 425, 429, 500, 502, 503, 504] {
        let error = error(status(code)).await;
        assert_eq!((error.is_temporary(), error.why()), (true, PresentFailure::Unreachable), "{code}");
    }
}

#[tokio::test]
async fn a_failing_transport_says_whether_trying_again_can_help() {
    use crate::transport::{InvalidTarget, Unreachable};
    for (failure, temporary, why) in [
        (TransportError::Unreachable(Unreachable::Refused), true, PresentFailure::Unreachable),
        (TransportError::TimedOut, true, PresentFailure::Unreachable),
        (TransportError::Other("it".into()), true, PresentFailure::Unreachable),
        (TransportError::Tls("it"), false, PresentFailure::Unreachable),
        (TransportError::Handshake("it"), true, PresentFailure::Unreachable),
        (TransportError::TooLarge { limit: 1 }, false, PresentFailure::Rejected),
        (TransportError::Redirected, false, PresentFailure::Rejected),
        (TransportError::Target(InvalidTarget::Insecure), false, PresentFailure::Other),
    ] {
        let error = error(Err(failure.clone())).await;
        assert_eq!((error.is_temporary(), error.why()), (temporary, why), "{failure:?}");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_sent_nothing_more() {
    let endpoint = Endpoint::default().answers([status(410)]);
    let webhook = once(&endpoint);
    for _ in 0..3 {
        let error = webhook.present(&card()).await.unwrap_err();
        assert_eq!((error.is_temporary(), error.why()), (false, PresentFailure::Rejected));
        assert!(error.to_string().contains("410"), "{error}");
    }
    assert!(webhook.update(&card(), &Reference::new("x")).await.is_err());
    assert!(webhook.check().await.is_err());
    assert_eq!(endpoint.arrived().len(), 1);
    let restarted = once(&endpoint);
    assert!(restarted.present(&card()).await.is_ok(), "a new process tries anew");
}

#[tokio::test]
async fn a_message_that_waits_for_its_turn_is_not_sent_to_an_endpoint_that_is_gone_by_then() {
    let endpoint = Endpoint::default();
    let webhook = once(&endpoint);
    let places = u32::try_from(webhook.0.places.available_permits()).unwrap();
    let taken = webhook.0.places.acquire_many(places).await.unwrap();
    let card = card();
    let mut waits = pin!(webhook.present(&card));
    assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(outcome(status(410), &webhook.0.stop, About::All).is_err());
    drop(taken);
    let error = waits.await.unwrap_err();
    assert!(!error.is_temporary() && error.to_string().contains("410"), "{error}");
    assert_eq!(endpoint.arrived().len(), 0);
}

#[tokio::test]
async fn a_request_that_is_gone_is_told_of_no_more_and_others_are() {
    let endpoint = Endpoint::default().answers([status(204), status(410)]);
    let webhook = once(&endpoint);
    let (reference, mut card) = (Reference::new("x"), card());
    webhook.present(&card).await.unwrap();
    for state in ["pending", "approved", "succeeded"] {
        card.state.label = state.into();
        let error = webhook.update(&card, &reference).await.unwrap_err();
        assert_eq!((error.is_temporary(), error.why()), (false, PresentFailure::Rejected), "{state}");
        assert!(error.to_string().contains("of this request (410)"), "{error}");
    }
    assert_eq!(endpoint.arrived().len(), 2);
    let mut other = card.clone();
    other.request = "0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5f".into();
    webhook.present(&other).await.unwrap();
    webhook.update(&other, &reference).await.unwrap();
    webhook.check().await.unwrap();
    assert!(webhook.0.stop.tells(card.request.parse().unwrap()).is_ok(), "nothing is kept of what is over");
}

#[tokio::test]
async fn an_endpoint_that_asks_for_a_pause_has_it_from_every_card() {
    let busy = Response::builder().status(429).header("retry-after", "60").body(Bytes::new()).unwrap();
    let endpoint = Endpoint::default().answers([Ok(busy)]);
    let clock = ManualClock::at(START);
    let webhook = signing(&endpoint, &clock).build().unwrap();
    for _ in 0..3 {
        let error = webhook.present(&card()).await.unwrap_err();
        assert!(error.is_temporary(), "{error}");
    }
    assert_eq!(endpoint.arrived().len(), 1, "the pause is kept");
    clock.advance(Duration::from_secs(50));
    let card = card();
    let reference = Reference::new("x");
    let update = webhook.update(&card, &reference);
    let time = async {
        // The pause, and who waits for it.
        clock.until_asleep(2).await;
        assert_eq!(endpoint.arrived().len(), 1);
        clock.advance(Duration::from_secs(10));
    };
    let (updated, ()) = tokio::join!(update, time);
    assert!(updated.is_ok(), "what is left of the pause is waited for");
    assert_eq!(endpoint.arrived().len(), 2);
    webhook.present(&card).await.unwrap();
}

#[tokio::test]
async fn a_pause_is_kept_although_nobody_waits_for_the_message_that_heard_of_it() {
    let busy = Response::builder().status(429).header("retry-after", "20").body(Bytes::new()).unwrap();
    let endpoint = Endpoint::default().answers([Ok(busy)]);
    let clock = ManualClock::at(START);
    let webhook = signing(&endpoint, &clock).build().unwrap();
    let card = card();
    for gone in [5, 14] {
        tokio::select! {
            biased;
            presented = webhook.present(&card) => panic!("sent within the pause: {presented:?}"),
            () = clock.until_asleep(1) => {}
        }
        assert_eq!(endpoint.arrived().len(), 1);
        clock.advance(Duration::from_secs(gone));
    }
    clock.advance(Duration::from_secs(1));
    webhook.present(&card).await.unwrap();
    assert_eq!(endpoint.arrived().len(), 2);
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_pause_longer() {
    let busy = Response::builder().status(429).header("retry-after", "60").body(Bytes::new()).unwrap();
    let endpoint = Endpoint::default().answers([Ok(busy)]);
    let clock = ManualClock::at(START);
    let webhook = signing(&endpoint, &clock).build().unwrap();
    assert!(webhook.check().await.is_err());
    clock.set(Timestamp::from_micros(START.as_micros() - 24 * 3_600 * 1_000_000));
    assert!(webhook.check().await.is_err());
    clock.advance(Duration::from_secs(60));
    webhook.check().await.unwrap();
    assert_eq!(endpoint.arrived().len(), 2);
}

#[tokio::test]
async fn no_error_names_the_url_or_a_key() {
    for answer in [status(401), status(500), status(410), says(200, "text/html", "canary")] {
        let error = error(answer).await;
        let text = format!("{error} {error:?}");
        assert!(!text.contains("canary") && !text.contains("nWGx"), "{text}");
    }
}
