//! What people do: letters to the desk, break-glass, reconciliations.

use approvals_core::card::Shown;
use approvals_core::desk::{Decision, Review, Reviewer, Way, WayKind, decide};
use approvals_core::ledger::Answer;
use approvals_core::people::Assurance;
use approvals_core::state::Phase;

use crate::defect::Defect;
use crate::ledger::{What, time};
use crate::people::{Letter, Voter};
use crate::world::{Judged, Protocol, World};

impl Protocol {
    /// The id that the directory gives for a letter. A defect that blinds the judge shows it somebody else.
    pub(crate) fn known_as(&self, letter: Letter) -> &'static str {
        match letter {
            Letter { by, .. } if by.is_requester() && self.has(Defect::RequesterCounts) => "shadow",
            Letter { second_identity: true, .. } if self.has(Defect::AliasesAreDistinct) => "second",
            Letter { by, .. } => by.id(),
        }
    }

    pub(crate) fn decide(&self, world: &World, letter: Letter, request: u8) -> Option<Decision> {
        let log = &world.requests[usize::from(request)].log;
        let reviewer = Reviewer {
            person: Some(letter.by.person(self.known_as(letter))),
            way: Way {
                id: "chat".into(),
                provider: "chat".into(),
                assurance: Assurance::Chat,
                kind: WayKind::Backend,
            },
            provider: "chat".into(),
        };
        let review = Review {
            request: log.id(),
            seen: log.state().opened()?.digest.into(),
            shown: Shown::Everything,
            answer: if letter.approve { Answer::Approve } else { Answer::Deny },
            comment: None,
        };
        Some(decide(log.state(), &reviewer, &review, time(world.clock)))
    }

    pub(crate) fn what(&self, decision: &Decision, letter: Letter) -> Option<What> {
        let as_id = self.known_as(letter);
        match decision {
            Decision::Count(_) => Some(What::Reviewed { by: letter.by, as_id, approve: letter.approve }),
            Decision::Cancel(_) => Some(What::Revoked { by: letter.by }),
            Decision::Ignore(_) => None,
        }
    }

    /// A letter arrives: look up, decide and append at one time.
    pub(crate) fn deliver(&self, world: &mut World, letter: u8, request: u8) -> Option<()> {
        world.copies[usize::from(letter)] -= 1;
        self.arrive(world, letter, request)
    }

    pub(crate) fn arrive(&self, world: &mut World, letter: u8, request: u8) -> Option<()> {
        let letter = self.letters[usize::from(letter)];
        let decision = self.decide(world, letter, request)?;
        let counts_no = !letter.approve && matches!(decision, Decision::Count(_));
        let about = &world.requests[usize::from(request)];
        let too_late_to_stop = matches!(about.log.phase(), Phase::Executing | Phase::Unknown);
        if counts_no && too_late_to_stop && self.has(Defect::LateDenialIgnored) {
            world.requests[usize::from(request)].no_said = true;
            return Some(());
        }
        if let Some(what) = self.what(&decision, letter)
            && let Some(log) = self.append_now(world, request, what, 0)
        {
            let about = &mut world.requests[usize::from(request)];
            about.log = log;
            about.no_said |= counts_no;
        }
        Some(())
    }

    /// A letter is judged now and written later.
    pub(crate) fn judge(&self, world: &mut World, letter: u8, request: u8) -> Option<()> {
        let about = &world.requests[usize::from(request)];
        let version = about.log.version();
        let decision = self.decide(world, self.letters[usize::from(letter)], request)?;
        self.what(&decision, self.letters[usize::from(letter)])?;
        world.copies[usize::from(letter)] -= 1;
        world.judged = Some(Judged { letter, request, version });
        Some(())
    }

    /// The judged letter is written, if the request has not moved; else it is judged anew.
    pub(crate) fn write(&self, world: &mut World) -> Option<()> {
        let Judged { letter, request, version } = world.judged.take()?;
        let from = self.letters[usize::from(letter)];
        let what = match from.by.is_requester() && !self.has(Defect::RequesterCounts) {
            true => What::Revoked { by: from.by },
            false => What::Reviewed { by: from.by, as_id: self.known_as(from), approve: from.approve },
        };
        match self.append(world, request, version, what, 0) {
            Some(log) => {
                let about = &mut world.requests[usize::from(request)];
                about.log = log;
                about.no_said |= !from.approve && matches!(what, What::Reviewed { .. });
                Some(())
            }
            None => self.arrive(world, letter, request),
        }
    }

    /// Somebody breaks the glass, or tries to.
    pub(crate) fn overrule(&self, world: &mut World, request: u8, by: Voter) -> Option<()> {
        let blind = by.is_requester() && self.has(Defect::RequesterOverrides);
        let as_id = if blind { "shadow" } else { by.id() };
        let log = self.append_now(world, request, What::Overridden { by, as_id }, 0)?;
        world.left.overrides -= 1;
        world.requests[usize::from(request)].log = log;
        Some(())
    }

    /// Somebody says what became of a lost attempt, or tries to.
    pub(crate) fn reconcile(&self, world: &mut World, request: u8, by: Voter, ran: bool) -> Option<()> {
        let blind = by.is_requester() && self.has(Defect::RequesterReconciles);
        let as_id = if blind { "shadow" } else { by.id() };
        let log = self.append_now(world, request, What::Reconciled { by, as_id, ran }, 0)?;
        world.left.reconciliations -= 1;
        world.requests[usize::from(request)].log = log;
        Some(())
    }
}
