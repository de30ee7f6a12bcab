//! All that the protocol of `docs/webhook.md` asks of an endpoint: take what the agent signed, and sign what a person says.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use approvals::ledger::Answer;
use approvals::request::Digest;
use approvals::time::Timestamp;
use approvals::webhook::schema::{CARD, CardDocument, Decision, DecisionSchema};
use approvals::webhook::signature::{self, SigningKey, VerifyingKey};
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

/// By request: when it was said, and how the card stands.
pub(crate) type Cards = BTreeMap<String, (Timestamp, CardDocument)>;

#[derive(serde::Deserialize)]
struct Envelope {
    r#type: String,
    timestamp: Timestamp,
    data: Value,
}

/// Takes a message into the cards; of a card, its request and whether anything is new. Verified before it is parsed.
pub(crate) fn take(
    theirs: &VerifyingKey,
    headers: &HeaderMap,
    body: &[u8],
    cards: &mut Cards,
) -> Result<Option<(String, bool)>, StatusCode> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (id, at, signatures) = (text(signature::ID), text(signature::TIMESTAMP), text(signature::SIGNATURE));
    signature::verify(std::slice::from_ref(theirs), id, at, signatures, body, Timestamp::now())
        .map_err(|_| StatusCode::UNAUTHORIZED)?;
    let Envelope { r#type, timestamp, data } =
        serde_json::from_slice(body).map_err(|_| StatusCode::BAD_REQUEST)?;
    if !matches!(r#type.as_str(), "approval.requested" | "approval.updated") {
        return Ok(None);
    }
    let card: CardDocument = serde_json::from_value(data).map_err(|_| StatusCode::BAD_REQUEST)?;
    if card.schema != CARD {
        return Err(StatusCode::BAD_REQUEST);
    }
    // One place per request: a repetition changes nothing, and neither does what was overtaken on its way.
    let request = card.request.clone();
    let is_new = cards.get(&request).is_none_or(|(known, _)| *known < timestamp);
    if is_new {
        cards.insert(request.clone(), (timestamp, card));
    }
    Ok(Some((request, is_new)))
}

/// What a person says of the card that they saw, as the signed request that the agent takes.
pub(crate) fn signed(
    ours: &SigningKey,
    card: &CardDocument,
    person: String,
    (decision, comment): (Answer, Option<String>),
) -> Result<(HeaderMap, Vec<u8>)> {
    let (now, digest) = (Timestamp::now(), Digest::from_hex(&card.digest).context("the card has no digest")?);
    let (schema, request, nonce) = (DecisionSchema, card.request.parse()?, card.nonce.clone());
    let decision = Decision { schema, request, digest, nonce, person, decision, comment, decided_at: now };
    let body = serde_json::to_vec(&decision)?;
    let id = format!("{request}_{}", signature::seconds(now));
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse()?);
    let signature = signature::sign(std::slice::from_ref(ours), &id, now, &body)?;
    headers.insert(signature::SIGNATURE, signature.parse()?);
    headers.insert(signature::TIMESTAMP, signature::seconds(now).into());
    headers.insert(signature::ID, id.parse()?);
    Ok((headers, body))
}
