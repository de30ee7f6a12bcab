//! Who holds a node's name: a lock file per name, which the kernel lets go of when the process dies.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, Metadata, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use approvals_core::id::NodeName;
use approvals_core::ledger::{NodeHold, StoreError, StoreErrorKind};

use super::error::io;
use super::place::{beside, open_beside};
use super::queue::lock;
use super::sync::Mutex;

/// The longest file name that every local file system takes, without the ending.
const LONGEST: usize = 250;

/// The names that were held through one handle, each with the file that its lock is on.
#[derive(Debug, Default)]
pub(super) struct Names(Mutex<HashMap<NodeName, (u64, u64)>>);

impl Names {
    /// Holds the name, unless this or another process does.
    pub(super) fn hold(&self, store: &Path, node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        let Some(file) = take(store, node)? else { return Ok(None) };
        let meta = file.metadata().map_err(|e| io(store, "look at a lock of", e))?;
        lock(&self.0).insert(node.clone(), number(&meta));
        Ok(Some(NodeHold::new(file)))
    }

    /// Refuses a node whose lock is no longer the one that others would meet: they take it for dead.
    pub(super) fn check(&self, store: &Path, node: &NodeName) -> Result<(), StoreError> {
        let Some(held) = lock(&self.0).get(node).copied() else { return Ok(()) };
        let path = lock_file(store, node)?;
        match fs::metadata(&path) {
            Ok(meta) if number(&meta) == held => Ok(()),
            _ => {
                let message = format!(
                    "the lock of node `{node}`, `{}`, was removed while this process held it, so that others take the \
                     node for dead; start this program anew, and leave the folder alone",
                    path.display()
                );
                Err(StoreError::new(StoreErrorKind::Unsuitable, message))
            }
        }
    }
}

fn number(meta: &Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}

fn lock_file(store: &Path, node: &NodeName) -> Result<PathBuf, StoreError> {
    let name = file_name(node.as_str());
    if name.len() > LONGEST {
        let message =
            format!("the node name `{node}` is too long for a file; choose a shorter one with `.node(name)`");
        return Err(StoreError::new(StoreErrorKind::Unsuitable, message));
    }
    Ok(beside(store, ".nodes").join(name + ".lock"))
}

/// The locked file, unless this or another process has it.
fn take(store: &Path, node: &NodeName) -> Result<Option<fs::File>, StoreError> {
    let path = lock_file(store, node)?;
    let folder = beside(store, ".nodes");
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(io(&folder, "create", e)),
        _ => {}
    }
    // The file stays when the hold ends: whoever removed it could remove the one that another process has just locked.
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = open_beside(&path, &mut options, "open")?;
    let file: fs::File = file.ok_or_else(|| io(&path, "open", std::io::ErrorKind::NotFound.into()))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(io(&path, "lock", e)),
    }
}

/// Whether a process holds the name, by the kernel's own list of locks: to try the lock would take it.
pub(super) fn is_held(store: &Path, node: &NodeName) -> Option<bool> {
    let meta = match fs::metadata(lock_file(store, node).ok()?) {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Some(false),
        Err(_) => return None,
    };
    // `1: FLOCK  ADVISORY  WRITE 4711 fe:00:1234567 0 EOF` (proc_locks(5)). The device is left out: some file systems
    // give another one there.
    let locks = fs::read_to_string("/proc/locks").ok()?;
    Some(locks.lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        let is_flock = words.next() == Some("FLOCK");
        let place =
            words.nth(3).and_then(|place| place.rsplit(':').next()).and_then(|inode| inode.parse().ok());
        is_flock && place == Some(meta.ino())
    }))
}

/// A file name for a node's name; different ones for different names, on file systems that fold case too.
fn file_name(node: &str) -> String {
    let mut name = String::with_capacity(node.len());
    for byte in node.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => name.push(char::from(byte)),
            _ => {
                let _ = write!(name, "%{byte:02x}");
            }
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn names_that_differ_get_files_that_differ_in_more_than_case() {
        let names = ["a/b", "a%2fb", "a_b", "a-b", "A/b", "a/B", "a/b/2", "ä", "..", ".", "", "a\0b"];
        let mut files: Vec<_> = names.map(|name| file_name(name).to_lowercase()).into();
        files.sort();
        files.dedup();
        assert_eq!(files.len(), names.len());
        assert!(files.iter().all(|file| !file.contains('/')));
    }
}
