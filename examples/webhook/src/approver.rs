//! An approver's endpoint: takes signed cards, shows them as a page with a form, and sends signed decisions back.
//!
//! ```sh
//! . ./approver.env && cargo run -q -p webhook-example --bin approver
//! (. ./agent.env; APPROVALS_WEBHOOK_KEY=$SIGN_WITH approvals check-backend http://127.0.0.1:8402/cards)
//! ```
//!
//! `src/agent.rs` says how to try it. It has one person and no sign-in: whoever reaches this port is `PERSON`. Put your
//! own sign-in in front, keep cards over a restart, and send a decision again until it was answered.

mod page;

use std::collections::BTreeMap;
use std::env;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use approvals::ledger::Answer;
use approvals::request::Digest;
use approvals::time::Timestamp;
use approvals::webhook::schema::{CARD, CardDocument, Decision, DecisionSchema};
use approvals::webhook::signature::{self, SigningKey, VerifyingKey};
use axum::body::Bytes;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Html;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

type Told<T> = Result<T, (StatusCode, String)>;

/// By request: when it was said, and how the card stands.
type Cards = BTreeMap<String, (Timestamp, CardDocument)>;

struct Approver {
    ours: SigningKey,
    theirs: VerifyingKey,
    here: SocketAddr,
    agent: String,
    person: String,
    cards: Mutex<Cards>,
}

#[derive(Deserialize)]
struct Envelope {
    r#type: String,
    timestamp: Timestamp,
    data: Value,
}

/// A card comes in. Everything here is `docs/webhook.md`.
async fn receive(
    State(app): State<Arc<Approver>>,
    headers: HeaderMap,
    body: Bytes,
) -> Told<axum::Json<Value>> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, at, signatures) = (text(signature::ID), text(signature::TIMESTAMP), text(signature::SIGNATURE));
    signature::verify(std::slice::from_ref(&app.theirs), id, at, signatures, &body, Timestamp::now())
        .map_err(|_| (StatusCode::UNAUTHORIZED, "it proves nothing".to_owned()))?;
    let malformed = |error: serde_json::Error| (StatusCode::BAD_REQUEST, error.to_string());
    let Envelope { r#type, timestamp, data } = serde_json::from_slice(&body).map_err(malformed)?;
    if !matches!(r#type.as_str(), "approval.requested" | "approval.updated") {
        return Ok(axum::Json(json!({})));
    }
    let card: CardDocument = serde_json::from_value(data).map_err(malformed)?;
    if card.schema != CARD {
        return Err((StatusCode::BAD_REQUEST, format!("only {CARD} is known here")));
    }
    let request = card.request.clone();
    let mut cards = app.cards.lock().unwrap_or_else(PoisonError::into_inner);
    // One place per request: a repetition changes nothing, and neither does what was overtaken on its way.
    if cards.get(&request).is_none_or(|(known, _)| *known < timestamp) {
        println!("{request} is {}", card.state.label);
        if !card.offer.is_empty() {
            println!(
                "  curl -d 'digest={}&decision=approve' http://{}/cards/{request}",
                card.digest, app.here
            );
        }
        cards.insert(request.clone(), (timestamp, card));
    }
    Ok(axum::Json(json!({ "id": request })))
}

async fn show(State(app): State<Arc<Approver>>, headers: HeaderMap) -> Told<Html<String>> {
    page::is_ours(&headers)?;
    let cards = app.cards.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(Html(page::of(cards.values().map(|(_, card)| card))))
}

/// What the form says. `digest` is that of the card which the person saw.
#[derive(Deserialize)]
struct Filled {
    digest: String,
    decision: Answer,
    comment: Option<String>,
}

/// A person answers.
async fn decide(
    State(app): State<Arc<Approver>>,
    Path(request): Path<String>,
    headers: HeaderMap,
    Form(filled): Form<Filled>,
) -> Told<String> {
    page::is_ours(&headers)?;
    let card = app.cards.lock().unwrap_or_else(PoisonError::into_inner).get(&request).cloned();
    let offered = |(_, card): &(Timestamp, CardDocument)| {
        card.digest == filled.digest && card.offer.contains(&filled.decision)
    };
    let (_, card) = card.filter(offered).ok_or_else(|| {
        (StatusCode::CONFLICT, "that card cannot be answered so; look at it again".to_owned())
    })?;
    app.send(&card, filled).await.map_err(|error| (StatusCode::BAD_GATEWAY, format!("{error:#}")))
}

impl Approver {
    async fn send(&self, card: &CardDocument, filled: Filled) -> Result<String> {
        let now = Timestamp::now();
        let decision = Decision {
            schema: DecisionSchema,
            request: card.request.parse()?,
            digest: Digest::from_hex(&card.digest).context("the card has no digest")?,
            nonce: card.nonce.clone(),
            person: self.person.clone(),
            decision: filled.decision,
            comment: filled.comment.filter(|comment| !comment.is_empty()),
            decided_at: now,
        };
        let body = serde_json::to_vec(&decision)?;
        let id = format!("{}_{}", card.request, signature::seconds(now));
        let signed = signature::sign(std::slice::from_ref(&self.ours), &id, now, &body)?;
        let sent = reqwest::Client::new()
            .post(&self.agent)
            .header("content-type", "application/json")
            .header(signature::ID, id)
            .header(signature::TIMESTAMP, signature::seconds(now))
            .header(signature::SIGNATURE, signed)
            .body(body);
        Ok(sent.send().await.context("the agent cannot be reached; answer again")?.text().await?)
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let setting = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let secret =
        |name| env::var(name).with_context(|| format!("{name} is not set; `. ./approver.env` first"));
    let listener = tokio::net::TcpListener::bind(setting("APPROVER_LISTEN", "127.0.0.1:8402")).await?;
    let approver = Approver {
        here: listener.local_addr()?,
        ours: secret("SIGN_WITH")?.parse()?,
        theirs: secret("VERIFY_WITH")?.parse()?,
        agent: setting("AGENT_URL", "http://127.0.0.1:8403/decisions"),
        person: setting("PERSON", "kim"),
        cards: Mutex::default(),
    };
    println!("cards are shown at http://{}/", approver.here);
    let app = axum::Router::new()
        .route("/", get(show))
        .route("/cards", post(receive))
        .route("/cards/{request}", post(decide))
        .with_state(Arc::new(approver));
    Ok(axum::serve(listener, app).await?)
}
