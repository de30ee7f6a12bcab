//! The ledger of one request: small entries that become real records, judged by the production `seal`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use approvals_core::action::Risk;
use approvals_core::id::{ClaimId, NodeName, PersonId, RequestId, Seq, Version};
use approvals_core::ledger::{
    Answer, Append, CancelWhy, Env, Event, Finish, NotRunWhy, Reconciliation, Record, Reviewed, Stream, seal,
};
use approvals_core::people::{Assurance, Principal, Requester};
use approvals_core::request::{
    ArgumentFact, ArgumentValue, CallFacts, Commitment, Quorum, Requested, Requirement, Terms,
};
use approvals_core::state::{Phase, State};
use approvals_core::time::Timestamp;
use uuid::Uuid;

use crate::people::Voter;

/// Life of a request and of a permit, in ticks of the model's clock.
pub(crate) const DECIDE_WITHIN: u8 = 2;
/// Life of a permit, in ticks.
pub(crate) const USE_WITHIN: u8 = 2;
const TICK: Duration = Duration::from_secs(1);

/// What is asked for: the same throughout one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Asked {
    /// How many people.
    pub quorum: Crowd,
    /// Whether the body may run again after a crash.
    pub rerunnable: bool,
}

/// How many people of which groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Crowd {
    /// Anybody.
    One,
    /// One of group `a` and somebody else of group `b`.
    OneOfEach,
    /// The same, with each slot filled by itself: somebody of both groups is enough.
    OneOfEachUnmatched,
}

impl Crowd {
    fn quorum(self) -> Quorum {
        match self {
            Self::One => Quorum::people(1),
            Self::OneOfEach => {
                Quorum::All(vec![Quorum::people_from(1, ["a"]), Quorum::people_from(1, ["b"])])
            }
            // Somebody of `a` and somebody of `b`, other or not: two people, or one who is in both.
            Self::OneOfEachUnmatched => {
                Quorum::Any(vec![Self::OneOfEach.quorum(), Quorum::people_from(1, [Voter::BOTH])])
            }
        }
    }

    /// What the judge is handed when it shall not match people to slots.
    pub(crate) fn unmatched(self) -> Self {
        match self {
            Self::OneOfEach => Self::OneOfEachUnmatched,
            other => other,
        }
    }
}

/// One attempt: which node claimed which request at which version; fresh, because a version passes once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// Who claimed.
    pub node: u8,
    /// Which request.
    pub request: u8,
    /// At which version.
    pub version: u8,
}

impl Attempt {
    /// Its id in the ledger.
    pub fn id(self) -> ClaimId {
        let number = u128::from(self.node) << 16 | u128::from(self.request) << 8 | u128::from(self.version);
        ClaimId::from_uuid(Uuid::from_u128(number))
    }
}

/// What happened, as small as the model can hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// Asked, with this value as its one argument, under the nonce of this node.
    Requested { argument: u8, nonce: u8 },
    /// A person answered; `as_id` is the id that stands in the record.
    Reviewed { by: Voter, as_id: &'static str, approve: bool },
    /// Break-glass.
    Overridden { by: Voter, as_id: &'static str },
    /// A clock ran out.
    Expired,
    /// The caller is gone.
    Withdrawn,
    /// Policy said no at the claim.
    Stopped,
    /// The requester said no.
    Revoked { by: Voter },
    /// Claimed.
    Started(Attempt),
    /// The body returned.
    Ended(Attempt),
    /// The body was never entered.
    NotRun(Attempt),
    /// The body was cut off.
    Lost(Attempt),
    /// A person says what became of it.
    Reconciled { by: Voter, as_id: &'static str, ran: bool },
}

/// One record: what, written by which node, stamped when, and when that really was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    /// What happened.
    pub what: What,
    /// The node that the record names.
    pub node: u8,
    /// The tick that the record names.
    pub stamp: u8,
    /// The tick at which it was written.
    pub written: u8,
}

/// Records with their fold.
#[derive(Debug, Default)]
struct Folded {
    records: Vec<Record>,
    state: State,
}

/// The history of one request. Two histories are the same when their entries are.
#[derive(Debug, Clone)]
pub struct Log {
    asked: Asked,
    number: u8,
    entries: Vec<Entry>,
    folded: Arc<Folded>,
}

impl PartialEq for Log {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl Eq for Log {}

impl Hash for Log {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.entries.hash(state);
    }
}

type Judged = HashMap<(Asked, u8, Vec<Entry>, u8), Option<Arc<Folded>>>;

thread_local! {
    /// Many states of the model share a history; each is judged once.
    static JUDGED: RefCell<Judged> = RefCell::default();
}

impl Log {
    /// The empty history of the request with this number: the round of a keyed one.
    pub fn new(asked: Asked, number: u8) -> Self {
        Self { asked, number, entries: Vec::new(), folded: Arc::default() }
    }

    /// Whom its approval takes.
    pub fn crowd(&self) -> Crowd {
        self.asked.quorum
    }

    /// Its entries, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The production fold.
    pub fn state(&self) -> &State {
        &self.folded.state
    }

    /// Where the request stands.
    pub fn phase(&self) -> Phase {
        self.state().phase()
    }

    /// The version to compare with.
    pub fn version(&self) -> u8 {
        u8::try_from(self.state().version().0).unwrap_or(u8::MAX)
    }

    /// The id of the request.
    pub fn id(&self) -> RequestId {
        RequestId::from_uuid(Uuid::from_u128(u128::from(self.number) + 1))
    }

    /// What was asked for; `None` while nothing was.
    pub fn argument(&self) -> Option<u8> {
        self.entries.iter().find_map(|entry| match entry.what {
            What::Requested { argument, .. } => Some(argument),
            _ => None,
        })
    }

    /// The attempt that was claimed last.
    pub fn attempt(&self) -> Option<Attempt> {
        self.entries.iter().rev().find_map(|entry| match entry.what {
            What::Started(attempt) => Some(attempt),
            _ => None,
        })
    }

    /// Whether this very attempt runs.
    pub fn runs(&self, attempt: Attempt) -> bool {
        self.phase() == Phase::Executing && self.state().claim().is_some_and(|held| held.id == attempt.id())
    }

    /// Compare-and-set: the history with one more entry, or `None` if production refuses it.
    #[must_use]
    pub fn append(&self, expected: u8, entry: Entry) -> Option<Self> {
        let mut entries = self.entries.clone();
        entries.push(entry);
        let key = (self.asked, self.number, entries, expected);
        let known = JUDGED.with_borrow(|judged| judged.get(&key).cloned());
        let folded = known.unwrap_or_else(|| {
            let folded = self.seal(expected, entry).map(Arc::new);
            JUDGED.with_borrow_mut(|judged| judged.insert(key.clone(), folded.clone()));
            folded
        })?;
        Some(Self { entries: key.2, folded, ..self.clone() })
    }

    /// The history as it was before this attempt.
    #[must_use]
    pub fn before(&self, attempt: Attempt) -> Self {
        let kept = self.entries.iter().take_while(|entry| entry.what != What::Started(attempt));
        kept.fold(Self::new(self.asked, self.number), |log, entry| {
            log.append(log.version(), *entry).unwrap_or(log)
        })
    }

    fn seal(&self, expected: u8, entry: Entry) -> Option<Folded> {
        let append = Append {
            stream: Stream::Request(self.id()),
            expected: Some(Version(u64::from(expected))),
            env: Env::Live,
            node: node_name(entry.node),
            events: vec![self.event(entry.what).into()],
        };
        let sealed = seal(&self.folded.records, append, time(entry.stamp)).ok()?;
        let mut records = self.folded.records.clone();
        for sealed in sealed {
            records.push(Record {
                seq: Seq(records.len() as u64 + 1),
                body: sealed.body,
                bytes: sealed.bytes,
                payload: None,
                signature: None,
            });
        }
        let state = State::fold(&records).ok()?;
        Some(Folded { records, state })
    }

    fn event(&self, what: What) -> Event {
        let digest = self.state().opened().map(|opened| opened.digest);
        let digest = digest.unwrap_or(approvals_core::request::Digest::from_bytes([0; 32]));
        let reason = || Commitment::from_bytes([0; 32]);
        let finished = |attempt: Attempt, outcome| Event::Finished { claim: attempt.id(), outcome };
        match what {
            What::Requested { argument, nonce } => {
                Event::Requested(Box::new(requested(self.asked, argument, nonce, self.number)))
            }
            What::Reviewed { by, as_id, approve } => Event::Reviewed(Reviewed {
                answer: if approve { Answer::Approve } else { Answer::Deny },
                by: PersonId::new(as_id),
                groups: by.groups(),
                assurance: Assurance::Chat,
                way: "chat".into(),
                digest,
                comment: None,
            }),
            What::Overridden { as_id, .. } => Event::Overridden {
                by: PersonId::new(as_id),
                assurance: Assurance::Chat,
                digest,
                reason: reason(),
            },
            What::Expired => Event::Expired {},
            What::Withdrawn => Event::Cancelled { by: None, why: CancelWhy::Withdrawn },
            What::Stopped => Event::Cancelled { by: None, why: CancelWhy::Policy },
            What::Revoked { by } => {
                Event::Cancelled { by: Some(PersonId::new(by.id())), why: CancelWhy::Requester }
            }
            What::Started(attempt) => Event::Started { claim: attempt.id() },
            What::Ended(attempt) => finished(attempt, Finish::Ok {}),
            What::NotRun(attempt) => finished(attempt, Finish::NotRun { why: NotRunWhy::CallerGone }),
            What::Lost(attempt) => Event::Lost { claim: attempt.id() },
            What::Reconciled { as_id, ran, .. } => Event::Reconciled {
                outcome: if ran { Reconciliation::Ran } else { Reconciliation::DidNotRun },
                by: PersonId::new(as_id),
                reason: reason(),
            },
        }
    }
}

/// The request as a node would write it with its live argument and its own nonce.
pub(crate) fn requested(asked: Asked, argument: u8, nonce: u8, round: u8) -> Requested {
    let value = ArgumentValue::Shown(Commitment::from_bytes([argument; 32]));
    let requirement = Requirement {
        quorum: asked.quorum.quorum(),
        decide_within: TICK * u32::from(DECIDE_WITHIN),
        use_within: TICK * u32::from(USE_WITHIN),
        ..Requirement::at(Risk::High)
    };
    Requested {
        call: CallFacts {
            action: "dataset.export".to_owned(),
            risk: Risk::High,
            sensitivity: None,
            arguments: vec![ArgumentFact { name: "rows".to_owned(), value }],
            reason: None,
            resource: None,
            labels: [].into(),
            requester: Requester {
                agent: "bot".into(),
                owner: Principal::from(Voter::Olga.id()),
                on_behalf_of: Some(Principal::External(Voter::HANK_AT_CHAT.to_owned())),
            },
            rerunnable: asked.rerunnable,
            quorum: None,
        },
        terms: Terms {
            requirement,
            policy: "p1".into(),
            nonce: nonce.to_string(),
            build: "model".to_owned(),
            open_to_store: false,
            round: Some(u64::from(round)),
            inside: approvals_core::request::Chain::default(),
        },
    }
}

/// The name that a node writes under.
pub(crate) fn node_name(node: u8) -> NodeName {
    NodeName::new(format!("host/{node}"))
}

/// The time of a tick.
pub(crate) fn time(tick: u8) -> Timestamp {
    Timestamp::EPOCH.after(TICK * u32::from(tick))
}
