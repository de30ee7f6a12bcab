//! The directory: from an identity to a person.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{Identity, Person};
use crate::id::{AgentId, GroupId, PersonId};

/// Maps identities onto persons. A platform team writes one over its own identity provider.
///
/// It is asked at every review and once more at the claim, so its answers should be current; an error keeps the
/// gate shut (law 6).
///
/// ```
/// use approvals_core::async_trait;
/// use approvals_core::id::PersonId;
/// use approvals_core::people::{Directory, DirectoryError, Identity, Person};
///
/// /// Whoever a table of the company's knows.
/// struct Staff(Vec<(&'static str, &'static str)>);
///
/// impl Staff {
///     fn find(&self, is: impl Fn(&str, &str) -> bool) -> Option<Person> {
///         let (id, login) = self.0.iter().find(|(id, login)| is(id, login))?;
///         Some(Person::new(*id).known_as("sso", *login))
///     }
/// }
///
/// #[async_trait]
/// impl Directory for Staff {
///     async fn resolve(&self, identity: &Identity) -> Result<Option<Person>, DirectoryError> {
///         // An id means nothing without its provider: another one may have given it to somebody else.
///         if identity.provider().as_str() != "sso" {
///             return Ok(None);
///         }
///         Ok(self.find(|_, login| login == identity.subject()))
///     }
///
///     async fn person(&self, id: &PersonId) -> Result<Option<Person>, DirectoryError> {
///         Ok(self.find(|known, _| known == id.as_str()))
///     }
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let staff = Staff(vec![("dana", "d.whitfield")]);
/// let dana = staff.resolve(&Identity::new("sso", "d.whitfield")).await?;
/// assert_eq!(dana.unwrap().id().as_str(), "dana");
/// assert!(staff.resolve(&Identity::new("chat", "d.whitfield")).await?.is_none());
/// # Ok::<(), DirectoryError>(())
/// # }).unwrap();
/// ```
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// The person behind an identity; `None` if it maps onto nobody.
    ///
    /// # Errors
    /// If that cannot be told: the review is not judged, and may be submitted again.
    async fn resolve(&self, identity: &Identity) -> Result<Option<Person>, DirectoryError>;

    /// The person with an id; `None` if there is none.
    ///
    /// # Errors
    /// If that cannot be told: nothing is asked for and nothing claimed meanwhile.
    async fn person(&self, id: &PersonId) -> Result<Option<Person>, DirectoryError>;

    /// Everyone who is in one of the groups, or everyone at all if no group is given; `None` if that cannot be
    /// told. Used to refuse at once a requirement that nobody could ever meet.
    ///
    /// # Errors
    /// If the directory cannot answer. That a directory never lists people is `Ok(None)`, the default.
    async fn members(&self, groups: &[GroupId]) -> Result<Option<Vec<Person>>, DirectoryError> {
        let _ = groups;
        Ok(None)
    }

    /// The owner of an agent, where the directory knows it. The default knows none.
    ///
    /// # Errors
    /// If that cannot be told: `build()` fails.
    async fn owner(&self, agent: &AgentId) -> Result<Option<PersonId>, DirectoryError> {
        let _ = agent;
        Ok(None)
    }
}

/// The directory could not answer. Says what went wrong, without identities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the directory could not answer: {0}")]
pub struct DirectoryError(pub String);

/// What is wrong with a list of people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PeopleError {
    /// Two persons have one id.
    #[error("person `{0}` is there twice; merge the two entries")]
    PersonTwice(PersonId),
    /// One identity maps onto two persons.
    #[error("identity `{identity}` belongs to `{first}` and to `{second}`; leave it with one of them")]
    IdentityTwice {
        /// The identity.
        identity: Identity,
        /// Who has it.
        first: PersonId,
        /// Who has it too.
        second: PersonId,
    },
    /// An id, name, group or subject is empty.
    #[error("person `{0}` has an empty id, name, group or identity; fill it in or take it out")]
    Empty(PersonId),
    /// An agent is owned by somebody who is not in the list.
    #[error("agent `{agent}` is owned by `{owner}`, who is not in the list; add that person")]
    UnknownOwner {
        /// The agent.
        agent: AgentId,
        /// Its owner.
        owner: PersonId,
    },
    /// The list is a file, and so are the owners in it.
    #[error("the list is read from a file; name the owner of agent `{0}` there, under `[agents.…]`")]
    OwnerOutsideFile(AgentId),
    /// The file could not be read.
    #[error("cannot read `{path}`: {why}; write it as docs/people.md shows, or check its permissions")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        why: String,
    },
    /// The file is not a list of people.
    #[error("`{path}` is not a list of people: {why}")]
    Malformed {
        /// The file.
        path: String,
        /// What is wrong, with line and column.
        why: String,
    },
}

/// A list of people: in code, or from `people.toml`.
///
/// ```
/// use approvals_core::people::{People, Person};
/// let people = People::new([
///     Person::new("dana").named("Dana Whitfield").in_group("sre").known_as("os", "dana"),
///     Person::new("kim").known_as("os", "kim"),
/// ])?;
/// # Ok::<(), approvals_core::people::PeopleError>(())
/// ```
#[derive(Debug)]
pub struct People {
    source: Source,
}

#[derive(Debug)]
enum Source {
    Code(Listed),
    #[cfg(feature = "people-toml")]
    File(super::file::Watched),
}

impl People {
    /// A list in code.
    ///
    /// # Errors
    /// If an id or an identity is there twice or empty.
    pub fn new(people: impl IntoIterator<Item = Person>) -> Result<Self, PeopleError> {
        Ok(Self { source: Source::Code(Listed::new(people)?) })
    }

    /// Names the owner of an agent.
    ///
    /// # Errors
    /// If the owner is not in the list, or the list is a file.
    pub fn agent(
        mut self,
        agent: impl Into<AgentId>,
        owner: impl Into<PersonId>,
    ) -> Result<Self, PeopleError> {
        let (agent, owner) = (agent.into(), owner.into());
        match &mut self.source {
            Source::Code(listed) => listed.add_agent(agent, owner)?,
            #[cfg(feature = "people-toml")]
            Source::File(_) => return Err(PeopleError::OwnerOutsideFile(agent)),
        }
        Ok(self)
    }

    /// Reads `people.toml`. The file is read again whenever it changes; while it is broken, nobody resolves.
    ///
    /// # Errors
    /// If the file cannot be read or is not a list of people; the error names the place.
    #[cfg(feature = "people-toml")]
    pub fn from_file(path: impl Into<std::path::PathBuf>) -> Result<Self, PeopleError> {
        Ok(Self { source: Source::File(super::file::Watched::open(path.into())?) })
    }

    fn ask<T>(&self, question: impl FnOnce(&Listed) -> T) -> Result<T, DirectoryError> {
        match &self.source {
            Source::Code(listed) => Ok(question(listed)),
            #[cfg(feature = "people-toml")]
            Source::File(file) => Ok(question(&*file.current()?)),
        }
    }
}

#[async_trait]
impl Directory for People {
    async fn resolve(&self, identity: &Identity) -> Result<Option<Person>, DirectoryError> {
        self.ask(|listed| listed.resolve(identity))
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, DirectoryError> {
        self.ask(|listed| listed.people.get(id).cloned())
    }

    async fn members(&self, groups: &[GroupId]) -> Result<Option<Vec<Person>>, DirectoryError> {
        self.ask(|listed| {
            let member = |p: &&Person| groups.is_empty() || groups.iter().any(|g| p.groups().contains(g));
            Some(listed.people.values().filter(member).cloned().collect())
        })
    }

    async fn owner(&self, agent: &AgentId) -> Result<Option<PersonId>, DirectoryError> {
        self.ask(|listed| listed.agents.get(agent).cloned())
    }
}

/// Checked people, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct Listed {
    people: BTreeMap<PersonId, Person>,
    by_identity: BTreeMap<Identity, PersonId>,
    agents: BTreeMap<AgentId, PersonId>,
}

impl Listed {
    pub(super) fn new(people: impl IntoIterator<Item = Person>) -> Result<Self, PeopleError> {
        let mut listed = Self::default();
        for person in people {
            listed.add(person)?;
        }
        Ok(listed)
    }

    fn add(&mut self, person: Person) -> Result<(), PeopleError> {
        let id = person.id().clone();
        let empty_group = person.groups().iter().any(|group| group.as_str().is_empty());
        if id.as_str().is_empty() || person.name().is_empty() || empty_group {
            return Err(PeopleError::Empty(id));
        }
        if self.people.contains_key(&id) {
            return Err(PeopleError::PersonTwice(id));
        }
        for identity in person.identities() {
            if identity.subject().is_empty() || identity.provider().as_str().is_empty() {
                return Err(PeopleError::Empty(id));
            }
            if let Some(first) = self.by_identity.insert(identity.clone(), id.clone()) {
                return Err(PeopleError::IdentityTwice { identity, first, second: id });
            }
        }
        self.people.insert(id, person);
        Ok(())
    }

    pub(super) fn add_agent(&mut self, agent: AgentId, owner: PersonId) -> Result<(), PeopleError> {
        if !self.people.contains_key(&owner) {
            return Err(PeopleError::UnknownOwner { agent, owner });
        }
        self.agents.insert(agent, owner);
        Ok(())
    }

    fn resolve(&self, identity: &Identity) -> Option<Person> {
        self.by_identity.get(identity).and_then(|id| self.people.get(id)).cloned()
    }
}
