//! Asking: one long poll for all pending requests at once, where nothing can reach this process.
//!
//! An endpoint holds the question until it has something to say. One that answers at once with nothing, for ever, or
//! that fails, is asked ever more seldom; one that answers before it was asked, or with what is not signed, is counted
//! and not believed.

mod pause;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use approvals_core::desk::Desk;
use approvals_core::id::{Chance, RequestId};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use tokio::task::JoinSet;

use self::pause::Pause;
use self::wire::Told;
pub(super) use self::wire::{Answers, Ask, Sealed};
use super::inbox::{Answer, Inbox, Received};
use super::pending::Pending;
use super::schema::Object;
use super::signature::{self, SigningKey};
use crate::transport::{Target, Transport, retry_after};

/// How long an endpoint may hold the question.
pub(super) const WAIT: Duration = Duration::from_secs(25);
/// The same while there are more requests than one question holds, so that all have their turn.
const WAIT_IN_TURN: Duration = Duration::from_secs(2);
/// The longest that an answer may take, from the question on.
pub(super) const LONGEST: Duration = Duration::from_secs(35);
/// The longest answer, in bytes.
pub(super) const LONGEST_ANSWER: usize = 1024 * 1024;
/// The most requests in one question, about 400 KB of it.
const MOST: usize = 10_000;
/// About how many requests the decisions of one answer are dealt with at the same time.
const AT_ONCE: usize = 64;
/// How long one decision may keep the next question from being asked, and how long after the first of an answer another is
/// begun, where some are not dealt with: a store that loses an answer keeps no other decision from being asked for.
const DEALT_WITHIN: Duration = Duration::from_secs(60);
/// Of how many decisions of one answer the endpoint is told what became of them.
const MOST_TOLD: usize = 1_000;
/// How long a question stands at least before one that names a new request takes its place.
const STANDS: Duration = Duration::from_millis(500);

/// It doubles so often while new requests keep coming, so that an answer from far away still arrives.
const DOUBLES: u32 = 3;

/// What it takes to ask.
pub(super) struct Asker {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) target: Target,
    pub(super) keys: Vec<SigningKey>,
    pub(super) chance: Arc<dyn Chance>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) pending: Pending,
}

/// What came of one question.
enum Came {
    /// Decisions; whether any of them was new, whether any counted for the first time, whether the endpoint held the
    /// question as it should, and whether it may have said again what its cursor covers, because that was left out.
    Answers { new: bool, counted: bool, held: bool, again: bool },
    /// A request was added meanwhile, and the question has to name it.
    Outdated,
    /// The same, and nothing that the question names can be answered any more.
    MovedOn,
    /// No answer that can be used; when to ask again at the earliest.
    Failed { why: String, after: Option<Duration> },
    /// The endpoint wants to be asked no more.
    Gone,
}

/// What the endpoint answered, and whether it held the question as it should.
struct Answered {
    answer: Response<Bytes>,
    held: bool,
}

/// Where the asking stands.
#[derive(Default)]
struct Place {
    cursor: Option<String>,
    /// The requests that the last answered question named, in order.
    named: Vec<RequestId>,
    told: Vec<Told>,
    /// The last request of the last batch.
    last: Option<RequestId>,
    /// How often in a row a question was outdated before it was answered.
    outdated: u32,
}

impl Place {
    /// The cursor, for a question that names no request anew. An endpoint may have passed over decisions for what it was
    /// not asked about when it gave the cursor, and those for a new request can be older than its name here: the endpoint
    /// has the card before we know that it has.
    fn cursor_for(&self, requests: &[RequestId]) -> Option<&str> {
        let known = |request| self.named.binary_search(request).is_ok();
        self.cursor.as_deref().filter(|_| requests.iter().all(known))
    }

    fn answered(&mut self, requests: &[RequestId]) {
        self.named.clear();
        self.named.extend(requests);
        self.named.sort_unstable();
    }
}

impl Asker {
    /// Asks until it is dropped, while anything is pending; returns only when the endpoint wants to be asked no more.
    pub(super) async fn run(&self, desk: &Desk) {
        let mut additions = self.pending.additions();
        let (mut place, mut pause) = (Place::default(), Pause::new(Arc::clone(&self.chance)));
        self.recall(desk, &mut pause).await;
        loop {
            additions.mark_unchanged();
            let (requests, whole) = self.pending.some(MOST, place.last);
            // What became of the last answers is told once more is asked, or with nothing left to ask about.
            if requests.is_empty() && place.told.is_empty() {
                // The sender lives in `self.pending`.
                let _ = additions.changed().await;
                continue;
            }
            place.last = requests.last().copied();
            let wait = match whole {
                _ if requests.is_empty() => Duration::ZERO,
                true => WAIT,
                false => WAIT_IN_TURN,
            };
            let (clock, since) = (self.inbox.clock(), additions.clone());
            let patience = STANDS.saturating_mul(1 << place.outdated.min(DOUBLES));
            let outdated = async {
                clock.sleep(patience).await;
                let _ = additions.changed().await;
            };
            // A call right after another waits for no question about the one before. Yet requests that are over as soon as
            // they are added, decided elsewhere or withdrawn, must not make a storm of questions either.
            let in_haste = pause.may_hurry();
            let mut moved_on = pin!(async {
                clock.sleep(if in_haste { Duration::ZERO } else { STANDS }).await;
                self.pending.moved_on(&requests, since).await;
            });
            // A question that is dropped has taken no cursor: what its answer held comes again. One whose answer is there is
            // not dropped: what became of the decisions in it would not be told.
            let answered = tokio::select! {
                biased;
                answered = self.ask(&requests, wait, &place) => Ok(answered),
                () = outdated => Err(Came::Outdated),
                () = &mut moved_on => Err(Came::MovedOn),
            };
            let came = match answered {
                Ok(Ok(answered)) => self.hear(answered, &requests, &mut place).await,
                Ok(Err(why)) => Came::Failed { why, after: None },
                Err(came) => came,
            };
            match came {
                Came::Outdated => place.outdated = place.outdated.saturating_add(1),
                Came::MovedOn => {}
                _ => place.outdated = 0,
            }
            match came {
                // Told once. Whatever the endpoint says to it, there is nothing left to ask about.
                Came::Answers { new: false, .. } if requests.is_empty() => place.told.clear(),
                // Who counts is bounded by people and requests; what is signed and does not count is not.
                Came::Answers { counted, held, .. } if counted || held => pause.reset(),
                // No sign of an endpoint that does not wait; yet a storm of new requests must not make one of questions.
                Came::Answers { again: true, .. } if whole => clock.sleep(pause.again()).await,
                Came::Answers { .. } => {
                    let idle = clock.sleep(pause.idle());
                    tokio::select! {
                        biased;
                        () = moved_on, if in_haste => pause.hurried(),
                        () = idle => {}
                    }
                }
                Came::MovedOn => pause.hurried(),
                Came::Outdated => {}
                Came::Failed { why, after } => {
                    let pause = pause.failed(after);
                    tracing::warn!(%why, seconds = pause.as_secs_f32(), "asking for answers failed and is tried again; mend the endpoint, or its URL and keys here");
                    clock.sleep(pause).await;
                }
                Came::Gone => {
                    tracing::error!(
                        "the endpoint says that it is gone (410) and is asked for answers no more; give the backend another URL to ask at, then start the agent again"
                    );
                    return;
                }
            }
        }
    }

    /// What an earlier process presented: its cards stand, and answers to them are asked for.
    async fn recall(&self, desk: &Desk, pause: &mut Pause) {
        loop {
            match desk.open_requests().await {
                Ok(open) => return self.pending.add(open),
                Err(error) => {
                    tracing::warn!(%error, "the open requests cannot be read and are not asked about yet; trying again, do what the error says if it stays");
                    self.inbox.clock().sleep(pause.failed(None)).await;
                }
            }
        }
    }

    /// Asks, and returns what the endpoint answers.
    async fn ask(&self, requests: &[RequestId], wait: Duration, place: &Place) -> Result<Answered, String> {
        let question = self.question(requests, wait, place)?;
        let clock = self.inbox.clock();
        let (mut held, late) = (clock.sleep(wait / 2), clock.sleep(LONGEST));
        let answer = tokio::select! {
            biased;
            answer = self.transport.send(question) => answer.map_err(|error| error.to_string())?,
            () = late => return Err("no answer in time".to_owned()),
        };
        let held = tokio::select! {
            biased;
            () = &mut held => !wait.is_zero(),
            () = std::future::ready(()) => false,
        };
        Ok(Answered { answer, held })
    }

    /// Takes in an answer to a question about these requests.
    async fn hear(&self, answered: Answered, requests: &[RequestId], place: &mut Place) -> Came {
        let Answered { answer, held } = answered;
        let withheld = place.cursor.is_some() && place.cursor_for(requests).is_none();
        match answer.status() {
            StatusCode::NO_CONTENT => {
                place.told.clear();
                place.answered(requests);
                Came::Answers { new: false, counted: false, held, again: false }
            }
            StatusCode::OK => match Answers::read(answer.body()) {
                Ok(Answers { decisions, cursor, .. }) => {
                    let again = withheld && !decisions.is_empty();
                    match self.take(decisions, place).await {
                        Ok((new, counted)) => {
                            place.answered(requests);
                            place.cursor = cursor.or_else(|| place.cursor.take());
                            Came::Answers { new, counted, held, again }
                        }
                        Err(why) => Came::Failed { why, after: None },
                    }
                }
                Err(error) => {
                    Came::Failed { why: format!("the answer cannot be read: {error}"), after: None }
                }
            },
            StatusCode::GONE => Came::Gone,
            status => Came::Failed {
                why: format!("the endpoint says {status}"),
                after: retry_after(answer.headers(), self.inbox.clock().now()),
            },
        }
    }

    fn question(
        &self,
        requests: &[RequestId],
        wait: Duration,
        place: &Place,
    ) -> Result<Request<Bytes>, String> {
        let ask = Ask {
            format: Ask::FORMAT,
            pending: requests,
            cursor: place.cursor_for(requests),
            wait: wait.as_secs(),
            told: &place.told,
        };
        let body = serde_json::to_vec(&ask).map_err(|error| error.to_string())?;
        let mut id = [0; 16];
        self.chance.fill(&mut id).map_err(|error| error.to_string())?;
        let id = format!("ask_{:032x}", u128::from_be_bytes(id));
        let now = self.inbox.clock().now();
        let signature = signature::sign(&self.keys, &id, now, &body).map_err(|error| error.to_string())?;
        Request::builder()
            .method(Method::POST)
            .uri(self.target.uri().clone())
            .header(CONTENT_TYPE, "application/json")
            .header(signature::ID, id)
            .header(signature::TIMESTAMP, signature::seconds(now))
            .header(signature::SIGNATURE, signature)
            .body(Bytes::from(body))
            .map_err(|error| error.to_string())
    }

    /// Deals with every decision; whether any was new, and whether any counted for the first time. Only then is the cursor
    /// taken: what could not be recorded comes again.
    ///
    /// Side by side, so that a store which commits whatever waits has more than one in a commit; those about one
    /// request in their order. One that is not dealt with holds up no other request, and all of them not for long.
    async fn take(&self, decisions: Vec<Object<Sealed>>, place: &mut Place) -> Result<(bool, bool), String> {
        let mut told = Vec::new();
        told.resize_with(decisions.len(), || None);
        let mut waiting = by_request(decisions);
        let (mut dealing, mut late) = (JoinSet::new(), self.inbox.clock().sleep(DEALT_WITHIN));
        let (mut is_late, mut is_away, mut new, mut counted) = (false, false, false, false);
        loop {
            while dealing.len() < AT_ONCE
                && !(is_late && is_away)
                && let Some(decisions) = waiting.pop_front()
            {
                dealing.spawn(deal(Arc::clone(&self.inbox), decisions));
            }
            let dealt = tokio::select! {
                biased;
                () = &mut late, if !is_late => {
                    is_late = true;
                    continue;
                }
                dealt = dealing.join_next() => dealt,
            };
            let Some(dealt) = dealt else { break };
            let Ok(Some(dealt)) = dealt else {
                is_away = true;
                continue;
            };
            for (turn, what, Received { answer, is_new }) in dealt {
                new |= is_new;
                counted |= is_new && matches!(answer, Answer::Counted { .. });
                if let Some(place) = told.get_mut(turn) {
                    *place = Some(what);
                }
            }
        }
        if is_away {
            return Err(Answer::Away.to_string());
        }
        // Bounded, so that no answer makes a question that the endpoint has to refuse.
        let told = told.into_iter().flatten().filter(Told::is_short);
        place.told = told.take(MOST_TOLD).collect();
        Ok((new, counted))
    }
}

/// Decisions in the order in which they came, those about one request together.
type Decisions = Vec<(usize, Sealed)>;

fn by_request(decisions: Vec<Object<Sealed>>) -> VecDeque<Decisions> {
    let (mut requests, mut places) = (VecDeque::<Decisions>::new(), HashMap::new());
    for (turn, Object(sealed)) in decisions.into_iter().enumerate() {
        let place = *places.entry(sealed.about()).or_insert(requests.len());
        match requests.get_mut(place) {
            Some(decisions) => decisions.push((turn, sealed)),
            None => requests.push_back(vec![(turn, sealed)]),
        }
    }
    requests
}

/// What became of decisions about one request; `None` once one could not be dealt with.
async fn deal(inbox: Arc<Inbox>, decisions: Decisions) -> Option<Vec<(usize, Told, Received)>> {
    let mut dealt = Vec::with_capacity(decisions.len());
    for (turn, sealed) in decisions {
        // A megabyte of forged signatures takes a while to verify; everything else goes on meanwhile.
        tokio::task::yield_now().await;
        // What is under way is not cut off: it is waited for again when the decision comes again.
        let received = tokio::select! {
            biased;
            received = sealed.receive(&inbox) => received,
            () = inbox.clock().sleep(DEALT_WITHIN) => Answer::Away.into(),
        };
        if received.answer == Answer::Away {
            return None;
        }
        dealt.push((turn, Told::of(&sealed, &received.answer), received));
    }
    Some(dealt)
}

/// The ids of the decisions in an answer, and its cursor.
#[cfg(test)]
pub(super) fn read_answers(body: &[u8]) -> Result<(Vec<String>, Option<String>), String> {
    let answers = Answers::read(body).map_err(|error| error.to_string())?;
    Ok((answers.decisions.into_iter().map(|Object(sealed)| sealed.id).collect(), answers.cursor))
}
