//! The people of the mock: whoever it names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::{MockBackend, PROVIDER, lock};
use crate::id::{GroupId, PersonId};
use crate::people::{Directory, DirectoryError, Identity, Person};

impl MockBackend {
    /// Puts a person into groups.
    pub fn group<G: Into<GroupId>>(
        &self,
        person: impl Into<PersonId>,
        groups: impl IntoIterator<Item = G>,
    ) -> Self {
        let groups = groups.into_iter().map(Into::into);
        self.inner.known().groups.entry(person.into()).or_default().extend(groups);
        self.clone()
    }

    /// Somebody whom the mock authenticates and the directory does not know.
    pub fn stranger(&self, person: impl Into<PersonId>) -> Self {
        self.inner.known().strangers.insert(person.into());
        self.clone()
    }

    /// The people that the mock may name: any but the strangers, in the groups they were put into.
    pub fn people(&self) -> impl Directory + use<> {
        Anyone(Arc::clone(&self.inner.known))
    }
}

/// What a test says of people.
#[derive(Default)]
pub(super) struct Known {
    pub(super) groups: BTreeMap<PersonId, BTreeSet<GroupId>>,
    pub(super) strangers: BTreeSet<PersonId>,
}

/// A directory in which everybody is somebody, but for the strangers. It does not hold the mock, which holds a desk and
/// with it this.
struct Anyone(Arc<Mutex<Known>>);

impl Anyone {
    fn find(&self, id: &str) -> Option<Person> {
        let known = lock(&self.0);
        let id = PersonId::new(id);
        if known.strangers.contains(&id) {
            return None;
        }
        let groups = known.groups.get(&id).cloned().unwrap_or_default();
        let person = Person::new(id.clone()).known_as(PROVIDER, id.as_str());
        Some(groups.into_iter().fold(person, Person::in_group))
    }
}

#[async_trait]
impl Directory for Anyone {
    async fn resolve(&self, identity: &Identity) -> Result<Option<Person>, DirectoryError> {
        let ours = identity.provider().as_str() == PROVIDER;
        Ok(if ours { self.find(identity.subject()) } else { None })
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, DirectoryError> {
        Ok(self.find(id.as_str()))
    }
}
