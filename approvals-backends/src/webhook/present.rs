//! Cards go out: written, signed, sent until they arrive.

use std::time::Duration;

use approvals_core::backend::{BackendError, Presented};
use approvals_core::card::{Card, Shown};
use approvals_core::id::{Reference, RequestId};
use approvals_core::ledger::PresentFailure;
use approvals_core::request::Digest;
use approvals_core::state::Phase;
use approvals_core::time::Timestamp;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::nonce::nonce;
use super::outcome::{About, Accepted, outcome};
use super::schema::{self, CardDocument, Cut};
use super::{Parts, signature};
use crate::transport::TransportError;

/// The longest time for a message with all its attempts: core gives a backend 30 s.
const WITHIN: Duration = Duration::from_secs(25);
/// How many messages are under way at the same time, so that a crowd of requests does not open a connection for each.
pub(super) const AT_ONCE: usize = 32;

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Requested,
    Updated,
    Check,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "approval.requested",
            Self::Updated => "approval.updated",
            Self::Check => "approval.check",
        }
    }
}

/// The payload that Standard Webhooks proposes.
#[derive(Serialize)]
struct Message<'a, T> {
    r#type: &'static str,
    timestamp: Timestamp,
    data: &'a T,
}

/// CloudEvents 1.0, structured mode.
#[derive(Serialize)]
struct CloudEvent<'a, T> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    r#type: &'static str,
    time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    datacontenttype: &'static str,
    data: &'a T,
}

/// The data of a check.
#[derive(Serialize)]
struct Check {
    schema: &'static str,
}

impl Parts {
    pub(super) async fn check(&self) -> Result<(), BackendError> {
        let now = self.clock.now();
        let mut random = [0; 16];
        self.chance
            .fill(&mut random)
            .map_err(|error| BackendError::temporary(PresentFailure::Other, error.to_string()))?;
        let id = format!("check_{}", hex(&random));
        let body = self.write(Kind::Check, &id, None, now, &Check { schema: schema::CARD })?;
        self.send(&id, body, WITHIN, About::All).await.map(|_| ())
    }

    pub(super) async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        // One message per request, whoever sends it and however often.
        let id = format!("{}_requested", card.request);
        let asked_at = Timestamp::from_micros(card.clocks.requested_at.unix_ms.saturating_mul(1000));
        let (document, body) = self.fit(Kind::Requested, &id, asked_at, card, None)?;
        let decide_by = Timestamp::from_micros(card.clocks.decide_by.unix_ms.saturating_mul(1000));
        let left = self.clock.now().until(decide_by);
        let accepted = self.send(&id, body, left.min(WITHIN), About::All).await?;
        let reference = Reference::new(accepted.id.unwrap_or(id));
        Ok(Presented { reference, shown: document.shown })
    }

    pub(super) async fn update(&self, card: &Card, reference: &Reference) -> Result<(), BackendError> {
        let now = self.clock.now();
        let id = format!("{}_{}", card.request, version(card));
        let (_, body) = self.fit(Kind::Updated, &id, now, card, Some(reference.as_str()))?;
        // `fit` has read the id already, for the nonce.
        let about = card.request.parse().map_or(About::All, About::One);
        let sent = match about {
            About::One(request) => self.stop.tells(request),
            About::All => Ok(()),
        };
        let sent = match sent {
            Ok(()) => self.send(&id, body, WITHIN, about).await.map(|_| ()),
            told_no_more => told_no_more,
        };
        // Nothing follows the end of a request, and so nothing need be kept of it.
        if let About::One(request) = about
            && Phase::from_name(&card.state.label).is_none_or(Phase::is_terminal)
        {
            self.stop.forget(request);
        }
        sent
    }

    /// The message with the least cut that fits.
    fn fit(
        &self,
        kind: Kind,
        id: &str,
        at: Timestamp,
        card: &Card,
        reference: Option<&str>,
    ) -> Result<(CardDocument, Vec<u8>), BackendError> {
        for cut in Cut::STEPS {
            let mut document = schema::document(card, String::new(), reference, cut);
            if !self.offers {
                document.offer.clear();
            }
            document.nonce = self.nonce_of(card, document.shown)?;
            let body = self.write(kind, id, Some(&card.request), at, &document)?;
            if body.len() <= self.max_body {
                return Ok((document, body));
            }
        }
        let why = "not even the headings of the request fit into a message; raise `max_body`";
        Err(BackendError::permanent(PresentFailure::Other, why))
    }

    fn nonce_of(&self, card: &Card, shown: Shown) -> Result<String, BackendError> {
        let parts = card.request.parse::<RequestId>().ok().zip(Digest::from_hex(&card.digest));
        let made = parts.zip(self.keys.first());
        let made = made.map(|((request, digest), key)| nonce(key, request, &digest, shown));
        made.ok_or_else(|| {
            let why = "the card has no id and digest of a request; make it with `Card::of`";
            BackendError::permanent(PresentFailure::Other, why)
        })
    }

    fn write<T: Serialize>(
        &self,
        kind: Kind,
        id: &str,
        subject: Option<&str>,
        at: Timestamp,
        data: &T,
    ) -> Result<Vec<u8>, BackendError> {
        let r#type = kind.as_str();
        let written = match &self.source {
            None => serde_json::to_vec(&Message { r#type, timestamp: at, data }),
            Some(source) => serde_json::to_vec(&CloudEvent {
                specversion: "1.0",
                id,
                source,
                r#type,
                time: at,
                subject,
                datacontenttype: "application/json",
                data,
            }),
        };
        written.map_err(|error| BackendError::permanent(PresentFailure::Other, error.to_string()))
    }

    /// Sends a message until it arrives, signed anew for each attempt.
    async fn send(
        &self,
        id: &str,
        body: Vec<u8>,
        within: Duration,
        about: About,
    ) -> Result<Accepted, BackendError> {
        let mut within = within;
        loop {
            let pause = self.stop.pause(self.clock.now(), within)?;
            if pause.is_zero() {
                break;
            }
            self.clock.sleep(pause).await;
            within = within.saturating_sub(pause);
        }
        let mut late = self.clock.sleep(within);
        let _place = tokio::select! {
            biased;
            place = self.places.acquire() => place,
            () = &mut late => return Err(crowded()),
        };
        self.stop.wants_any()?;
        let body = Bytes::from(body);
        // Judged once here: the id is the same in every attempt.
        let unsignable =
            |error: signature::Unsignable| BackendError::permanent(PresentFailure::Other, error.to_string());
        signature::sign(&self.keys, id, self.clock.now(), b"").map_err(unsignable)?;
        let request = |now| self.request(id, now, body.clone());
        let (transport, clock, chance) = (&*self.transport, &*self.clock, &*self.chance);
        let tell = |answer: &_| self.stop.hear(answer, &*self.clock);
        let sent = self.retry.send_and_tell(transport, clock, chance, within, request, tell);
        // What the wait for a place took is gone.
        let answer = tokio::select! {
            biased;
            answer = sent => answer,
            () = late => Err(TransportError::TimedOut),
        };
        outcome(answer, &self.stop, about)
    }

    fn request(&self, id: &str, now: Timestamp, body: Bytes) -> Request<Bytes> {
        let kind = if self.source.is_some() { "application/cloudevents+json" } else { "application/json" };
        let signed = signature::sign(&self.keys, id, now, &body).unwrap_or_default();
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.uri().clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(signature::TIMESTAMP, HeaderValue::from(signature::seconds(now)));
        for (name, value) in [(signature::ID, id), (signature::SIGNATURE, signed.as_str())] {
            // Visible ASCII, both: the id was judged, and signatures are base64.
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        request
    }
}

fn crowded() -> BackendError {
    let why =
        "too many messages wait for their turn; the message is sent again, see how fast the endpoint answers";
    BackendError::temporary(PresentFailure::Unreachable, why)
}

/// A short name for where a request stands: the same for the same answers and state, in every process.
fn version(card: &Card) -> String {
    let mut hash = Sha256::new();
    let mut feed = |text: &str| {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    feed(&card.state.label);
    card.state.lines.iter().for_each(|line| feed(line));
    for answer in &card.answers {
        [&answer.who, &answer.answer, &answer.at.text].into_iter().for_each(|text| feed(text));
    }
    hex(hash.finalize().get(..8).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
