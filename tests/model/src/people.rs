//! Who may answer, under which identities, and how an answer comes.

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
    /// Of group `a`, like ann.
    Dee,
    /// Of both groups; owns the agent.
    Olga,
    /// Of group `b`; the agent acts for him, under one of his aliases.
    Hank,
    /// Of no group; policy names her for break-glass.
    Zoe,
}

impl Voter {
    /// The alias that the request knows hank by.
    pub const HANK_AT_CHAT: &'static str = "U-hank";

    /// The group of those who are in `a` and in `b`; only a quorum without matching names it.
    pub(crate) const BOTH: &'static str = "both";

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
            Self::Dee => "dee",
            Self::Olga => "olga",
            Self::Hank => "hank",
            Self::Zoe => "zoe",
        }
    }

    /// The groups they are in.
    pub fn groups(self) -> BTreeSet<GroupId> {
        let names: &[&str] = match self {
            Self::Ann | Self::Dee => &["a"],
            Self::Bob | Self::Hank => &["b"],
            Self::Cy | Self::Olga => &["a", "b", Self::BOTH],
            Self::Zoe => &[],
        };
        names.iter().map(|name| GroupId::from(*name)).collect()
    }
}

/// As whom production is told somebody: themselves, unless a defect blinds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mask {
    /// Themselves.
    None,
    /// Somebody whom nobody knows as the requester.
    Shadow,
    /// A second person.
    Second,
    /// Themselves, and nothing is known of their aliases.
    WithoutAlias,
    /// Themselves, and of group `a` alone.
    OfGroupA,
}

impl Mask {
    /// The id that production is told.
    pub fn id(self, voter: Voter) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Second => "second",
            Self::None | Self::WithoutAlias | Self::OfGroupA => voter.id(),
        }
    }

    /// The groups that production is told.
    pub fn groups(self, voter: Voter) -> BTreeSet<GroupId> {
        match self {
            Self::OfGroupA => [GroupId::from("a")].into(),
            _ => voter.groups(),
        }
    }

    /// The person that the directory gives.
    pub fn person(self, voter: Voter) -> Person {
        let person = self.groups(voter).into_iter().fold(Person::new(self.id(voter)), Person::in_group);
        match (voter, self) {
            (Voter::Hank, Self::None | Self::OfGroupA) => person.known_as("chat", Voter::HANK_AT_CHAT),
            _ => person,
        }
    }
}

/// How an answer comes to the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Came {
    /// As it should.
    Well,
    /// From their second identity, which the directory maps onto the same person.
    FromSecondIdentity,
    /// From an identity that the directory maps onto nobody.
    FromNobody,
    /// From an identity of another provider than the way in was registered for.
    FromForeignProvider,
    /// Through a presentation that could not show everything.
    ThroughPart,
    /// For another digest.
    ForOtherDigest,
}

/// An answer on its way to the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Letter {
    /// Who wrote it.
    pub by: Voter,
    /// How it comes.
    pub came: Came,
    /// Yes or no.
    pub approve: bool,
    /// How often it may still arrive.
    pub copies: u8,
}

impl Letter {
    /// A yes.
    pub const fn yes(by: Voter) -> Self {
        Self { by, came: Came::Well, approve: true, copies: 1 }
    }

    /// A no.
    pub const fn no(by: Voter) -> Self {
        Self { approve: false, ..Self::yes(by) }
    }

    /// That comes so.
    #[must_use]
    pub const fn that_came(self, came: Came) -> Self {
        Self { came, ..self }
    }

    /// That arrives twice.
    #[must_use]
    pub const fn twice(self) -> Self {
        Self { copies: 2, ..self }
    }
}
