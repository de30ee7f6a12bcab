//! An approver's endpoint: takes signed cards, shows them as a page with a form, and sends signed decisions back.
//!
//! ```sh
//! . ./approver.env && cargo run -q -p webhook-example --bin approver
//! (. ./agent.env; APPROVALS_WEBHOOK_KEY=$SIGN_WITH approvals check-backend http://127.0.0.1:8402/cards)
//! ```
//!
//! `src/agent.rs` says how to try it; `endpoint.rs` is all that the protocol asks for, the rest is a page and a port. It
//! has one person and no sign-in: whoever reaches this port is `PERSON`. Put your own sign-in in front, keep cards over a
//! restart, and send a decision again until it was answered.

mod endpoint;
mod page;

use std::env;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use approvals::ledger::Answer;
use approvals::webhook::signature::{SigningKey, VerifyingKey};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Html;
use axum::routing::{get, post};
use serde_json::{Value, json};

use self::endpoint::Cards;

type Told<T> = Result<T, (StatusCode, String)>;

struct Approver {
    ours: SigningKey,
    theirs: VerifyingKey,
    here: SocketAddr,
    agent: String,
    person: String,
    cards: Mutex<Cards>,
}

impl Approver {
    fn cards(&self) -> MutexGuard<'_, Cards> {
        self.cards.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A message comes in; a card is named by its request.
async fn receive(
    State(app): State<Arc<Approver>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, StatusCode> {
    let mut cards = app.cards();
    let Some((request, is_new)) = endpoint::take(&app.theirs, &headers, &body, &mut cards)? else {
        return Ok(Json(json!({})));
    };
    if let Some((_, card)) = cards.get(&request).filter(|_| is_new) {
        println!("{request} is {}", card.state.label);
        if !card.offer.is_empty() {
            let digest = &card.digest;
            println!("  curl -d 'digest={digest}&decision=approve' http://{}/cards/{request}", app.here);
        }
    }
    Ok(Json(json!({ "id": request })))
}

async fn show(State(app): State<Arc<Approver>>, headers: HeaderMap) -> Told<Html<String>> {
    page::is_ours(&headers)?;
    Ok(Html(page::of(app.cards().values().map(|(_, card)| card))))
}

/// What the form says. `digest` is that of the card which the person saw.
#[derive(serde::Deserialize)]
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
    let card = app.cards().get(&request).map(|(_, card)| card.clone());
    let offered = card.filter(|card| card.digest == filled.digest && card.offer.contains(&filled.decision));
    let card = offered.ok_or_else(|| {
        (StatusCode::CONFLICT, "that card cannot be answered so; look at it again".to_owned())
    })?;
    let says = (filled.decision, filled.comment.filter(|comment| !comment.is_empty()));
    let sent = async {
        let (headers, body) = endpoint::signed(&app.ours, &card, app.person.clone(), says)?;
        let sent = reqwest::Client::new().post(&app.agent).headers(headers).body(body).send().await;
        anyhow::Ok(sent.context("the agent cannot be reached; answer again")?.text().await?)
    };
    sent.await.map_err(|error| (StatusCode::BAD_GATEWAY, format!("{error:#}")))
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
