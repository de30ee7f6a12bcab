//! The SQLite store: what it keeps, whom it wakes, and what it does when the disk, a file or a process fails.
#![cfg(feature = "sqlite")]
#![cfg(test)]

mod appends;
mod backup;
mod doctor;
mod faults;
mod keys;
mod moved;
mod pipes;
mod processes;
mod support;
mod waits;

use std::path::PathBuf;

use approvals_stores::Sqlite;
use tempfile::{TempDir, tempdir};

/// A store in a folder of its own, and the path of its file.
async fn opened() -> (TempDir, PathBuf, Sqlite) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.db");
    let store = Sqlite::open(&path).await.unwrap();
    (folder, path, store)
}
