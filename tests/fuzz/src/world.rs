//! A request that waits, a webhook that it was sent to, and an endpoint that is all the input's.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals::action::Risk;
use approvals::backend::Backend as _;
use approvals::card::Card;
use approvals::desk::{Desk, Way, WayKind};
use approvals::id::{Chance, NoChance, RequestId, Seq, Version};
use approvals::ledger::{Append, Env, Event, Memory, Payload, Store as _, Stream};
use approvals::people::{Assurance, People, Person, Requester};
use approvals::request::{CallFacts, Chain, Digest, Quorum, Requested, Requirement, Seed, Terms};
use approvals::state::State;
use approvals::time::{Clock, Sleep, Timestamp};
use approvals::transport::{Retry, Transport, TransportError};
use approvals::webhook::Webhook;
use approvals::webhook::signature::{SigningKey, seconds, sign};
use bytes::Bytes;

/// The keys of the endpoint.
pub(crate) const HMAC: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
pub(crate) const ED25519: &str = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
/// What this side signs with.
const OURS: &str = "whsec_AgICAgICAgICAgICAgICAgICAgICAgIC";
/// The id of the messages that the endpoint signs.
pub(crate) const MESSAGE: &str = "msg_1";
/// How many turns a task gets to come to rest. Nothing here waits for anything outside.
const TURNS: usize = 64;

/// 2126-11-21T22:53:29Z. A desk takes the later of the ledger's time and the system's: before that one reaches this day,
/// nothing here comes too late.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(4_950_975_209_000_000);

/// A clock that stands still, and that no sleep ends on.
#[derive(Clone, Copy)]
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn sleep(&self, _: Duration) -> Sleep {
        Box::pin(std::future::pending())
    }
}

/// The same bytes each time.
struct Same;

impl Chance for Same {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoChance> {
        bytes.fill(7);
        Ok(())
    }
}

/// Answers once with what it was told to, and then never.
#[derive(Clone, Default)]
pub(crate) struct Scripted(Arc<Script>);

#[derive(Default)]
struct Script {
    answer: Mutex<Option<http::Response<Bytes>>>,
    last: Mutex<Option<Bytes>>,
    asked: AtomicUsize,
}

impl Scripted {
    pub(crate) fn answer(&self, status: u16, kind: &str, body: String) {
        let mut answer = http::Response::new(Bytes::from(body));
        *answer.status_mut() = http::StatusCode::from_u16(status).unwrap();
        if let (false, Ok(kind)) = (kind.is_empty(), http::HeaderValue::from_str(kind)) {
            answer.headers_mut().insert(http::header::CONTENT_TYPE, kind);
        }
        *self.0.answer.lock().unwrap() = Some(answer);
    }

    /// The body of what was sent last.
    pub(crate) fn last(&self) -> Bytes {
        self.0.last.lock().unwrap().clone().unwrap_or_default()
    }

    pub(crate) fn asked(&self) -> usize {
        self.0.asked.load(Ordering::Relaxed)
    }
}

#[async_trait::async_trait]
impl Transport for Scripted {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        *self.0.last.lock().unwrap() = Some(request.into_body());
        let answer = self.0.answer.lock().unwrap().take();
        match answer {
            Some(answer) => Ok(answer),
            None => std::future::pending().await,
        }
    }
}

pub(crate) struct World {
    pub(crate) webhook: Webhook,
    pub(crate) transport: Scripted,
    pub(crate) request: RequestId,
    pub(crate) store: Memory,
    keys: [SigningKey; 2],
    digest: Digest,
    nonce: String,
}

/// Two people of the endpoint's provider who may decide, and Dana, who owns the agent.
pub(crate) fn people() -> People {
    let somebody =
        |id: &str| Person::new(id).known_as("webhook", id).known_as("webhook", format!("{id}@example.org"));
    People::new([somebody("dana"), somebody("kim").in_group("sre"), somebody("lee").in_group("security")])
        .unwrap()
}

/// A request of Dana's agent.
pub(crate) fn requested(payload: &mut Payload, risk: Risk, quorum: Quorum) -> Requested {
    Requested {
        call: CallFacts {
            action: "cleanup.delete_files".to_owned(),
            risk,
            sensitivity: None,
            arguments: Vec::new(),
            reason: Some(payload.commit_text("reason", "removes 3 files")),
            resource: None,
            labels: Default::default(),
            requester: Requester { agent: "cleaner".into(), owner: "dana".into(), on_behalf_of: None },
            rerunnable: false,
            quorum: None,
        },
        terms: Terms {
            requirement: Requirement { quorum, assurance: Assurance::Local, ..Requirement::at(risk) },
            policy: "risk-policy/1".into(),
            nonce: "07".repeat(16),
            build: "action-approvals 0.1.0".to_owned(),
            open_to_store: false,
            round: None,
            inside: Chain::default(),
        },
    }
}

/// Opens a request in a store and gives its digest.
pub(crate) async fn open(store: &Memory, request: RequestId, risk: Risk, quorum: Quorum) -> Digest {
    let mut payload = Payload::new(Seed::fresh(&Same).unwrap());
    let requested = requested(&mut payload, risk, quorum);
    let digest = requested.digest().unwrap();
    let event = approvals::ledger::NewEvent::with(Event::Requested(requested.into()), payload);
    let append = Append {
        stream: Stream::Request(request),
        expected: Some(Version(0)),
        env: Env::Live,
        node: "host/cleaner".into(),
        events: vec![event],
    };
    store.append(append).await.unwrap();
    digest
}

/// The id of the one request.
pub(crate) fn request() -> RequestId {
    RequestId::from_uuid(uuid::Uuid::from_u128(0x0192_f0c1_7a3e_7c2b_9d55_3f6a_1b2c_4d5e))
}

/// Runs something in a fresh world, on this thread.
pub(crate) fn run_with(work: impl AsyncFnOnce(&World)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let world = World::new().await;
        let desk = world.desk();
        let webhook = world.webhook.clone();
        let listening = tokio::spawn(async move { webhook.listen(desk).await });
        settle().await;
        work(&world).await;
        listening.abort();
    });
}

async fn settle() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

impl World {
    async fn new() -> Self {
        let (store, transport, request) =
            (Memory::with_clock(Arc::new(Still)).unwrap(), Scripted::default(), request());
        let digest = open(&store, request, Risk::High, Quorum::people(2)).await;
        let keys = [HMAC, ED25519].map(|key| key.parse::<SigningKey>().unwrap());
        let mut builder =
            Webhook::builder("https://ops.example/approvals").ask_at("https://ops.example/answers");
        for key in &keys {
            builder = builder.verify_with(key.verifying());
        }
        let webhook = builder
            .sign_with(OURS.parse().unwrap())
            .transport(transport.clone())
            .retry(Retry::default().attempts(1))
            .clock(Still)
            .chance(Same)
            .build()
            .unwrap();
        let mut world = Self { webhook, transport, request, store, keys, digest, nonce: String::new() };
        world.nonce = world.nonce_of_card().await;
        world
    }

    /// As an endpoint learns it: from the card.
    async fn nonce_of_card(&self) -> String {
        self.transport.answer(204, "", String::new());
        // By another backend of the same keys, so that this one still knows of nothing.
        let other = Webhook::builder("https://ops.example/approvals")
            .sign_with(OURS.parse().unwrap())
            .verify_with(self.keys[1].verifying())
            .ask_at("https://ops.example/answers")
            .transport(self.transport.clone())
            .clock(Still)
            .build()
            .unwrap();
        other.present(&self.card().await).await.unwrap();
        self.transport.0.asked.store(0, Ordering::Relaxed);
        let sent = self.transport.0.last.lock().unwrap().take().unwrap();
        let message: serde_json::Value = serde_json::from_slice(&sent).unwrap();
        message["data"]["nonce"].as_str().unwrap().to_owned()
    }

    fn desk(&self) -> Desk {
        let way = Way {
            id: "webhook".into(),
            provider: "webhook".into(),
            assurance: Assurance::Signed,
            kind: WayKind::Backend,
        };
        Desk::new(Arc::new(self.store.clone()), Arc::new(people()), way, "host/cleaner")
    }

    pub(crate) async fn card(&self) -> Card {
        let history = self.store.history(Stream::Request(self.request)).await.unwrap();
        Card::of(&history, &State::fold(&history).unwrap()).unwrap()
    }

    pub(crate) async fn state(&self) -> State {
        State::fold(&self.store.history(Stream::Request(self.request)).await.unwrap()).unwrap()
    }

    /// How many records there are, but for the counts of strangers.
    pub(crate) async fn records(&self) -> usize {
        let records = self.store.records(Seq::START, usize::MAX).await.unwrap();
        let strangers = |event: &Event| matches!(event, Event::Unauthenticated { .. });
        records.iter().filter(|record| !strangers(&record.body.event)).count()
    }

    /// Presents the card, so that the backend asks about it, and lets it.
    pub(crate) async fn ask(&self) {
        let answer = self.transport.0.answer.lock().unwrap().take();
        self.transport.answer(204, "", String::new());
        let _ = self.webhook.present(&self.card().await).await;
        *self.transport.0.answer.lock().unwrap() = answer;
        settle().await;
    }

    /// The nonce of a card that was sent; nothing for every other.
    pub(crate) fn nonce_of(&self, request: RequestId, digest: &Digest) -> String {
        if request == self.request && *digest == self.digest { self.nonce.clone() } else { "none".to_owned() }
    }

    /// Puts in what an endpoint knows: `{request}`, `{digest}`, `{nonce}`, `{decision}` and `{sealed}`.
    pub(crate) fn fill(&self, text: &str) -> String {
        let decision = serde_json::json!({
            "schema": "approvals.decision/1",
            "request": self.request,
            "digest": self.digest,
            "nonce": self.nonce,
            "person": "kim",
            "decision": "approve",
            "decided_at": Still.now(),
        })
        .to_string();
        let now = seconds(Still.now());
        let signature = self.signatures(MESSAGE, now, decision.as_bytes()).join(" ");
        let sealed =
            serde_json::json!({ "id": MESSAGE, "timestamp": now, "signature": signature, "body": decision });
        text.replace("{sealed}", &sealed.to_string())
            .replace("{decision}", &decision)
            .replace("{request}", &self.request.to_string())
            .replace("{digest}", &self.digest.to_hex())
            .replace("{nonce}", &self.nonce)
    }

    /// Puts the endpoint's signatures into the value of a header, and says whether it did.
    pub(crate) fn sign(&self, value: &str, body: &[u8]) -> (String, bool) {
        let now = seconds(Still.now());
        let signatures = self.signatures(MESSAGE, now, body);
        let signed = ["{v1}", "{v1a}"].into_iter().any(|word| value.contains(word));
        let value = value.replace("{id}", MESSAGE).replace("{now}", &now.to_string());
        (value.replace("{v1}", &signatures[0]).replace("{v1a}", &signatures[1]), signed)
    }

    /// What the endpoint would sign a message with.
    pub(crate) fn signatures(&self, id: &str, at: i64, body: &[u8]) -> Vec<String> {
        let at = Timestamp::from_micros(at.saturating_mul(1_000_000));
        let made =
            self.keys.iter().map(|key| sign(std::slice::from_ref(key), id, at, body).unwrap_or_default());
        made.filter(|made| !made.is_empty()).collect()
    }
}
