//! Messages as a sender makes them, sent once each, soundly or not.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use approvals_core::backend::Backend as _;
use approvals_core::card::{Card, CardClocks, CardRequester, Span, Time};
use approvals_core::id::{Chance as _, Reference, RequestId, SystemChance};
use approvals_core::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response};
use serde_json::Value;

use super::super::signature::{self, SigningKey};
use super::super::{Webhook, WebhookError};
use crate::transport::{Retry, Target, Transport, TransportError};

/// How long a card of this check may stand.
const STANDS: Duration = Duration::from_secs(10 * 60);

/// A message as it will be sent.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) kind: Option<HeaderValue>,
    pub(super) body: Bytes,
}

impl Message {
    /// The same with another body, made of the JSON of this one.
    pub(super) fn with(mut self, change: impl FnOnce(&mut Value)) -> Self {
        if let Ok(mut body) = serde_json::from_slice(&self.body) {
            change(&mut body);
            self.body = Bytes::from(body.to_string());
        }
        self
    }

    /// The same with a body of this length, by a field that nobody knows.
    pub(super) fn filled_to(self, bytes: usize) -> Self {
        let fill = |message: Self, padding: usize| {
            message.with(|body| {
                if let Some(body) = body.as_object_mut() {
                    body.insert("padding".to_owned(), " ".repeat(padding).into());
                }
            })
        };
        let bare = fill(self, 0);
        let padding = bytes.saturating_sub(bare.body.len());
        fill(bare, padding)
    }
}

/// What is not as it should be with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    /// Signatures of an unknown scheme, and of another key, stand in front of the right one.
    Crowded,
    Unsigned,
    OtherBytes,
    OtherId,
    OtherTime,
    Stale,
    Ahead,
}

/// Takes what a webhook sends and keeps it.
#[derive(Clone, Default)]
struct Draft(Arc<Mutex<Option<Request<Bytes>>>>);

#[async_trait]
impl Transport for Draft {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
        Ok(Response::default())
    }
}

/// Makes messages and sends them.
pub(super) struct Probe {
    target: Target,
    key: SigningKey,
    transport: Arc<dyn Transport>,
    /// Writes messages as production does.
    webhook: Webhook,
    draft: Draft,
}

impl Probe {
    pub(super) fn new(
        url: &str,
        target: Target,
        key: SigningKey,
        source: Option<String>,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, WebhookError> {
        let draft = Draft::default();
        // It sends nothing, and so nobody can read along.
        let webhook = Webhook::builder(url).insecure_http().answers_are_only_read().sign_with(key.clone());
        let webhook = webhook.retry(Retry::default().attempts(1)).transport(draft.clone());
        let webhook = match source {
            Some(source) => webhook.cloud_events(source),
            None => webhook,
        };
        Ok(Self { target, key, transport, webhook: webhook.build()?, draft })
    }

    /// A card that nobody waits for.
    pub(super) fn card(&self, says: &str) -> Card {
        let (now, mut random) = (Timestamp::now(), [0; 32]);
        // Without randomness a card may be known already: the rules about that are then not kept, and say so.
        let _ = SystemChance.fill(&mut random);
        let digest: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let agent = "approvals-check".into();
        let request = RequestId::of_key("check", &agent, "approvals.check", &digest, 0);
        let request = request.map(|id| id.to_string()).unwrap_or_default();
        let time = |at: Timestamp| Time { text: at.to_string(), unix_ms: at.as_micros() / 1000 };
        let clocks = CardClocks {
            requested_at: time(now),
            decide_by: time(now.after(STANDS)),
            use_within: Span { text: "1 min".to_owned(), seconds: 60 },
        };
        let requester = CardRequester::new("approvals-check", "nobody");
        let mut card = Card::new(request, digest, "approvals.check", "low", requester, clocks);
        card.environment = Some("test".to_owned());
        card.reason = Some(says.to_owned());
        card.who_may_decide =
            vec!["nobody: this is a check of the endpoint, and an answer does nothing".into()];
        card
    }

    pub(super) async fn check(&self) -> Option<Message> {
        self.webhook.check().await.ok()?;
        self.drafted()
    }

    pub(super) async fn requested(&self, card: &Card) -> Option<Message> {
        self.webhook.present(card).await.ok()?;
        self.drafted()
    }

    /// That a card is withdrawn.
    pub(super) async fn withdrawn(&self, card: &Card, reference: &str) -> Option<Message> {
        let mut card = card.clone();
        card.state.label = "cancelled".to_owned();
        card.state.lines = vec!["withdrawn: it was a check of this endpoint".to_owned()];
        self.webhook.update(&card, &Reference::new(reference)).await.ok()?;
        self.drafted()
    }

    fn drafted(&self) -> Option<Message> {
        let request = self.draft.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let (head, body) = request.into_parts();
        let id = head.headers.get(signature::ID)?.to_str().ok()?.to_owned();
        Some(Message { id, kind: head.headers.get(CONTENT_TYPE).cloned(), body })
    }

    /// Sends a message once, with this flaw, to where cards go.
    pub(super) async fn send(
        &self,
        message: &Message,
        flaw: Flaw,
    ) -> Result<Response<Bytes>, TransportError> {
        self.send_to(&self.target, &*self.transport, message, flaw).await
    }

    /// The same to elsewhere.
    pub(super) async fn send_to(
        &self,
        target: &Target,
        transport: &dyn Transport,
        message: &Message,
        flaw: Flaw,
    ) -> Result<Response<Bytes>, TransportError> {
        let Message { id, kind, body } = message;
        let hour = Duration::from_secs(60 * 60);
        let now = Timestamp::now();
        let past = Timestamp::from_micros(now.as_micros().saturating_sub(3_600_000_000));
        let at = match flaw {
            Flaw::Stale => past,
            Flaw::Ahead => now.after(hour),
            _ => now,
        };
        let sign = |id: &str, at: Timestamp, body: &[u8]| {
            signature::sign(std::slice::from_ref(&self.key), id, at, body).unwrap_or_default()
        };
        let other_bytes = || sign(id, at, &[body, &b" "[..]].concat());
        let signed = match flaw {
            Flaw::None | Flaw::Stale | Flaw::Ahead => Some(sign(id, at, body)),
            Flaw::Crowded => Some(format!("v9,AAAA {} {}", other_bytes(), sign(id, at, body))),
            Flaw::Unsigned => None,
            Flaw::OtherBytes => Some(other_bytes()),
            Flaw::OtherId => Some(sign(&format!("{id}_2"), at, body)),
            // What was signed an hour ago comes with the time of now.
            Flaw::OtherTime => Some(sign(id, past, body)),
        };
        let mut request = Request::new(body.clone());
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = target.uri().clone();
        let headers = request.headers_mut();
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, kind.clone());
        }
        headers.insert(signature::TIMESTAMP, HeaderValue::from(signature::seconds(at)));
        for (name, value) in [(signature::ID, Some(id)), (signature::SIGNATURE, signed.as_ref())] {
            // Visible ASCII, both: a sender wrote the id, and signatures are base64.
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
        transport.send(request).await
    }
}
