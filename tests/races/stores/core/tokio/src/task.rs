//! Tasks.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use shuttle::future;
pub use shuttle::future::yield_now;

/// Which task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id(u64);

/// A task. Dropping this lets it run on.
#[derive(Debug)]
pub struct JoinHandle<T> {
    id: Id,
    task: future::JoinHandle<T>,
}

/// A task that was aborted: one that panics fails the run.
#[derive(Debug)]
pub struct JoinError {
    id: Id,
    why: Box<future::JoinError>,
}

/// Starts a task.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    static IDS: AtomicU64 = AtomicU64::new(0);
    JoinHandle { id: Id(IDS.fetch_add(1, Ordering::Relaxed)), task: future::spawn(future) }
}

impl<T> JoinHandle<T> {
    /// Drops the future of the task at its next turn.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Which task it is.
    pub fn id(&self) -> Id {
        self.id
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let id = self.id;
        Pin::new(&mut self.task).poll(cx).map_err(|why| JoinError { id, why: Box::new(why) })
    }
}

impl JoinError {
    /// Which task it was.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Whether it panicked: never.
    pub fn is_panic(&self) -> bool {
        false
    }

    /// Whether it was aborted.
    pub fn is_cancelled(&self) -> bool {
        true
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl std::error::Error for JoinError {}

/// Tasks that end with this.
#[derive(Debug)]
pub struct JoinSet<T>(Vec<JoinHandle<T>>);

/// One of a set.
#[derive(Debug)]
pub struct AbortHandle(Id);

impl AbortHandle {
    /// Which task it is.
    pub fn id(&self) -> Id {
        self.0
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Send + 'static> JoinSet<T> {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Starts one more.
    pub fn spawn(&mut self, future: impl Future<Output = T> + Send + 'static) -> AbortHandle {
        let task = spawn(future);
        let id = task.id();
        self.0.push(task);
        AbortHandle(id)
    }

    /// What the next one gives that ends; `None` if none is left.
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.join_next_with_id().await.map(|joined| joined.map(|(_, output)| output))
    }

    /// The same, with its id.
    pub async fn join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        poll_fn(|cx| {
            if self.0.is_empty() {
                return Poll::Ready(None);
            }
            let ended =
                self.0.iter_mut().enumerate().find_map(|(place, task)| match Pin::new(&mut *task).poll(cx) {
                    Poll::Ready(output) => Some((place, output.map(|output| (task.id, output)))),
                    Poll::Pending => None,
                });
            match ended {
                Some((place, output)) => {
                    drop(self.0.swap_remove(place));
                    Poll::Ready(Some(output))
                }
                None => Poll::Pending,
            }
        })
        .await
    }
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}
