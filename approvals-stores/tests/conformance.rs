//! The public conformance suite, run over the SQLite store.
#![cfg(feature = "sqlite")]

use std::sync::Arc;

use approvals_core::conformance::{SetupError, StoreUnderTest, store_conformance};
use approvals_core::time::Clock;
use approvals_stores::{Sqlite, SqliteOptions};
use tempfile::TempDir;

/// Every handle is a file opened anew, as another process opens it.
struct InAFile;

impl StoreUnderTest for InAFile {
    type Store = Sqlite;
    type Place = (TempDir, Arc<dyn Clock>);

    async fn place(&self, clock: Arc<dyn Clock>) -> Result<Self::Place, SetupError> {
        Ok((TempDir::new()?, clock))
    }

    async fn open(&self, (folder, clock): &Self::Place) -> Result<Self::Store, SetupError> {
        let options = SqliteOptions::new().clock(Arc::clone(clock));
        Ok(Sqlite::open_with(folder.path().join("approvals.db"), options).await?)
    }
}

store_conformance!(InAFile);
