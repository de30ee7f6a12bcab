//! What stands open at a way in, for a backend that asks for answers and has lost its memory with the last process.

#[cfg(test)]
pub(super) mod tests;

use super::Desk;
use super::submit::unreadable;
use crate::id::RequestId;
use crate::ledger::{Filter, StoreError, Stream};
use crate::state::{Phase, State};

/// How many summaries are read at a time.
const PAGE: usize = 500;

impl Desk {
    /// The requests that were presented through this way in and can still be answered, newest first: those that are
    /// pending, and those that are approved and not yet claimed, because a denial counts until then (law 3).
    ///
    /// It reads the history of every such request; meant for the start of [`listen`](crate::backend::Backend::listen).
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn open_requests(&self) -> Result<Vec<RequestId>, StoreError> {
        let filter = Filter::in_phases([Phase::Pending, Phase::Approved]);
        let (mut open, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.list(&filter, after, PAGE).await?;
            for summary in page.summaries {
                let history = self.store.history(Stream::Request(summary.id)).await?;
                if State::fold(&history).map_err(unreadable)?.presented().contains_key(&self.way.id) {
                    open.push(summary.id);
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(open),
            }
        }
    }
}
