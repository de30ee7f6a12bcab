//! People, groups and the identities that map onto them.

mod directory;
#[cfg(feature = "people-toml")]
mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::directory::{Directory, DirectoryError, People, PeopleError};
use crate::card::is_hidden;
use crate::id::{AgentId, GroupId, PersonId, ProviderId};

/// How strongly a reviewer was authenticated. Set per registration of the way in, never by the review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Assurance {
    /// The operating system says who is at the keyboard.
    Local,
    /// A chat service says who clicked.
    Chat,
    /// An identity provider signed the person in for this session.
    Sso,
    /// The person signed this very answer.
    Signed,
}

impl Assurance {
    /// `local`, `chat`, `sso` or `signed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Chat => "chat",
            Self::Sso => "sso",
            Self::Signed => "signed",
        }
    }
}

impl fmt::Display for Assurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who somebody is in the eyes of one provider: `os`/`dana`, `slack`/`T01/U02`. Not yet a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    provider: ProviderId,
    subject: String,
}

impl Identity {
    /// The provider's own stable id of somebody; never a display name.
    pub fn new(provider: impl Into<ProviderId>, subject: impl Into<String>) -> Self {
        Self { provider: provider.into(), subject: subject.into() }
    }

    /// Who vouches for it.
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// The id within the provider.
    pub fn subject(&self) -> &str {
        &self.subject
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.subject)
    }
}

/// One canonical human.
///
/// ```
/// use approvals_core::people::{Identity, Person};
///
/// let dana = Person::new("dana").named("Dana Whitfield").in_group("sre").known_as("os", "dana");
/// assert!(dana.identities().any(|identity| identity == Identity::new("os", "dana")));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    id: PersonId,
    name: String,
    groups: BTreeSet<GroupId>,
    identities: BTreeMap<ProviderId, BTreeSet<String>>,
}

impl Person {
    /// A person without groups and identities; the name is the id until [`named`](Self::named).
    pub fn new(id: impl Into<PersonId>) -> Self {
        let id = id.into();
        let name = id.as_str().to_owned();
        Self { id, name, groups: BTreeSet::new(), identities: BTreeMap::new() }
    }

    /// What to call them on a card.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Puts them into a group.
    #[must_use]
    pub fn in_group(mut self, group: impl Into<GroupId>) -> Self {
        self.groups.insert(group.into());
        self
    }

    /// Maps an identity onto them.
    #[must_use]
    pub fn known_as(mut self, provider: impl Into<ProviderId>, subject: impl Into<String>) -> Self {
        self.identities.entry(provider.into()).or_default().insert(subject.into());
        self
    }

    /// The canonical id.
    pub fn id(&self) -> &PersonId {
        &self.id
    }

    /// What to call them.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The groups they are in.
    pub fn groups(&self) -> &BTreeSet<GroupId> {
        &self.groups
    }

    /// Every identity that maps onto them.
    pub fn identities(&self) -> impl Iterator<Item = Identity> + '_ {
        self.identities
            .iter()
            .flat_map(|(provider, subjects)| subjects.iter().map(|s| Identity::new(provider.clone(), s)))
    }

    /// Whether the text is their id or one of their identities, with or without its provider, in any spelling: it is
    /// asked in order to exclude somebody, and mail addresses and account names come in upper and lower case.
    pub(crate) fn is_called(&self, text: &str) -> bool {
        let text = spelling(text);
        spelling(self.id.as_str()) == text
            || self.identities().any(|identity| {
                spelling(identity.subject()) == text || spelling(&identity.to_string()) == text
            })
    }
}

/// A name without what a reader does not tell apart.
pub(crate) fn spelling(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace() && !is_hidden(*c)).flat_map(char::to_lowercase).collect()
}

/// Somebody whose approval never counts: an owner, or the human that an agent acts for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Principal {
    /// A person of the directory.
    Person(PersonId),
    /// Somebody outside it, by an id that no person of the directory has.
    External(String),
}

impl Principal {
    /// Whether the person is this principal, under any alias.
    pub fn is(&self, person: &Person) -> bool {
        match self {
            Self::Person(id) => person.id() == id,
            Self::External(id) => person.is_called(id),
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => fmt::Display::fmt(id, f),
            Self::External(id) => write!(f, "{id} (external)"),
        }
    }
}

impl From<&str> for Principal {
    fn from(id: &str) -> Self {
        Self::Person(id.into())
    }
}

impl From<PersonId> for Principal {
    fn from(id: PersonId) -> Self {
        Self::Person(id)
    }
}

/// The agent that asks, and who answers for it.
///
/// ```
/// use approvals_core::people::Agent;
///
/// // Works on behalf of whoever talks to it, and never for nobody.
/// let agent = Agent::new("support-bot").owned_by("dana").acts_for_people();
/// assert_eq!(agent.id().as_str(), "support-bot");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    pub(crate) id: AgentId,
    pub(crate) owner: Option<Principal>,
    pub(crate) acts_for_people: bool,
}

impl Agent {
    /// An agent. Its owner is [`owned_by`](Self::owned_by), or what the directory says.
    pub fn new(id: impl Into<AgentId>) -> Self {
        Self { id: id.into(), owner: None, acts_for_people: false }
    }

    /// The person who answers for the agent and therefore never approves for it. A person, never a group.
    #[must_use]
    pub fn owned_by(mut self, owner: impl Into<Principal>) -> Self {
        self.owner = Some(owner.into());
        self
    }

    /// Makes a call without a human to act for an error, because a lost context would let that human approve.
    #[must_use]
    pub fn acts_for_people(mut self) -> Self {
        self.acts_for_people = true;
        self
    }

    /// The agent's id.
    pub fn id(&self) -> &AgentId {
        &self.id
    }
}

/// Who asks, as a request holds it: ids only.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Requester {
    /// The agent.
    pub agent: AgentId,
    /// Who owns the agent.
    pub owner: Principal,
    /// The human that the agent acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Principal>,
}

impl Requester {
    /// Whether the person is the agent, its owner or the human it acts for, under any alias (law 4).
    pub fn includes(&self, person: &Person) -> bool {
        self.owner.is(person)
            || self.on_behalf_of.as_ref().is_some_and(|human| human.is(person))
            || person.is_called(self.agent.as_str())
    }

    /// The same question of a bare id, as far as a record can answer it.
    pub(crate) fn includes_id(&self, id: &PersonId) -> bool {
        self.is_answered_for_by(id) || self.agent.as_str() == id.as_str()
    }

    /// Whether the id is the owner's or the human's: a single operator is one of them, and never the agent.
    pub(crate) fn is_answered_for_by(&self, id: &PersonId) -> bool {
        let is = |principal: &Principal| match principal {
            Principal::Person(person) => person == id,
            Principal::External(external) => external == id.as_str(),
        };
        is(&self.owner) || self.on_behalf_of.as_ref().is_some_and(is)
    }
}
