//! Stopping cleanly, and within a bound.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Approvals, current};
use crate::keeper::Order;
use crate::ledger::{Event, StoreError, Stream};

/// How many turns those who wait are given to leave.
const PATIENCE: usize = 256;
/// The longest that a shutdown takes: a backend may take half a minute to place a card and as long to bring it up to
/// date, and then there is still something to write.
const LONGEST: Duration = Duration::from_secs(90);

/// What a shutdown left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// Everything was written but the clean stop itself.
    #[error("the clean stop could not be recorded: {0}")]
    Unrecorded(#[source] StoreError),
    /// The store took too long, and what it did not take is given up.
    #[error(
        "the store or a backend took more than {} s; {records} records of freely run calls and {works} other pieces of \
         work (ends of bodies, withdrawals, cards) are given up: mend what the log names, then start the agent again, \
         which records bodies whose end is missing as `lost`, for a person to reconcile with `approvals reconcile`",
        LONGEST.as_secs()
    )]
    GivenUp {
        /// Records of freely run calls at risk low that were not written.
        records: usize,
        /// Other pieces of work that were not done: the end of a body, a withdrawal, a card.
        works: usize,
    },
}

impl Approvals {
    /// Writes what is still to be written, brings cards up to date, records a clean stop and ends the background
    /// work. What waits under a key stays open for the next process.
    ///
    /// Bodies that still run are neither stopped nor waited for: end them first. One whose process ends before it does
    /// is recorded as `lost` by the next process of this node.
    ///
    /// It takes at most 90 s, also over a store that fails for ever. What was not written by then is given up: a body
    /// that ended and could not say so is recorded as `lost` by the next process of this node.
    ///
    /// # Errors
    /// If something was given up, or the clean stop cannot be recorded. The handle is shut down all the same.
    pub async fn shutdown(&self) -> Result<(), ShutdownError> {
        let local = &self.0.local;
        local.hub.close();
        // Those who wait are sent away; a future that nobody polls is not waited for.
        for _ in 0..PATIENCE {
            if !local.hub.has_waiters() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let stopped = tokio::select! {
            biased;
            stopped = self.settle() => stopped.map_err(ShutdownError::Unrecorded),
            () = local.parts.clock.sleep(LONGEST) => Err(self.give_up()),
        };
        // What the tasks hold, the store before all, is let go. One that hangs without awaiting is not waited for.
        let tasks = self.0.stop();
        for _ in 0..PATIENCE {
            if tasks.iter().all(JoinHandle::is_finished) {
                break;
            }
            tokio::task::yield_now().await;
        }
        current::uninstall(self);
        stopped
    }

    async fn settle(&self) -> Result<(), StoreError> {
        let local = &self.0.local;
        self.0.behind.close().await;
        local.background.flush().await;
        let (done, when_done) = oneshot::channel();
        if local.parts.keeper.send(Order::Stop(done)).is_ok() {
            let _ = when_done.await;
        }
        local.background.flush().await;
        local.note(Stream::System, Event::Down {}.into()).await.map(drop)
    }

    fn give_up(&self) -> ShutdownError {
        let records = self.0.behind.unwritten();
        let works = self.0.local.background.give_up();
        tracing::error!(
            records,
            works,
            "the shutdown gave up what the store did not take; mend the store, then start the agent again"
        );
        ShutdownError::GivenUp { records, works }
    }
}
