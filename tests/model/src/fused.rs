//! Verdict and claim in one append: `[reviewed, started]`, where the waiter lives in the process of the desk.
//!
//! The desk has a yes in hand that completes the quorum. It offers it to the waiter, which asks policy and directory
//! once more; then both records are written at the version that the desk has judged, or neither. If they are refused,
//! the review is judged anew, alone. From the append on the claim is owned like any other: whoever leaves before the
//! body, or whose call has changed by then, has it recorded as not run.

use approvals_core::desk::Decision;
use approvals_core::state::Phase;

use crate::defect::Defect;
use crate::gate::{Saw, Step};
use crate::ledger::{Attempt, What};
use crate::world::{Policy, Protocol, World};

impl Protocol {
    /// A letter arrives where the waiter lives; only one that completes the quorum is offered to it.
    pub(crate) fn hear(&self, world: &mut World, number: u8, letter: u8) -> Option<()> {
        let Step::Wait { request } = world.nodes[usize::from(number)].step else { return None };
        let from = self.letters[usize::from(letter)];
        let version = world.log(request).version();
        let Decision::Count(_) = self.decide(world, from, request, None)? else { return None };
        if !from.approve {
            return None;
        }
        let reviewed = self.reviewed(world, from, request);
        let alone = self.append(world, request, version, &[reviewed], number).ok()?;
        if alone.phase() != Phase::Approved && !self.has(Defect::FusedShortOfQuorum) {
            return None;
        }
        let saw = match alone.phase() {
            Phase::Approved => self.see(world, &alone),
            _ => Saw { policy: world.policy, met: true },
        };
        world.copies[usize::from(letter)] -= 1;
        world.nodes[usize::from(number)].step = Step::Offer { request, letter, version, saw };
        Some(())
    }

    /// The waiter asks once more. Its call is compared where it always is, once it holds the claim.
    pub(crate) fn offer(
        &self,
        world: &mut World,
        number: u8,
        request: u8,
        letter: u8,
        version: u8,
        saw: Saw,
    ) -> Step {
        let reviewed = self.reviewed(world, self.letters[usize::from(letter)], request);
        let alone = self.append(world, request, version, &[reviewed], number);
        let met =
            alone.is_ok_and(|alone| self.see(world, &alone).met) || self.has(Defect::FusedShortOfQuorum);
        let lets = matches!(world.policy, Policy::Ask | Policy::Run) || self.has(Defect::FusedWithoutPolicy);
        if met && lets {
            return Step::Fuse { request, letter, version, saw, gone: false };
        }
        self.arrive(world, letter, request);
        Step::Wait { request }
    }

    /// Both records, or neither.
    pub(crate) fn fuse(
        &self,
        world: &mut World,
        number: u8,
        request: u8,
        letter: u8,
        version: u8,
        saw: Saw,
    ) -> Option<Attempt> {
        let node = match self.has(Defect::FusedForAWaiterElsewhere) {
            true => (number + 1) % self.nodes,
            false => number,
        };
        let attempt = Attempt { node, request, version: version + 1, fused: true };
        let reviewed = self.reviewed(world, self.letters[usize::from(letter)], request);
        let log = self.append(world, request, version, &[reviewed, What::Started(attempt)], node).ok()?;
        self.judge_claim(world, request, saw);
        world.put(request, log);
        Some(attempt)
    }

    /// The fused append was refused; the review is still in hand.
    pub(crate) fn judge_anew(&self, world: &mut World, letter: u8, request: u8) {
        if !self.has(Defect::FusedReviewForgotten) {
            self.arrive(world, letter, request);
        }
    }
}
