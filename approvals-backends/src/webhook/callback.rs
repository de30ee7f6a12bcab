//! The callback: an endpoint's decisions come in as `POST`, through a router to mount in a server of yours.

#[cfg(test)]
pub(super) mod tests;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::json;
use tokio::sync::oneshot;

use super::inbox::{Answer, Inbox};
use super::signature::{ID, SIGNATURE, TIMESTAMP};
use super::verify::{LONGEST_RAW, Message};

/// The longest that a body may take to arrive.
const SLOWEST: Duration = Duration::from_secs(10);
/// How many bodies are read at the same time; with [`LONGEST_RAW`] that is 16 MiB.
const AT_ONCE: usize = 256;
/// When to send a message again that could not be recorded, in seconds.
const AGAIN: HeaderValue = HeaderValue::from_static("5");

#[derive(Clone)]
struct Callback {
    inbox: Arc<Inbox>,
    places: Arc<Places>,
}

/// Who reads a body. Whoever comes when all places are taken gets that of the one who has been reading longest: a body
/// that takes its time must not keep out one that is there.
#[derive(Default)]
struct Places(Mutex<VecDeque<oneshot::Sender<()>>>);

impl Places {
    /// A place, until it is dropped; ends when it was given to somebody else.
    fn take(&self) -> oneshot::Receiver<()> {
        let (place, taken) = oneshot::channel();
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= AT_ONCE {
            places.retain(|place| !place.is_closed());
        }
        if places.len() >= AT_ONCE {
            places.pop_front();
        }
        places.push_back(place);
        taken
    }
}

/// One route, `POST /`, relative to where it is mounted.
pub(super) fn router(inbox: Arc<Inbox>) -> Router {
    let callback = Callback { inbox, places: Arc::default() };
    Router::new().route("/", post(receive).fallback(other_method)).with_state(callback)
}

async fn receive(State(callback): State<Callback>, request: Request) -> Response {
    let Some(desk) = callback.inbox.desk() else { return respond(&Answer::Away) };
    let (head, body) = request.into_parts();
    // What can prove nothing is not waited for.
    let message = message(&head.headers).filter(|message| callback.inbox.is_worth_reading(message));
    let body = match &message {
        None => None,
        Some(_) => tokio::select! {
            biased;
            body = to_bytes(body, LONGEST_RAW) => body.ok(),
            // Whoever is honest comes again.
            _ = callback.places.take() => return respond(&Answer::Away),
            () = callback.inbox.clock().sleep(SLOWEST) => None,
        },
    };
    let Some((message, body)) = message.zip(body) else {
        tracing::debug!("a message cannot be verified by its headers, is too long, or took too long");
        desk.unauthenticated(1);
        return respond(&Answer::Stranger);
    };
    respond(&callback.inbox.receive(Message { body: &body, ..message }).await.answer)
}

/// A decision is a `POST`: what follows links, such as a preview or a scanner of mail, decides nothing.
async fn other_method(State(callback): State<Callback>) -> Response {
    if let Some(desk) = callback.inbox.desk() {
        desk.unauthenticated(1);
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

/// The headers that a message is verified by; each exactly once, or a proxy and we could read different ones.
fn message(headers: &HeaderMap) -> Option<Message<'_>> {
    let only = |name: &str| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
    };
    Some(Message {
        id: only(ID)?,
        timestamp: only(TIMESTAMP)?,
        signature: only(SIGNATURE)?,
        is_json: only(CONTENT_TYPE.as_str()).is_some_and(is_json),
        body: &[],
    })
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

fn respond(answer: &Answer) -> Response {
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (kind, body) = match answer {
        Answer::Counted { by, phase } => {
            ("application/json", json!({ "code": answer.code(), "person": by, "state": phase.as_str() }))
        }
        // RFC 9457; the type is `about:blank`, so that the title is that of the status.
        _ => {
            let title = status.canonical_reason();
            let (status, code, detail) = (status.as_u16(), answer.code(), answer.to_string());
            (
                "application/problem+json",
                json!({ "title": title, "status": status, "code": code, "detail": detail }),
            )
        }
    };
    let mut response = Response::new(Body::from(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    match answer {
        Answer::Away => {
            headers.insert(RETRY_AFTER, AGAIN);
        }
        Answer::Stranger => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("StandardWebhooks"));
        }
        _ => {}
    }
    response
}
