//! Law 11: input that proves nothing is counted, and the count is recorded at most once a minute.

#[cfg(test)]
mod tests;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Desk;
use crate::authority::Patience;
use crate::id::{NodeName, WayId};
use crate::ledger::{Append, Env, Event, Store, StoreError, Stream};
use crate::sync::{AtomicBool, AtomicU64};
use crate::time::Clock;

/// The least time between two records of one way in.
const MINUTE: Duration = Duration::from_secs(60);

/// What came in through one way and proved nothing. Clones of a desk share it.
#[derive(Debug, Default)]
pub(crate) struct Strangers {
    /// How many since the last record.
    count: AtomicU64,
    /// Whether a task sees to it that they are recorded.
    seen_to: AtomicBool,
}

impl Drop for Strangers {
    fn drop(&mut self) {
        let count = *self.count.get_mut();
        if count > 0 {
            tracing::warn!(
                count,
                "unauthenticated input of the last minute is in no record, because the process stopped; check who can reach this way in"
            );
        }
    }
}

impl Desk {
    /// Counts input that did not prove where it comes from: unsigned, signed with another key, too old.
    ///
    /// It costs nothing and waits for nothing, so that strangers can neither fill the disk nor hold up an answer: the
    /// first is recorded at once, what follows as one number a minute. A store that fails or does not answer gets the
    /// number later, twice if it wrote it all the same. Outside of a tokio runtime it is counted, and recorded with the next.
    pub fn unauthenticated(&self, count: u64) {
        // Counts that large are a flood either way.
        let _ = self
            .strangers
            .count
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |so_far| Some(so_far.saturating_add(count)));
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if count == 0 || self.strangers.seen_to.swap(true, Ordering::AcqRel) {
            return;
        }
        runtime.spawn(
            Recorder {
                strangers: Arc::downgrade(&self.strangers),
                store: Arc::downgrade(&self.store),
                clock: Arc::clone(&self.clock),
                way: self.way.id.clone(),
                node: self.node.clone(),
                env: self.env,
                patience: self.patience.clone(),
            }
            .run(),
        );
    }
}

/// Records what was counted until a minute passes in which nothing was. It keeps neither the desk nor the store: a
/// minute of sleep must not hold up the end of a process.
struct Recorder {
    strangers: Weak<Strangers>,
    store: Weak<dyn Store>,
    clock: Arc<dyn Clock>,
    way: WayId,
    node: NodeName,
    env: Env,
    patience: Option<Patience>,
}

impl Recorder {
    async fn run(self) {
        while self.turn().await.is_some() {
            self.clock.sleep(MINUTE).await;
        }
    }

    /// `None` once there is nothing left to see to.
    async fn turn(&self) -> Option<()> {
        let (strangers, store) = (self.strangers.upgrade()?, self.store.upgrade()?);
        let count = strangers.count.swap(0, Ordering::AcqRel);
        if count == 0 {
            strangers.seen_to.store(false, Ordering::Release);
            // One that came between the two lines found that it was seen to.
            let more = strangers.count.load(Ordering::Acquire) > 0;
            return (more && !strangers.seen_to.swap(true, Ordering::AcqRel)).then_some(());
        }
        if let Err(error) = self.record(&*store, count).await {
            tracing::warn!(way = %self.way, count, %error, "unauthenticated input could not be recorded; trying again in a minute, do what the error says if it stays");
            strangers.count.fetch_add(count, Ordering::AcqRel);
        }
        Some(())
    }

    async fn record(&self, store: &dyn Store, count: u64) -> Result<(), StoreError> {
        let event = Event::Unauthenticated { way: self.way.clone(), count };
        let append = Append {
            stream: Stream::System,
            expected: None,
            env: self.env,
            node: self.node.clone(),
            events: vec![event.into()],
        };
        Patience::answer_to(self.patience.as_ref(), store.append(append)).await?;
        tracing::warn!(way = %self.way, count, "input that proves nothing came in; check who can reach this way in, and its keys");
        Ok(())
    }
}
