//! Cards on their way to an endpoint, over sockets.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals::backend::Backend as _;
use approvals::card::{Card, CardClocks, CardRequester, Span, Time};
use approvals::id::Reference;
use approvals::ledger::PresentFailure;
use approvals::transport::Retry;
use approvals::webhook::Webhook;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use wiremock::matchers::{header, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{CANARY, read, serve, url};

const KEY: &str = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const REQUEST: &str = "0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5e";

fn card() -> Card {
    let digest = "4f2a9c01d3e7c6b5".repeat(4);
    let clocks = CardClocks {
        requested_at: Time { text: "2026-11-21T22:53:29Z".into(), unix_ms: 1_795_301_609_000 },
        // No test may outlive its card.
        decide_by: Time { text: "9999-11-21T23:53:29Z".into(), unix_ms: 253_000_000_000_000 },
        use_within: Span { text: "15 min".into(), seconds: 900 },
    };
    Card::new(REQUEST, digest, "cleanup.delete_files", "high", CardRequester::new("cleaner", "dana"), clocks)
}

fn webhook(url: &str) -> Webhook {
    let fast = Retry::default().first(Duration::from_millis(1)).longest(Duration::from_millis(5));
    let builder = Webhook::builder(url).timeout(Duration::from_secs(2)).retry(fast);
    builder.sign_with(KEY.parse().unwrap()).notify_only().build().unwrap()
}

async fn endpoint(answer: ResponseTemplate, times: u64) -> (MockServer, Webhook) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(format!("/{CANARY}")))
        .and(header("content-type", "application/json"))
        .and(header("webhook-id", format!("{REQUEST}_requested").as_str()))
        .and(header_exists("webhook-signature"))
        .respond_with(answer)
        .expect(times)
        .mount(&server)
        .await;
    let webhook = webhook(&format!("{}/{CANARY}", server.uri()));
    (server, webhook)
}

#[tokio::test]
async fn a_card_arrives_and_its_place_is_remembered() {
    let answer = ResponseTemplate::new(201).set_body_json(serde_json::json!({"id": "card-7"}));
    let (_server, webhook) = endpoint(answer, 1).await;
    let presented = webhook.present(&card()).await.unwrap();
    assert_eq!(presented.reference, Reference::new("card-7"));
}

#[tokio::test]
async fn a_storm_of_errors_is_tried_a_few_times_and_then_left_to_core() {
    for code in [429, 500, 503] {
        let (_server, webhook) = endpoint(ResponseTemplate::new(code), 4).await;
        let error = webhook.present(&card()).await.unwrap_err();
        assert_eq!((error.is_temporary(), error.why()), (true, PresentFailure::Unreachable), "{code}");
    }
}

#[tokio::test]
async fn what_is_refused_malformed_or_too_large_is_sent_once() {
    let html = ResponseTemplate::new(200).set_body_raw("<h1>Sign in</h1>", "text/html");
    let broken = ResponseTemplate::new(200).set_body_raw("{\"id\"", "application/json");
    let huge = ResponseTemplate::new(200).set_body_raw(vec![b' '; 65 * 1024], "application/json");
    let elsewhere = ResponseTemplate::new(308).insert_header("location", "https://ops.example/");
    for answer in [ResponseTemplate::new(400), ResponseTemplate::new(404), html, broken, huge, elsewhere] {
        let (_server, webhook) = endpoint(answer, 1).await;
        let error = webhook.present(&card()).await.unwrap_err();
        assert_eq!((error.is_temporary(), error.why()), (false, PresentFailure::Rejected), "{error}");
        assert!(!format!("{error} {error:?} {webhook:?}").contains(CANARY), "{error}");
    }
}

#[tokio::test]
async fn an_endpoint_that_is_gone_hears_no_more() {
    let (_server, webhook) = endpoint(ResponseTemplate::new(410), 1).await;
    for _ in 0..3 {
        assert!(!webhook.present(&card()).await.unwrap_err().is_temporary());
    }
}

#[tokio::test]
async fn a_lost_answer_makes_one_message_and_not_two() {
    // Keeps messages by their id, as the protocol says, and its first answers are lost on the way.
    let kept = Arc::new(Mutex::new(BTreeSet::new()));
    let keeps = Arc::clone(&kept);
    let served = serve(move |mut stream, connection| {
        let keeps = Arc::clone(&keeps);
        async move {
            let (head, _) = read(&mut stream).await;
            let id = head.lines().find_map(|line| line.strip_prefix("webhook-id: ")).unwrap().to_owned();
            let new = keeps.lock().unwrap().insert(id);
            assert_eq!(new, connection == 0);
            if connection >= 2 {
                stream.write_all(b"HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            }
        }
    })
    .await;
    let presented = webhook(&url(served.at)).present(&card()).await.unwrap();
    assert_eq!(presented.reference, Reference::new(format!("{REQUEST}_requested")));
    assert_eq!((kept.lock().unwrap().len(), served.connections()), (1, 3));
}

#[tokio::test]
async fn a_host_that_is_away_is_presented_to_again_by_core() {
    let at = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = webhook(&url(at)).present(&card()).await.unwrap_err();
    assert!(error.is_temporary(), "{error}");
}
