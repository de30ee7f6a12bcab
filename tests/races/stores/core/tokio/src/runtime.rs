//! The runtime: shuttle's.

use std::future::Future;

use crate::task::{JoinHandle, spawn};

/// The run that is under way.
#[derive(Debug, Clone)]
pub struct Handle(());

/// There is no runtime.
#[derive(Debug)]
pub struct TryCurrentError(());

/// Stands for the context of a runtime, of which shuttle needs none.
#[derive(Debug)]
pub struct EnterGuard(());

impl Handle {
    /// The run that is under way.
    ///
    /// # Errors
    /// Never: outside of a run the first step fails.
    pub fn try_current() -> Result<Self, TryCurrentError> {
        Ok(Self(()))
    }

    /// Does nothing.
    pub fn enter(&self) -> EnterGuard {
        EnterGuard(())
    }

    /// Starts a task.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        spawn(future)
    }
}
