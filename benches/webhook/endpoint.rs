//! The endpoint: takes cards, holds questions, and says yes in the name of Ann.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use approvals::request::Digest;
use approvals::time::Timestamp;
use approvals::webhook::schema::{Decision, DecisionSchema};
use approvals::webhook::signature::{SigningKey, seconds, sign};
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::THEIRS;

/// The most that an answer to a question may hold, in bytes; what is around the decisions is far less than the rest.
const MOST: usize = 1000 * 1024;

/// A card that somebody can decide.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    request: String,
    digest: String,
    nonce: String,
}

/// What the endpoint has been asked.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    /// Cards, each once.
    pub(crate) cards: usize,
    /// Cards that were decided.
    pub(crate) decided: usize,
    /// Questions, and how many of them are held just now.
    pub(crate) questions: usize,
    pub(crate) held: usize,
    /// Requests that the last question named, and its bytes.
    pub(crate) named: usize,
    pub(crate) bytes: usize,
    /// How many cards there were up to the newest that it named.
    pub(crate) newest: usize,
}

/// Clones are the same endpoint.
#[derive(Clone)]
pub(crate) struct Endpoint {
    cards: Arc<Mutex<Vec<Standing>>>,
    pub(crate) counts: watch::Sender<Counts>,
    key: SigningKey,
}

impl Endpoint {
    pub(crate) fn new() -> Result<Self> {
        let counts = watch::Sender::new(Counts::default());
        Ok(Self { cards: Arc::default(), counts, key: THEIRS.parse()? })
    }

    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/cards", post(card))
            .route("/asks", post(question))
            .route("/decide", post(decide))
            .route("/counts", post(counts))
            .layer(DefaultBodyLimit::max(4 * 1024 * 1024))
            .with_state(self.clone())
    }

    /// The places of the first and the last card of these requests.
    fn ends(&self, named: &[&str]) -> Option<(usize, usize)> {
        let named: HashSet<&str> = named.iter().copied().collect();
        let cards = self.cards.lock().unwrap_or_else(PoisonError::into_inner);
        let is_named = |card: &Standing| named.contains(card.request.as_str());
        Some((cards.iter().position(is_named)?, cards.iter().rposition(is_named)?))
    }

    /// The card that came as this one in turn.
    pub(crate) fn card(&self, place: usize) -> Option<Standing> {
        self.cards.lock().unwrap_or_else(PoisonError::into_inner).get(place).cloned()
    }

    /// Returns once the counts are so.
    pub(crate) async fn until(&self, wanted: impl Fn(&Counts) -> bool) -> Result<Counts> {
        Ok(*self.counts.subscribe().wait_for(wanted).await?)
    }

    /// One decision as it is delivered, signed now.
    pub(crate) fn seal(&self, standing: &Standing) -> Result<Sealed> {
        let decision = Decision {
            schema: DecisionSchema,
            request: standing.request.parse()?,
            digest: Digest::from_hex(&standing.digest).context("the card has no digest")?,
            nonce: standing.nonce.clone(),
            person: "ann".to_owned(),
            decision: approvals::ledger::Answer::Approve,
            comment: None,
            decided_at: Timestamp::now(),
        };
        let (body, at) = (serde_json::to_string(&decision)?, Timestamp::now());
        let id = format!("decision_{}", standing.request);
        let signature = sign(std::slice::from_ref(&self.key), &id, at, body.as_bytes())?;
        Ok(Sealed { id, timestamp: seconds(at), signature, body })
    }

    /// The decisions after a cursor, as many as one answer holds.
    fn answer(&self, cursor: usize, decided: usize) -> Result<Vec<u8>> {
        let (mut sealed, mut bytes, mut place) = (Vec::new(), 0, cursor);
        while place < decided && bytes < MOST {
            let one = self.seal(&self.card(place).context("a card that never came was decided")?)?;
            let (Sealed { id, timestamp, signature, body }, before) = (one, place);
            let one =
                json!({ "id": id, "timestamp": timestamp, "signature": signature, "body": body }).to_string();
            bytes += one.len() + 1;
            if bytes > MOST && before > cursor {
                break;
            }
            sealed.push(one);
            place += 1;
        }
        let sealed = sealed.join(",");
        let answer =
            format!(r#"{{"format":"approvals.answers/1","decisions":[{sealed}],"cursor":"{place}"}}"#);
        Ok(answer.into_bytes())
    }
}

/// A decision as it is delivered.
pub(crate) struct Sealed {
    pub(crate) id: String,
    pub(crate) timestamp: i64,
    pub(crate) signature: String,
    pub(crate) body: String,
}

async fn card(State(endpoint): State<Endpoint>, body: Bytes) -> StatusCode {
    let Ok(message) = serde_json::from_slice::<Value>(&body) else { return StatusCode::BAD_REQUEST };
    if message.get("type").and_then(Value::as_str) != Some("approval.requested") {
        return StatusCode::NO_CONTENT;
    }
    let text = |name: &str| {
        let text = message.get("data").and_then(|data| data.get(name)).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let standing = Standing { request: text("request"), digest: text("digest"), nonce: text("nonce") };
    endpoint.cards.lock().unwrap_or_else(PoisonError::into_inner).push(standing);
    endpoint.counts.send_modify(|counts| counts.cards += 1);
    StatusCode::NO_CONTENT
}

/// Holds the question until somebody decided, or its time is over.
async fn question(State(endpoint): State<Endpoint>, body: Bytes) -> Response {
    let Ok(question) = serde_json::from_slice::<Value>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let named = question.get("pending").and_then(Value::as_array);
    let named: Vec<&str> = named.into_iter().flatten().filter_map(Value::as_str).collect();
    let ends = endpoint.ends(&named);
    let cursor = question.get("cursor").and_then(Value::as_str).and_then(|text| text.parse().ok());
    // Without one, everything that there is for what is named.
    let cursor: usize = cursor.or(ends.map(|(first, _)| first)).unwrap_or(0);
    let wait = Duration::from_secs(question.get("wait").and_then(Value::as_u64).unwrap_or(0));
    let held = Held::begin(&endpoint, named.len(), body.len(), ends.map_or(0, |(_, last)| last + 1));
    drop(question);
    let decided = tokio::select! {
        counts = endpoint.until(|counts| counts.decided > cursor) => counts.map(|counts| counts.decided),
        () = tokio::time::sleep(wait) => Ok(cursor),
    };
    drop(held);
    match decided.and_then(|decided| (decided > cursor).then(|| endpoint.answer(cursor, decided)).transpose())
    {
        Ok(Some(answer)) => ([("content-type", "application/json")], answer).into_response(),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Everything that stands here is approved.
async fn decide(State(endpoint): State<Endpoint>) {
    endpoint.counts.send_modify(|counts| counts.decided = counts.cards);
}

async fn counts(State(endpoint): State<Endpoint>) -> String {
    let Counts { cards, decided, questions, held, named, bytes, newest } = *endpoint.counts.borrow();
    json!([cards, decided, questions, held, named, bytes, newest]).to_string()
}

/// Counts a question for as long as it is held.
struct Held(watch::Sender<Counts>);

impl Held {
    fn begin(endpoint: &Endpoint, named: usize, bytes: usize, newest: usize) -> Self {
        endpoint.counts.send_modify(|counts| {
            counts.questions += 1;
            counts.held += 1;
            (counts.named, counts.bytes, counts.newest) = (named, bytes, newest);
        });
        Self(endpoint.counts.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.send_modify(|counts| counts.held -= 1);
    }
}

/// Serves until the process ends; gives the URL.
pub(crate) async fn serve(router: Router) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let at = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(at)
}

/// An endpoint in a process of its own, so that its memory is not the agent's; ends with its input.
pub(crate) async fn alone() -> Result<()> {
    let at = serve(Endpoint::new()?.router()).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{at}")?;
    out.flush()?;
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    Ok(())
}
