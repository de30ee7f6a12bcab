//! The state machine: the state of a request is the fold of its records, and nothing else.
//!
//! No I/O, no clock, no async: the gate, the stores, the conformance suites and the model check all run this. What may
//! follow what is [`apply`]'s; this file has the words for it.

mod apply;
mod prospect;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

pub use self::apply::{Illegal, apply};
pub use self::prospect::Prospect;
use crate::card::Shown;
use crate::id::{ClaimId, GroupId, NodeName, PersonId, Reference, RequestId, Version, WayId};
use crate::ledger::{Answer, CancelWhy, Env, NotRunWhy, Record};
use crate::people::Assurance;
use crate::request::{Digest, Requested, Requirement};
use crate::time::Timestamp;

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Nothing was requested.
    None,
    /// People are asked.
    Pending,
    /// Enough people said yes; nothing runs yet.
    Approved,
    /// Somebody said no.
    Denied,
    /// A clock ran out.
    Expired,
    /// Called off, or claimed and never entered.
    Cancelled,
    /// Claimed; the body runs.
    Executing,
    /// The body was cut off; nobody can tell what it did.
    Unknown,
    /// The body returned `Ok`.
    Succeeded,
    /// The body returned an error.
    Failed,
}

impl Phase {
    /// `pending`, `approved`, ….
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Executing => "executing",
            Self::Unknown => "unknown",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// Reads what [`as_str`](Self::as_str) wrote.
    pub fn from_name(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == text)
    }

    /// Every phase, in the order of a request's life.
    pub const ALL: [Self; 10] = [
        Self::None,
        Self::Pending,
        Self::Approved,
        Self::Denied,
        Self::Expired,
        Self::Cancelled,
        Self::Executing,
        Self::Unknown,
        Self::Succeeded,
        Self::Failed,
    ];

    /// Whether no event moves it any more.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Denied | Self::Expired | Self::Cancelled | Self::Succeeded | Self::Failed)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a request was opened: frozen from then on.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Opened {
    /// Its id.
    pub id: RequestId,
    /// What is asked for, on which terms.
    pub requested: Arc<Requested>,
    /// What people see, what is approved and what runs.
    pub digest: Digest,
    /// When it was opened.
    pub at: Timestamp,
    /// Live or test.
    pub env: Env,
}

impl Opened {
    /// The requirement that its verdict is judged by.
    pub fn requirement(&self) -> &Requirement {
        &self.requested.terms.requirement
    }

    /// From this time on no approval counts.
    pub fn decide_by(&self) -> Timestamp {
        self.at.after(self.requirement().decide_within)
    }
}

/// An answer that counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Counted {
    /// Who.
    pub by: PersonId,
    /// Their groups at that moment.
    pub groups: BTreeSet<GroupId>,
    /// How strongly they were authenticated.
    pub assurance: Assurance,
    /// What they answered.
    pub answer: Answer,
    /// When.
    pub at: Timestamp,
}

/// Who claimed a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Which attempt.
    pub id: ClaimId,
    /// Which process.
    pub node: NodeName,
}

/// The fold of a request's records.
///
/// ```
/// use approvals_core::ledger::{Store, StoreError};
/// use approvals_core::state::{Illegal, Phase, State};
///
/// /// Whether the request may still be claimed, as anybody can tell who reads the ledger.
/// async fn waits_for_its_run(
///     store: &dyn Store,
///     request: approvals_core::id::RequestId,
/// ) -> Result<bool, Box<dyn std::error::Error>> {
///     let history = store.history(request.into()).await?;
///     let state = State::fold(&history)?;
///     let now = approvals_core::time::Timestamp::now();
///     Ok(state.phase() == Phase::Approved && !state.is_overdue(now))
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    phase: Phase,
    version: Version,
    last: Option<Timestamp>,
    env: Option<Env>,
    opened: Option<Arc<Opened>>,
    answers: Vec<Counted>,
    approved_at: Option<Timestamp>,
    overridden_by: Option<PersonId>,
    cancelled: Option<(CancelWhy, Option<PersonId>)>,
    not_run: Option<NotRunWhy>,
    claim: Option<Claim>,
    presented: BTreeMap<WayId, (Reference, Shown)>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            phase: Phase::None,
            version: Version::default(),
            last: None,
            env: None,
            opened: None,
            answers: Vec::new(),
            approved_at: None,
            overridden_by: None,
            cancelled: None,
            not_run: None,
            claim: None,
            presented: BTreeMap::new(),
        }
    }
}

impl State {
    /// Where the request stands.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// How often it has moved.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The time of the last record; `None` before the first.
    pub const fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// How it was opened; `None` before it was.
    pub fn opened(&self) -> Option<&Arc<Opened>> {
        self.opened.as_ref()
    }

    /// The answers that counted, in order.
    pub fn answers(&self) -> &[Counted] {
        &self.answers
    }

    /// Whether somebody said no, in whatever phase.
    pub fn denied_by(&self) -> Option<&Counted> {
        self.answers.iter().find(|counted| counted.answer == Answer::Deny)
    }

    /// Who approved alone by break-glass.
    pub fn overridden_by(&self) -> Option<&PersonId> {
        self.overridden_by.as_ref()
    }

    /// Why it was called off, and by whom.
    pub fn cancelled(&self) -> Option<(CancelWhy, Option<&PersonId>)> {
        self.cancelled.as_ref().map(|(why, by)| (*why, by.as_ref()))
    }

    /// Why a claimed body was never entered.
    pub const fn not_run(&self) -> Option<NotRunWhy> {
        self.not_run
    }

    /// Who claimed it last.
    pub const fn claim(&self) -> Option<&Claim> {
        self.claim.as_ref()
    }

    /// Where each backend put the card and how much of it could be shown there.
    pub fn presented(&self) -> &BTreeMap<WayId, (Reference, Shown)> {
        &self.presented
    }

    /// From this time on no claim counts; `None` before the approval.
    pub fn use_by(&self) -> Option<Timestamp> {
        let within = self.opened.as_ref()?.requirement().use_within;
        self.approved_at.map(|at| at.after(within))
    }

    /// The clock that runs in this phase.
    pub fn deadline(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Pending => self.opened.as_ref().map(|opened| opened.decide_by()),
            Phase::Approved => self.use_by(),
            _ => None,
        }
    }

    /// Whether the clock of this phase has run out.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.deadline().is_some_and(|deadline| now >= deadline)
    }

    /// Whether those who said yes fill the quorum, each judged by the groups given for them.
    pub fn quorum_is_met_by(&self, approvers: &[&BTreeSet<GroupId>]) -> bool {
        self.opened.as_ref().is_some_and(|opened| opened.requested.is_met_by(approvers))
    }

    /// Folds more records onto this state, oldest first.
    ///
    /// # Errors
    /// At the first record that cannot follow.
    pub(crate) fn fold_on<'a>(&self, records: impl IntoIterator<Item = &'a Record>) -> Result<Self, Illegal> {
        let mut state = self.clone();
        for record in records {
            // In place: a state that a refused record has touched is not given away.
            state.take(&record.body)?;
        }
        Ok(state)
    }

    /// Folds records, oldest first.
    ///
    /// # Errors
    /// At the first record that cannot follow.
    pub fn fold<'a>(records: impl IntoIterator<Item = &'a Record>) -> Result<Self, Illegal> {
        Self::default().fold_on(records)
    }
}
