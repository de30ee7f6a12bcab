//! What people do: letters to the desk, break-glass, cancellations, reconciliations.

use approvals_core::card::Shown;
use approvals_core::desk::{
    Decision, Review, Reviewer, Seen, Way, WayKind, decide, may_cancel, may_reconcile,
};
use approvals_core::ledger::Answer;
use approvals_core::people::Assurance;
use approvals_core::request::Digest;
use approvals_core::state::Phase;
use approvals_core::time::Timestamp;

use crate::defect::Defect;
use crate::event::{tick, time};
use crate::laws::has_place;
use crate::ledger::{Entry, Refusal, What};
use crate::people::{Came, Letter, Mask, Voter};
use crate::world::{DESK, Judged, Protocol, World};

impl Protocol {
    /// As whom production is told the writer of a letter.
    fn mask(&self, world: &World, letter: Letter, request: u8) -> Mask {
        let Letter { by, came, approve, .. } = letter;
        let yes = world.log(request).state().answers().len();
        match self.defect {
            Some(Defect::RequesterCounts) if by.is_requester() => Mask::Shadow,
            Some(Defect::RequesterAliasUnknown) => Mask::WithoutAlias,
            Some(Defect::AliasesAreDistinct) if came == Came::FromSecondIdentity => Mask::Second,
            Some(Defect::AnyoneDenies) if !approve && !has_place(self.asked.quorum, by) => Mask::OfGroupA,
            // The sum is beyond the number that is asked for, so the last slot stays empty.
            Some(Defect::QuorumByEquality) if approve && yes > 1 => Mask::OfGroupA,
            _ => Mask::None,
        }
    }

    /// What a letter that counts is recorded as.
    pub(crate) fn reviewed(&self, world: &World, letter: Letter, request: u8) -> What {
        let Letter { by, came, approve, .. } = letter;
        What::Reviewed { by, mask: self.mask(world, letter, request), approve, came }
    }

    fn reviewer(&self, by: Voter, mask: Mask, came: Came) -> Reviewer {
        let stranger = !self.has(Defect::StrangerCounts);
        let provider = if came == Came::FromForeignProvider && stranger { "elsewhere" } else { "chat" };
        Reviewer {
            person: (came != Came::FromNobody || !stranger).then(|| mask.person(by)),
            way: Way {
                id: "chat".into(),
                provider: "chat".into(),
                assurance: Assurance::Chat,
                kind: WayKind::Backend,
            },
            provider: provider.into(),
        }
    }

    /// The production judgement at the clock of the desk's node, which goes by the store's where it has heard of it.
    pub(crate) fn decide(
        &self,
        world: &World,
        letter: Letter,
        request: u8,
        at_least: Option<Timestamp>,
    ) -> Option<Decision> {
        let log = world.log(request);
        let state = log.state();
        let reviewer = self.reviewer(letter.by, self.mask(world, letter, request), letter.came);
        let digest = state.opened()?.digest;
        let other = letter.came == Came::ForOtherDigest && !self.has(Defect::OtherDigestCounts);
        let part = letter.came == Came::ThroughPart && !self.has(Defect::PartIsEnough);
        let review = Review {
            request: log.id(),
            seen: Seen::Digest(if other { Digest::from_bytes([7; 32]) } else { digest }),
            shown: if part { Shown::Part { hidden: 1 } } else { Shown::Everything },
            answer: if letter.approve { Answer::Approve } else { Answer::Deny },
            comment: None,
        };
        let heard = [state.last(), at_least].into_iter().flatten();
        let mut now = heard.fold(time(world.node_clock()), Timestamp::max);
        let deadline = state.deadline().filter(|_| state.phase() == Phase::Pending).map(tick);
        let blind = match self.defect {
            Some(Defect::TimeUnchecked | Defect::LateYesCounts) => true,
            Some(Defect::YesAtTheDeadline) => deadline == Some(tick(now)),
            _ => false,
        };
        if let Some(deadline) = deadline.filter(|_| blind) {
            now = now.min(time(deadline.saturating_sub(1)));
        }
        Some(decide(state, &reviewer, &review, now))
    }

    /// A letter arrives: look up, decide and append at one time.
    pub(crate) fn deliver(&self, world: &mut World, letter: u8, request: u8) -> Option<()> {
        world.copies[usize::from(letter)] -= 1;
        self.arrive(world, letter, request);
        Some(())
    }

    /// The loop of the desk, in which nothing comes between; a letter that leaves it unrecorded is lost.
    pub(crate) fn arrive(&self, world: &mut World, letter: u8, request: u8) {
        let letter = self.letters[usize::from(letter)];
        let mut at_least = None;
        for _ in 0..2 {
            let what = match self.decide(world, letter, request, at_least) {
                Some(Decision::Count(_)) => self.reviewed(world, letter, request),
                Some(Decision::Cancel(_)) => What::Revoked { by: letter.by },
                Some(Decision::Ignore(_)) => return self.ignore(world, request),
                None => return,
            };
            let counts_no = matches!(what, What::Reviewed { approve: false, .. });
            let unheard = match world.log(request).phase() {
                Phase::Executing | Phase::Unknown => self.has(Defect::LateDenialIgnored),
                Phase::Approved => self.has(Defect::DenialOfApprovedIgnored),
                _ => false,
            };
            if counts_no && unheard {
                world.requests[usize::from(request)].no_said = true;
                return self.ignore(world, request);
            }
            match self.append_now(world, request, what, DESK) {
                Ok(log) => {
                    world.put(request, log);
                    world.requests[usize::from(request)].no_said |= counts_no;
                    return;
                }
                Err(Refusal::TooLate(deadline)) => at_least = Some(deadline),
                Err(_) => {}
            }
        }
    }

    /// Law 11: what does not count is recorded, as a note at whatever version.
    fn ignore(&self, world: &mut World, request: u8) {
        let note = Entry { what: What::Ignored, node: DESK, stamp: world.clock, written: world.clock };
        if world.log(request).takes_note(note) && !self.has(Defect::IgnoredUnrecorded) {
            world.requests[usize::from(request)].ignored += 1;
        }
    }

    /// A letter is judged now and written later.
    pub(crate) fn judge(&self, world: &mut World, letter: u8, request: u8) -> Option<()> {
        let version = world.log(request).version();
        let revokes = match self.decide(world, self.letters[usize::from(letter)], request, None)? {
            Decision::Count(_) => false,
            Decision::Cancel(_) => true,
            Decision::Ignore(_) => return None,
        };
        world.copies[usize::from(letter)] -= 1;
        world.judged = Some(Judged { letter, request, version, revokes });
        Some(())
    }

    /// The judged letter is written, if the request has not moved; else it is judged anew.
    pub(crate) fn write(&self, world: &mut World) -> Option<()> {
        let Judged { letter, request, version, revokes } = world.judged.take()?;
        let from = self.letters[usize::from(letter)];
        let what = match revokes {
            true => What::Revoked { by: from.by },
            false => self.reviewed(world, from, request),
        };
        match self.append(world, request, version, &[what], DESK) {
            Ok(log) => {
                world.put(request, log);
                world.requests[usize::from(request)].no_said |= !from.approve && !revokes;
            }
            Err(_) => self.arrive(world, letter, request),
        }
        Some(())
    }

    /// Somebody breaks the glass, or tries to. Nothing outside the ledger's own judge stands before it yet.
    pub(crate) fn overrule(&self, world: &mut World, request: u8, by: Voter) -> Option<()> {
        let blind = by.is_requester() && self.has(Defect::RequesterOverrides);
        let mask = if blind { Mask::Shadow } else { Mask::None };
        let log = self.append_now(world, request, What::Overridden { by, mask }, DESK).ok()?;
        world.left.overrides -= 1;
        world.put(request, log);
        Some(())
    }

    /// Somebody takes the request back, or tries to.
    pub(crate) fn cancel(&self, world: &mut World, request: u8, by: Voter) -> Option<()> {
        let log = world.log(request);
        let reviewer = self.reviewer(by, Mask::None, Came::Well);
        let seen = Seen::Digest(log.state().opened()?.digest);
        let allowed = may_cancel(log.state(), &reviewer, log.id(), &seen).is_ok();
        let runs = log.phase() == Phase::Executing && by.is_requester();
        world.left.cancels -= 1;
        match allowed || runs && self.has(Defect::CancelledWhileRunning) {
            true => {
                if let Ok(log) = self.append_now(world, request, What::Revoked { by }, DESK) {
                    world.put(request, log);
                }
            }
            false => self.ignore(world, request),
        }
        Some(())
    }

    /// Somebody says what became of an attempt that was cut off, or tries to.
    pub(crate) fn reconcile(&self, world: &mut World, request: u8, by: Voter, ran: bool) -> Option<()> {
        let mask = match self.defect {
            Some(Defect::RequesterReconciles) if by.is_requester() => Mask::Shadow,
            Some(Defect::AnyoneReconciles) if !by.is_requester() => Mask::OfGroupA,
            _ => Mask::None,
        };
        let log = world.log(request);
        let allowed = may_reconcile(log.state(), &self.reviewer(by, mask, Came::Well), log.id());
        world.left.reconciliations -= 1;
        match allowed {
            Ok(_) => {
                if let Ok(log) = self.append_now(world, request, What::Reconciled { by, mask, ran }, DESK) {
                    world.put(request, log);
                }
            }
            Err(_) => self.ignore(world, request),
        }
        Some(())
    }
}
