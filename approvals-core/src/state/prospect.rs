//! What a request holds for a call of its action: the judgement that a claim starts from.

use super::{Phase, State};
use crate::error::ErrorKind;
use crate::id::ClaimId;
use crate::ledger::CancelWhy;

/// What a call may expect of the request that it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prospect {
    /// There is no verdict yet.
    Waits,
    /// It may be claimed, if the store finds that in time.
    Claimable,
    /// It is refused, as this kind.
    Refused(ErrorKind),
}

impl State {
    /// What a call that finds this request may expect.
    pub fn prospect(&self) -> Prospect {
        Prospect::Refused(match self.phase {
            Phase::None | Phase::Pending => return Prospect::Waits,
            Phase::Approved => return Prospect::Claimable,
            Phase::Unknown if self.may_rerun() => return Prospect::Claimable,
            Phase::Unknown => ErrorKind::Unknown,
            Phase::Denied => ErrorKind::Denied,
            // Law 3: a no that came after the claim stands, although the body turned out not to have run.
            Phase::Cancelled if self.denied_by().is_some() => ErrorKind::Denied,
            Phase::Cancelled => match self.cancelled {
                Some((CancelWhy::Undeliverable, _)) => ErrorKind::Unavailable,
                _ => ErrorKind::Cancelled,
            },
            Phase::Expired => ErrorKind::Expired,
            Phase::Executing => ErrorKind::Running,
            Phase::Succeeded | Phase::Failed => ErrorKind::AlreadyRan,
        })
    }

    /// Whether its key asks anew: it ended without a verdict that stands.
    pub fn opens_next_round(&self) -> bool {
        matches!(self.phase, Phase::Expired | Phase::Cancelled) && self.denied_by().is_none()
    }

    /// Whether this very attempt holds it.
    pub fn is_held_by(&self, claim: ClaimId) -> bool {
        self.phase == Phase::Executing && self.claim.as_ref().is_some_and(|held| held.id == claim)
    }

    fn may_rerun(&self) -> bool {
        let declared = self.opened.as_ref().is_some_and(|opened| opened.requested.call.rerunnable);
        declared && self.denied_by().is_none()
    }
}
