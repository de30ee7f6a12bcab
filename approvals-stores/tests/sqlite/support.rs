//! Requests to append, a clock to move, and a second process to race.

use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use approvals_core::action::Risk;
use approvals_core::capture::Value;
use approvals_core::id::{ClaimId, RequestId, Seq, Version, WayId};
use approvals_core::ledger::{
    Answer, Append, Appended, Env, Event, NewEvent, Payload, Reviewed, Store, StoreError, Stream,
};
use approvals_core::people::{Assurance, Principal, Requester};
use approvals_core::request::{CallFacts, Requested, Requirement, Seed, Terms};
use approvals_core::time::{Clock, Sleep, Timestamp};

/// Long enough for a machine under load; only a test that fails waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test on the smallest runtime there is.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("the test hangs") })
}

/// An id that no other test of this process has.
pub(crate) fn fresh_id() -> RequestId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    numbered_id(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The id with a number.
pub(crate) fn numbered_id(number: u64) -> RequestId {
    format!("00000000-0000-7000-8000-{number:012x}").parse().unwrap()
}

/// What is asked for.
pub(crate) fn asked(agent: &str) -> Requested {
    Requested {
        call: CallFacts {
            action: "dataset.export".to_owned(),
            risk: Risk::High,
            sensitivity: None,
            arguments: Vec::new(),
            reason: None,
            resource: None,
            labels: Default::default(),
            requester: Requester {
                agent: agent.into(),
                owner: Principal::External("owner".to_owned()),
                on_behalf_of: None,
            },
            rerunnable: false,
            quorum: None,
        },
        terms: Terms {
            requirement: Requirement::at(Risk::High),
            policy: "p1".into(),
            nonce: "00".repeat(16),
            build: "test 0.0.0".to_owned(),
            open_to_store: true,
            round: None,
            inside: approvals_core::request::Chain::default(),
        },
    }
}

/// Values behind commitments.
pub(crate) fn payload() -> Payload {
    let mut payload = Payload::new(Seed::from_bytes([7; 32]));
    payload.commit("rows", Value::Text("1200".to_owned()));
    payload.note("session", "run-42");
    payload
}

/// Events for a request that stands at a version.
pub(crate) fn append(id: RequestId, at: u64, events: impl IntoIterator<Item = NewEvent>) -> Append {
    Append {
        stream: Stream::Request(id),
        expected: Some(Version(at)),
        env: Env::Live,
        node: "host/agent".into(),
        events: events.into_iter().collect(),
    }
}

/// Opens a request.
pub(crate) fn open(id: RequestId) -> Append {
    open_by(id, "deploy-bot")
}

/// Opens a request of an agent.
pub(crate) fn open_by(id: RequestId, agent: &str) -> Append {
    append(id, 0, [NewEvent::with(Event::Requested(asked(agent).into()), payload())])
}

/// A yes that completes the quorum of [`open`].
pub(crate) fn approve(id: RequestId) -> Append {
    let reviewed = Reviewed {
        answer: Answer::Approve,
        by: "kim".into(),
        groups: Default::default(),
        assurance: Assurance::Local,
        way: "terminal".into(),
        digest: asked("deploy-bot").digest().unwrap(),
        comment: None,
    };
    append(id, 1, [Event::Reviewed(reviewed).into()])
}

/// A claim of what [`approve`] approved.
pub(crate) fn claim(id: RequestId) -> Append {
    append(id, 2, [Event::Started { claim: ClaimId::from_uuid(fresh_id().as_uuid()) }.into()])
}

/// A note on a request.
pub(crate) fn note(id: RequestId) -> Append {
    Append { expected: None, ..append(id, 0, [Event::Updated { way: WayId::new("terminal") }.into()]) }
}

/// A record that belongs to no request.
pub(crate) fn up() -> Append {
    let event = Event::Up { build: "test 0.0.0".to_owned(), policy: "p1".into() };
    Append { stream: Stream::System, expected: None, ..append(fresh_id(), 0, [event.into()]) }
}

/// Opens a request and approves it.
pub(crate) async fn approved(store: &impl Store) -> Result<(RequestId, Appended), StoreError> {
    let id = fresh_id();
    store.append(open(id)).await?;
    Ok((id, store.append(approve(id)).await?))
}

/// Everything in the ledger, read in pages of three.
pub(crate) async fn everything(
    store: &impl Store,
) -> Result<Vec<approvals_core::ledger::Record>, StoreError> {
    let mut all = Vec::new();
    loop {
        let after = all.last().map_or(Seq::START, |record: &approvals_core::ledger::Record| record.seq);
        let page = store.records(after, 3).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// A clock that stands still until it is set.
pub(crate) struct HandClock(Mutex<Timestamp>);

impl HandClock {
    pub(crate) fn at(time: &str) -> Self {
        Self(Mutex::new(time.parse().unwrap()))
    }

    pub(crate) fn set(&self, time: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = time.parse().unwrap();
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, _: Duration) -> Sleep {
        Box::pin(std::future::pending())
    }
}

/// The commits in a write-ahead log (<https://www.sqlite.org/fileformat2.html#the_write_ahead_log>): the frames of its
/// current run that say how large the database is after them.
pub(crate) fn commits_in_log(store: &Path) -> usize {
    let mut name = store.as_os_str().to_owned();
    name.push("-wal");
    let log = std::fs::read(name).unwrap();
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let (page, salt) = (number(8) as usize, &log[16..24]);
    let frames = log[32..].chunks_exact(24 + page);
    frames.take_while(|frame| &frame[8..16] == salt).filter(|frame| frame[4..8] != [0; 4]).count()
}
