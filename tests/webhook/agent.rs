//! An agent with an endpoint that is played in its process, and a ledger that fails when it is told to.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals::id::RequestId;
use approvals::ledger::{Answer, Append, Appended, Event, Memory, Store, StoreError, StoreErrorKind, Stream};
use approvals::request::Digest;
use approvals::state::Phase;
use approvals::testing::ManualClock;
use approvals::time::{Clock as _, Timestamp};
use approvals::transport::{Retry, Transport, TransportError, Unreachable};
use approvals::webhook::schema::{CardDocument, Decision, DecisionSchema};
use approvals::webhook::signature::{SigningKey, seconds, sign};
use approvals::webhook::{Webhook, WebhookBuilder};
use approvals::{Agent, ApprovalError, Approvals, Call, People, Person, Risk};
use approvals_test_support::hand_on;
use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

/// What the agent signs with, and what the endpoint does.
pub(crate) const OURS: &str = "whsec_AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD";
pub(crate) const THEIRS: &str = "whsk_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

pub(crate) fn key(text: &str) -> SigningKey {
    text.parse().unwrap()
}

/// Everything that can run now has run.
pub(crate) async fn quiet() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// A decision as it is delivered.
#[derive(Clone)]
pub(crate) struct Sealed {
    pub(crate) id: String,
    pub(crate) timestamp: i64,
    pub(crate) signature: String,
    pub(crate) body: String,
}

impl Sealed {
    pub(crate) fn of(decision: &Decision, signer: &str) -> Self {
        let (at, id) = (Timestamp::now(), format!("decision_{}", decision.request));
        let body = serde_json::to_string(decision).unwrap();
        let signature = sign(&[key(signer)], &id, at, body.as_bytes()).unwrap();
        Self { id, timestamp: seconds(at), signature, body }
    }

    fn json(&self) -> Value {
        let Self { id, timestamp, signature, body } = self;
        json!({ "id": id, "timestamp": timestamp, "signature": signature, "body": body })
    }
}

#[derive(Default)]
pub(crate) struct State {
    /// Where each card stands, as it was last shown.
    pub(crate) cards: BTreeMap<RequestId, CardDocument>,
    /// The ids of all messages, and what type each was.
    pub(crate) messages: Vec<(String, String)>,
    /// What is given to whoever asks; the cursor counts them.
    pub(crate) queue: Vec<Value>,
    pub(crate) asked: Vec<Value>,
    /// What messages of a type, or questions (`asks`), are answered with; `None`: nothing comes back.
    pub(crate) faults: BTreeMap<&'static str, Option<u16>>,
}

/// Clones are the same endpoint.
#[derive(Clone)]
pub(crate) struct Endpoint(Arc<(Mutex<State>, watch::Sender<u64>)>);

impl Endpoint {
    pub(crate) fn new() -> Self {
        Self(Arc::new((Mutex::default(), watch::Sender::new(0))))
    }

    /// Looks at the endpoint, or changes it.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        let seen = look(&mut self.0.0.lock().unwrap());
        self.0.1.send_modify(|times| *times += 1);
        seen
    }

    /// Returns once this is so.
    pub(crate) async fn until<T>(&self, wanted: impl Fn(&State) -> Option<T>) -> T {
        let mut changes = self.0.1.subscribe();
        loop {
            if let Some(found) = wanted(&self.0.0.lock().unwrap()) {
                return found;
            }
            changes.changed().await.unwrap();
        }
    }

    fn faulty(&self, what: &str) -> Option<Result<Response<Bytes>, TransportError>> {
        let fault = self.with(|state| state.faults.get(what).copied())?;
        let broken = || TransportError::Unreachable(Unreachable::Broken);
        Some(fault.map(|status| answer(status, &Value::Null)).ok_or_else(broken))
    }

    async fn question(&self, body: &[u8]) -> Response<Bytes> {
        let question: Value = serde_json::from_slice(body).unwrap();
        let cursor = question["cursor"].as_str().map_or(0, |cursor| cursor.parse::<usize>().unwrap());
        let nothing_to_wait_for = question["wait"] == 0;
        self.with(|state| state.asked.push(question));
        if nothing_to_wait_for {
            return answer(204, &Value::Null);
        }
        self.until(|state| {
            let new = state.queue.get(cursor..).filter(|new| !new.is_empty())?;
            let cursor = state.queue.len().to_string();
            let answers = json!({ "format": "approvals.answers/1", "decisions": new, "cursor": cursor });
            Some(answer(200, &answers))
        })
        .await
    }
}

#[async_trait]
impl Transport for Endpoint {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        if request.uri().path() == "/asks" {
            return match self.faulty("asks") {
                Some(faulty) => faulty,
                None => Ok(self.question(request.body()).await),
            };
        }
        let message: Value = serde_json::from_slice(request.body()).unwrap();
        let kind = message["type"].as_str().unwrap().to_owned();
        let id = request.headers()["webhook-id"].to_str().unwrap().to_owned();
        let faulty = self.faulty(&kind);
        self.with(|state| {
            state.messages.push((id, kind));
            if faulty.is_none() {
                let card: CardDocument = serde_json::from_value(message["data"].clone()).unwrap();
                state.cards.insert(card.request.parse().unwrap(), card);
            }
        });
        faulty.unwrap_or_else(|| Ok(answer(204, &Value::Null)))
    }
}

fn answer(status: u16, body: &Value) -> Response<Bytes> {
    let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    Response::builder().status(status).header("content-type", "application/json").body(bytes).unwrap()
}

/// What goes wrong when an answer of a person is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing is written, and it says so.
    Fails,
    /// It is written, and the reply is lost.
    LosesReplies,
    /// Nothing is written, and it panics.
    Panics,
}

/// A ledger in memory that fails to take people's answers while it is told to.
#[derive(Clone)]
pub(crate) struct Ledger {
    inner: Memory,
    trouble: Arc<Mutex<Option<Trouble>>>,
    fired: Arc<AtomicUsize>,
}

impl Ledger {
    fn new(clock: &ManualClock) -> Self {
        let inner = Memory::with_clock(Arc::new(clock.clone())).unwrap();
        Self { inner, trouble: Arc::default(), fired: Arc::default() }
    }

    pub(crate) fn set(&self, trouble: Option<Trouble>) {
        *self.trouble.lock().unwrap() = trouble;
    }

    /// How often it failed. A fault that never fires proves nothing.
    pub(crate) fn fired(&self) -> usize {
        self.fired.load(SeqCst)
    }

    pub(crate) async fn names(&self, stream: impl Into<Stream>) -> Vec<&'static str> {
        let records = self.inner.history(stream.into()).await.unwrap();
        records.iter().map(|record| record.body.event.name()).collect()
    }

    pub(crate) async fn count(&self, request: RequestId, name: &str) -> usize {
        self.names(request).await.into_iter().filter(|found| *found == name).count()
    }
}

#[async_trait]
impl Store for Ledger {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        let broken = || StoreError::new(StoreErrorKind::Other, "the disk is broken; mend it");
        let is_answer = append.events.iter().any(|new| matches!(new.event, Event::Reviewed(_)));
        let trouble = if is_answer { *self.trouble.lock().unwrap() } else { None };
        if trouble.is_some() {
            self.fired.fetch_add(1, SeqCst);
        }
        match trouble {
            Some(Trouble::Fails) => Err(broken()),
            Some(Trouble::LosesReplies) => self.inner.append(append).await.and(Err(broken())),
            Some(Trouble::Panics) => panic!("the ledger panics, as part of the test"),
            None => self.inner.append(append).await,
        }
    }

    hand_on!(approvals, inner: history, list, records, last, wait_past, hold_node, key);
}

/// An agent, what it asks, and what it writes.
pub(crate) struct World {
    pub(crate) approvals: Approvals,
    pub(crate) webhook: Webhook,
    pub(crate) endpoint: Endpoint,
    pub(crate) ledger: Ledger,
    pub(crate) clock: ManualClock,
    /// That of the backend: the same time, until one of the two is set.
    pub(crate) backend_clock: ManualClock,
    /// How often a body ran.
    pub(crate) ran: Arc<AtomicUsize>,
}

/// A call that waits for people.
pub(crate) struct Asked {
    pub(crate) request: RequestId,
    pub(crate) card: CardDocument,
    pub(crate) call: JoinHandle<Result<(), ApprovalError>>,
}

impl World {
    /// Whose endpoint calls back.
    pub(crate) async fn called_back() -> Self {
        Self::with(|webhook| webhook).await
    }

    /// Whose endpoint is asked.
    pub(crate) async fn asking() -> Self {
        Self::with(|webhook| webhook.ask_at("https://ops.example/asks")).await
    }

    pub(crate) async fn with(set_up: impl FnOnce(WebhookBuilder) -> WebhookBuilder) -> Self {
        Self::at(Endpoint::new(), set_up).await
    }

    pub(crate) async fn at(
        endpoint: Endpoint,
        set_up: impl FnOnce(WebhookBuilder) -> WebhookBuilder,
    ) -> Self {
        let clock = ManualClock::at(Timestamp::now());
        Self::again(endpoint, Ledger::new(&clock), clock, set_up).await
    }

    /// Over what an earlier agent left behind.
    pub(crate) async fn again(
        endpoint: Endpoint,
        ledger: Ledger,
        clock: ManualClock,
        set_up: impl FnOnce(WebhookBuilder) -> WebhookBuilder,
    ) -> Self {
        let backend_clock = ManualClock::at(clock.now());
        let webhook = Webhook::builder("https://ops.example/cards")
            .provider("acme")
            .sign_with(key(OURS))
            .verify_with(key(THEIRS).verifying())
            .transport(endpoint.clone())
            .retry(Retry::default().attempts(1))
            .clock(backend_clock.clone());
        let webhook = set_up(webhook).build().unwrap();
        let people = [
            Person::new("dana"),
            Person::new("ann").known_as("acme", "u-1"),
            Person::new("ben").known_as("acme", "u-2"),
        ];
        let approvals = Approvals::builder()
            .agent(Agent::new("bot").owned_by("dana"))
            .directory(People::new(people).unwrap())
            .store(ledger.clone())
            .clock(Arc::new(clock.clone()))
            .backend(webhook.clone())
            .build()
            .await
            .unwrap();
        Self { approvals, webhook, endpoint, ledger, clock, backend_clock, ran: Arc::default() }
    }

    pub(crate) fn call(&self) -> JoinHandle<Result<(), ApprovalError>> {
        let (approvals, ran) = (self.approvals.clone(), Arc::clone(&self.ran));
        tokio::spawn(async move {
            let body = || async move {
                ran.fetch_add(1, SeqCst);
                Ok(())
            };
            approvals.gate(Call::new("refund").risk(Risk::High).arg("cents", &500)).run(body).await
        })
    }

    /// Calls, and returns once the card stands at the endpoint and is on record.
    pub(crate) async fn ask(&self) -> Asked {
        let known: Vec<_> = self.endpoint.with(|state| state.cards.keys().copied().collect());
        self.beside(known, self.call()).await
    }

    /// Returns once the card of the only call stands at the endpoint and is on record.
    pub(crate) async fn first(&self, call: JoinHandle<Result<(), ApprovalError>>) -> Asked {
        self.beside(Vec::new(), call).await
    }

    async fn beside(&self, known: Vec<RequestId>, call: JoinHandle<Result<(), ApprovalError>>) -> Asked {
        let new = |(request, card): (&RequestId, &CardDocument)| {
            (!known.contains(request)).then(|| (*request, card.clone()))
        };
        let (request, card) = self.endpoint.until(|state| state.cards.iter().find_map(new)).await;
        while self.ledger.count(request, "presented").await == 0 {
            tokio::task::yield_now().await;
        }
        Asked { request, card, call }
    }

    pub(crate) async fn phase(&self, request: RequestId) -> Phase {
        approvals::state::State::fold(&self.ledger.inner.history(request.into()).await.unwrap())
            .unwrap()
            .phase()
    }

    /// What messages of a type, or questions (`asks`), meet from now on.
    pub(crate) fn fault(&self, on: &'static str, answer: Option<u16>) {
        self.endpoint.with(|state| state.faults.insert(on, answer));
    }

    pub(crate) fn ran(&self) -> usize {
        self.ran.load(SeqCst)
    }

    /// The endpoint posts a decision: the status, and the body of the answer.
    pub(crate) async fn post(&self, sealed: &Sealed) -> (u16, Value) {
        let request = Request::post("/")
            .header("content-type", "application/json")
            .header("webhook-id", &sealed.id)
            .header("webhook-timestamp", sealed.timestamp)
            .header("webhook-signature", &sealed.signature)
            .body(Body::from(sealed.body.clone()))
            .unwrap();
        let (head, body) = self.webhook.router().oneshot(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let retry = head.headers.contains_key("retry-after");
        assert_eq!(head.status == 503, retry, "503 says when to come again");
        (head.status.as_u16(), serde_json::from_slice(&body).unwrap())
    }

    /// The endpoint gives a decision to whoever asks.
    pub(crate) fn enqueue(&self, sealed: &Sealed) {
        self.endpoint.with(|state| state.queue.push(sealed.json()));
    }

    /// Time passes on both clocks.
    pub(crate) fn advance(&self, time: Duration) {
        self.clock.advance(time);
        self.backend_clock.advance(time);
    }

    /// Time passes in steps, and everything that can run does.
    pub(crate) async fn passes(&self, time: Duration) {
        for _ in 0..time.as_millis().div_ceil(250) {
            self.advance(Duration::from_millis(250));
            quiet().await;
        }
    }
}

impl Asked {
    pub(crate) fn decision(&self, answer: Answer) -> Decision {
        Decision {
            schema: DecisionSchema,
            request: self.request,
            digest: Digest::from_hex(&self.card.digest).unwrap(),
            nonce: self.card.nonce.clone(),
            person: "u-1".to_owned(),
            decision: answer,
            comment: None,
            decided_at: Timestamp::now(),
        }
    }

    pub(crate) fn sealed(&self, answer: Answer) -> Sealed {
        Sealed::of(&self.decision(answer), THEIRS)
    }
}
