//! Who holds a node's name: a lock file per name, which the kernel lets go of when the process dies.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use approvals_core::id::NodeName;
use approvals_core::ledger::{NodeHold, StoreError, StoreErrorKind};

use super::error::io;
use super::place::beside;

/// The longest file name that every local file system takes, without the ending.
const LONGEST: usize = 250;

/// Holds the name, unless this or another process does.
pub(super) fn hold(store: &Path, node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
    let name = file_name(node.as_str());
    if name.len() > LONGEST {
        let message =
            format!("the node name `{node}` is too long for a file; choose a shorter one with `.node(name)`");
        return Err(StoreError::new(StoreErrorKind::Unsuitable, message));
    }
    let folder = beside(store, ".nodes");
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(io(&folder, "create", e)),
        _ => {}
    }
    let path = folder.join(name + ".lock");
    // The file stays when the hold ends: whoever removed it could remove the one that another process has just locked.
    let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file: fs::File = open.map_err(|e| io(&path, "open", e))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(NodeHold::new(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(io(&path, "lock", e)),
    }
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
