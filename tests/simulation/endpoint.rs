//! A small model of an approver's endpoint, written from `docs/webhook.md`: takes cards, shows them once, lets people
//! decide, and brings what they decided back. What it keeps outlives its crashes.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use approvals::id::RequestId;
use approvals::ledger::Answer;
use approvals::request::Digest;
use approvals::state::Phase;
use approvals::webhook::schema::{CardDocument, Decision, DecisionSchema};
use approvals::webhook::signature::{ID, SIGNATURE, TIMESTAMP};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::clock::Wall;
use crate::keys::{OTHER, OURS, THEIRS, header, is_signed, signed};
use crate::plan::{AGENT, Act, ENDPOINT, Fault, SECOND, Way, secs};
use crate::wire;
use crate::world::{Captured, Made, World};

/// How often it looks whether there is something to do.
const TURN: Duration = Duration::from_millis(250);
/// How long until a decision is sent again that did not arrive, and one that was not believed.
const AGAIN: Duration = Duration::from_secs(4);
const UNBELIEVED: Duration = Duration::from_secs(20);
/// Longer than an agent waits.
const TOO_LONG: Duration = Duration::from_secs(12);
const LONGEST: Duration = Duration::from_secs(10);

struct Card {
    call: usize,
    since: Duration,
    /// The newest state, and when it was written.
    now: CardDocument,
    written: String,
}

#[derive(Clone)]
struct Outgoing {
    id: String,
    request: RequestId,
    made: Made,
    body: String,
    /// Not before.
    at: Duration,
    copies: u32,
    taken: bool,
    under_way: bool,
    tries: usize,
}

/// What it keeps.
#[derive(Default)]
pub(crate) struct Book {
    seen: BTreeSet<String>,
    cards: BTreeMap<RequestId, Card>,
    acted: BTreeSet<(RequestId, usize)>,
    out: Vec<Outgoing>,
    /// What a cursor covers.
    given: BTreeMap<String, Vec<String>>,
    cursors: u64,
    forged: u64,
}

#[derive(Clone)]
pub(crate) struct Endpoint {
    world: World,
    book: Arc<Mutex<Book>>,
}

impl Endpoint {
    pub(crate) fn new(world: &World) -> Self {
        Self { world: world.clone(), book: Arc::default() }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// Whether nothing is left to bring back. What is over is asked about no more.
    pub(crate) fn is_idle(&self) -> bool {
        let book = self.book();
        let is_over = |out: &Outgoing| {
            let phase = book.cards.get(&out.request).and_then(|card| Phase::from_name(&card.now.state.label));
            self.world.plan.way == Way::Asked && phase.is_some_and(|phase| phase.is_terminal())
        };
        book.out.iter().all(|out| out.taken || is_over(out))
    }

    /// One life of it.
    pub(crate) async fn live(self) -> turmoil::Result {
        self.world.begin(ENDPOINT);
        // What was under way is so no more.
        self.book().out.iter_mut().for_each(|out| out.under_way = false);
        tokio::spawn(self.clone().decide());
        if self.world.plan.way != Way::Asked {
            tokio::spawn(self.clone().call_back());
        }
        let served: Result<Infallible, _> = wire::serve(move |request| self.clone().answer(request)).await;
        match served {
            Ok(never) => match never {},
            Err(error) => Err(error.into()),
        }
    }

    async fn answer(self, request: Request<Bytes>) -> Option<Response<Bytes>> {
        if !is_signed(&request, OURS, self.world.wall(Wall::Endpoint)) {
            return Some(empty(StatusCode::UNAUTHORIZED));
        }
        if let Some(refusal) = self.refuses() {
            return Some(refusal);
        }
        match request.uri().path() {
            "/asks" => self.asked(&request).await,
            _ => self.take(&request).await,
        }
    }

    fn refuses(&self) -> Option<Response<Bytes>> {
        let wait = |fault: &Fault| match fault {
            Fault::TooMany { after } => Some(*after),
            _ => None,
        };
        if let Some(after) = self.world.window(wait) {
            self.world.fired("429 with Retry-After");
            let mut answer = empty(StatusCode::TOO_MANY_REQUESTS);
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after));
            return Some(answer);
        }
        self.on(&Fault::ServerErrors).then(|| {
            self.world.fired("storm of 5xx");
            empty(StatusCode::BAD_GATEWAY)
        })
    }

    fn on(&self, fault: &Fault) -> bool {
        self.world.window(|on| (on == fault).then_some(())).is_some()
    }

    async fn take(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let id = header(request.headers(), ID).to_owned();
        let message: Value = serde_json::from_slice(request.body()).unwrap();
        let card: CardDocument = serde_json::from_value(message["data"].clone()).unwrap();
        let which: RequestId = card.request.parse().unwrap();
        let (kind, written) = (message["type"].clone(), message["timestamp"].as_str().unwrap().to_owned());
        let now = self.world.now();
        let is_new = self.book().seen.insert(id.clone());
        self.world.note(format_args!("endpoint takes {id}, new: {is_new}, {}", card.state.label));
        if kind == "approval.requested" {
            self.world.facts().messages.entry(which).or_default().insert(id);
        }
        if is_new {
            let call = card.resource.as_ref().and_then(|text| text.visible.strip_prefix("call:"));
            let call: usize = call.unwrap().parse().unwrap();
            {
                let mut facts = self.world.facts();
                facts.nonces.insert(which, (Digest::from_hex(&card.digest).unwrap(), card.nonce.clone()));
                facts.call_of.insert(which, call);
            }
            let mut book = self.book();
            let entry = book.cards.entry(which);
            let known =
                entry.or_insert_with(|| Card { call, since: now, now: card.clone(), written: String::new() });
            if written >= known.written {
                (known.now, known.written) = (card, written);
            }
        }
        let creates = kind == "approval.requested" && is_new;
        if creates && self.on(&Fault::LoseCreateAnswer) {
            self.world.fired("answer to the create lost");
            return None;
        }
        if self.on(&Fault::LateCreateAnswer) {
            self.world.fired("answer to the create too late");
            tokio::time::sleep(TOO_LONG).await;
        }
        let name = json!({ "id": format!("card-of-{which}") });
        let mut answer = Response::new(Bytes::from(name.to_string()));
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *answer.status_mut() = if is_new { StatusCode::CREATED } else { StatusCode::CONFLICT };
        Some(answer)
    }

    /// The people, who sit before its page.
    async fn decide(self) {
        loop {
            tokio::time::sleep(TURN).await;
            let now = self.world.now();
            let mut due: Vec<(RequestId, usize, Act, CardDocument)> = Vec::new();
            {
                let mut book = self.book();
                let Book { cards, acted, .. } = &mut *book;
                for (request, card) in cards {
                    for (place, act) in self.world.plan.calls[card.call].people.iter().enumerate() {
                        if card.since + act.after <= now && acted.insert((*request, place)) {
                            due.push((*request, place, act.clone(), card.now.clone()));
                        }
                    }
                }
            }
            for (request, _, act, card) in due {
                self.decided(request, &act, &card);
            }
        }
    }

    fn decided(&self, request: RequestId, act: &Act, card: &CardDocument) {
        let answer = if act.denies { Answer::Deny } else { Answer::Approve };
        let decision = Decision {
            schema: DecisionSchema,
            request,
            digest: Digest::from_hex(&card.digest).unwrap(),
            nonce: card.nonce.clone(),
            person: act.person.to_owned(),
            decision: answer,
            comment: None,
            decided_at: self.world.wall(Wall::Endpoint),
        };
        let made = Made::new(request, &decision.digest, act.person, answer);
        let mut book = self.book();
        let id = format!("decision_{}", book.out.len() + 1);
        self.world.note(format_args!("{} decides {id}: {answer} {request}", act.person));
        {
            let mut facts = self.world.facts();
            facts.made.insert(made.clone());
            facts.waiting.insert(id.clone());
        }
        let body = serde_json::to_string(&decision).unwrap();
        let at = self.world.now() + act.held;
        let (copies, taken, under_way, tries) = (act.copies, false, false, 0);
        book.out.push(Outgoing { id, request, made, body, at, copies, taken, under_way, tries });
    }

    /// Nothing of it has to be sent again.
    fn taken(&self, id: &str, code: &str) {
        let mut book = self.book();
        let Some(out) = book.out.iter_mut().find(|out| out.id == id) else { return };
        self.world.note(format_args!("endpoint hears of {id}: {code}"));
        if code == "unauthenticated" {
            // A clock is wrong, its own or the agent's.
            out.at = self.world.now() + UNBELIEVED;
            return;
        }
        out.taken = true;
        let mut facts = self.world.facts();
        facts.waiting.remove(id);
        facts.told.entry(id.to_owned()).or_insert((out.made.clone(), code.to_owned()));
    }

    async fn call_back(self) {
        loop {
            tokio::time::sleep(TURN).await;
            let now = self.world.now();
            let due: Vec<Outgoing> = {
                let mut book = self.book();
                let due = book.out.iter_mut().filter(|out| !out.taken && !out.under_way && out.at <= now);
                due.map(|out| {
                    out.under_way = true;
                    out.tries += 1;
                    out.clone()
                })
                .collect()
            };
            for out in due {
                for copy in 0..out.copies {
                    tokio::spawn(self.clone().deliver(out.clone(), copy));
                }
            }
        }
    }

    async fn deliver(self, out: Outgoing, copy: u32) {
        tokio::time::sleep(secs(u64::from(copy)) / 3).await;
        let target = if self.world.plan.second && out.tries.is_multiple_of(2) { SECOND } else { AGENT };
        let wall = self.world.wall(Wall::Endpoint);
        let url = format!("http://{target}/decisions");
        let request = signed(THEIRS, &out.id, wall, &url, Bytes::from(out.body.clone()));
        let of = |name| header(request.headers(), name).to_owned();
        let (begin, id) = (self.world.now(), out.id.clone());
        self.world.facts().captured.push(Captured {
            at: begin,
            id: of(ID),
            timestamp: of(TIMESTAMP),
            signature: of(SIGNATURE),
            body: out.body.clone(),
        });
        let answer = wire::send(request, LONGEST).await;
        match &answer {
            Ok(answer) if answer.status().as_u16() < 500 => {
                let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
                self.taken(&id, body["code"].as_str().unwrap_or("unauthenticated"));
            }
            other => {
                let why =
                    other.as_ref().map_or_else(ToString::to_string, |answer| answer.status().to_string());
                self.world.note(format_args!("endpoint brings {id} to {target} in vain: {why}"));
                if other.is_err() && self.world.was_parted(target, begin) {
                    self.world.fired("partition during the verdict");
                }
            }
        }
        let again = self.world.now() + AGAIN;
        if let Some(out) = self.book().out.iter_mut().find(|out| out.id == id) {
            out.under_way = false;
            out.at = out.at.max(again);
        }
    }

    async fn asked(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let question: Value = serde_json::from_slice(request.body()).unwrap();
        let pending: BTreeSet<RequestId> = question["pending"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_str().unwrap().parse().unwrap())
            .collect();
        let told = question["told"].as_array().cloned().unwrap_or_default();
        let mut codes: BTreeMap<String, String> = BTreeMap::new();
        for told in &told {
            let of = |field: &str| told[field].as_str().unwrap().to_owned();
            codes.insert(of("id"), of("code"));
            if of("id").starts_with("forged") {
                match of("code").as_str() {
                    "unauthenticated" => self.world.fired("unsigned decision in the poll"),
                    code => self.world.broken(format_args!("a decision that nobody signed is {code}")),
                }
            }
        }
        if let Some(covered) = question["cursor"].as_str() {
            // Once: the cursor stands in later questions as well, and what became of the decisions only in the first.
            let covered = self.book().given.remove(covered).unwrap_or_default();
            for id in covered {
                let known = self.book().out.iter().any(|out| out.id == id && out.taken);
                if !known {
                    self.taken(&id, codes.get(&id).map_or("covered", String::as_str));
                }
            }
        }
        let ends = self.world.now() + Duration::from_secs(question["wait"].as_u64().unwrap());
        loop {
            if let Some(answers) = self.given(&pending) {
                if self.on(&Fault::LosePollAnswer) {
                    self.world.fired("answer to the poll lost");
                    return None;
                }
                let mut answer = Response::new(Bytes::from(answers.to_string()));
                answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                return Some(answer);
            }
            if self.world.now() >= ends {
                return Some(empty(StatusCode::NO_CONTENT));
            }
            tokio::time::sleep(TURN).await;
        }
    }

    /// What there is to say of these requests.
    fn given(&self, pending: &BTreeSet<RequestId>) -> Option<Value> {
        let (now, wall) = (self.world.now(), self.world.wall(Wall::Endpoint));
        let mut book = self.book();
        let due = book.out.iter().filter(|out| !out.taken && out.at <= now && pending.contains(&out.request));
        let due: Vec<Outgoing> = due.cloned().collect();
        let mut sealed: Vec<Value> = due.iter().map(|out| seal(THEIRS, &out.id, wall, &out.body)).collect();
        if self.on(&Fault::ForgedInPoll)
            && book.forged < 3
            && let Some((request, card)) = book.cards.iter().find(|(request, _)| pending.contains(request))
        {
            let body = json!({
                "schema": "approvals.decision/1", "request": request, "digest": card.now.digest,
                "nonce": card.now.nonce, "person": "u-2", "decision": "approve",
                "decided_at": "2026-11-21T12:00:00Z",
            });
            book.forged += 1;
            sealed.insert(0, seal(OTHER, &format!("forged_{}", book.forged), wall, &body.to_string()));
        }
        if sealed.is_empty() {
            return None;
        }
        self.world.facts().strangers_at_most += sealed.len() as u64;
        book.cursors += 1;
        let cursor = format!("c{}", book.cursors);
        let ids = due.iter().map(|out| out.id.clone()).collect();
        book.given.insert(cursor.clone(), ids);
        Some(json!({ "format": "approvals.answers/1", "decisions": sealed, "cursor": cursor }))
    }
}

fn seal(signer: &str, id: &str, at: approvals::time::Timestamp, body: &str) -> Value {
    let request = signed(signer, id, at, "http://nobody/", Bytes::from(body.to_owned()));
    let of = |name| header(request.headers(), name);
    let timestamp: i64 = of(TIMESTAMP).parse().unwrap();
    json!({ "id": id, "timestamp": timestamp, "signature": of(SIGNATURE), "body": body })
}

fn empty(status: StatusCode) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}
