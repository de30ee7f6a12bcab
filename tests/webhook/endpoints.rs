//! Endpoints that keep the protocol but for one thing, looked at over sockets.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals::time::Timestamp;
use approvals::webhook::endpoint::{EndpointCheck, EndpointFinding, EndpointReport, Verdict};
use approvals::webhook::signature::{VerifyingKey, verify};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::support::{read, serve, url};

pub(crate) const KEY: &str = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const PUBLIC: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// What is wrong with an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// Keeps to the protocol and names no card.
    NamesNothing,
    BelievesAnything,
    IgnoresTime,
    ReadsOneSignature,
    Html,
    SecondCard,
    NeverAnswers,
    SendsElsewhere,
    FailsOnUpdates,
    TakesAnySchema,
    RefusesUnknownTypes,
    FailsOnBadJson,
    ReadsEverything,
    TakesLittle,
    SaysGone,
}

/// What an endpoint keeps.
#[derive(Default)]
pub(crate) struct Known {
    seen: BTreeSet<String>,
    cards: usize,
}

/// The status and the body of its answer.
pub(crate) fn answer(flaw: Flaw, head: &str, body: &[u8], known: &Mutex<Known>) -> (u16, String) {
    let text = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let (id, at, signatures) =
        (text("webhook-id: "), text("webhook-timestamp: "), text("webhook-signature: "));
    let most = match flaw {
        Flaw::TakesLittle => 64 * 1024,
        Flaw::ReadsEverything => usize::MAX,
        _ => 1024 * 1024,
    };
    if body.len() > most {
        return (413, String::new());
    }
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let now = match (flaw, at.parse::<i64>()) {
        (Flaw::IgnoresTime, Ok(seconds)) => Timestamp::from_micros(seconds * 1_000_000),
        _ => Timestamp::now(),
    };
    let signatures = match flaw {
        Flaw::ReadsOneSignature => signatures.split(' ').next().unwrap_or_default(),
        _ => signatures,
    };
    let keys: [VerifyingKey; 1] = [PUBLIC.parse().unwrap()];
    if verify(&keys, id, at, signatures, body, now).is_err() && flaw != Flaw::BelievesAnything {
        return (if flaw == Flaw::SaysGone { 410 } else { 401 }, String::new());
    }
    let Some(json) = json else {
        return (if flaw == Flaw::FailsOnBadJson { 500 } else { 400 }, String::new());
    };
    match json["type"].as_str() {
        Some("approval.requested") => {}
        Some("approval.updated") if flaw == Flaw::FailsOnUpdates => return (500, String::new()),
        Some("approval.updated" | "approval.check") => return (204, String::new()),
        _ if flaw == Flaw::RefusesUnknownTypes => return (400, String::new()),
        _ => return (204, String::new()),
    }
    if json["data"]["schema"] != "approvals.card/1" && flaw != Flaw::TakesAnySchema {
        return (400, String::new());
    }
    let mut known = known.lock().unwrap();
    known.cards += 1;
    match flaw {
        Flaw::NamesNothing => (200, String::new()),
        Flaw::SecondCard => (200, format!(r#"{{"id":"card-{}"}}"#, known.cards)),
        _ if !known.seen.insert(id.to_owned()) => (409, String::new()),
        _ => (200, r#"{"id":"card-1"}"#.to_owned()),
    }
}

pub(crate) async fn respond(stream: &mut TcpStream, status: u16, more: &str, body: &str) {
    // A body beside 204 would be one too many.
    let length = if status == 204 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let answer = format!("HTTP/1.1 {status} -\r\n{more}{length}connection: close\r\n\r\n{body}");
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

async fn play(mut stream: TcpStream, flaw: Flaw, known: Arc<Mutex<Known>>) {
    let (head, body) = read(&mut stream).await;
    if flaw == Flaw::NeverAnswers {
        return std::future::pending().await;
    }
    let (status, body) = answer(flaw, &head, &body, &known);
    let (status, more, body) = match flaw {
        Flaw::Html => (200, "content-type: text/html\r\n", "<h1>Sign in</h1>".to_owned()),
        Flaw::SendsElsewhere => (307, "location: http://127.0.0.2:9/\r\n", String::new()),
        _ if body.is_empty() => (status, "", body),
        _ => (status, "content-type: application/json\r\n", body),
    };
    respond(&mut stream, status, more, &body).await;
}

pub(crate) async fn look_at(flaw: Flaw) -> EndpointReport {
    let known = Arc::new(Mutex::new(Known::default()));
    let served = serve(move |stream, _| play(stream, flaw, Arc::clone(&known))).await;
    let check = EndpointCheck::new(url(served.at), KEY.parse().unwrap());
    let longest =
        if flaw == Flaw::NeverAnswers { Duration::from_millis(300) } else { Duration::from_secs(60) };
    check.timeout(longest).run().await.unwrap()
}

pub(crate) fn wrong(report: &EndpointReport) -> Vec<&'static str> {
    let wrong = report.findings.iter().filter(|finding| finding.verdict == Verdict::Wrong);
    wrong.map(|finding| finding.rule).collect()
}

pub(crate) fn of<'a>(report: &'a EndpointReport, rule: &str) -> &'a EndpointFinding {
    report.findings.iter().find(|finding| finding.rule == rule).unwrap()
}

#[tokio::test]
async fn an_endpoint_that_keeps_the_protocol_is_sound() {
    let report = look_at(Flaw::None).await;
    assert!(report.is_sound(), "{report}");
    assert_eq!((report.count(Verdict::Ok), report.count(Verdict::NotTold)), (17, 3), "{report}");
}

/// The endpoint, the rules that it breaks, and what is said of the first.
const MISTAKES: [(Flaw, &[&str], &str); 14] = [
    (
        Flaw::BelievesAnything,
        &["unsigned", "other_bytes", "other_id", "other_time", "stale", "ahead"],
        "it is taken (200)",
    ),
    (Flaw::IgnoresTime, &["stale", "ahead"], "it is taken (200)"),
    (
        Flaw::SaysGone,
        &["unsigned", "other_bytes", "other_id", "other_time", "stale", "ahead"],
        "nothing more (410)",
    ),
    (Flaw::ReadsOneSignature, &["rotation"], "stands behind others"),
    (Flaw::Html, &["check"], "said yes with something that is not its answer"),
    (Flaw::SecondCard, &["repeat"], "first `card-1`, then `card-2`"),
    (Flaw::NeverAnswers, &["check"], "no whole answer in time"),
    (Flaw::SendsElsewhere, &["check"], "sends us elsewhere"),
    (Flaw::FailsOnUpdates, &["update"], "fails (500)"),
    (Flaw::TakesAnySchema, &["unknown_schema"], "it is taken (200)"),
    (Flaw::RefusesUnknownTypes, &["unknown_type"], "refused the message (400)"),
    (Flaw::FailsOnBadJson, &["malformed"], "the answer is 500"),
    (Flaw::ReadsEverything, &["oversized"], "it is taken (204)"),
    (Flaw::TakesLittle, &["large"], "refused the message (413)"),
];

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_is_found_with_its_reason_and_nothing_else_is_blamed() {
    let looks = MISTAKES.map(|(flaw, rules, says)| (flaw, rules, says, tokio::spawn(look_at(flaw))));
    for (flaw, rules, says, look) in looks {
        let report = look.await.unwrap();
        assert_eq!(wrong(&report), rules, "{flaw:?}: {report}");
        let first = of(&report, rules[0]);
        assert!(first.says.contains(says), "{flaw:?}: {first:?}");
        assert_eq!(report.findings.len(), 20, "{flaw:?}: every rule is told of");
        for finding in report.findings.iter().filter(|finding| finding.verdict != Verdict::Ok) {
            assert!(finding.remedy.as_ref().is_some_and(|remedy| !remedy.is_empty()), "{finding:?}");
        }
        if rules == ["check"] {
            assert_eq!(report.count(Verdict::NotTold), 19, "{flaw:?}: it tells nothing of other rules");
        }
    }
}

#[tokio::test]
async fn whether_a_card_without_a_name_stands_twice_is_not_told() {
    let report = look_at(Flaw::NamesNothing).await;
    assert!(report.is_sound(), "{report}");
    assert_eq!(of(&report, "repeat").verdict, Verdict::NotTold);
}
