//! What may follow what: the table of `docs/states.md`, row by row.

use std::sync::Arc;

use super::{Claim, Counted, Opened, Phase, State};
use crate::id::{ClaimId, PersonId, Version};
use crate::ledger::{Answer, Body, Event, Finish, Reconciliation, Reviewed};
use crate::people::Assurance;
use crate::request::{Digest, Requested};
use crate::time::Timestamp;

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

/// The state after one more record.
///
/// # Errors
/// Why the record is refused: it cannot follow in this state, at this time, or by whom it says.
pub fn apply(state: &State, body: &Body) -> Result<State, Illegal> {
    let mut next = state.clone();
    next.take(body)?;
    Ok(next)
}

impl State {
    /// Takes one more record. After an error the state is spoilt.
    pub(super) fn take(&mut self, body: &Body) -> Result<(), Illegal> {
        self.take_with(body, None)
    }

    /// The same for whoever has hashed the request already; the digest must be that of this very event.
    pub(crate) fn take_with(&mut self, body: &Body, digest: Option<Digest>) -> Result<(), Illegal> {
        self.check_order(body)?;
        match &body.event {
            Event::Requested(requested) => self.request(body, requested, digest)?,
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
            let requester = &opened.requested.call.requester;
            let alone = opened.requirement().single_operator && requester.is_answered_for_by(person);
            requester.includes_id(person) && !alone
        })
    }

    fn request(
        &mut self,
        body: &Body,
        requested: &Arc<Requested>,
        digest: Option<Digest>,
    ) -> Result<(), Illegal> {
        let Some(id) = body.stream.request() else { return Err(Illegal::OtherStream) };
        if self.phase != Phase::None {
            return Err(Illegal::Transition { event: body.event.name(), phase: self.phase });
        }
        let requirement = &requested.terms.requirement;
        requested.validate().map_err(|e| Illegal::Unfit(e.to_string()))?;
        if requirement.risk < requested.call.risk {
            return Err(Illegal::Unfit("the effective risk is below the declared one".to_owned()));
        }
        let digest = digest.map_or_else(|| requested.digest(), Ok);
        let digest = digest.map_err(|e| Illegal::Unfit(e.to_string()))?;
        let requested = Arc::clone(requested);
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
        let requester = &opened.requested.call.requester;
        let alone = requirement.single_operator && requester.is_answered_for_by(&reviewed.by);
        if !alone && !opened.requested.has_place_for(&reviewed.groups) {
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
