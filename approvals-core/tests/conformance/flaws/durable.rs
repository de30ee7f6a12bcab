//! Wrong after a restart, or through another handle.

use std::sync::LazyLock;

use approvals_core::id::Seq;
use approvals_core::ledger::{Append, Appended, Memory, Page, Record, Store as _, StoreError, Stream};
use approvals_core::request::StoreKey;
use async_trait::async_trait;

use super::{Asked, Flaw, Replay, Sound};

/// What was written last had not reached the disk.
#[derive(Default)]
pub(crate) struct LosesTheTail;

#[async_trait]
impl Flaw for LosesTheTail {
    async fn restart(&self, memory: Memory, replay: &Replay) -> Memory {
        let mut records = memory.records(Seq::START, usize::MAX).await.unwrap();
        records.pop();
        replay.ledger_of(&records).await
    }
}

/// The index of the list lives in memory and is not built again.
#[derive(Default)]
pub(crate) struct ForgetsTheList;

#[async_trait]
impl Flaw for ForgetsTheList {
    async fn list(&self, sound: &Sound, asked: Asked<'_>) -> Result<Page, StoreError> {
        if sound.restarts > 0 {
            return Ok(Page::default());
        }
        sound.list(asked).await
    }
}

static OTHER_KEY: LazyLock<StoreKey> = LazyLock::new(|| StoreKey::from_bytes([1; 32]));

/// A fresh key with every start.
#[derive(Default)]
pub(crate) struct MakesAKeyPerStart;

impl Flaw for MakesAKeyPerStart {
    fn key<'a>(&'a self, sound: &'a Sound) -> &'a StoreKey {
        if sound.restarts > 0 { &OTHER_KEY } else { sound.memory.key() }
    }
}

/// A fresh key for everyone who opens the ledger beside somebody else.
#[derive(Default)]
pub(crate) struct MakesAKeyPerHandle;

impl Flaw for MakesAKeyPerHandle {
    fn key<'a>(&'a self, sound: &'a Sound) -> &'a StoreKey {
        if sound.number > 0 { &OTHER_KEY } else { sound.memory.key() }
    }
}

/// The history of a fresh request is remembered until this handle writes to it.
#[derive(Default)]
pub(crate) struct RemembersHistories;

#[async_trait]
impl Flaw for RemembersHistories {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let stream = append.stream;
        let answer = sound.memory.append(append).await;
        sound.remembered.lock().unwrap().remove(&stream);
        answer
    }

    async fn history(&self, sound: &Sound, stream: Stream) -> Result<Vec<Record>, StoreError> {
        if let Some(remembered) = sound.remembered.lock().unwrap().get(&stream) {
            return Ok(remembered.clone());
        }
        let history = sound.memory.history(stream).await?;
        if history.len() == 1 {
            sound.remembered.lock().unwrap().insert(stream, history.clone());
        }
        Ok(history)
    }
}
