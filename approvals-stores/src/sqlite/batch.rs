//! What goes into the next commit.

use std::time::{Duration, Instant};

use approvals_core::ledger::{Appended, StoreError};
use tokio::sync::oneshot;

use super::rows::Sheet;

/// The most appends that wait for another: by then they share a sync among enough.
const COMPANY: usize = 16;

pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// Whether the caller of an append waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// It is committed at once, with all that wait.
    AtOnce,
    /// It may wait for another.
    Along,
}

/// An append, and whom to tell what becomes of it.
pub(super) struct Entry {
    pub(super) sheet: Sheet,
    pub(super) pace: Pace,
    pub(super) reply: Reply<Appended>,
}

/// Appends in the order in which they came.
pub(super) struct Batch {
    entries: Vec<Entry>,
    /// How long the first of them waits at most.
    patience: Duration,
    hurried: bool,
    until: Option<Instant>,
}

impl Batch {
    pub(super) const fn new(patience: Duration) -> Self {
        Self { entries: Vec::new(), patience, hurried: false, until: None }
    }

    pub(super) fn put(&mut self, entry: Entry) {
        if self.entries.is_empty() {
            self.until = Instant::now().checked_add(self.patience);
        }
        self.hurried |= entry.pace == Pace::AtOnce;
        self.entries.push(entry);
    }

    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it is to be committed now, and not only when its time is over.
    pub(super) const fn is_due(&self) -> bool {
        self.hurried || self.len() >= COMPANY
    }

    /// When that is; `None` for never, which an empty batch waits for.
    pub(super) const fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Empties it.
    pub(super) fn take(&mut self) -> (Vec<Sheet>, Vec<Reply<Appended>>) {
        let entries = std::mem::take(&mut self.entries);
        *self = Self::new(self.patience);
        entries.into_iter().map(|Entry { sheet, reply, .. }| (sheet, reply)).unzip()
    }
}
