//! Writes that nobody waits for.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};

use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// Runs what has to be done although its caller is gone.
#[derive(Clone)]
pub(crate) struct Background {
    runtime: Handle,
    tasks: Arc<Mutex<JoinSet<()>>>,
}

impl Background {
    /// On the runtime of the caller.
    pub(crate) fn new(runtime: Handle) -> Self {
        Self { runtime, tasks: Arc::default() }
    }

    /// Hands work over. It is polled once right here, so that a store with a writer of its own has it before the
    /// caller goes on; the rest is done by the runtime.
    pub(crate) fn run(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut work: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(work);
        let _runtime = self.runtime.enter();
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return;
        }
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(work, &self.runtime);
    }

    /// Starts work that ends with this object, not by itself.
    pub(crate) fn spawn(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> tokio::task::JoinHandle<()> {
        self.runtime.spawn(work)
    }

    /// Returns once everything that was handed over is done.
    pub(crate) async fn flush(&self) {
        loop {
            let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
            if tasks.is_empty() {
                return;
            }
            while tasks.join_next().await.is_some() {}
        }
    }
}
