//! Verdict and claim in one append: a call that waits takes up the review that would approve it.

use approvals_core::desk::Decision;
use approvals_core::state::Phase;

use crate::defect::Defect;
use crate::gate::{Answer, Step};
use crate::ledger::{Attempt, What};
use crate::world::{Policy, Protocol, World};

/// A verdict that a call has taken up and that is not written yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TakenUp {
    pub letter: u8,
    pub request: u8,
    /// The version that the letter was judged at.
    pub version: u8,
    /// What policy said when the call took it up.
    pub refused: bool,
    /// The caller is gone.
    pub gone: bool,
}

impl Protocol {
    /// A letter arrives at the desk of this node, whose call waits, is polled, and takes the verdict up. That it is not
    /// polled, or declines, is a letter that is delivered.
    pub(crate) fn take_up(&self, world: &mut World, number: u8, letter: u8) -> Option<()> {
        let Step::Wait { request } = world.nodes[usize::from(number)].step else { return None };
        let refused = world.policy == Policy::Refuse;
        let asked = !self.has(Defect::FusedWithoutPolicy) && !self.has(Defect::PolicyNotAskedAgain);
        let decision = self.decide(world, self.letters[usize::from(letter)], request)?;
        let approves = self.letters[usize::from(letter)].approve && matches!(decision, Decision::Count(_));
        if !approves || refused && asked {
            return None;
        }
        let version = world.requests[usize::from(request)].log.version();
        let reviewed = self.append(
            world,
            request,
            version,
            self.what(&decision, self.letters[usize::from(letter)])?,
            number,
        )?;
        if reviewed.phase() != Phase::Approved {
            return None;
        }
        world.copies[usize::from(letter)] -= 1;
        let taken = TakenUp { letter, request, version, refused, gone: false };
        world.nodes[usize::from(number)].step = Step::Together(taken);
        Some(())
    }

    /// Both are written, or neither is and the desk judges the letter anew.
    pub(crate) fn write_both(&self, world: &mut World, number: u8, taken: TakenUp) -> Step {
        match self.append_both(world, number, taken) {
            Some(_) if taken.gone && self.has(Defect::FusedWithoutGuard) => Step::Done(Answer::Gone),
            Some(attempt) if taken.gone => self.not_run(attempt),
            Some(attempt) => Step::Held { attempt },
            None => {
                // The desk does not depend on the caller of the gate.
                let _ = self.arrive(world, taken.letter, taken.request);
                match taken.gone {
                    true if self.keyed => Step::Done(Answer::Gone),
                    true => Step::Withdraw { request: taken.request },
                    false => Step::Wait { request: taken.request },
                }
            }
        }
    }

    /// Both are written, and nobody hears of it.
    pub(crate) fn lose_reply_to_both(&self, world: &mut World, number: u8, taken: TakenUp) -> Option<()> {
        let attempt = self.append_both(world, number, taken)?;
        world.left.lost_replies -= 1;
        world.nodes[usize::from(number)].step = Step::ReadBack { attempt, gone: taken.gone };
        Some(())
    }

    fn append_both(&self, world: &mut World, number: u8, taken: TakenUp) -> Option<Attempt> {
        let TakenUp { letter, request, version, refused, .. } = taken;
        let from = self.letters[usize::from(letter)];
        let reviewed = What::Reviewed { by: from.by, as_id: self.known_as(from), approve: true };
        let mut next = world.clone();
        next.requests[usize::from(request)].log = self.append(world, request, version, reviewed, number)?;
        let attempt = Attempt { node: number, request, version: version + 1 };
        let log = self.append(&next, request, version + 1, What::Started(attempt), number)?;
        let first = if self.keyed { 0 } else { usize::from(request) };
        let so_far = &world.requests[first..=usize::from(request)];
        world.broken.denial_wins |= so_far.iter().any(|request| request.no_said);
        world.broken.policy_may_stop |= refused;
        world.requests[usize::from(request)].log = log;
        Some(attempt)
    }
}
