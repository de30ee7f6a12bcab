//! Who may answer, under which identities.

use std::collections::BTreeSet;

use approvals_core::id::GroupId;
use approvals_core::people::Person;

/// One human.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Voter {
    /// Of group `a`.
    Ann,
    /// Of group `b`.
    Bob,
    /// Of both groups, with two identities.
    Cy,
    /// Of both groups; owns the agent.
    Olga,
    /// Of group `b`; the agent acts for him, under one of his aliases.
    Hank,
    /// May break the glass and say what became of a lost attempt.
    Zoe,
}

impl Voter {
    /// The alias that the request knows hank by.
    pub const HANK_AT_CHAT: &'static str = "U-hank";

    /// Whether the request comes from them.
    pub fn is_requester(self) -> bool {
        matches!(self, Self::Olga | Self::Hank)
    }

    /// The id in the directory.
    pub fn id(self) -> &'static str {
        match self {
            Self::Ann => "ann",
            Self::Bob => "bob",
            Self::Cy => "cy",
            Self::Olga => "olga",
            Self::Hank => "hank",
            Self::Zoe => "zoe",
        }
    }

    /// The group of those who are in `a` and in `b`; only a quorum without matching names it.
    pub(crate) const BOTH: &'static str = "both";

    /// The groups they are in.
    pub fn groups(self) -> BTreeSet<GroupId> {
        let names: &[&str] = match self {
            Self::Ann => &["a"],
            Self::Bob | Self::Hank => &["b"],
            Self::Cy | Self::Olga => &["a", "b", Self::BOTH],
            Self::Zoe => &[],
        };
        names.iter().map(|name| GroupId::from(*name)).collect()
    }

    /// The person that the directory gives for them, under the given id.
    pub fn person(self, id: &'static str) -> Person {
        let person = self.groups().into_iter().fold(Person::new(id), Person::in_group);
        if id == Self::Hank.id() { person.known_as("chat", Self::HANK_AT_CHAT) } else { person }
    }
}

/// An answer on its way to the desk: whose, from which of their identities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Letter {
    /// Who wrote it.
    pub by: Voter,
    /// Whether from their second identity.
    pub second_identity: bool,
    /// Yes or no.
    pub approve: bool,
    /// How often it may still arrive.
    pub copies: u8,
}

impl Letter {
    /// A yes.
    pub const fn yes(by: Voter) -> Self {
        Self { by, second_identity: false, approve: true, copies: 1 }
    }

    /// A no.
    pub const fn no(by: Voter) -> Self {
        Self { approve: false, ..Self::yes(by) }
    }

    /// From the second identity.
    #[must_use]
    pub const fn from_elsewhere(self) -> Self {
        Self { second_identity: true, ..self }
    }

    /// That arrives twice.
    #[must_use]
    pub const fn twice(self) -> Self {
        Self { copies: 2, ..self }
    }
}
