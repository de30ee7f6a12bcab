//! The suite that every store has to pass, and what it is good for: an agent that is started again.

#![cfg(test)]

use std::sync::Arc;

use approvals::conformance::{SetupError, StoreUnderTest, store_conformance};
use approvals::ledger::Store as _;
use approvals::testing::MockBackend;
use approvals::time::Clock;
use approvals::{ApprovalError, Approvals, ErrorKind, requires_approval};
use file_store_example::FileStore;
use tempfile::TempDir;

struct InAFolder;

impl StoreUnderTest for InAFolder {
    type Store = FileStore;
    type Place = (TempDir, Arc<dyn Clock>);
    const SHARED: bool = false;

    async fn place(&self, clock: Arc<dyn Clock>) -> Result<Self::Place, SetupError> {
        Ok((tempfile::tempdir()?, clock))
    }

    async fn open(&self, (folder, clock): &Self::Place) -> Result<FileStore, SetupError> {
        Ok(FileStore::open_with(folder.path(), Arc::clone(clock)).await?)
    }
}

store_conformance!(InAFolder);

#[requires_approval(risk = "high", key = "{month}")]
async fn pay(month: String) -> Result<(), ApprovalError> {
    Ok(())
}

#[tokio::test]
async fn a_restarted_agent_finds_what_it_did() {
    let folder = tempfile::tempdir().unwrap();
    let mut ended = Vec::new();
    for _ in 0..2 {
        let mock = MockBackend::new().approve();
        let store = FileStore::open(folder.path()).await.unwrap();
        let approvals = Approvals::test_builder(&mock).store(store).build().await.unwrap();
        ended.push(approvals.scope(pay("2026-11".to_owned())).await);
        approvals.shutdown().await.unwrap();
    }
    assert!(ended[0].is_ok());
    assert_eq!(ended[1].as_ref().unwrap_err().kind(), ErrorKind::AlreadyRan);
}

#[tokio::test]
async fn an_append_that_was_cut_off_is_gone_and_the_others_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockBackend::new().approve();
    let store = FileStore::open(folder.path()).await.unwrap();
    let approvals = Approvals::test_builder(&mock).store(store).build().await.unwrap();
    approvals.scope(pay("2026-11".to_owned())).await.unwrap();
    approvals.shutdown().await.unwrap();
    let before = approvals.store().last().await.unwrap();
    drop((approvals, mock));

    let path = folder.path().join("ledger.jsonl");
    let mut text = std::fs::read(&path).unwrap();
    text.extend_from_slice(br#"[{"bytes":"{\"env\""#);
    std::fs::write(&path, &text).unwrap();
    let store = FileStore::open(folder.path()).await.unwrap();
    assert_eq!(store.last().await.unwrap(), before);
}
