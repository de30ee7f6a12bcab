//! `people.toml`, read again whenever it changes.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::directory::Listed;
use super::{DirectoryError, PeopleError, Person};
use crate::id::{AgentId, GroupId, PersonId, ProviderId};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    people: BTreeMap<PersonId, Entry>,
    #[serde(default)]
    agents: BTreeMap<AgentId, AgentEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Option<String>,
    #[serde(default)]
    groups: Vec<GroupId>,
    #[serde(default)]
    identities: BTreeMap<ProviderId, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentEntry {
    owner: PersonId,
}

/// What tells one state of a file from another without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
    #[cfg(unix)]
    inode: (u64, i64, i64),
}

impl Stamp {
    fn of(meta: &fs::Metadata) -> std::io::Result<Self> {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Ok(Self {
            modified: meta.modified()?,
            length: meta.len(),
            #[cfg(unix)]
            inode: (meta.ino(), meta.ctime(), meta.ctime_nsec()),
        })
    }

    /// Whether the file was last touched so long ago that a later change shows in the stamp.
    fn is_settled(&self) -> bool {
        #[cfg(unix)]
        let touched =
            u64::try_from(self.inode.1).map(|s| SystemTime::UNIX_EPOCH + Duration::from_secs(s)).ok();
        #[cfg(not(unix))]
        let touched = Some(self.modified);
        touched.and_then(|touched| touched.elapsed().ok()).is_some_and(|since| since > SETTLED)
    }
}

/// A change within this time of a reading may leave the stamp as it is: the clocks of file systems tick coarsely.
const SETTLED: Duration = Duration::from_secs(2);

/// A file of people and the last good reading of it.
#[derive(Debug)]
pub(super) struct Watched {
    path: PathBuf,
    read: Mutex<(Stamp, Arc<Listed>)>,
}

impl Watched {
    pub(super) fn open(path: PathBuf) -> Result<Self, PeopleError> {
        let stamp = stamp(&path)?;
        let listed = Arc::new(read(&path)?);
        Ok(Self { path, read: Mutex::new((stamp, listed)) })
    }

    /// The people as the file has them now. A broken file resolves nobody, rather than who was in it before.
    pub(super) fn current(&self) -> Result<Arc<Listed>, DirectoryError> {
        let stamp = stamp(&self.path).map_err(|e| DirectoryError(e.to_string()))?;
        let mut last = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != stamp || !stamp.is_settled() {
            let listed = read(&self.path).map_err(|e| DirectoryError(e.to_string()))?;
            *last = (stamp, Arc::new(listed));
        }
        Ok(Arc::clone(&last.1))
    }
}

fn unreadable(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> PeopleError + '_ {
    move |e| PeopleError::Unreadable { path: path.display().to_string(), why: e.to_string() }
}

/// The most of a file that is read, in bytes.
const LONGEST: u64 = 16 << 20;

/// A pipe or a device may have no end, and whoever reads it waits for ever.
fn stamp(path: &std::path::Path) -> Result<Stamp, PeopleError> {
    let meta = fs::metadata(path).map_err(unreadable(path))?;
    let why = match (meta.is_file(), meta.len()) {
        (false, _) => "it is not a file",
        (true, length) if length > LONGEST => "it is too large for a list of people",
        (true, _) => return Stamp::of(&meta).map_err(unreadable(path)),
    };
    Err(PeopleError::Unreadable { path: path.display().to_string(), why: why.to_owned() })
}

fn read(path: &std::path::Path) -> Result<Listed, PeopleError> {
    let text = fs::read_to_string(path).map_err(unreadable(path))?;
    let document: Document = toml::from_str(&text).map_err(|e| PeopleError::Malformed {
        path: path.display().to_string(),
        why: e.to_string().trim_end().to_owned(),
    })?;
    let mut listed = Listed::new(document.people.into_iter().map(|(id, entry)| entry.into_person(id)))?;
    for (agent, AgentEntry { owner }) in document.agents {
        listed.add_agent(agent, owner)?;
    }
    Ok(listed)
}

impl Entry {
    fn into_person(self, id: PersonId) -> Person {
        let mut person = Person::new(id);
        if let Some(name) = self.name {
            person = person.named(name);
        }
        for group in self.groups {
            person = person.in_group(group);
        }
        for (provider, subjects) in self.identities {
            for subject in subjects {
                person = person.known_as(provider.clone(), subject);
            }
        }
        person
    }
}
