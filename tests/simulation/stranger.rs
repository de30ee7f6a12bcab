//! Somebody without a key, or with one that leaked, and somebody who listens on the way.

use std::time::Duration;

use approvals::id::RequestId;
use approvals::ledger::Answer;
use approvals::request::Digest;
use approvals::webhook::schema::{Decision, DecisionSchema};
use bytes::Bytes;
use http::{Method, Request};

use crate::clock::Wall;
use crate::keys::{OTHER, THEIRS, post, signed};
use crate::plan::{AGENT, Fault, Forgery};
use crate::wire;
use crate::world::{Captured, World};

const LONGEST: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_secs(2);
/// How old a message has to be that is played again.
const OLD: i64 = 301;

/// What strangers do, each at its time.
pub(crate) async fn live(world: World) -> turmoil::Result {
    world.begin("stranger");
    let mut acts: Vec<(Duration, Forgery)> = Vec::new();
    for happening in &world.plan.happens {
        if let Fault::Stranger(forgery) = happening.fault {
            acts.push((happening.at, forgery));
        }
    }
    acts.sort_by_key(|(at, _)| *at);
    for (number, (at, forgery)) in acts.into_iter().enumerate() {
        tokio::time::sleep(at.saturating_sub(world.now())).await;
        // Until it was heard: an agent that is down is no obstacle for somebody patient.
        for _ in 0..30 {
            if tries(&world, forgery, number).await {
                break;
            }
            tokio::time::sleep(AGAIN).await;
        }
        world.facts().strangers_left += 1;
    }
    std::future::pending().await
}

async fn tries(world: &World, forgery: Forgery, number: usize) -> bool {
    let Some(request) = forged(world, forgery, number) else { return false };
    let Ok(answer) = wire::send(request, LONGEST).await else { return false };
    let status = answer.status().as_u16();
    let refused = if forgery == Forgery::Opened { 405 } else { 401 };
    match status {
        503 => return false,
        status if status == refused => world.fired(forgery.name()),
        status => world.broken(format_args!("{}: answered with {status}", forgery.name())),
    }
    true
}

fn forged(world: &World, forgery: Forgery, number: usize) -> Option<Request<Bytes>> {
    let (url, id) = (format!("http://{AGENT}/decisions"), format!("forged_{number}"));
    let agents = world.wall(Wall::Agents);
    let cards: Vec<(RequestId, Digest, String)> = {
        let facts = world.facts();
        facts.nonces.iter().map(|(id, (digest, nonce))| (*id, *digest, nonce.clone())).collect()
    };
    let (request, digest, nonce) = cards.first()?.clone();
    let mut decision = Decision {
        schema: DecisionSchema,
        request,
        digest,
        nonce,
        person: "u-2".to_owned(),
        decision: Answer::Approve,
        comment: Some(format!("forged {number}")),
        decided_at: agents,
    };
    let mut signer = THEIRS;
    match forgery {
        Forgery::Opened => {
            return Some(Request::builder().method(Method::GET).uri(url).body(Bytes::new()).unwrap());
        }
        Forgery::Unsigned => {
            let mut request = signed(OTHER, &id, agents, &url, body(&decision));
            request.headers_mut().remove(approvals::webhook::signature::SIGNATURE);
            return Some(request);
        }
        Forgery::Tampered => {
            let captured = captured(world, |captured| captured.body.contains("approve"))?;
            let body = captured.body.replace("\"approve\"", "\"deny\"");
            return Some(post(
                &url,
                &captured.id,
                &captured.timestamp,
                &captured.signature,
                Bytes::from(body),
            ));
        }
        Forgery::Replayed => {
            let is_old = |captured: &Captured| {
                let sent: i64 = captured.timestamp.parse().unwrap();
                (agents.as_micros() / 1_000_000 - sent).abs() >= OLD
                    && world.now() >= captured.at + Duration::from_secs(OLD.unsigned_abs())
            };
            let Captured { id, timestamp, signature, body, .. } = captured(world, is_old)?;
            return Some(post(&url, &id, &timestamp, &signature, Bytes::from(body)));
        }
        Forgery::OtherKey => signer = OTHER,
        Forgery::LeakedKey => decision.nonce = "0f1e2d3c4b5a69788796a5b4c3d2e1f0".to_owned(),
        Forgery::OtherDigest => decision.digest = Digest::from_bytes([7; 32]),
        Forgery::OtherRequest => {
            let other = "0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5e".parse().unwrap();
            decision.request = cards.get(1).map_or(other, |(request, ..)| *request);
        }
    }
    Some(signed(signer, &id, agents, &url, body(&decision)))
}

fn body(decision: &Decision) -> Bytes {
    Bytes::from(serde_json::to_vec(decision).unwrap())
}

fn captured(world: &World, wanted: impl Fn(&Captured) -> bool) -> Option<Captured> {
    let all = world.facts().captured.clone();
    all.into_iter().find(wanted)
}
