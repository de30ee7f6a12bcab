//! What sends in an agent: HTTP over the simulated network, watched from outside.

use std::time::Duration;

use approvals::time::Timestamp;
use approvals::transport::{Transport, TransportError, is_later, retry_after};
use approvals::webhook::signature::ID;
use async_trait::async_trait;
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Request, Response};
use serde_json::Value;

use crate::clock::Wall;
use crate::defect::Defect;
use crate::keys::{OURS, header, sign_again};
use crate::plan::{AGENT, Fault};
use crate::wire;
use crate::world::{Life, World};

/// As the transports of production have it: one for cards, one for questions.
const LONGEST: Duration = Duration::from_secs(10);
const LONGEST_QUESTION: Duration = Duration::from_secs(35);

#[derive(Clone)]
pub(crate) struct SimTransport {
    pub(crate) world: World,
    pub(crate) life: Life,
    pub(crate) defect: Option<Defect>,
}

/// What a message is about.
struct Topic {
    asks: bool,
    requested: bool,
    id: String,
    decide_by: Option<Timestamp>,
}

impl Topic {
    fn of(request: &Request<Bytes>) -> Self {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let decide_by = body["data"]["decide_by"].as_str().and_then(|time| time.parse().ok());
        let asks = request.uri().path() == "/asks";
        Self {
            asks,
            requested: body["type"] == "approval.requested",
            id: if asks { "the question".to_owned() } else { header(request.headers(), ID).to_owned() },
            decide_by,
        }
    }
}

impl SimTransport {
    /// One attempt, with what may not be said of it.
    async fn attempt(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        if self.life.is_over() {
            return std::future::pending().await;
        }
        let (world, topic, begin) = (&self.world, Topic::of(&request), self.world.now());
        world.note(format_args!("{} sends {}", self.life, topic.id));
        self.may_speak(&topic);
        if topic.requested {
            self.is_in_time(&topic);
        }
        let agent = if self.life.host == AGENT { AGENT } else { self.life.host };
        let slow = |fault: &Fault| {
            matches!(fault, Fault::SlowLink { agent: slow, .. } if *slow == agent).then_some(())
        };
        if world.window(slow).is_some() {
            world.fired("slow link");
        }
        let longest = if topic.asks { LONGEST_QUESTION } else { LONGEST };
        let answer = wire::send(request, longest).await;
        match &answer {
            Ok(answer) => {
                world.note(format_args!("{} hears {} of {}", self.life, answer.status(), topic.id));
                self.heard(&topic, answer);
            }
            Err(error) => {
                world.note(format_args!("{} fails with {}: {error}", self.life, topic.id));
                if world.was_parted(self.life.host, begin) {
                    let undecided = world.facts().waiting.is_empty();
                    world.fired(match (topic.asks, topic.requested) {
                        (true, false) if !undecided => "partition during the verdict",
                        (true, _) | (false, true) => "partition before the verdict",
                        (false, false) => "partition after the verdict",
                    });
                }
            }
        }
        answer
    }

    /// A host that asked for a pause is left in peace with the same message until it is over.
    fn may_speak(&self, topic: &Topic) {
        let now = self.world.now();
        let silence = self.world.facts().silence.get(&(self.life.to_string(), topic.id.clone())).copied();
        if silence.is_some_and(|until| now + Duration::from_millis(20) < until) {
            self.world.broken(format_args!("{} was sent again within its `Retry-After`", topic.id));
        }
    }

    fn heard(&self, topic: &Topic, answer: &Response<Bytes>) {
        let now = self.world.now();
        let mut facts = self.world.facts();
        let of_this_life = |key: &(String, String)| key.0 == self.life.to_string();
        if answer.status().is_success() {
            // Whoever takes a message wants the others as well.
            facts.silence.retain(|key, _| !of_this_life(key));
        } else if is_later(answer.status())
            && let Some(wait) = retry_after(answer.headers(), Timestamp::EPOCH)
        {
            facts.silence.insert((self.life.to_string(), topic.id.clone()), now + wait);
        }
    }

    /// People are not shown what they can no longer decide. Where wall clocks jump, nobody can tell from outside.
    fn is_in_time(&self, topic: &Topic) {
        let late = topic.decide_by.map(|by| by.until(self.world.wall(Wall::Agents)));
        if self.world.facts().jumped.is_none() && late.is_some_and(|late| late > Duration::from_secs(2)) {
            self.world.broken(format_args!("{} was sent after its deadline", topic.id));
        }
    }
}

#[async_trait]
impl Transport for SimTransport {
    async fn send(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let topic = Topic::of(&request);
        let wall = self.world.wall(Wall::Agents);
        match self.defect {
            Some(Defect::FreshIdPerAttempt) if !topic.asks => {
                let attempt = self.world.now().as_millis();
                sign_again(&mut request, OURS, &format!("{}_{attempt}", topic.id), wall);
            }
            Some(Defect::CursorBeforeDurable) if topic.asks => {
                let kept = self.world.facts().kept_cursor.clone();
                let mut question: Value = serde_json::from_slice(request.body()).unwrap();
                if let Some(cursor) = kept {
                    question["cursor"] = cursor.into();
                }
                *request.body_mut() = Bytes::from(question.to_string());
                let id = header(request.headers(), ID).to_owned();
                sign_again(&mut request, OURS, &id, wall);
            }
            _ => {}
        }
        let mut answer = self.attempt(request.clone()).await;
        match self.defect {
            Some(Defect::RetryAfterIsIgnored) => {
                if let Ok(answer) = &mut answer {
                    answer.headers_mut().remove(RETRY_AFTER);
                }
            }
            Some(Defect::CursorBeforeDurable) if topic.asks => {
                let body = answer.as_ref().map(|answer| answer.body().clone()).unwrap_or_default();
                let answers: Value = serde_json::from_slice(&body).unwrap_or_default();
                if let Some(cursor) = answers["cursor"].as_str() {
                    self.world.facts().kept_cursor = Some(cursor.to_owned());
                }
            }
            Some(Defect::RetriesOutliveTheDeadline) if topic.requested => {
                let arrived = answer.as_ref().is_ok_and(|answer| answer.status().is_success());
                if !arrived {
                    let (again, request) = (self.clone(), request.clone());
                    tokio::spawn(async move {
                        for _ in 0..60 {
                            tokio::time::sleep(Duration::from_secs(7)).await;
                            if again.attempt(request.clone()).await.is_ok_and(|a| a.status().is_success()) {
                                return;
                            }
                        }
                    });
                }
            }
            _ => {}
        }
        answer
    }
}
