//! Wrong at waking, save for the first.

use approvals_core::id::Seq;
use approvals_core::ledger::{Append, Appended, Store as _, StoreError};
use async_trait::async_trait;
use tokio::sync::{Notify, watch};

use super::{Flaw, Sound};

/// Every wait ends at once: allowed, if not wise.
#[derive(Default)]
pub(crate) struct EndsWaitsEarly;

#[async_trait]
impl Flaw for EndsWaitsEarly {
    async fn wait_past(&self, _sound: &Sound, _after: Seq) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Looks, and lies down; what comes between the two is missed.
pub(crate) struct MissesTheRace(watch::Sender<()>);

impl Default for MissesTheRace {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

#[async_trait]
impl Flaw for MissesTheRace {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let appended = sound.memory.append(append).await?;
        self.0.send_replace(());
        Ok(appended)
    }

    async fn wait_past(&self, sound: &Sound, after: Seq) -> Result<(), StoreError> {
        if sound.memory.last().await? > after {
            return Ok(());
        }
        tokio::task::yield_now().await;
        let _ = self.0.subscribe().changed().await;
        Ok(())
    }
}

/// Waits for the next append, whatever is there already.
pub(crate) struct NeverLooks(watch::Sender<()>);

impl Default for NeverLooks {
    fn default() -> Self {
        Self(watch::Sender::new(()))
    }
}

#[async_trait]
impl Flaw for NeverLooks {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let appended = sound.memory.append(append).await?;
        self.0.send_replace(());
        Ok(appended)
    }

    async fn wait_past(&self, _sound: &Sound, _after: Seq) -> Result<(), StoreError> {
        let _ = self.0.subscribe().changed().await;
        Ok(())
    }
}

/// An append wakes one waiter.
#[derive(Default)]
pub(crate) struct WakesOne(Notify);

#[async_trait]
impl Flaw for WakesOne {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let appended = sound.memory.append(append).await?;
        self.0.notify_one();
        Ok(appended)
    }

    async fn wait_past(&self, sound: &Sound, after: Seq) -> Result<(), StoreError> {
        while sound.memory.last().await? <= after {
            self.0.notified().await;
        }
        Ok(())
    }
}

/// Only what moves a request wakes.
#[derive(Default)]
pub(crate) struct SleepsThroughNotes(Notify);

#[async_trait]
impl Flaw for SleepsThroughNotes {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let moves = append.events.iter().any(|new| !new.event.is_note());
        let appended = sound.memory.append(append).await?;
        if moves {
            self.0.notify_waiters();
        }
        Ok(appended)
    }

    async fn wait_past(&self, sound: &Sound, after: Seq) -> Result<(), StoreError> {
        loop {
            let moved = self.0.notified();
            let moving = sound.memory.records(after, usize::MAX).await?;
            if moving.iter().any(|record| !record.body.event.is_note()) {
                return Ok(());
            }
            moved.await;
        }
    }
}

/// Each handle hears what it wrote itself.
pub(crate) struct HearsOnlyItself(Vec<watch::Sender<Seq>>);

impl Default for HearsOnlyItself {
    fn default() -> Self {
        Self((0..8).map(|_| watch::Sender::new(Seq::START)).collect())
    }
}

#[async_trait]
impl Flaw for HearsOnlyItself {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let appended = sound.memory.append(append).await?;
        self.0[sound.number].send_modify(|last| *last = appended.seq.max(*last));
        Ok(appended)
    }

    async fn wait_past(&self, sound: &Sound, after: Seq) -> Result<(), StoreError> {
        let _ = self.0[sound.number].subscribe().wait_for(|last| *last > after).await;
        Ok(())
    }
}
