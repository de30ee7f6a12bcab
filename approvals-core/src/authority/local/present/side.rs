//! Work of others side by side.

use std::future::Future;
use std::task::{Context, Poll, Waker};

use tokio::task::JoinSet;

use super::Panicked;
use crate::authority::{caught, caught_poll};

/// Pieces of work, each with what it is about. One that waits for nothing is done right where it is handed over; the
/// others have a task each.
pub(super) struct Side<A, T> {
    done: Vec<(A, Result<T, Panicked>)>,
    tasks: JoinSet<(A, Result<T, Panicked>)>,
}

impl<A: Send + 'static, T: Send + 'static> Side<A, T> {
    pub(super) fn new() -> Self {
        Self { done: Vec::new(), tasks: JoinSet::new() }
    }

    /// Begins a piece. To be called on a runtime.
    pub(super) fn run(&mut self, about: A, work: impl Future<Output = T> + Send + 'static) {
        let mut work = Box::pin(work);
        match caught_poll(work.as_mut(), &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => self.done.push((about, done)),
            Poll::Pending => {
                let work = caught(work);
                self.tasks.spawn(async move { (about, work.await) });
            }
        }
    }

    /// The next piece that is done, in whatever order; `None` once all were given.
    pub(super) async fn next(&mut self) -> Option<(A, Result<T, Panicked>)> {
        if let Some(done) = self.done.pop() {
            return Some(done);
        }
        // A task that is cancelled is one of a runtime that ends.
        self.tasks.join_next().await?.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Waits for one turn.
    async fn later() {
        tokio::task::yield_now().await;
    }

    #[tokio::test]
    async fn all_are_given_and_one_that_panics_takes_no_other_along() {
        let mut side = Side::new();
        side.run("at once", async { 1 });
        side.run("later", async {
            later().await;
            2
        });
        side.run("panics", async { panic!("at once, as part of the test") });
        side.run("panics later", async {
            later().await;
            panic!("later, as part of the test")
        });
        let mut given = BTreeMap::new();
        while let Some((about, done)) = side.next().await {
            given.insert(about, done);
        }
        let panicked = Err(Panicked);
        let expected =
            [("at once", Ok(1)), ("later", Ok(2)), ("panics", panicked), ("panics later", panicked)];
        assert_eq!(given, BTreeMap::from(expected));
    }

    #[tokio::test]
    async fn what_waits_for_nothing_needs_no_task() {
        let mut side = Side::new();
        side.run((), async { 1 });
        assert!(side.tasks.is_empty());
        assert_eq!(side.next().await, Some(((), Ok(1))));
        assert_eq!(side.next().await, None);
    }
}
