//! Endpoints that are asked, and keep the protocol but for one thing.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals::time::Timestamp;
use approvals::transport::{Reqwest, Transport, TransportError};
use approvals::webhook::endpoint::{EndpointCheck, EndpointReport, Verdict};
use approvals::webhook::signature::{SigningKey, sign, verify};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::endpoints::{self, KEY, Known, of, respond, wrong};
use crate::support::{Answered, read, serve, url};

const THEIRS: &str = "whsk_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const OTHER: &str = "whsk_BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=";

/// What is particular to an endpoint that is asked, and what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Somebody there answers every card at once.
    Sound,
    /// Nobody answers, and it does not wait.
    Silent,
    /// Nobody answers, and it waits.
    Holds,
    BelievesAnything,
    Html,
    List,
    LongCursor,
    Gone,
    ForgedDecision,
    OldSignature,
    OtherNonce,
    Prose,
    IgnoresCursor,
    GivesOnce,
}

#[derive(Default)]
struct State {
    known: Mutex<Known>,
    card: Mutex<Value>,
    given: Mutex<bool>,
}

fn decision(kind: Kind, card: &Value) -> Value {
    let mut body = json!({
        "schema": "approvals.decision/1", "request": card["request"], "digest": card["digest"],
        "nonce": card["nonce"], "person": "u-1", "decision": "deny", "decided_at": card["requested_at"],
    });
    if kind == Kind::OtherNonce {
        body["nonce"] = json!("0".repeat(32));
    }
    let body = if kind == Kind::Prose { "no".to_owned() } else { body.to_string() };
    let past = if kind == Kind::OldSignature { 3_600_000_000 } else { 0 };
    let at = Timestamp::from_micros(Timestamp::now().as_micros() - past);
    let key: SigningKey = if kind == Kind::ForgedDecision { OTHER } else { THEIRS }.parse().unwrap();
    let signature = sign(&[key], "decision_1", at, body.as_bytes()).unwrap();
    json!({ "id": "decision_1", "timestamp": at.as_micros() / 1_000_000, "signature": signature, "body": body })
}

/// The status and the body of the answer to a question.
async fn asked(kind: Kind, head: &str, body: &[u8], state: &State) -> (u16, String) {
    let text = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let (id, at, signatures) =
        (text("webhook-id: "), text("webhook-timestamp: "), text("webhook-signature: "));
    let agent = [KEY.parse::<SigningKey>().unwrap().verifying()];
    let believed = verify(&agent, id, at, signatures, body, Timestamp::now()).is_ok();
    if !believed && kind != Kind::BelievesAnything {
        return (401, String::new());
    }
    let question: Value = serde_json::from_slice(body).unwrap();
    let card = state.card.lock().unwrap().clone();
    assert_eq!(question["pending"], json!([card["request"]]));
    let wait = Duration::from_secs(question["wait"].as_u64().unwrap());
    let covered = question["cursor"] == "1" && kind != Kind::IgnoresCursor;
    let given = std::mem::replace(&mut *state.given.lock().unwrap(), true) && kind == Kind::GivesOnce;
    if kind == Kind::Holds {
        tokio::time::sleep(wait).await;
    }
    match kind {
        Kind::Silent | Kind::Holds => (204, String::new()),
        Kind::Gone => (410, String::new()),
        Kind::List => (200, json!(["approvals.answers/1", []]).to_string()),
        _ if covered || given => (204, String::new()),
        _ => {
            let cursor = if kind == Kind::LongCursor { "1".repeat(1_025) } else { "1".to_owned() };
            let decisions = [decision(kind, &card)];
            let answers =
                json!({ "format": "approvals.answers/1", "decisions": decisions, "cursor": cursor });
            (200, answers.to_string())
        }
    }
}

async fn play(mut stream: TcpStream, kind: Kind, state: Arc<State>) {
    let (head, body) = read(&mut stream).await;
    let (status, body) = if head.starts_with("post /asks ") {
        asked(kind, &head, &body, &state).await
    } else {
        let answer = endpoints::answer(endpoints::Flaw::None, &head, &body, &state.known);
        let message: Value = serde_json::from_slice(&body).unwrap_or_default();
        if message["type"] == "approval.requested" {
            *state.card.lock().unwrap() = message["data"].clone();
        }
        answer
    };
    match kind {
        Kind::Html if head.starts_with("post /asks ") => {
            respond(&mut stream, 200, "content-type: text/html\r\n", "<h1>Sign in</h1>").await;
        }
        _ => respond(&mut stream, status, "content-type: application/json\r\n", &body).await,
    }
}

async fn look_at(kind: Kind) -> EndpointReport {
    let state = Arc::new(State::default());
    let served = serve(move |stream, _| play(stream, kind, Arc::clone(&state))).await;
    EndpointCheck::new(url(served.at), KEY.parse().unwrap())
        .ask_at(format!("http://{}/asks", served.at))
        .hold(Duration::from_secs(if kind == Kind::Holds { 1 } else { 0 }))
        .verify_with(THEIRS.parse::<SigningKey>().unwrap().verifying())
        .timeout(Duration::from_secs(60))
        .run()
        .await
        .unwrap()
}

#[tokio::test]
async fn an_endpoint_that_is_asked_and_keeps_the_protocol_is_sound() {
    let report = look_at(Kind::Sound).await;
    assert_eq!(wrong(&report), Vec::<&str>::new(), "{report}");
    assert_eq!((report.count(Verdict::Ok), report.count(Verdict::NotTold)), (24, 3), "{report}");
}

#[tokio::test]
async fn a_question_may_be_held_or_answered_at_once_and_without_a_decision_nothing_is_said_of_any() {
    for (kind, says) in [(Kind::Silent, "at once with nothing"), (Kind::Holds, "held, for 1 s")] {
        let report = look_at(kind).await;
        assert!(report.is_sound() && of(&report, "ask").says.contains(says), "{report}");
        for rule in ["ask_decisions", "ask_cursor", "ask_anew"] {
            assert_eq!(of(&report, rule).verdict, Verdict::NotTold, "{report}");
        }
    }
}

/// The endpoint, the rules that it breaks, and what is said of the first.
const MISTAKES: [(Kind, &[&str], &str); 11] = [
    (Kind::BelievesAnything, &["ask_unsigned", "ask_other_bytes", "ask_stale"], "it is taken (200)"),
    (Kind::Html, &["ask"], "no `approvals.answers/1`"),
    (Kind::List, &["ask"], "expected an object"),
    (Kind::LongCursor, &["ask"], "more than 1024 bytes"),
    (Kind::Gone, &["ask"], "no more (410)"),
    (Kind::ForgedDecision, &["ask_decisions"], "no signature fits"),
    (Kind::OldSignature, &["ask_decisions"], "older than 5 min"),
    (Kind::OtherNonce, &["ask_decisions"], "has not its digest and nonce"),
    (Kind::Prose, &["ask_decisions"], "not a decision"),
    (Kind::IgnoresCursor, &["ask_cursor"], "comes again although"),
    (Kind::GivesOnce, &["ask_anew"], "does not come again"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_in_answering_questions_is_found_and_nothing_else_is_blamed() {
    let looks = MISTAKES.map(|(kind, rules, says)| (kind, rules, says, tokio::spawn(look_at(kind))));
    for (kind, rules, says, look) in looks {
        let report = look.await.unwrap();
        assert_eq!(wrong(&report), rules, "{kind:?}: {report}");
        assert!(of(&report, rules[0]).says.contains(says), "{kind:?}: {report}");
        assert_eq!(report.findings.len(), 27, "{kind:?}: every rule is told of");
        for finding in report.findings.iter().filter(|finding| finding.verdict != Verdict::Ok) {
            assert!(finding.remedy.as_ref().is_some_and(|remedy| !remedy.is_empty()), "{finding:?}");
        }
    }
}

/// Waits for no answer to a question.
struct Impatient(Reqwest);

#[async_trait::async_trait]
impl Transport for Impatient {
    async fn send(&self, request: http::Request<Bytes>) -> Answered {
        match request.uri().path() {
            "/asks" => Err(TransportError::TimedOut),
            _ => self.0.send(request).await,
        }
    }
}

#[tokio::test]
async fn a_question_that_is_never_answered_is_found() {
    let state = Arc::new(State::default());
    let served = serve(move |stream, _| play(stream, Kind::Sound, Arc::clone(&state))).await;
    let check = EndpointCheck::new(url(served.at), KEY.parse().unwrap());
    let check =
        check.ask_at(format!("http://{}/asks", served.at)).transport(Impatient(Reqwest::new().unwrap()));
    let report = check.run().await.unwrap();
    assert_eq!(wrong(&report), ["ask"], "{report}");
    assert_eq!(report.findings.len(), 27);
}
