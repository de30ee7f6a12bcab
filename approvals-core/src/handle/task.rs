//! A spawned task that stays in its scope.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::JoinHandle;

/// A task that was spawned by [`Approvals::spawn`](super::Approvals::spawn). Awaiting it gives what its future gave;
/// dropping it lets it run on.
#[derive(Debug)]
#[must_use = "a task runs on when this is dropped; await it to learn how it ended"]
pub struct Task<T>(pub(super) JoinHandle<T>);

/// A task that gave nothing: it panicked, or it was aborted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// It panicked.
    #[error("the task panicked")]
    Panicked,
    /// It was aborted, or its runtime ended.
    #[error("the task was aborted, or its runtime ended")]
    Aborted,
}

impl<T> Task<T> {
    /// Drops the task's future at its next await. A gated body that is under way is recorded as cut off.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|ended| {
            ended.map_err(|error| if error.is_panic() { TaskError::Panicked } else { TaskError::Aborted })
        })
    }
}
