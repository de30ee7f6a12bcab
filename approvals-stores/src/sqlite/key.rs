//! The store's key: beside the file or in the environment, never in the database.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use approvals_core::doctor::quoted;
use approvals_core::id::{Chance as _, SystemChance};
use approvals_core::ledger::{StoreError, StoreErrorKind};
use approvals_core::request::{Commitment, Seed, StoreKey};

use super::SqliteOptions;
use super::error::io;
use super::place::{beside, open_beside};

/// Holds the key of every store that the process opens without one in its options.
pub(super) const VARIABLE: &str = "APPROVALS_STORE_KEY";

/// The longest file of a key: its digits and the end of a line, in bytes.
const LONGEST: u64 = 66;

/// The key from the options, the environment or the file; `None` if there is none of them.
pub(super) fn load(path: &Path, options: &SqliteOptions) -> Result<Option<StoreKey>, StoreError> {
    if let Some(key) = &options.key {
        return Ok(Some(key.clone()));
    }
    match std::env::var_os(VARIABLE) {
        Some(text) => {
            let key = text.to_str().and_then(|text| StoreKey::from_hex(text.trim()));
            let malformed = || {
                let message = format!(
                    "`{VARIABLE}` is not a key; set it to 64 lower-case hexadecimal digits, or unset it"
                );
                StoreError::new(StoreErrorKind::Other, message)
            };
            key.ok_or_else(malformed).map(Some)
        }
        None => read(&file(path)),
    }
}

/// The key, made beside the store if there is none. Processes that make it at once agree on one.
pub(super) fn load_or_make(path: &Path, options: &SqliteOptions) -> Result<StoreKey, StoreError> {
    if let Some(key) = load(path, options)? {
        return Ok(key);
    }
    let file = file(path);
    make(&file)?;
    read(&file)?.ok_or_else(|| missing(path))
}

/// A commitment to the key, so that a process with another key is refused before it commits to anything.
pub(super) fn check(key: &StoreKey) -> Commitment {
    const FIELD: &str = "approvals/store-key/v1";
    Seed::from_bytes([0; 32]).commit_secret(FIELD, &key.digest(FIELD, &""))
}

/// The store has another key than this one.
pub(super) fn mismatch(path: &Path) -> StoreError {
    let message = format!(
        "the key at hand is not the one that `{}` was made with; restore `{}`, or correct `{VARIABLE}`",
        path.display(),
        file(path).display()
    );
    StoreError::new(StoreErrorKind::Other, message)
}

/// The store is there and its key is not.
pub(super) fn missing(path: &Path) -> StoreError {
    let message = format!(
        "the key of `{}` is gone; restore `{}` from a backup, or set `{VARIABLE}`",
        path.display(),
        file(path).display()
    );
    StoreError::new(StoreErrorKind::Other, message)
}

pub(super) fn file(path: &Path) -> PathBuf {
    beside(path, ".key")
}

fn read(file: &Path) -> Result<Option<StoreKey>, StoreError> {
    let Some(open) = open_beside(file, OpenOptions::new().read(true), "read the key")? else {
        return Ok(None);
    };
    let mode = open.metadata().map_err(|e| io(file, "look at the key", e))?.permissions().mode();
    if mode & 0o077 != 0 {
        let (file, word) = (file.display(), quoted(&file.display().to_string()));
        let message = format!("others than its owner may use the key `{file}`; run `chmod 600 {word}`");
        return Err(StoreError::new(StoreErrorKind::Unsuitable, message));
    }
    let mut text = String::new();
    // One more than a key and the end of its line, so that what stands behind them is noticed.
    let length =
        open.take(LONGEST + 1).read_to_string(&mut text).ok().filter(|length| *length as u64 <= LONGEST);
    let key = length.and_then(|_| StoreKey::from_hex(text.trim_end_matches(['\r', '\n'])));
    key.map(Some).ok_or_else(|| {
        let file = file.display();
        let message = format!(
            "`{file}` is not a key, which is 64 lower-case hexadecimal digits; restore it from a backup, or set \
             `{VARIABLE}`"
        );
        StoreError::new(StoreErrorKind::Corrupt, message)
    })
}

/// Writes a fresh key under a name of its own and links it to its place, which fails if another was faster: nobody ever
/// reads half a key, and the first one stays.
fn make(file: &Path) -> Result<(), StoreError> {
    let no_chance = |e: approvals_core::id::NoChance| {
        StoreError::new(StoreErrorKind::Other, format!("cannot make the key `{}`; try again", file.display()))
            .because(e)
    };
    let (_, text) = StoreKey::fresh(&SystemChance).map_err(no_chance)?;
    let mut chance = [0; 8];
    SystemChance.fill(&mut chance).map_err(no_chance)?;
    let draft = beside(file, &format!(".{:016x}", u64::from_ne_bytes(chance)));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut open| open.write_all(text.as_bytes()).and_then(|()| open.sync_all()))
        .and_then(|()| match fs::hard_link(&draft, file) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
    // A draft that stays behind is a key that nobody uses.
    let _ = fs::remove_file(&draft);
    written.map_err(|e| io(file, "make the key", e))?;
    let folder = file.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| io(folder, "sync", e))
}
