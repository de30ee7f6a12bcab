//! `people.toml`: who somebody is, and so who may decide.

use std::collections::BTreeMap;
use std::path::Path;

use approvals::People;
use approvals::id::AgentId;
use approvals::people::{Directory as _, Identity, PeopleError};

use crate::input::at_once;

/// The text of the file.
pub fn run(data: &[u8]) {
    check(data, |path| People::from_file(path));
}

/// The same with another reader.
pub fn check(data: &[u8], read: impl Fn(&Path) -> Result<People, PeopleError>) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), data).unwrap();
    let read = read(file.path());
    let text = std::str::from_utf8(data).ok();
    let document = text.and_then(|text| text.parse::<toml::Table>().ok());
    let Ok(people) = read else { return };
    let document = document.unwrap();
    let table = |name: &str| document.get(name).and_then(toml::Value::as_table).cloned().unwrap_or_default();

    let everyone = at_once(people.members(&[])).unwrap().unwrap();
    assert_eq!(everyone.len(), table("people").len(), "as many as the file names");
    let mut owners: BTreeMap<Identity, _> = BTreeMap::new();
    for person in &everyone {
        assert!(!person.id().as_str().is_empty() && !person.name().is_empty());
        assert_eq!(at_once(people.person(person.id())).unwrap().as_ref(), Some(person));
        for identity in person.identities() {
            assert_eq!(at_once(people.resolve(&identity)).unwrap().as_ref(), Some(person));
            assert!(owners.insert(identity, person.id()).is_none(), "one identity is one person");
        }
        for group in person.groups() {
            let members = at_once(people.members(std::slice::from_ref(group))).unwrap().unwrap();
            assert!(members.contains(person));
        }
    }
    for (agent, entry) in table("agents") {
        let owner = at_once(people.owner(&AgentId::from(agent))).unwrap().unwrap();
        assert_eq!(entry["owner"].as_str(), Some(owner.as_str()));
        assert!(everyone.iter().any(|person| *person.id() == owner));
    }
}
