//! What is sent, and what an answer to it means.

mod answers;
mod messages;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use approvals_core::backend::Backend as _;
use approvals_core::card::{Card, CardArgument, CardClocks, CardRequester, CardValue, Span, Time};
use approvals_core::id::{NoChance, Reference};
use approvals_core::testing::ManualClock;
use approvals_core::time::Timestamp;
use bytes::Bytes;
use http::{Request, Response};

use super::signature::{self, Scheme, VerifyingKey, verify};
use super::*;
use crate::transport::TransportError;

const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NEW: &str = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const NEW_PUBLIC: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
const URL: &str = "https://ops.example/hooks?key=canary";
pub(super) const REQUEST: &str = "0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5e";
pub(super) const DIGEST: &str = "4f2a9c01d3e7c6b54f2a9c01d3e7c6b54f2a9c01d3e7c6b54f2a9c01d3e7c6b5";
/// 2026-11-21T22:53:30Z, one second after the request was made.
const START: Timestamp = Timestamp::from_micros(1_795_301_610_000_000);

/// The same bytes each time.
#[derive(Clone, Copy)]
struct Fixed;

impl Chance for Fixed {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoChance> {
        bytes.fill(7);
        Ok(())
    }
}

type Answered = Result<Response<Bytes>, TransportError>;

/// Plays the endpoint: keeps what arrives, and answers as told; with 204 once nothing more is told.
#[derive(Clone, Default)]
struct Endpoint(Arc<Played>);

#[derive(Default)]
struct Played {
    arrived: Mutex<Vec<Request<Bytes>>>,
    answers: Mutex<VecDeque<Answered>>,
}

impl Endpoint {
    fn answers(self, answers: impl IntoIterator<Item = Answered>) -> Self {
        self.0.answers.lock().unwrap().extend(answers);
        self
    }

    fn arrived(&self) -> Vec<Request<Bytes>> {
        self.0.arrived.lock().unwrap().clone()
    }

    fn last(&self) -> Request<Bytes> {
        self.arrived().pop().unwrap()
    }
}

#[async_trait]
impl Transport for Endpoint {
    async fn send(&self, request: Request<Bytes>) -> Answered {
        self.0.arrived.lock().unwrap().push(request);
        self.0.answers.lock().unwrap().pop_front().unwrap_or_else(|| status(204))
    }
}

fn status(code: u16) -> Answered {
    Ok(Response::builder().status(code).body(Bytes::new()).unwrap())
}

fn says(code: u16, kind: &str, body: &str) -> Answered {
    let answer = Response::builder().status(code).header("content-type", kind);
    Ok(answer.body(Bytes::copy_from_slice(body.as_bytes())).unwrap())
}

/// A card that says no more than it has to.
pub(super) fn bare_card() -> Card {
    let clocks = CardClocks {
        requested_at: Time { text: "2026-11-21T22:53:29Z".into(), unix_ms: 1_795_301_609_000 },
        decide_by: Time { text: "2026-11-21T23:53:29Z".into(), unix_ms: 1_795_305_209_000 },
        use_within: Span { text: "15 min".into(), seconds: 900 },
    };
    let requester = CardRequester::new("cleaner", "dana");
    Card::new(REQUEST, DIGEST, "cleanup.delete_files", "high", requester, clocks)
}

fn card() -> Card {
    let mut card = bare_card();
    card.arguments = vec![CardArgument::new("folder", CardValue::Shown("\"/tmp\"".into()))];
    card
}

fn builder(endpoint: &Endpoint, clock: &ManualClock) -> WebhookBuilder {
    let builder = Webhook::builder(URL).transport(endpoint.clone()).clock(clock.clone()).chance(Fixed);
    builder.verify_with(theirs()).ask_at("https://ops.example/asks")
}

fn signing(endpoint: &Endpoint, clock: &ManualClock) -> WebhookBuilder {
    builder(endpoint, clock).sign_with(NEW.parse().unwrap())
}

/// What the endpoint signs with, verified.
fn theirs() -> VerifyingKey {
    "whpk_iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=".parse().unwrap()
}

fn webhook(endpoint: &Endpoint) -> Webhook {
    signing(endpoint, &ManualClock::at(START)).build().unwrap()
}

/// The same, trying once.
fn once(endpoint: &Endpoint) -> Webhook {
    signing(endpoint, &ManualClock::at(START)).retry(Retry::default().attempts(1)).build().unwrap()
}

fn header<'a>(request: &'a Request<Bytes>, name: &str) -> &'a str {
    request.headers().get(name).unwrap().to_str().unwrap()
}

fn json(request: &Request<Bytes>) -> serde_json::Value {
    serde_json::from_slice(request.body()).unwrap()
}

fn verified(request: &Request<Bytes>, key: &str, now: Timestamp) -> Result<Scheme, signature::Unverified> {
    let key: VerifyingKey = key.parse().unwrap();
    let [id, at, signed] =
        [signature::ID, signature::TIMESTAMP, signature::SIGNATURE].map(|n| header(request, n));
    verify(&[key], id, at, signed, request.body(), now)
}

#[test]
fn a_set_up_that_cannot_work_is_refused() {
    use crate::transport::InvalidTarget;
    let build = |url: &str, keys: usize| {
        let mut builder = Webhook::builder(url).transport(Endpoint::default()).notify_only();
        for _ in 0..keys {
            builder = builder.sign_with(NEW.parse().unwrap());
        }
        builder
    };
    for (url, why) in [
        ("http://ops.example/", InvalidTarget::Insecure),
        ("http://127.0.0.1.example/", InvalidTarget::Insecure),
        ("http://169.254.169.254/", InvalidTarget::Insecure),
        ("https://key@ops.example/", InvalidTarget::Credentials),
        ("https://", InvalidTarget::Malformed),
        ("/hooks", InvalidTarget::Malformed),
        ("ftp://ops.example/", InvalidTarget::Malformed),
        ("file:///etc/passwd", InvalidTarget::Malformed),
    ] {
        assert_eq!(build(url, 1).build().unwrap_err(), WebhookError::Target(why), "{url}");
    }
    for url in ["https://ops.example/", "http://localhost:8080/", "http://127.0.0.1/", "http://[::1]:80/"] {
        assert!(build(url, 1).build().is_ok(), "{url}");
    }
    assert!(build("http://ops.example/", 1).insecure_http().build().is_ok(), "said aloud");
    assert_eq!(build(URL, 0).build().unwrap_err(), WebhookError::Keys(0));
    assert_eq!(build(URL, 3).build().unwrap_err(), WebhookError::Keys(3));
    assert_eq!(build(URL, 1).max_body(8_191).build().unwrap_err(), WebhookError::MaxBody);
    for source in ["", "a b", "ä"] {
        assert_eq!(build(URL, 1).cloud_events(source).build().unwrap_err(), WebhookError::Source);
    }
}

#[test]
fn neither_keys_nor_the_path_of_the_url_are_printed() {
    let endpoint = Endpoint::default();
    let builder = builder(&endpoint, &ManualClock::at(START)).sign_with(NEW.parse().unwrap());
    let printed = format!("{builder:?} {:?}", webhook(&endpoint));
    assert!(!printed.contains("canary") && !printed.contains("nWGx"), "{printed}");
    assert!(printed.contains("https://ops.example"), "{printed}");
}

#[test]
fn what_it_can_do_is_what_it_was_set_up_for() {
    let endpoint = Endpoint::default();
    let default = webhook(&endpoint);
    assert_eq!((default.name(), default.capabilities().assurance), ("webhook", Assurance::Chat));
    let builder = signing(&endpoint, &ManualClock::at(START)).assurance(Assurance::Sso);
    let own = builder.name("ops").provider("acme").build().unwrap();
    let expected =
        Capabilities { provider: "acme".into(), assurance: Assurance::Sso, cards_outlive_process: true };
    assert_eq!((own.name(), own.capabilities()), ("ops", expected));
}

#[test]
fn what_no_key_can_prove_is_not_promised() {
    let set_up = || {
        let builder = Webhook::builder(URL).transport(Endpoint::default()).ask_at("https://ops.example/asks");
        builder.sign_with(NEW.parse().unwrap())
    };
    let promised = |webhook: WebhookBuilder| webhook.build().unwrap().capabilities().assurance;
    let shared: VerifyingKey = "whsec_AgICAgICAgICAgICAgICAgICAgICAgIC".parse().unwrap();
    let told =
        Webhook::builder(URL).transport(Endpoint::default()).sign_with(NEW.parse().unwrap()).notify_only();
    assert_eq!(promised(told.assurance(Assurance::Sso)), Assurance::Chat);
    assert_eq!(promised(set_up().assurance(Assurance::Sso).verify_with(shared.clone())), Assurance::Chat);
    assert_eq!(promised(set_up().assurance(Assurance::Local).verify_with(shared)), Assurance::Local);
}

#[test]
fn a_set_up_in_which_nobody_could_answer_has_to_be_said_aloud() {
    let told = || Webhook::builder(URL).transport(Endpoint::default()).sign_with(NEW.parse().unwrap());
    assert_eq!(told().build().unwrap_err(), WebhookError::NobodyCanAnswer);
    assert_eq!(told().ask_at(URL).build().unwrap_err(), WebhookError::NothingToVerifyWith);
    assert!(told().notify_only().build().is_ok());
    for answered in [told().verify_with(theirs()), told().ask_at(URL)] {
        assert_eq!(answered.notify_only().build().unwrap_err(), WebhookError::NotifyOnly);
    }
    let by_callback_alone = told().verify_with(theirs()).build();
    if cfg!(feature = "webhook-http") {
        assert!(by_callback_alone.is_ok());
    } else {
        assert_eq!(by_callback_alone.unwrap_err(), WebhookError::NoWayBack);
    }
}

#[tokio::test]
async fn a_card_that_nobody_can_answer_offers_nothing() {
    let endpoint = Endpoint::default();
    let told = Webhook::builder(URL).transport(endpoint.clone()).clock(ManualClock::at(START));
    let told = told.sign_with(NEW.parse().unwrap()).notify_only().build().unwrap();
    told.present(&card()).await.unwrap();
    assert_eq!(json(&endpoint.last())["data"]["offer"], serde_json::json!([]));
    webhook(&endpoint).present(&card()).await.unwrap();
    assert_eq!(json(&endpoint.last())["data"]["offer"], serde_json::json!(["approve", "deny"]));
}

/// Gives up after so long.
struct Impatient(Option<u64>);

#[async_trait]
impl Transport for Impatient {
    async fn send(&self, _: Request<Bytes>) -> Answered {
        status(204)
    }

    fn gives_up_after(&self) -> Option<std::time::Duration> {
        self.0.map(std::time::Duration::from_secs)
    }
}

#[test]
fn a_transport_that_gives_up_before_a_held_question_is_answered_does_not_ask() {
    let set_up = |seconds| {
        let builder = Webhook::builder(URL).transport(Impatient(seconds)).sign_with(NEW.parse().unwrap());
        builder.verify_with(theirs())
    };
    for seconds in [10, 25] {
        let error = set_up(Some(seconds)).ask_at(URL).build().unwrap_err();
        assert_eq!(error, WebhookError::GivesUpTooSoon, "{seconds}");
    }
    for seconds in [Some(26), None] {
        assert!(set_up(seconds).ask_at(URL).build().is_ok(), "{seconds:?}");
    }
    let made = Webhook::builder(URL).sign_with(NEW.parse().unwrap()).verify_with(theirs());
    let left_alone = made.transport(crate::transport::Reqwest::new().unwrap()).ask_at(URL);
    assert_eq!(left_alone.build().unwrap_err(), WebhookError::GivesUpTooSoon);
}
