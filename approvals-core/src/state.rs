//! The state machine: the state of a request is the fold of its records, and nothing else.
//!
//! No I/O, no clock, no async: the gate, the stores, the conformance suites and the model check all run this.

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::card::Shown;
use crate::id::{ClaimId, GroupId, NodeName, PersonId, Reference, RequestId, Version, WayId};
use crate::ledger::{
    Answer, Body, CancelWhy, Env, Event, Finish, NotRunWhy, Reconciliation, Record, Reviewed,
};
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
    pub requested: Requested,
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

/// An event that the state machine refuses; nothing is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Illegal {
    /// The table has no such row.
    #[error("`{event}` cannot happen to a request that is {phase}")]
    Transition {
        /// The event's name.
        event: &'static str,
        /// The phase it met.
        phase: Phase,
    },
    /// The record is not the next one of its stream.
    #[error("version {found} does not follow version {at}")]
    Version {
        /// Where the stream stands.
        at: Version,
        /// What the record says.
        found: Version,
    },
    /// The record belongs to another stream, or to none.
    #[error("the record belongs to another stream")]
    OtherStream,
    /// A record of a test among live ones, or the other way round.
    #[error("a record of another environment: tests and live requests do not mix")]
    OtherEnv,
    /// The record is older than the one before it.
    #[error("time runs backwards in the record")]
    TimeRunsBackwards,
    /// The request is unfit: its requirement or its values cannot stand.
    #[error("the request cannot stand: {0}")]
    Unfit(String),
    /// An approval or override at or after decide_by, or a claim at or after use_by.
    #[error("too late: the deadline was {deadline}")]
    TooLate {
        /// The clock that ran out.
        deadline: Timestamp,
    },
    /// An expiry before its deadline.
    #[error("too early: the deadline is {deadline}")]
    TooEarly {
        /// The clock that has not run out.
        deadline: Timestamp,
    },
    /// The person is the requester.
    #[error("the requester's own answer never counts")]
    Requester,
    /// The person could not approve.
    #[error("this person is not among those who may decide")]
    NotAReviewer,
    /// The person answered so before, or wants to turn a no into a yes.
    #[error("this person has answered before")]
    AnsweredBefore,
    /// The answer is for another digest.
    #[error("the answer is for another digest")]
    OtherDigest,
    /// The answer is not strong enough.
    #[error("the assurance is too low")]
    AssuranceTooLow,
    /// The attempt is not the one that runs, or not this node's; or a claim under the id of an earlier one.
    #[error("the attempt is not this node's running one")]
    NotTheClaim,
    /// Somebody said no meanwhile.
    #[error("a denial blocks every later claim")]
    DeniedMeanwhile,
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
        self.opened.as_ref().is_some_and(|opened| opened.requirement().quorum.is_met_by(approvers))
    }

    /// Folds records, oldest first. Errors at the first one that cannot follow.
    pub fn fold<'a>(records: impl IntoIterator<Item = &'a Record>) -> Result<Self, Illegal> {
        records.into_iter().try_fold(Self::default(), |state, record| apply(&state, &record.body))
    }
}

/// The state after one more record, or why the record is refused.
pub fn apply(state: &State, body: &Body) -> Result<State, Illegal> {
    let mut next = state.clone();
    next.take(body)?;
    Ok(next)
}

impl State {
    fn take(&mut self, body: &Body) -> Result<(), Illegal> {
        self.check_order(body)?;
        match &body.event {
            Event::Requested(requested) => self.request(body, requested)?,
            Event::Presented { way, reference, shown } => {
                self.must_be_opened(body)?;
                self.presented.insert(way.clone(), (reference.clone(), *shown));
            }
            Event::Reviewed(reviewed) => self.review(body, reviewed)?,
            Event::Overridden { by, assurance, digest, .. } => self.overrule(body, by, *assurance, digest)?,
            Event::Expired {} => self.expire(body)?,
            Event::Cancelled { by, why } => {
                self.must_be(body, &[Phase::Pending, Phase::Approved])?;
                self.cancelled = Some((*why, by.clone()));
                self.phase = Phase::Cancelled;
            }
            Event::Started { claim } => self.start(body, *claim)?,
            Event::Finished { claim, outcome } => {
                self.must_hold(body, *claim)?;
                self.phase = match outcome {
                    Finish::Ok {} => Phase::Succeeded,
                    Finish::Err { .. } => Phase::Failed,
                    Finish::NotRun { why } => {
                        self.not_run = Some(*why);
                        Phase::Cancelled
                    }
                };
            }
            Event::Lost { claim } => {
                self.must_hold(body, *claim)?;
                self.phase = Phase::Unknown;
            }
            Event::Reconciled { outcome, by, .. } => {
                self.must_be(body, &[Phase::Executing, Phase::Unknown])?;
                if self.excludes(by) {
                    return Err(Illegal::Requester);
                }
                self.phase = match outcome {
                    Reconciliation::Ran => Phase::Succeeded,
                    Reconciliation::DidNotRun => Phase::Cancelled,
                };
            }
            // Also about a request that there is not.
            Event::Ignored(_) => {}
            Event::PresentFailed { .. }
            | Event::Updated { .. }
            | Event::Viewed { .. }
            | Event::Reminded { .. }
            | Event::Escalated { .. }
            | Event::Commented { .. }
            | Event::DebtSigned { .. } => self.must_be_opened(body)?,
            Event::Up { .. }
            | Event::Down {}
            | Event::Unauthenticated { .. }
            | Event::Allowed(_)
            | Event::Refused(_) => return Err(Illegal::OtherStream),
        }
        if !body.event.is_note() {
            self.version = body.version;
        }
        self.last = Some(body.time);
        self.env = Some(body.env);
        Ok(())
    }

    fn check_order(&self, body: &Body) -> Result<(), Illegal> {
        let due = if body.event.is_note() { self.version } else { self.version.next() };
        if body.version != due {
            return Err(Illegal::Version { at: self.version, found: body.version });
        }
        if self.last.is_some_and(|last| body.time < last) {
            return Err(Illegal::TimeRunsBackwards);
        }
        let id = body.stream.request().ok_or(Illegal::OtherStream)?;
        if self.env.is_some_and(|env| env != body.env) {
            return Err(Illegal::OtherEnv);
        }
        match &self.opened {
            Some(opened) if opened.id != id => Err(Illegal::OtherStream),
            _ => Ok(()),
        }
    }

    fn must_be_opened(&self, body: &Body) -> Result<(), Illegal> {
        match self.opened {
            Some(_) => Ok(()),
            None => Err(Illegal::Transition { event: body.event.name(), phase: self.phase }),
        }
    }

    fn must_be(&self, body: &Body, phases: &[Phase]) -> Result<&Arc<Opened>, Illegal> {
        match &self.opened {
            Some(opened) if phases.contains(&self.phase) => Ok(opened),
            _ => Err(Illegal::Transition { event: body.event.name(), phase: self.phase }),
        }
    }

    fn must_hold(&self, body: &Body, claim: ClaimId) -> Result<(), Illegal> {
        self.must_be(body, &[Phase::Executing])?;
        match &self.claim {
            Some(held) if held.id == claim && held.node == body.node => Ok(()),
            _ => Err(Illegal::NotTheClaim),
        }
    }

    /// Law 4, as far as ids can tell: aliases are resolved before a record is written.
    fn excludes(&self, person: &PersonId) -> bool {
        self.opened.as_ref().is_some_and(|opened| {
            !opened.requirement().single_operator && opened.requested.call.requester.includes_id(person)
        })
    }

    fn request(&mut self, body: &Body, requested: &Requested) -> Result<(), Illegal> {
        let Some(id) = body.stream.request() else { return Err(Illegal::OtherStream) };
        if self.phase != Phase::None {
            return Err(Illegal::Transition { event: body.event.name(), phase: self.phase });
        }
        let requirement = &requested.terms.requirement;
        requirement.validate().map_err(|e| Illegal::Unfit(e.to_string()))?;
        if requirement.risk < requested.call.risk {
            return Err(Illegal::Unfit("the effective risk is below the declared one".to_owned()));
        }
        let digest = requested.digest().map_err(|e| Illegal::Unfit(e.to_string()))?;
        let requested = requested.clone();
        self.opened = Some(Arc::new(Opened { id, requested, digest, at: body.time, env: body.env }));
        self.phase = Phase::Pending;
        Ok(())
    }

    fn review(&mut self, body: &Body, reviewed: &Reviewed) -> Result<(), Illegal> {
        let open: &[Phase] = match reviewed.answer {
            Answer::Approve => &[Phase::Pending],
            Answer::Deny => &[Phase::Pending, Phase::Approved, Phase::Executing, Phase::Unknown],
        };
        let opened = Arc::clone(self.must_be(body, open)?);
        let requirement = opened.requirement();
        if reviewed.digest != opened.digest {
            return Err(Illegal::OtherDigest);
        }
        if self.excludes(&reviewed.by) {
            return Err(Illegal::Requester);
        }
        let alone = requirement.single_operator && opened.requested.call.requester.includes_id(&reviewed.by);
        if !alone && !requirement.quorum.has_place_for(&reviewed.groups) {
            return Err(Illegal::NotAReviewer);
        }
        let before = self.answers.iter().rev().find(|counted| counted.by == reviewed.by);
        match (before.map(|counted| counted.answer), reviewed.answer) {
            (None, _) | (Some(Answer::Approve), Answer::Deny) => {}
            _ => return Err(Illegal::AnsweredBefore),
        }
        if reviewed.answer == Answer::Approve {
            if body.time >= opened.decide_by() {
                return Err(Illegal::TooLate { deadline: opened.decide_by() });
            }
            if reviewed.assurance < requirement.assurance {
                return Err(Illegal::AssuranceTooLow);
            }
        }
        self.answers.push(Counted {
            by: reviewed.by.clone(),
            groups: reviewed.groups.clone(),
            assurance: reviewed.assurance,
            answer: reviewed.answer,
            at: body.time,
        });
        match reviewed.answer {
            Answer::Deny if matches!(self.phase, Phase::Pending | Phase::Approved) => {
                self.phase = Phase::Denied;
            }
            // Too late to stop the body, in time to stop a second one.
            Answer::Deny => {}
            Answer::Approve if alone || self.has_quorum() => self.approve(body.time),
            Answer::Approve => {}
        }
        Ok(())
    }

    fn has_quorum(&self) -> bool {
        let yes = self.answers.iter().filter(|counted| counted.answer == Answer::Approve);
        self.quorum_is_met_by(&yes.map(|counted| &counted.groups).collect::<Vec<_>>())
    }

    fn approve(&mut self, at: Timestamp) {
        self.approved_at = Some(at);
        self.phase = Phase::Approved;
    }

    fn overrule(
        &mut self,
        body: &Body,
        by: &PersonId,
        assurance: Assurance,
        digest: &Digest,
    ) -> Result<(), Illegal> {
        let opened = Arc::clone(self.must_be(body, &[Phase::Pending])?);
        if *digest != opened.digest {
            return Err(Illegal::OtherDigest);
        }
        if opened.requested.call.requester.includes_id(by) {
            return Err(Illegal::Requester);
        }
        if body.time >= opened.decide_by() {
            return Err(Illegal::TooLate { deadline: opened.decide_by() });
        }
        if assurance < opened.requirement().assurance {
            return Err(Illegal::AssuranceTooLow);
        }
        self.overridden_by = Some(by.clone());
        self.approve(body.time);
        Ok(())
    }

    fn expire(&mut self, body: &Body) -> Result<(), Illegal> {
        self.must_be(body, &[Phase::Pending, Phase::Approved])?;
        match self.deadline() {
            Some(deadline) if body.time < deadline => Err(Illegal::TooEarly { deadline }),
            _ => {
                self.phase = Phase::Expired;
                Ok(())
            }
        }
    }

    fn start(&mut self, body: &Body, claim: ClaimId) -> Result<(), Illegal> {
        let opened = self.must_be(body, &[Phase::Approved, Phase::Unknown])?;
        if self.phase == Phase::Unknown && !opened.requested.call.rerunnable {
            return Err(Illegal::Transition { event: body.event.name(), phase: self.phase });
        }
        if self.denied_by().is_some() {
            return Err(Illegal::DeniedMeanwhile);
        }
        // An attempt under the id of a lost one could be ended by what is left of that one.
        if self.claim.as_ref().is_some_and(|lost| lost.id == claim) {
            return Err(Illegal::NotTheClaim);
        }
        if let Some(deadline) = self.use_by().filter(|deadline| body.time >= *deadline) {
            return Err(Illegal::TooLate { deadline });
        }
        self.claim = Some(Claim { id: claim, node: body.node.clone() });
        self.phase = Phase::Executing;
        Ok(())
    }
}
