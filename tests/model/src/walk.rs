//! Walks: where there are too many orders to try them all, one is taken by chance and followed to its end, again and
//! again.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use stateright::Model;

use crate::laws::ALWAYS;
use crate::reached::SOMETIMES;
use crate::world::{Action, Protocol, World};

/// What walks came to.
#[derive(Debug, Default)]
pub struct Walked {
    /// How many different states.
    pub states: usize,
    /// How many walks.
    pub walks: usize,
    /// What of [`SOMETIMES`] was reached.
    pub reached: BTreeSet<&'static str>,
    /// The first law that fell, and how.
    pub broken: Option<(&'static str, Vec<Action>)>,
}

impl Protocol {
    /// Walks until so many different states were seen, or a law falls. The same seed takes the same walks.
    #[must_use]
    pub fn walk(&self, states: usize, seed: u64) -> Walked {
        let mut chance = Chance(seed);
        let mut walked = Walked::default();
        let mut seen = HashSet::new();
        while seen.len() < states {
            walked.walks += 1;
            let mut begun = self.init_states();
            let mut world = begun.swap_remove(chance.below(begun.len()));
            let mut path = Vec::new();
            loop {
                if let Some((law, _)) = ALWAYS.iter().find(|(_, holds)| !holds(self, &world)) {
                    walked.broken = Some((law, path));
                    return walked;
                }
                let reached = SOMETIMES.iter().filter(|(_, is)| is(self, &world));
                walked.reached.extend(reached.map(|(what, _)| *what));
                let mut hasher = DefaultHasher::new();
                world.hash(&mut hasher);
                seen.insert(hasher.finish());
                let Some((action, next)) = self.any_next(&world, &mut chance) else { break };
                path.push(action);
                world = next;
            }
            walked.states = seen.len();
        }
        walked
    }

    fn any_next(&self, world: &World, chance: &mut Chance) -> Option<(Action, World)> {
        let mut actions = Vec::new();
        self.actions(world, &mut actions);
        while !actions.is_empty() {
            let at = chance.below(actions.len());
            // Trouble is rare, or no walk would get far.
            if self.is_trouble(actions[at]) && chance.below(8) > 0 {
                continue;
            }
            let action = actions.swap_remove(at);
            if let Some(next) = self.next_state(world, action) {
                return Some((action, next));
            }
        }
        None
    }

    fn is_trouble(&self, action: Action) -> bool {
        match action {
            Action::Call(_) | Action::Step(_) | Action::Restart(_) | Action::Hear { .. } | Action::Write => {
                false
            }
            Action::Deliver(letter, _) | Action::Judge(letter, _) => {
                !self.letters[usize::from(letter)].approve
            }
            _ => true,
        }
    }
}

/// A linear congruential generator (Knuth's MMIX); its upper half is good enough to choose by.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % bound
    }
}
