//! How many people of which groups it takes.

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::GroupId;

/// A tree of groups and counts. It is met when distinct people can be assigned to all slots of one of its
/// alternatives, so that nobody fills two.
///
/// ```
/// use std::collections::BTreeSet;
///
/// use approvals_core::request::Quorum;
///
/// let quorum = Quorum::All(vec![Quorum::people_from(1, ["sre"]), Quorum::people_from(1, ["security"])]);
/// assert_eq!(quorum.to_string(), "1 person from sre and 1 person from security");
///
/// let both = BTreeSet::from(["sre".into(), "security".into()]);
/// let sre = BTreeSet::from(["sre".into()]);
/// assert!(!quorum.is_met_by(&[&both]), "one person fills one slot");
/// assert!(quorum.is_met_by(&[&both, &sre]));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quorum {
    /// So many distinct people, each from one of the groups; from anywhere if no group is named.
    People {
        /// How many; at least 1.
        count: u32,
        /// From which groups.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        from: BTreeSet<GroupId>,
    },
    /// Every branch, with different people.
    All(Vec<Quorum>),
    /// Any one branch.
    Any(Vec<Quorum>),
}

/// The groups that may fill one slot; empty: anyone.
type Slot<'a> = &'a BTreeSet<GroupId>;

/// A quorum that is too large to be checked or that asks for nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuorum {
    /// A count of 0, or a branch without children.
    #[error("a quorum that asks for nobody; ask for at least one person")]
    Nobody,
    /// Too many people.
    #[error("a quorum of more than {max} people; ask for fewer")]
    TooManyPeople {
        /// The most.
        max: usize,
    },
    /// Too many alternatives or too deep.
    #[error("a quorum with more than {max} alternatives or levels; write it with fewer branches")]
    TooManyAlternatives {
        /// The most.
        max: usize,
    },
}

impl Quorum {
    /// The most people that one alternative may ask for.
    pub const MAX_PEOPLE: usize = 32;
    /// The most alternatives, and the most levels.
    pub const MAX_ALTERNATIVES: usize = 64;

    /// So many people from anywhere in the directory.
    pub fn people(count: u32) -> Self {
        Self::People { count, from: BTreeSet::new() }
    }

    /// So many people, each from one of the groups.
    pub fn people_from<G: Into<GroupId>>(count: u32, groups: impl IntoIterator<Item = G>) -> Self {
        Self::People { count, from: groups.into_iter().map(Into::into).collect() }
    }

    /// Whether it can be met and checked at all.
    ///
    /// # Errors
    /// If it asks for nobody, for more than [`MAX_PEOPLE`](Self::MAX_PEOPLE), or branches too often.
    pub fn validate(&self) -> Result<(), InvalidQuorum> {
        self.alternatives(0).map(drop)
    }

    /// Whether distinct people, each given by their groups, fill every slot of one alternative. A larger crowd than
    /// needed is enough too.
    pub fn is_met_by(&self, people: &[&BTreeSet<GroupId>]) -> bool {
        match self.alternatives(0) {
            Ok(alternatives) => alternatives.iter().any(|slots| can_fill(slots, people)),
            Err(_) => false,
        }
    }

    /// Whether a person of these groups could fill a slot.
    pub fn has_place_for(&self, groups: &BTreeSet<GroupId>) -> bool {
        match self {
            Self::People { count, from } => *count > 0 && fits(from, groups),
            Self::All(branches) | Self::Any(branches) => branches.iter().any(|b| b.has_place_for(groups)),
        }
    }

    /// Every group that it names; `None` when one of its slots is open to anyone.
    pub fn groups(&self) -> Option<BTreeSet<GroupId>> {
        match self {
            Self::People { from, .. } if from.is_empty() => None,
            Self::People { from, .. } => Some(from.clone()),
            Self::All(branches) | Self::Any(branches) => branches
                .iter()
                .map(Self::groups)
                .collect::<Option<Vec<_>>>()
                .map(|sets| sets.into_iter().flatten().collect()),
        }
    }

    /// Whether whoever fills it certainly fills the other too. Not every such pair is found.
    pub(crate) fn includes(&self, other: &Self) -> bool {
        let fewest = |quorum: &Self| {
            let alternatives = quorum.alternatives(0).ok()?;
            alternatives.iter().map(Vec::len).min()
        };
        match other {
            Self::People { count, from } if *count > 0 && from.is_empty() => {
                fewest(self).is_some_and(|fewest| fewest >= *count as usize)
            }
            other => self == other,
        }
    }

    /// This one and that of the code, unless one is part of the other.
    pub(crate) fn beside<'a>(&'a self, code: Option<&'a Self>) -> impl Iterator<Item = &'a Self> {
        let code = code.filter(|code| !self.includes(code));
        let policy = Some(self).filter(|policy| code.is_none_or(|code| !code.includes(policy)));
        policy.into_iter().chain(code)
    }

    fn alternatives(&self, level: usize) -> Result<Vec<Vec<Slot<'_>>>, InvalidQuorum> {
        let too_many = InvalidQuorum::TooManyAlternatives { max: Self::MAX_ALTERNATIVES };
        if level >= Self::MAX_ALTERNATIVES {
            return Err(too_many);
        }
        let alternatives = match self {
            Self::People { count: 0, .. } => return Err(InvalidQuorum::Nobody),
            Self::People { count, .. } if *count as usize > Self::MAX_PEOPLE => {
                return Err(InvalidQuorum::TooManyPeople { max: Self::MAX_PEOPLE });
            }
            Self::People { count, from } => vec![vec![from; *count as usize]],
            Self::All(branches) | Self::Any(branches) if branches.is_empty() => {
                return Err(InvalidQuorum::Nobody);
            }
            Self::Any(branches) => {
                let mut all = Vec::new();
                for branch in branches {
                    all.extend(branch.alternatives(level + 1)?);
                    if all.len() > Self::MAX_ALTERNATIVES {
                        return Err(too_many);
                    }
                }
                all
            }
            Self::All(branches) => {
                let mut product: Vec<Vec<Slot<'_>>> = vec![Vec::new()];
                for branch in branches {
                    let choices = branch.alternatives(level + 1)?;
                    if product.len().saturating_mul(choices.len()) > Self::MAX_ALTERNATIVES {
                        return Err(too_many);
                    }
                    product = product
                        .iter()
                        .flat_map(|done| choices.iter().map(move |more| [done.as_slice(), more].concat()))
                        .collect();
                    // Inside the loop, so that the work is bounded however many branches there are.
                    if product.iter().any(|slots| slots.len() > Self::MAX_PEOPLE) {
                        return Err(InvalidQuorum::TooManyPeople { max: Self::MAX_PEOPLE });
                    }
                }
                product
            }
        };
        Ok(alternatives)
    }
}

fn fits(slot: Slot<'_>, groups: &BTreeSet<GroupId>) -> bool {
    slot.is_empty() || !slot.is_disjoint(groups)
}

/// Kuhn's augmenting paths: a maximum matching of slots to people.
fn can_fill(slots: &[Slot<'_>], people: &[&BTreeSet<GroupId>]) -> bool {
    fn place(
        slot: usize,
        slots: &[Slot<'_>],
        people: &[&BTreeSet<GroupId>],
        seen: &mut [bool],
        holds: &mut [Option<usize>],
    ) -> bool {
        for (person, groups) in people.iter().enumerate() {
            let Some(wanted) = slots.get(slot) else { return false };
            match seen.get_mut(person) {
                Some(seen) if !*seen && fits(wanted, groups) => *seen = true,
                _ => continue,
            }
            let free = match holds.get(person).copied().flatten() {
                None => true,
                Some(other) => place(other, slots, people, seen, holds),
            };
            if free {
                if let Some(held) = holds.get_mut(person) {
                    *held = Some(slot);
                }
                return true;
            }
        }
        false
    }

    if people.len() < slots.len() {
        return false;
    }
    let mut holds = vec![None; people.len()];
    (0..slots.len()).all(|slot| place(slot, slots, people, &mut vec![false; people.len()], &mut holds))
}

impl fmt::Display for Quorum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, branches: &[Self], word: &str| {
            for (i, branch) in branches.iter().enumerate() {
                if i > 0 {
                    write!(f, " {word} ")?;
                }
                match branch {
                    Self::People { .. } => write!(f, "{branch}")?,
                    _ => write!(f, "({branch})")?,
                }
            }
            Ok(())
        };
        match self {
            Self::People { count, from } => {
                write!(f, "{count} {}", if *count == 1 { "person" } else { "people" })?;
                for (i, group) in from.iter().enumerate() {
                    f.write_str(if i == 0 { " from " } else { " or " })?;
                    write!(f, "{group}")?;
                }
                Ok(())
            }
            Self::All(branches) => join(f, branches, "and"),
            Self::Any(branches) => join(f, branches, "or"),
        }
    }
}
