//! What the service's replies mean to core.

use std::time::Duration;

use approvals::Secret;
use approvals::backend::{Backend as _, BackendError};
use approvals::card::{Card, CardArgument, CardClocks, CardRequester, CardValue, Shown, Span, Time};
use approvals::conformance::backend::Fault;
use approvals::id::Reference;
use approvals::ledger::PresentFailure;
use pager_example::Pager;
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::service::{Service, TOKEN};

fn card() -> Card {
    let at = |text: &str, unix_ms| Time { text: text.into(), unix_ms };
    let clocks = CardClocks {
        requested_at: at("2026-11-21T22:53:29Z", 1_795_301_609_000),
        decide_by: at("2026-11-21T23:53:29Z", 1_795_305_209_000),
        use_within: Span { text: "15 min".into(), seconds: 900 },
    };
    let requester = CardRequester::new("cleaner", "dana");
    let request = "0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5e";
    Card::new(request, "4f".repeat(32), "cleanup.delete_files", "high", requester, clocks)
}

/// A service that has one reply for everything.
async fn saying(reply: ResponseTemplate) -> (MockServer, Pager) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(reply).mount(&server).await;
    let pager = Pager::new(&server.uri(), Secret::new(TOKEN.to_owned())).unwrap();
    (server, pager)
}

async fn refused(reply: ResponseTemplate) -> BackendError {
    let (_server, pager) = saying(reply).await;
    pager.present(&card()).await.unwrap_err()
}

#[tokio::test]
async fn a_pager_that_has_no_time_is_tried_again() {
    let error = refused(ResponseTemplate::new(429)).await;
    assert!(error.is_temporary());
    assert_eq!(error.why(), PresentFailure::Rejected);
}

#[tokio::test]
async fn a_refused_token_is_for_good_and_the_error_says_what_to_do() {
    let (_server, pager) = saying(ResponseTemplate::new(401)).await;
    for error in [pager.present(&card()).await.unwrap_err(), pager.check().await.unwrap_err()] {
        assert!(!error.is_temporary());
        assert_eq!(error.why(), PresentFailure::Rejected);
        assert!(error.to_string().ends_with("; give `Pager::new` a token that may page"), "{error}");
    }
}

#[tokio::test]
async fn the_services_own_words_stand_in_no_error() {
    let error = refused(ResponseTemplate::new(400).set_body_string(format!("bad: {TOKEN}"))).await;
    assert_eq!(
        error.to_string(),
        "the pager says `400 Bad Request`; check that it still has this API",
        "the code is enough"
    );
}

#[tokio::test]
async fn a_reply_that_is_too_big_is_refused() {
    let padding = " ".repeat(1 << 20);
    let error =
        refused(ResponseTemplate::new(200).set_body_string(format!(r#"{{"id":"p0"{padding}}}"#))).await;
    assert!(!error.is_temporary());
    assert!(error.to_string().contains("longer than 1 MiB"), "{error}");
}

#[tokio::test]
async fn a_pager_that_does_not_reply_in_time_is_out_of_reach() {
    let slow =
        ResponseTemplate::new(200).set_body_json(json!({ "id": "p0" })).set_delay(Duration::from_secs(60));
    let (_server, pager) = saying(slow).await;
    let error = pager.reply_within(Duration::from_millis(50)).present(&card()).await.unwrap_err();
    assert!(error.is_temporary());
    assert_eq!(error.why(), PresentFailure::Unreachable);
    assert_eq!(error.to_string(), "the pager cannot be reached: it did not reply in time");
}

#[tokio::test]
async fn nobody_at_the_address_is_out_of_reach() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let pager = Pager::new(&format!("http://{gone}"), Secret::new(TOKEN.to_owned())).unwrap();
    let error = pager.present(&card()).await.unwrap_err();
    assert!(error.is_temporary());
    assert_eq!(error.why(), PresentFailure::Unreachable);
    assert!(!error.to_string().contains("http"), "the address stands in `{error}`");
}

#[tokio::test]
async fn a_page_is_sent_nowhere_else() {
    let elsewhere = MockServer::start().await;
    let target = format!("{}/pages", elsewhere.uri());
    let error = refused(ResponseTemplate::new(307).insert_header("location", &*target)).await;
    assert!(!error.is_temporary());
    assert_eq!(elsewhere.received_requests().await.unwrap().len(), 0);
}

#[tokio::test]
async fn an_id_that_would_lead_elsewhere_is_refused() {
    for id in ["../answers", "p0?x=", "", "p 0", &"p".repeat(65)] {
        let (server, pager) = saying(ResponseTemplate::new(200).set_body_json(json!({ "id": id }))).await;
        let error = pager.present(&card()).await.unwrap_err();
        assert!(!error.is_temporary(), "{id}");
        pager.update(&card(), &Reference::new(id)).await.unwrap_err();
        let asked = server.received_requests().await.unwrap();
        assert!(asked.iter().all(|request| request.url.path() == "/pages"), "{id}: {asked:?}");
    }
}

#[tokio::test]
async fn a_lost_reply_makes_one_page() {
    let service = Service::start().await;
    let pager = service.pager();
    service.state().fault = Some(Fault::LosesReplies);
    let error = pager.present(&card()).await.unwrap_err();
    assert!(error.is_temporary());
    service.state().fault = None;
    pager.present(&card()).await.unwrap();
    assert_eq!(service.state().pages.len(), 1);
}

#[tokio::test]
async fn a_card_that_does_not_fit_has_no_yes() {
    let service = Service::start().await;
    let mut card = card();
    card.arguments.push(CardArgument::new("files", CardValue::Shown(format!("\"{}\"", "f".repeat(8_000)))));
    let presented = service.pager().present(&card).await.unwrap();
    assert!(matches!(presented.shown, Shown::Part { hidden } if hidden > 0), "{:?}", presented.shown);
    assert_eq!(service.state().pages[0].buttons, ["no"]);
    let presented = service.pager().limit(20_000).present(&card).await.unwrap();
    assert_eq!(presented.shown, Shown::Everything);
    assert_eq!(service.state().pages[0].buttons, ["yes", "no"]);
}

#[tokio::test]
async fn a_check_says_what_would_keep_pages_away() {
    let status = |may_page: bool, limit: usize| {
        ResponseTemplate::new(200).set_body_json(json!({ "may_page": may_page, "limit": limit }))
    };
    assert!(saying(status(true, 8_000)).await.1.check().await.is_ok());
    for (reply, remedy) in [
        (status(false, 8_000), "; let it do so at the service"),
        (status(true, 5_000), "; say `.limit(5000)`"),
        (status(true, 100), "; raise that"),
    ] {
        let error = saying(reply).await.1.check().await.unwrap_err();
        assert!(error.to_string().ends_with(remedy), "{error}");
    }
}

#[test]
fn an_address_with_a_password_is_refused_and_not_repeated() {
    for address in ["http://me:hush@pager", "http://:hush@pager", "http://hush@pager", "hush"] {
        let error = Pager::new(address, Secret::new(TOKEN.to_owned())).unwrap_err();
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}

#[tokio::test]
async fn a_token_that_is_none_is_not_repeated() {
    let pager = Pager::new("http://127.0.0.1:9", Secret::new("two\nlines".to_owned())).unwrap();
    let error = pager.present(&card()).await.unwrap_err();
    assert!(!error.is_temporary());
    assert!(!format!("{error:?} {pager:?}").contains("lines"), "{error:?} {pager:?}");
}
