//! Legal requests and events, for the suite and for the tests that outsiders add to it.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use approvals_core::conformance::sample::Sample;
//! use approvals_core::ledger::{Memory, Store};
//! use approvals_core::state::{Phase, State};
//!
//! let store = Memory::new()?;
//! let refund = Sample::new().people(2);
//! store.append(refund.opens()).await?;
//! store.append(refund.at(1, [refund.approved_by("ann"), refund.approved_by("ben")])).await?;
//! assert_eq!(State::fold(&store.history(refund.stream()).await?)?.phase(), Phase::Approved);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::action::Risk;
use crate::id::{ClaimId, RequestId, Version};
use crate::ledger::{
    Allowed, Answer, Append, CancelWhy, Env, Event, Finish, NewEvent, Payload, Reconciliation, Reviewed,
    Stream,
};
use crate::people::{Assurance, Requester};
use crate::request::{
    ArgumentFact, ArgumentValue, CallFacts, Digest, Quorum, Requested, Requirement, Seed, Terms,
};
use crate::time::Timestamp;

/// The node that samples are written by.
pub const NODE: &str = "host/agent";

/// A request of an agent `refund-bot`, owned by `olga`, that nobody has answered yet.
///
/// Anybody but `olga` may approve it. Every sample has an id of its own.
#[derive(Debug, Clone)]
pub struct Sample {
    id: RequestId,
    env: Env,
    requested: Requested,
    payload: Payload,
}

impl Default for Sample {
    fn default() -> Self {
        Self::new()
    }
}

impl Sample {
    /// A request for one person, with an hour to decide and 15 minutes to use the approval.
    pub fn new() -> Self {
        let mut sample = Self {
            id: RequestId::from_uuid(next_uuid()),
            env: Env::Live,
            requested: Requested { call: call(), terms: terms() },
            payload: Payload::new(Seed::from_bytes(unique())),
        };
        sample.requested.call.reason = Some(sample.payload.commit_text("reason", "refunds an order"));
        sample.payload.note("model", "sample");
        sample
    }

    /// Takes so many people, from anywhere.
    #[must_use]
    pub fn people(mut self, count: u32) -> Self {
        self.requested.terms.requirement.quorum = Quorum::people(count);
        self
    }

    /// Under an id that is in no order, as that of a keyed call is; without it ids are in the order of time.
    #[must_use]
    pub fn keyed(mut self) -> Self {
        self.id = RequestId::from_uuid(unique_uuid());
        self
    }

    /// Asked by another agent.
    #[must_use]
    pub fn agent(mut self, agent: &str) -> Self {
        self.requested.call.requester.agent = agent.into();
        self
    }

    /// Made by a test.
    #[must_use]
    pub fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// The body may run again after a crash.
    #[must_use]
    pub fn rerunnable(mut self) -> Self {
        self.requested.call.rerunnable = true;
        self
    }

    /// Life of the request and life of the permit; each 1 s to 30 d.
    #[must_use]
    pub fn clocks(mut self, decide_within: Duration, use_within: Duration) -> Self {
        let requirement = &mut self.requested.terms.requirement;
        (requirement.decide_within, requirement.use_within) = (decide_within, use_within);
        self
    }

    /// Adds an argument with a text.
    #[must_use]
    pub fn argument(mut self, name: &str, text: &str) -> Self {
        let commitment = self.payload.commit_text(name, text);
        let value = ArgumentValue::Shown(commitment);
        self.requested.call.arguments.push(ArgumentFact { name: name.to_owned(), value });
        self
    }

    /// Its id.
    pub fn id(&self) -> RequestId {
        self.id
    }

    /// Its stream.
    pub fn stream(&self) -> Stream {
        Stream::Request(self.id)
    }

    /// Its digest.
    pub fn digest(&self) -> Digest {
        // Text and small integers always have a canonical form; a store would refuse the request otherwise.
        self.requested.digest().unwrap_or(Digest::from_bytes([0; 32]))
    }

    /// The values behind its commitments.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The append that opens it, at version 0.
    pub fn opens(&self) -> Append {
        let event = Event::Requested(self.requested.clone().into());
        self.at(0, [NewEvent::with(event, self.payload.clone())])
    }

    /// An append of events to its stream at a version.
    pub fn at<E: Into<NewEvent>>(&self, version: u64, events: impl IntoIterator<Item = E>) -> Append {
        let events = events.into_iter().map(Into::into).collect();
        Append { expected: Some(Version(version)), ..self.append(events) }
    }

    /// An append of a note to its stream, at whatever version.
    pub fn note(&self, note: impl Into<NewEvent>) -> Append {
        self.append(vec![note.into()])
    }

    fn append(&self, events: Vec<NewEvent>) -> Append {
        Append { stream: self.stream(), expected: None, env: self.env, node: NODE.into(), events }
    }

    /// A person approves it.
    pub fn approved_by(&self, person: &str) -> Event {
        self.reviewed(person, Answer::Approve)
    }

    /// A person denies it.
    pub fn denied_by(&self, person: &str) -> Event {
        self.reviewed(person, Answer::Deny)
    }

    fn reviewed(&self, person: &str, answer: Answer) -> Event {
        Event::Reviewed(Reviewed {
            answer,
            by: person.into(),
            groups: BTreeSet::new(),
            assurance: Assurance::Local,
            way: "terminal".into(),
            digest: self.digest(),
            comment: None,
        })
    }

    /// A person vouches that the body ran.
    pub fn reconciled_by(&self, person: &str) -> Event {
        let reason = self.payload.seed().commit_text("reason", "the order is refunded");
        Event::Reconciled { outcome: Reconciliation::Ran, by: person.into(), reason }
    }
}

/// A fresh attempt.
pub fn claim() -> ClaimId {
    ClaimId::from_uuid(unique_uuid())
}

/// The attempt starts.
pub fn started(claim: ClaimId) -> Event {
    Event::Started { claim }
}

/// The body returned `Ok`.
pub fn finished(claim: ClaimId) -> Event {
    Event::Finished { claim, outcome: Finish::Ok {} }
}

/// The attempt was cut off inside the body.
pub fn lost(claim: ClaimId) -> Event {
    Event::Lost { claim }
}

/// The caller is gone.
pub fn withdrawn() -> Event {
    Event::Cancelled { by: None, why: CancelWhy::Withdrawn }
}

/// A note: a person looked at the request.
pub fn viewed_by(person: &str) -> Event {
    Event::Viewed { by: person.into(), way: "terminal".into() }
}

/// An append to the stream `system`: a process came up.
pub fn process_up() -> Append {
    let event = Event::Up { build: "sample/1.0.0".to_owned(), policy: "sample-1".into() };
    to_stream(Stream::System, event)
}

/// An append to the stream `allowed`: a call ran freely.
pub fn ran_freely() -> Append {
    let call = call();
    let event = Event::Allowed(Allowed {
        action: call.action,
        risk: Risk::Low,
        requester: call.requester,
        policy: "sample-1".into(),
        call: None,
    });
    to_stream(Stream::Allowed, event)
}

/// An append of one event to any stream, at whatever version.
pub fn to_stream(stream: Stream, event: impl Into<NewEvent>) -> Append {
    Append { stream, expected: None, env: Env::Live, node: NODE.into(), events: vec![event.into()] }
}

fn call() -> CallFacts {
    CallFacts {
        action: "order.refund".to_owned(),
        risk: Risk::High,
        sensitivity: None,
        arguments: Vec::new(),
        reason: None,
        resource: None,
        labels: BTreeMap::new(),
        requester: Requester { agent: "refund-bot".into(), owner: "olga".into(), on_behalf_of: None },
        rerunnable: false,
        quorum: None,
    }
}

fn terms() -> Terms {
    Terms {
        requirement: Requirement::at(Risk::High),
        policy: "sample-1".into(),
        nonce: unique_uuid().simple().to_string(),
        build: "sample/1.0.0".to_owned(),
        open_to_store: true,
        round: None,
        inside: crate::request::Chain::default(),
    }
}

/// UUIDv7, as a call without a key has it.
fn next_uuid() -> uuid::Uuid {
    let bytes = unique();
    let (head, _) = bytes.split_first_chunk::<10>().unwrap_or((&[0; 10], &[]));
    let millis = u64::try_from(Timestamp::now().as_micros() / 1_000).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, head).into_uuid()
}

fn unique_uuid() -> uuid::Uuid {
    let bytes = unique();
    let (head, _) = bytes.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
    uuid::Builder::from_custom_bytes(*head).into_uuid()
}

/// Thirty-two bytes that nobody else gets: not this process again, nor another one on the same database.
fn unique() -> [u8; 32] {
    static START: LazyLock<Timestamp> = LazyLock::new(Timestamp::now);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut hash = Sha256::new();
    hash.update(std::process::id().to_be_bytes());
    hash.update(START.as_micros().to_be_bytes());
    hash.update(COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    hash.finalize().into()
}
