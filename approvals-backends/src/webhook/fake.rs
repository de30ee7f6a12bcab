//! An endpoint that is played: it verifies what it is sent, shows it, and people there decide.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use approvals_core::conformance::backend::Fault;
use approvals_core::id::RequestId;
use approvals_core::ledger::Answer;
use approvals_core::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::schema::{CardDocument, Decision, DecisionSchema};
use super::signature::{ID, SIGNATURE, SigningKey, TIMESTAMP, VerifyingKey, sign, verify};
use super::{Webhook, WebhookBuilder};
use crate::transport::{Retry, Transport, TransportError, Unreachable};

/// What the agent signs with, what the endpoint does, both ways of it, and a key of somebody else.
pub(super) const OURS: &str = "whsec_AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD";
pub(super) const THEIRS: &str = "whsk_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
pub(super) const SHARED: &str = "whsec_AgICAgICAgICAgICAgICAgICAgICAgIC";
pub(super) const OTHER: &str = "whsk_BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=";

pub(super) fn key(text: &str) -> SigningKey {
    text.parse().unwrap()
}

/// A decision as it is delivered.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    pub(super) id: String,
    pub(super) timestamp: i64,
    pub(super) signature: String,
    pub(super) body: String,
}

impl Sealed {
    pub(super) fn of(id: &str, at: Timestamp, keys: &[&str], body: String) -> Self {
        let keys: Vec<_> = keys.iter().map(|text| key(text)).collect();
        let signature = sign(&keys, id, at, body.as_bytes()).unwrap();
        Self { id: id.to_owned(), timestamp: at.as_micros() / 1_000_000, signature, body }
    }

    pub(super) fn json(&self) -> Value {
        let Self { id, timestamp, signature, body } = self;
        json!({ "id": id, "timestamp": timestamp, "signature": signature, "body": body })
    }
}

/// One request at the endpoint.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    /// How many messages stand there.
    pub(super) messages: usize,
    pub(super) first: CardDocument,
    pub(super) now: CardDocument,
}

impl Standing {
    /// What people read, a line each.
    pub(super) fn text(&self) -> String {
        let card = &self.now;
        let mut lines = vec![card.state.label.clone(), card.action.clone(), card.risk.clone()];
        lines.extend(card.state.lines.iter().cloned());
        lines.extend([
            card.requester.agent.clone(),
            card.requester.owner.clone(),
            card.digest_prefix.clone(),
        ]);
        let texts = card.resource.iter().chain(&card.reason).chain(&card.agent_says);
        lines.extend(texts.map(|text| format!("text: {}", text.visible)));
        let named = card.labels.iter().chain(&card.notes);
        lines.extend(named.map(|text| format!("{}: {}", text.name, text.value.visible)));
        let arguments = card.arguments.iter();
        lines.extend(arguments.map(|argument| format!("{}: {}", argument.name, argument.value.visible)));
        lines.extend(card.answers.iter().map(|answer| format!("{} by {}", answer.answer, answer.who)));
        lines.join("\n")
    }
}

#[derive(Default)]
pub(super) struct State {
    pub(super) cards: BTreeMap<RequestId, Standing>,
    messages: BTreeSet<String>,
    /// What is given to whoever asks, in order; the cursor counts them.
    pub(super) queue: Vec<Value>,
    /// Answers to questions, given instead.
    pub(super) script: VecDeque<Response<Bytes>>,
    /// Every question.
    pub(super) asked: Vec<Value>,
    /// Gives only what is for a request that the question names, and yet lets the cursor cover everything.
    pub(super) naive: bool,
    /// Gives up a question with nothing once a new card arrives, as it may.
    pub(super) gives_up: bool,
    /// Takes no update for as long as this is so.
    pub(super) is_slow: bool,
    /// How many questions are held open.
    pub(super) open: usize,
    pub(super) fault: Option<Fault>,
    pub(super) last: Option<Sealed>,
    decisions: usize,
}

/// Clones are the same endpoint.
#[derive(Clone)]
pub(super) struct Endpoint(Arc<(Mutex<State>, watch::Sender<u64>)>);

impl Default for Endpoint {
    fn default() -> Self {
        Self(Arc::new((Mutex::default(), watch::Sender::new(0))))
    }
}

impl Endpoint {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap()
    }

    fn changed(&self) {
        self.0.1.send_modify(|times| *times += 1);
    }

    /// A backend for it, as far as it is the same in every test.
    pub(super) fn backend(&self) -> WebhookBuilder {
        Webhook::builder("https://ops.example/cards")
            .provider("acme")
            .sign_with(key(OURS))
            .verify_with(key(THEIRS).verifying())
            .transport(self.clone())
            .retry(Retry::default().attempts(1))
    }

    pub(super) fn standing(&self, request: RequestId) -> Option<Standing> {
        self.state().cards.get(&request).cloned()
    }

    /// Returns once this is so.
    pub(super) async fn until<T>(&self, wanted: impl Fn(&State) -> Option<T>) -> T {
        let mut changes = self.0.1.subscribe();
        loop {
            if let Some(found) = wanted(&self.state()) {
                return found;
            }
            changes.changed().await.unwrap();
        }
    }

    /// A person's answer to a card, not yet signed.
    pub(super) fn decision(card: &CardDocument, person: &str, answer: Answer) -> Decision {
        Decision {
            schema: DecisionSchema,
            request: card.request.parse().unwrap(),
            digest: approvals_core::request::Digest::from_hex(&card.digest).unwrap(),
            nonce: card.nonce.clone(),
            person: person.to_owned(),
            decision: answer,
            comment: None,
            decided_at: Timestamp::now(),
        }
    }

    /// Signs a decision now.
    pub(super) fn seal(&self, decision: &Decision, keys: &[&str]) -> Sealed {
        let mut state = self.state();
        state.decisions += 1;
        let id = format!("decision_{}", state.decisions);
        let body = serde_json::to_string(decision).unwrap();
        let sealed = Sealed::of(&id, Timestamp::now(), keys, body);
        state.last = Some(sealed.clone());
        sealed
    }

    /// Gives a decision to whoever asks.
    pub(super) fn enqueue(&self, sealed: &Sealed) -> usize {
        let mut state = self.state();
        state.queue.push(sealed.json());
        let place = state.queue.len();
        drop(state);
        self.changed();
        place
    }

    pub(super) fn script(&self, answers: impl IntoIterator<Item = Response<Bytes>>) {
        self.state().script.extend(answers);
        self.changed();
    }

    /// From now on updates are taken, or held.
    pub(super) fn holds_updates(&self, holds: bool) {
        self.state().is_slow = holds;
        self.changed();
    }

    async fn take(&self, id: &str, body: &[u8]) -> Response<Bytes> {
        let message: Value = serde_json::from_slice(body).unwrap();
        if message["type"] == "approval.updated" {
            self.until(|state| (!state.is_slow).then_some(())).await;
        }
        let card: CardDocument = serde_json::from_value(message["data"].clone()).unwrap();
        let request: RequestId = card.request.parse().unwrap();
        {
            let mut state = self.state();
            let is_new = state.messages.insert(id.to_owned());
            match state.cards.get_mut(&request) {
                Some(standing) => {
                    standing.messages += usize::from(is_new && message["type"] == "approval.requested");
                    standing.now = card;
                }
                None => {
                    let standing = Standing { messages: 1, first: card.clone(), now: card };
                    state.cards.insert(request, standing);
                }
            }
        }
        self.changed();
        answer(StatusCode::OK, json!({ "id": format!("card-of-{request}") }))
    }

    /// Holds the question until there is something to say.
    async fn asked(&self, body: &[u8]) -> Response<Bytes> {
        let question: Value = serde_json::from_slice(body).unwrap();
        let cursor = question["cursor"].as_str().map_or(0, |cursor| cursor.parse::<usize>().unwrap());
        let named = question["pending"].clone();
        let nothing_to_wait_for = question["wait"] == 0;
        let cards = {
            let mut state = self.state();
            state.asked.push(question);
            state.cards.len()
        };
        let _held = Held::new(self);
        self.changed();
        if nothing_to_wait_for {
            if let Some(scripted) = self.state().script.pop_front() {
                return scripted;
            }
            return answer(StatusCode::NO_CONTENT, Value::Null);
        }
        let mut changes = self.0.1.subscribe();
        loop {
            {
                let mut state = self.state();
                if let Some(scripted) = state.script.pop_front() {
                    return scripted;
                }
                let is_given = |sealed: &&Value| {
                    let body = || serde_json::from_str::<Value>(sealed["body"].as_str().unwrap()).unwrap();
                    !state.naive || named.as_array().unwrap().contains(&body()["request"])
                };
                let new = state.queue.iter().skip(cursor).filter(is_given);
                let new: Vec<_> = new.collect();
                if !new.is_empty() {
                    let cursor = state.queue.len().to_string();
                    let answers =
                        json!({ "format": "approvals.answers/1", "decisions": new, "cursor": cursor });
                    return answer(StatusCode::OK, answers);
                }
                if state.gives_up && state.cards.len() > cards {
                    return answer(StatusCode::NO_CONTENT, Value::Null);
                }
            }
            changes.changed().await.unwrap();
        }
    }
}

#[async_trait]
impl Transport for Endpoint {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let fault = self.state().fault;
        if fault == Some(Fault::IsAway) {
            return Err(TransportError::Unreachable(Unreachable::Refused));
        }
        let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
        let (id, timestamp, signature) = (header(ID), header(TIMESTAMP), header(SIGNATURE));
        let ours: VerifyingKey = key(OURS).verifying();
        // The clock of whoever sends: a test may move it by more than the tolerance.
        let now = Timestamp::from_micros(timestamp.parse::<i64>().unwrap() * 1_000_000);
        verify(&[ours], &id, &timestamp, &signature, request.body(), now).unwrap();
        match (request.uri().path(), fault) {
            ("/asks", _) => Ok(self.asked(request.body()).await),
            (_, Some(Fault::Refuses)) => Ok(answer(StatusCode::FORBIDDEN, Value::Null)),
            (_, Some(_)) => {
                self.take(&id, request.body()).await;
                Err(TransportError::Unreachable(Unreachable::Broken))
            }
            (_, None) => Ok(self.take(&id, request.body()).await),
        }
    }
}

/// Counts a question for as long as it is held.
struct Held(Endpoint);

impl Held {
    fn new(endpoint: &Endpoint) -> Self {
        endpoint.state().open += 1;
        Self(endpoint.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.state().open -= 1;
        self.0.changed();
    }
}

pub(super) fn answer(status: StatusCode, body: Value) -> Response<Bytes> {
    let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    Response::builder().status(status).header("content-type", "application/json").body(bytes).unwrap()
}
