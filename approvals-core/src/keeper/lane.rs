//! Work on very many requests, of which no more than so much is under way.

use std::collections::VecDeque;
use std::future::Future;

use tokio::task::JoinSet;

/// How much is under way at once: enough for a store to commit a lot of it together, and few enough that a hundred
/// thousand requests that are due in one moment are neither as many tasks nor one after the other.
pub(super) const AT_ONCE: usize = 256;

/// Jobs in the order in which they came, and the tasks of those that have begun.
pub(super) struct Lane<J, T> {
    waiting: VecDeque<J>,
    running: JoinSet<T>,
}

impl<J, T: Send + 'static> Lane<J, T> {
    pub(super) fn new() -> Self {
        Self { waiting: VecDeque::new(), running: JoinSet::new() }
    }

    #[cfg(test)]
    pub(super) fn rows(&self) -> usize {
        self.waiting.len() + self.running.len()
    }

    /// Takes a job in.
    pub(super) fn put(&mut self, job: J) {
        self.waiting.push_back(job);
    }

    /// Gives up what has not begun.
    pub(super) fn take_waiting(&mut self) -> impl Iterator<Item = J> + use<J, T> {
        std::mem::take(&mut self.waiting).into_iter()
    }

    /// Begins as many jobs as there is room for.
    pub(super) fn fill<F>(&mut self, mut begin: impl FnMut(J) -> F)
    where
        F: Future<Output = T> + Send + 'static,
    {
        while self.running.len() < AT_ONCE
            && let Some(job) = self.waiting.pop_front()
        {
            self.running.spawn(begin(job));
        }
        if self.waiting.is_empty() {
            // What a crowd needed is not kept for the next one.
            self.waiting.shrink_to(AT_ONCE);
        }
    }

    /// What came of a job; `None` if none is under way.
    pub(super) async fn done(&mut self) -> Option<T> {
        loop {
            // One that did not come to its end was cut off with its runtime: jobs catch what others' code panics with.
            if let Ok(done) = self.running.join_next().await? {
                return Some(done);
            }
        }
    }
}
