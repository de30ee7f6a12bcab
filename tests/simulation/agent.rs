//! A host with an agent: production code from the call to the wire, and back in through the router.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals::ledger::{Append, Env, Event, Store as _, Stream};
use approvals::time::Clock as _;
use approvals::webhook::Webhook;
use approvals::webhook::schema::Decision;
use approvals::webhook::signature::{ID, TIMESTAMP};
use approvals::{
    Agent, ApprovalError, Approvals, Assurance, Call, ErrorKind, People, Person, Risk, RiskPolicy,
};
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::json;
use tower::ServiceExt as _;

use crate::clock::{SimClock, Wall};
use crate::defect::Defect;
use crate::dice::{Dice, Seeded};
use crate::keys::{OURS, THEIRS, header, is_signed, key, sign_again};
use crate::plan::{CallPlan, Fault, Point, SECOND, Way};
use crate::store::Disk;
use crate::transport::SimTransport;
use crate::wire;
use crate::world::{Life, World};

/// How long until an agent that could not go on tries again.
const AGAIN: Duration = Duration::from_secs(2);

pub(crate) fn directory() -> People {
    let people = [
        Person::new("dana").known_as("acme", "u-dana"),
        Person::new("ann").known_as("acme", "u-1"),
        Person::new("ben").known_as("acme", "u-2"),
    ];
    People::new(people).unwrap()
}

/// Who somebody at the endpoint is in the directory, if they may decide.
pub(crate) fn reviewer(person: &str) -> Option<&'static str> {
    match person {
        "u-1" => Some("ann"),
        "u-2" => Some("ben"),
        _ => None,
    }
}

/// One life of an agent, until the power goes.
pub(crate) async fn live(world: World, host: &'static str, defect: Option<Defect>) -> turmoil::Result {
    let life = world.begin(host);
    if host == SECOND && !world.plan.second {
        std::future::pending::<()>().await;
    }
    let dice = |purpose: &str| Dice::of(world.plan.seed, &format!("{life} {purpose}"));
    let clock = SimClock { world: world.clone(), wall: Wall::Agents, life: Some(life.clone()) };
    let latency = Arc::new(Mutex::new(dice("disk")));
    let disk = Disk { world: world.clone(), life: life.clone(), dice: latency, defect };
    let mut webhook = Webhook::builder("http://endpoint/cards")
        .insecure_http()
        .provider("acme")
        .assurance(Assurance::Sso)
        .sign_with(key(OURS))
        .verify_with(key(THEIRS).verifying())
        .transport(SimTransport { world: world.clone(), life: life.clone(), defect })
        .clock(clock.clone())
        .chance(Seeded::new(dice("webhook")));
    if world.plan.way != Way::CalledBack {
        webhook = webhook.ask_at("http://endpoint/asks");
    }
    let webhook = webhook.build()?;
    let approvals = loop {
        let policy = RiskPolicy::ask_from(Risk::Medium)
            .people(world.plan.quorum, Risk::High)
            .decide_within(world.plan.decide_within)
            .use_within(world.plan.use_within);
        let built = Approvals::builder()
            .agent(Agent::new("bot").owned_by("dana"))
            .node(format!("node/{host}"))
            .directory(directory())
            .policy(policy)
            .store(disk.clone())
            .clock(Arc::new(clock.clone()))
            .chance(Arc::new(Seeded::new(dice("core"))))
            .backend(webhook.clone())
            .build()
            .await;
        match built {
            Ok(approvals) => break approvals,
            Err(error) => world.note(format_args!("{life} does not come up: {error}")),
        }
        clock.sleep(AGAIN).await;
    };
    world.note(format_args!("{life} is up"));
    for (number, call) in world.plan.calls.iter().enumerate() {
        if call.keyed || host != SECOND {
            let caller =
                Caller { world: world.clone(), life: life.clone(), approvals: approvals.clone(), number };
            tokio::spawn(caller.works(call.clone(), clock.clone()));
        }
    }
    let door = Door { world, life, disk, defect, router: webhook.router() };
    let served: Result<Infallible, _> = wire::serve(move |request| door.clone().answer(request)).await;
    match served {
        Ok(never) => match never {},
        Err(error) => Err(error.into()),
    }
}

/// Somebody who makes a call until it is over.
struct Caller {
    world: World,
    life: Life,
    approvals: Approvals,
    number: usize,
}

impl Caller {
    async fn works(self, plan: CallPlan, clock: SimClock) {
        let (world, number) = (&self.world, self.number);
        let begin = plan.at.saturating_sub(world.now());
        tokio::time::sleep(begin).await;
        loop {
            let place = (number, self.life.host);
            if world.facts().done.contains_key(&place) {
                return;
            }
            if !plan.keyed && !world.facts().made_once.insert(number) {
                world.facts().done.insert(place, "cut off".to_owned());
                return;
            }
            let outcome = self.calls(&plan).await;
            let word = outcome.as_ref().map_or_else(|error| error.kind().as_str(), |()| "ok");
            world.note(format_args!("{} call {number}: {word}", self.life));
            match outcome.map_err(|error| error.kind()) {
                Err(ErrorKind::Pending | ErrorKind::Running | ErrorKind::Store | ErrorKind::Unavailable)
                    if plan.keyed => {}
                _ => {
                    let now = world.now();
                    let mut facts = world.facts();
                    facts.done.insert(place, word.to_owned());
                    facts.last_done = now;
                    return;
                }
            }
            clock.sleep(AGAIN).await;
        }
    }

    async fn calls(&self, plan: &CallPlan) -> Result<(), ApprovalError> {
        let (world, life, number, takes) = (self.world.clone(), self.life.clone(), self.number, plan.takes);
        let invoice = format!("inv-{number}");
        let mut call =
            Call::new("sim.pay").risk(Risk::High).arg("invoice", &invoice).resource(format!("call:{number}"));
        if plan.keyed {
            call = call.key(&invoice);
        }
        if plan.keyed && !plan.patient {
            call = call.wait(Duration::from_secs(20));
        }
        let body = || async move {
            world.note(format_args!("{life} BODY {number} begins"));
            *world.facts().begun.entry(number).or_default() += 1;
            let started = world.started().await;
            let begun: u64 = world.facts().begun.values().sum();
            if started < begun {
                world.broken("a body began before its claim was durable");
            }
            world.may_fall(Point::InBody, &life).await;
            tokio::time::sleep(takes).await;
            world.note(format_args!("{life} BODY {number} ends"));
            *world.facts().ended.entry(number).or_default() += 1;
            Ok(())
        };
        self.approvals.gate(call).run(body).await
    }
}

/// What stands in front of the router: watches who comes, and loses answers.
#[derive(Clone)]
struct Door {
    world: World,
    life: Life,
    disk: Disk,
    defect: Option<Defect>,
    router: Router,
}

impl Door {
    async fn answer(self, mut request: Request<Bytes>) -> Option<Response<Bytes>> {
        *request.uri_mut() = "/".parse().unwrap();
        let id = header(request.headers(), ID).to_owned();
        self.watch(&request);
        if let Some(answer) = self.acknowledge(&request) {
            return Some(answer);
        }
        self.mend(&mut request);
        let answer = self.router.clone().oneshot(request.map(Body::from)).await.ok()?;
        let (head, body) = answer.into_parts();
        let mut answer = Response::from_parts(head, to_bytes(body, 1 << 20).await.ok()?);
        self.world.note(format_args!("{} answers {id} with {}", self.life, answer.status()));
        match answer.status() {
            StatusCode::UNAUTHORIZED => {
                if self.defect == Some(Defect::StrangersAreTold) {
                    let why = if id.starts_with("decision") { "too old" } else { "wrong key" };
                    *answer.body_mut() = Bytes::from(json!({ "detail": why }).to_string());
                }
                let text = String::from_utf8_lossy(answer.body()).into_owned();
                self.world.facts().refusals.insert(text);
                self.world.stranger();
            }
            StatusCode::METHOD_NOT_ALLOWED => self.world.stranger(),
            _ => {}
        }
        if self.defect == Some(Defect::StrangersAreRecordedOneByOne)
            && answer.status() == StatusCode::UNAUTHORIZED
        {
            let event = Event::Unauthenticated { way: "webhook".into(), count: 1 };
            let (node, events) = ("node/agent".into(), vec![event.into()]);
            let append = Append { stream: Stream::System, expected: None, env: Env::Live, node, events };
            let _ = self.disk.append(append).await;
        }
        let lost = |fault: &Fault| matches!(fault, Fault::LoseCallbackAnswer).then_some(());
        if answer.status() == StatusCode::OK && self.world.window(lost).is_some() {
            self.world.fired("answer to the callback lost");
            return None;
        }
        Some(answer)
    }

    fn watch(&self, request: &Request<Bytes>) {
        let id = header(request.headers(), ID);
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let Some(number) = id.strip_prefix("decision_").and_then(|number| number.parse::<u64>().ok()) else {
            return;
        };
        let (again, behind) = {
            let mut facts = self.world.facts();
            let again = !facts.arrived.insert((self.life.host, body));
            let newest = facts.newest.entry(self.life.host).or_default();
            let behind = number < *newest;
            *newest = number.max(*newest);
            (again, behind)
        };
        if again {
            self.world.fired("callback duplicated");
        } else if behind {
            self.world.fired("callback reordered");
        }
    }

    /// Says yes first and does it later.
    fn acknowledge(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let wall = self.world.wall(Wall::Agents);
        if self.defect != Some(Defect::AcknowledgedBeforeDurable) || !is_signed(request, THEIRS, wall) {
            return None;
        }
        let (router, request) = (self.router.clone(), request.clone());
        tokio::spawn(async move {
            tokio::time::sleep(AGAIN).await;
            router.oneshot(request.map(Body::from)).await
        });
        Some(Response::new(Bytes::from_static(br#"{"code":"counted"}"#)))
    }

    /// Makes of what must not count what does, as a check that is missing would.
    fn mend(&self, request: &mut Request<Bytes>) {
        let wall = self.world.wall(Wall::Agents);
        let Ok(mut decision) = Decision::from_json(request.body()) else { return };
        let id = match header(request.headers(), ID) {
            "" => "unsigned".to_owned(),
            id => id.to_owned(),
        };
        let card = self.world.facts().nonces.get(&decision.request).cloned();
        match self.defect {
            Some(Defect::SignatureIsNotVerified) => {}
            Some(Defect::AgeIsNotChecked) => {
                let seconds: i64 = header(request.headers(), TIMESTAMP).parse().unwrap_or_default();
                let then = approvals::time::Timestamp::from_micros(seconds * 1_000_000);
                if !is_signed(request, THEIRS, then) {
                    return;
                }
            }
            Some(Defect::DigestIsNotCompared) => {
                let Some((digest, nonce)) = card.filter(|_| is_signed(request, THEIRS, wall)) else { return };
                if decision.nonce != nonce {
                    return;
                }
                decision.digest = digest;
                *request.body_mut() = Bytes::from(serde_json::to_vec(&decision).unwrap());
            }
            Some(Defect::NonceIsNotCompared) => {
                let Some((_, nonce)) = card.filter(|_| is_signed(request, THEIRS, wall)) else { return };
                decision.nonce = nonce;
                *request.body_mut() = Bytes::from(serde_json::to_vec(&decision).unwrap());
            }
            _ => return,
        }
        sign_again(request, THEIRS, &id, wall);
        request.headers_mut().insert(http::header::CONTENT_TYPE, "application/json".parse().unwrap());
    }
}
