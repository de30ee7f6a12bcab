//! Following the ledger live, from a place on.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use super::{Record, Store, StoreError};
use crate::id::Seq;

/// How many records are read at a time, and so the most that a follower holds.
const BATCH: usize = 256;

/// Every record past a place, one by one, each once and in the order of the ledger, whichever process wrote it.
///
/// Keep [`position`](Self::position) with what you made of the records, and a restarted follower misses none and sees
/// none twice. It reads when it is asked: a slow one holds nobody up and loses nothing.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use std::sync::Arc;
///
/// use approvals_core::id::Seq;
/// use approvals_core::ledger::{Follow, Memory, Store};
/// # use approvals_core::ledger::{Append, Env, Event, Stream};
/// # fn up(build: &str) -> Append {
/// #     let event = Event::Up { build: build.to_owned(), policy: "p1".into() };
/// #     let (stream, env, node) = (Stream::System, Env::Live, "host/agent".into());
/// #     Append { stream, expected: None, env, node, events: vec![event.into()] }
/// # }
///
/// let store: Arc<dyn Store> = Arc::new(Memory::new()?);
/// store.append(up("one")).await?;
/// store.append(up("two")).await?;
///
/// let mut follow = Follow::after(Arc::clone(&store), Seq::START);
/// assert_eq!(follow.next().await?.body.event.name(), "up");
/// let reached = follow.position();
///
/// // After a restart: what comes next, and nothing twice.
/// let mut follow = Follow::after(store, reached);
/// assert_eq!(follow.next().await?.seq, Seq(2));
/// # Ok::<(), approvals_core::ledger::StoreError>(())
/// # }).unwrap();
/// ```
pub struct Follow {
    store: Arc<dyn Store>,
    /// Read and not handed out yet.
    ahead: VecDeque<Record>,
    reached: Seq,
}

impl Follow {
    /// Follows a store past a place; [`Seq::START`] for everything there ever was.
    pub fn after(store: Arc<dyn Store>, seq: Seq) -> Self {
        Self { store, ahead: VecDeque::new(), reached: seq }
    }

    /// The next record; waits until there is one.
    ///
    /// Dropping the future loses nothing: the next call gives the same record.
    ///
    /// # Errors
    /// What the store says. The follower stays where it is, so calling again is safe; pause before it where
    /// [`StoreError::is_retryable`] says that it may help, and let a person look where it says that it does not.
    pub async fn next(&mut self) -> Result<Record, StoreError> {
        loop {
            if let Some(record) = self.ahead.pop_front() {
                self.reached = record.seq;
                return Ok(record);
            }
            self.ahead = self.store.records(self.reached, BATCH).await?.into();
            if self.ahead.is_empty() {
                self.store.wait_past(self.reached).await?;
                // A store may wake early, and one that always does must not keep a thread to itself.
                tokio::task::yield_now().await;
            }
        }
    }

    /// The place of the last record that [`next`](Self::next) gave, or the one it began at: where to begin after a
    /// restart.
    pub const fn position(&self) -> Seq {
        self.reached
    }
}

impl fmt::Debug for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").field("reached", &self.reached).finish_non_exhaustive()
    }
}
