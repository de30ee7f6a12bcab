//! The public conformance suite, run over the SQLite store.
#![cfg(feature = "sqlite")]

use std::sync::Arc;

use approvals_core::conformance::{SetupError, StoreUnderTest, store_conformance};
use approvals_core::time::Clock;
use approvals_stores::{Sqlite, SqliteOptions};
use tempfile::TempDir;

struct InAFile;

impl StoreUnderTest for InAFile {
    type Store = Sqlite;
    type Place = (TempDir, SqliteOptions);

    async fn place(&self, clock: Arc<dyn Clock>) -> Result<Self::Place, SetupError> {
        Ok((tempfile::tempdir()?, SqliteOptions::new().clock(clock)))
    }

    async fn open(&self, (folder, options): &Self::Place) -> Result<Sqlite, SetupError> {
        Ok(Sqlite::open_with(folder.path().join("approvals.db"), options.clone()).await?)
    }
}

store_conformance!(InAFile);
