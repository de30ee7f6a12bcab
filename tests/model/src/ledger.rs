//! The ledger of one request: small entries that become real records, judged by the production `seal`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use approvals_core::id::{ClaimId, RequestId, Seq, Version};
use approvals_core::ledger::{Append, Env, Record, SealError, Stream, seal};
use approvals_core::state::{Illegal, Phase, State};
use approvals_core::time::Timestamp;
use uuid::Uuid;

use crate::event::{event, node_name, time};
use crate::people::{Came, Mask, Voter};
use crate::request::Asked;

/// One attempt: which node claimed which request at which version; fresh, because a version passes once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attempt {
    /// Who claimed.
    pub node: u8,
    /// Which request.
    pub request: u8,
    /// At which version.
    pub version: u8,
    /// Whether in one append with the verdict.
    pub fused: bool,
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
    /// A person answered.
    Reviewed { by: Voter, mask: Mask, approve: bool, came: Came },
    /// Break-glass.
    Overridden { by: Voter, mask: Mask },
    /// A clock ran out.
    Expired,
    /// The caller is gone.
    Withdrawn,
    /// Policy or directory said no at the claim.
    Stopped,
    /// The requester took it back.
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
    Reconciled { by: Voter, mask: Mask, ran: bool },
    /// A note: something did not count.
    Ignored,
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

/// Why production refuses an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The request is not at that version.
    Conflict,
    /// Too late for it.
    TooLate(Timestamp),
    /// Anything else that cannot follow.
    Illegal,
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
    /// What production knows of, where a defect has it forget something.
    known: Option<Vec<Entry>>,
    folded: Arc<Folded>,
}

impl PartialEq for Log {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries && self.known == other.known
    }
}

impl Eq for Log {}

impl Hash for Log {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.entries.hash(state);
        self.known.hash(state);
    }
}

/// Which request, all that production is handed, how much of it is new, and at which version.
type Question = (Asked, u8, Vec<Entry>, usize, Option<u8>);

thread_local! {
    /// Many states of the model share a history; each is judged once.
    static JUDGED: RefCell<HashMap<Question, Result<Arc<Folded>, Refusal>>> = RefCell::default();
}

impl Log {
    /// The empty history of the request with this number: the round of a keyed one.
    pub fn new(asked: Asked, number: u8) -> Self {
        Self { asked, number, entries: Vec::new(), known: None, folded: Arc::default() }
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

    /// Whether this very attempt runs, by the production judgement.
    pub fn runs(&self, attempt: Attempt) -> bool {
        self.state().is_held_by(attempt.id())
    }

    /// Compare-and-set of one append: the history with these entries more.
    ///
    /// # Errors
    /// Why production refuses it; nothing is written then.
    pub fn append(&self, expected: u8, new: &[Entry]) -> Result<Self, Refusal> {
        let folded = self.judge(Some(expected), new)?;
        let mut next = self.clone();
        next.entries.extend(new);
        if let Some(known) = &mut next.known {
            known.extend(new);
        }
        Ok(Self { folded, ..next })
    }

    /// Whether production takes a note at whatever version and is where it was.
    pub fn takes_note(&self, note: Entry) -> bool {
        self.judge(None, &[note]).is_ok_and(|folded| {
            let after = &folded.state;
            (after.phase(), after.version()) == (self.phase(), self.state().version())
        })
    }

    /// The same history as if this and what follows had never been.
    #[must_use]
    pub fn before(&self, what: What) -> Self {
        let kept: Vec<_> = self.entries.iter().take_while(|entry| entry.what != what).copied().collect();
        self.replayed(&kept)
    }

    /// The same history, of which production has forgotten this and what follows.
    #[must_use]
    pub fn forgetting(&self, what: What) -> Self {
        let before = self.before(what);
        Self { known: Some(before.entries), entries: self.entries.clone(), ..before }
    }

    /// The same history under another requirement.
    #[must_use]
    pub(crate) fn as_if(&self, asked: Asked) -> Self {
        Self::new(asked, self.number).and(&self.entries)
    }

    /// The history of the same request from these entries alone.
    pub(crate) fn replayed(&self, entries: &[Entry]) -> Self {
        Self::new(self.asked, self.number).and(entries)
    }

    fn and(self, entries: &[Entry]) -> Self {
        entries.iter().fold(self, |log, entry| log.append(log.version(), &[*entry]).unwrap_or(log))
    }

    fn judge(&self, expected: Option<u8>, new: &[Entry]) -> Result<Arc<Folded>, Refusal> {
        let known = self.known.as_ref().unwrap_or(&self.entries);
        let handed: Vec<_> = known.iter().chain(new).copied().collect();
        let question = (self.asked, self.number, handed, new.len(), expected);
        let answer = JUDGED.with_borrow(|judged| judged.get(&question).cloned());
        answer.unwrap_or_else(|| {
            let answer = self.seal(expected, new).map(Arc::new);
            JUDGED.with_borrow_mut(|judged| judged.insert(question, answer.clone()));
            answer
        })
    }

    fn seal(&self, expected: Option<u8>, new: &[Entry]) -> Result<Folded, Refusal> {
        let Some(first) = new.first() else { return Err(Refusal::Illegal) };
        let append = Append {
            stream: Stream::Request(self.id()),
            expected: expected.map(|expected| Version(u64::from(expected))),
            env: Env::Live,
            node: node_name(first.node),
            events: new.iter().map(|entry| event(self, self.asked, entry.what).into()).collect(),
        };
        let sealed = seal(&self.folded.records, append, time(first.stamp)).map_err(|error| match error {
            SealError::Conflict { .. } => Refusal::Conflict,
            SealError::Illegal(Illegal::TooLate { deadline }) => Refusal::TooLate(deadline),
            _ => Refusal::Illegal,
        })?;
        let mut records = self.folded.records.clone();
        for sealed in sealed {
            records.push(Record::at(Seq(records.len() as u64 + 1), sealed));
        }
        let state = State::fold(&records).map_err(|_| Refusal::Illegal)?;
        Ok(Folded { records, state })
    }

    pub(crate) const fn number(&self) -> u8 {
        self.number
    }
}
