//! A copy of the ledger while it is in use.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use approvals_core::id::{Chance as _, Seq, SystemChance};
use approvals_core::ledger::{StoreError, StoreErrorKind};

use super::error::io;
use super::place::beside;
use super::schema::{Use, connect};
use super::{SqliteOptions, rows};

/// Writes one moment of the store into a new file, of this user alone, and gives the place of its last record. Blocks.
pub(super) fn write(store: &Path, to: &Path, options: &SqliteOptions) -> Result<Seq, StoreError> {
    if to.symlink_metadata().is_ok() {
        return Err(taken(to));
    }
    let mut chance = [0; 8];
    SystemChance.fill(&mut chance).map_err(|e| StoreError::new(StoreErrorKind::Other, e.to_string()))?;
    // Under a name of its own until it is whole: half a backup must not look like one.
    // And absolute: SQLite takes a name that begins with `file:` for a URI, and writes elsewhere, for all to read.
    let whole = std::path::absolute(to).map_err(|e| io(to, "create", e))?;
    let draft = Draft(beside(&whole, &format!(".{:016x}.part", u64::from_ne_bytes(chance))));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft.0);
    let file = file.map_err(|e| io(&draft.0, "create", e))?;
    let last = copy(store, &draft.0, options)?;
    was_written(&file, &draft.0)?;
    // SQLite does not promise that what it wrote there is synced.
    file.sync_all().map_err(|e| io(&draft.0, "sync", e))?;
    keep(&draft.0, to)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| io(folder, "sync", e))?;
    Ok(last)
}

fn copy(store: &Path, draft: &Path, options: &SqliteOptions) -> Result<Seq, StoreError> {
    let Some(target) = draft.to_str() else {
        let message = format!("`{}` is not UTF-8; choose another place for the backup", draft.display());
        return Err(StoreError::new(StoreErrorKind::Unsuitable, message));
    };
    // One read transaction: writers go on meanwhile, and what they write is in the next backup.
    let source = connect(store, options, Use::Copy).map_err(|failure| failure.at(store))?;
    source.execute("VACUUM INTO ?1", [target]).map_err(|e| super::error::Failure::from(e).at(store))?;
    let copied = connect(draft, &SqliteOptions::new().read_only(), Use::Read);
    copied.and_then(|copied| rows::last(&copied)).map_err(|failure| failure.at(draft))
}

/// That SQLite wrote the file which was made for it, under the name that it still has.
fn was_written(file: &File, draft: &Path) -> Result<(), StoreError> {
    let made = file.metadata().map_err(|e| io(draft, "look at", e))?;
    let stands = fs::symlink_metadata(draft).map_err(|e| io(draft, "look at", e))?;
    if made.len() > 0 && (made.dev(), made.ino()) == (stands.dev(), stands.ino()) {
        return Ok(());
    }
    let message = format!(
        "SQLite did not write the backup to `{}`; see that nothing else writes in that folder, then try again",
        draft.display()
    );
    Err(StoreError::new(StoreErrorKind::Other, message))
}

/// Gives the draft its name, unless something has that name by now.
fn keep(draft: &Path, to: &Path) -> Result<(), StoreError> {
    match fs::hard_link(draft, to) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Err(taken(to)),
        // Not every file system has links: there the name is taken first, and then replaced by the draft.
        Err(_) => match OpenOptions::new().write(true).create_new(true).mode(0o600).open(to) {
            Ok(_) => fs::rename(draft, to).map_err(|e| {
                // Ours, and empty: it must not look like a backup.
                let _ = fs::remove_file(to);
                io(to, "create", e)
            }),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Err(taken(to)),
            Err(e) => Err(io(to, "create", e)),
        },
    }
}

fn taken(to: &Path) -> StoreError {
    let message =
        format!("`{}` is there already, and a backup replaces nothing; give another name", to.display());
    StoreError::new(StoreErrorKind::Unsuitable, message)
}

/// Goes when it has its name, or when something failed.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // One that stays behind is a file of this user that nobody takes for a backup.
        let _ = fs::remove_file(&self.0);
    }
}
