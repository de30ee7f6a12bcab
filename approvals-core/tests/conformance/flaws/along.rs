//! Wrong about notes that ride along, and right about every other append.

use std::sync::Mutex;

use approvals_core::id::{Seq, Version};
use approvals_core::ledger::{Append, Appended, Store as _, StoreError};
use async_trait::async_trait;
use tokio::sync::{Notify, watch};

use super::{Flaw, Sound};

async fn as_if_written(sound: &Sound, append: &Append) -> Result<Appended, StoreError> {
    let history = sound.memory.history(append.stream).await?;
    let version = history.iter().map(|record| record.body.version).max().unwrap_or(Version(0));
    Ok(Appended { seq: Seq(sound.memory.last().await?.0 + 1), version, records: Vec::new() })
}

/// Says that it is written, and drops it.
#[derive(Default)]
pub(crate) struct DropsTheNote;

#[async_trait]
impl Flaw for DropsTheNote {
    async fn append_along(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        as_if_written(sound, &append).await
    }
}

/// Says that it is written, and writes it behind the next append.
#[derive(Default)]
pub(crate) struct AnswersBeforeItWrites(Mutex<Vec<Append>>);

#[async_trait]
impl Flaw for AnswersBeforeItWrites {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let appended = sound.memory.append(append).await?;
        let kept = std::mem::take(&mut *self.0.lock().unwrap());
        for append in kept {
            sound.memory.append(append).await?;
        }
        Ok(appended)
    }

    async fn append_along(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let answer = as_if_written(sound, &append).await;
        self.0.lock().unwrap().push(append);
        answer
    }
}

/// Has no clock, so that it waits for company for ever.
#[derive(Default)]
pub(crate) struct WaitsForCompany(Notify);

#[async_trait]
impl Flaw for WaitsForCompany {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let appended = sound.memory.append(append).await;
        self.0.notify_waiters();
        appended
    }

    async fn append_along(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        self.0.notified().await;
        sound.memory.append(append).await
    }
}

/// Keeps the one lock of its writer while a note waits for the next append.
#[derive(Default)]
pub(crate) struct KeepsTheWriter;

#[async_trait]
impl Flaw for KeepsTheWriter {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let _writer = sound.lock.lock().await;
        sound.memory.append(append).await
    }

    async fn append_along(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let _writer = sound.lock.lock().await;
        std::future::pending::<()>().await;
        sound.memory.append(append).await
    }
}

/// Takes whatever rides along for a note.
#[derive(Default)]
pub(crate) struct TakesAnythingForANote;

#[async_trait]
impl Flaw for TakesAnythingForANote {
    async fn append_along(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let version = as_if_written(sound, &append).await?.version;
        let moves = append.events.iter().any(|new| !new.event.is_note());
        sound.memory.append(Append { expected: moves.then_some(version), ..append }).await
    }
}

/// Wakes nobody for a note that rode along.
pub(crate) struct RidesInSilence(watch::Sender<u64>);

impl Default for RidesInSilence {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

#[async_trait]
impl Flaw for RidesInSilence {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let appended = sound.memory.append(append).await?;
        self.0.send_if_modified(|last| std::mem::replace(last, appended.seq.0.max(*last)) < appended.seq.0);
        Ok(appended)
    }

    async fn append_along(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        sound.memory.append(append).await
    }

    async fn wait_past(&self, _: &Sound, after: Seq) -> Result<(), StoreError> {
        let _ = self.0.subscribe().wait_for(|last| *last > after.0).await;
        Ok(())
    }
}
