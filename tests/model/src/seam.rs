//! The seam to the production functions: every append goes through here. A defect hands them something else than the
//! truth, or leaves them out.

use approvals_core::state::Phase;

use crate::defect::Defect;
use crate::event::tick;
use crate::ledger::{Entry, Log, Refusal, What};
use crate::request::{Asked, Crowd};
use crate::world::{Protocol, World};

impl Protocol {
    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// What a request asks for in the ledger. A defect that blinds the judge weakens what it goes by.
    pub(crate) fn as_written(&self) -> Asked {
        let quorum = match (self.asked.quorum, self.defect) {
            (Crowd::OneOfEach, Some(Defect::SlotsNotMatched)) => Crowd::OneOfEachUnmatched,
            (Crowd::OneOfEach, Some(Defect::GroupCountedTwice)) => Crowd::TwoOfEither,
            (Crowd::Two, Some(Defect::OneIsEnough)) => Crowd::One,
            (quorum, _) => quorum,
        };
        let rerunnable = self.asked.rerunnable || self.has(Defect::RerunUndeclared);
        Asked { quorum, rerunnable }
    }

    /// Appends at an expected version. The store stamps.
    pub(crate) fn append(
        &self,
        world: &World,
        request: u8,
        expected: u8,
        what: &[What],
        node: u8,
    ) -> Result<Log, Refusal> {
        let log = &world.requests[usize::from(request)].log;
        let mut new = Vec::with_capacity(what.len());
        for what in what {
            let node = match what {
                What::Lost(attempt) if self.has(Defect::LostByAnybody) => attempt.node,
                _ => node,
            };
            let stamp = self.stamp(world, log, *what);
            new.push(Entry { what: *what, node, stamp, written: world.clock });
        }
        match what {
            [What::Withdrawn | What::Stopped | What::Revoked { .. }]
                if log.phase() == Phase::Approved && self.has(Defect::ApprovedCannotBeCancelled) =>
            {
                Err(Refusal::Illegal)
            }
            [What::Revoked { .. }]
                if log.phase() == Phase::Executing && self.has(Defect::CancelledWhileRunning) =>
            {
                let claim = log.attempt().map_or(What::Ignored, What::Started);
                let unclaimed = log.forgetting(claim);
                unclaimed.append(unclaimed.version(), &new)
            }
            [What::Reviewed { .. }, What::Started(_)] if self.has(Defect::FusedShortOfQuorum) => {
                log.as_if(Asked { quorum: Crowd::One, ..self.asked }).append(expected, &new)
            }
            _ => log.append(expected, &new),
        }
    }

    /// Appends at whatever version the request stands.
    pub(crate) fn append_now(
        &self,
        world: &World,
        request: u8,
        what: What,
        node: u8,
    ) -> Result<Log, Refusal> {
        let version = world.requests[usize::from(request)].log.version();
        self.append(world, request, version, &[what], node)
    }

    /// The tick that stands in the record.
    fn stamp(&self, world: &World, log: &Log, what: What) -> u8 {
        let now = world.clock;
        let Some(deadline) = log.state().use_by().or_else(|| log.state().deadline()).map(tick) else {
            return now;
        };
        let in_time = deadline.saturating_sub(1);
        let is_yes = matches!(what, What::Reviewed { approve: true, .. } | What::Overridden { .. });
        let is_claim = matches!(what, What::Started(_));
        match self.defect {
            Some(Defect::TimeOfTheNode) => world.node_clock(),
            Some(Defect::TimeUnchecked) if is_yes || is_claim => now.min(in_time),
            Some(Defect::LateYesCounts) if is_yes => now.min(in_time),
            Some(Defect::YesAtTheDeadline) if is_yes && now == deadline => in_time,
            Some(Defect::ClaimAtTheDeadline) if is_claim && now == deadline => in_time,
            Some(Defect::RerunUnbounded) if is_claim && log.phase() == Phase::Unknown => now.min(in_time),
            Some(Defect::EarlyExpiry) if what == What::Expired => now.max(deadline),
            _ => now,
        }
    }
}
