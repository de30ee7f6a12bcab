//! What SQLite and the system say, in the words of a store, with the remedy.

use std::path::Path;

use approvals_core::ledger::{StoreError, StoreErrorKind, UnreadableRecord};
use rusqlite::{ErrorCode, ffi};

/// Why work on a connection failed, before the file is known.
#[derive(Debug)]
pub(super) enum Failure {
    /// SQLite refused.
    Sql(rusqlite::Error),
    /// What SQLite gave is not what belongs there.
    Store(StoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<UnreadableRecord> for Failure {
    fn from(error: UnreadableRecord) -> Self {
        Self::Store(error.into())
    }
}

impl Failure {
    /// The error of a store, about this file.
    pub(super) fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Sql(error) => refused(path, error),
            Self::Store(error) => error,
        }
    }
}

fn refused(path: &Path, error: rusqlite::Error) -> StoreError {
    let path = path.display();
    // The shared memory could not grow: on a full disk SQLite meets this before anything else, and calls it a failure.
    let no_room = error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_SHMSIZE);
    let code = if no_room { Some(ErrorCode::DiskFull) } else { error.sqlite_error_code() };
    let (kind, message) = match code {
        // The columns are typed: something else than this crate wrote them.
        None => (
            StoreErrorKind::Corrupt,
            format!(
                "`{path}` holds what no store of this crate holds; keep the file, and restore it from a backup"
            ),
        ),
        Some(ErrorCode::DiskFull) => (
            StoreErrorKind::Full,
            format!("no room is left for `{path}`; free space on its disk, then try again"),
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => (
            StoreErrorKind::ReadOnly,
            format!(
                "`{path}` cannot be written; let this user write the file and its folder, or open it read-only while a \
                 program that writes it has it open"
            ),
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => (
            StoreErrorKind::Busy,
            format!(
                "another process holds `{path}` for too long; end what locks it (a backup, a database shell), then try \
                 again"
            ),
        ),
        Some(ErrorCode::DatabaseCorrupt) => (
            StoreErrorKind::Corrupt,
            format!("`{path}` is damaged; keep the file, and restore the store from a backup"),
        ),
        Some(ErrorCode::NotADatabase) => (
            StoreErrorKind::Corrupt,
            format!(
                "`{path}` is no database; choose another path, or keep the file and restore the store from a backup"
            ),
        ),
        Some(ErrorCode::CannotOpen) => (
            StoreErrorKind::Other,
            format!("`{path}` cannot be opened; let this user read and write the file and its folder"),
        ),
        Some(ErrorCode::SystemIoFailure) => (
            StoreErrorKind::Other,
            format!(
                "the system failed to read or write `{path}`; check its disk and the system's log, then try again"
            ),
        ),
        _ => (
            StoreErrorKind::Other,
            format!(
                "SQLite refused work on `{path}`; check that nothing but this crate writes it, then try again"
            ),
        ),
    };
    StoreError::new(kind, message).because(error)
}

/// An error of the file system.
pub(super) fn io(path: &Path, doing: &str, error: std::io::Error) -> StoreError {
    use std::io::ErrorKind;
    let path = path.display();
    let (kind, remedy) = match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            (StoreErrorKind::ReadOnly, "let this user read and write the file and its folder")
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            (StoreErrorKind::Full, "free space on its disk, then try again")
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            (StoreErrorKind::Other, "create the folder that it stands in, or correct the path")
        }
        _ => (StoreErrorKind::Other, "check its disk and the system's log, then try again"),
    };
    StoreError::new(kind, format!("cannot {doing} `{path}`; {remedy}")).because(error)
}

/// A thread that should answer is gone.
pub(super) fn closed(path: &Path) -> StoreError {
    let message = format!(
        "the store `{}` was closed before it answered; open it again and read the history",
        path.display()
    );
    StoreError::new(StoreErrorKind::Other, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_that_cannot_grow_is_a_full_disk() {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_IOERR_SHMSIZE), None);
        let told = Failure::from(error).at(Path::new("a.db"));
        assert_eq!(told.kind(), &StoreErrorKind::Full, "{told}");
    }
}
