//! Writes that nobody waits for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

use tokio::runtime::Handle;
use tokio::sync::watch;

use super::caught::{Panicked, caught};

/// Runs what has to be done although its caller is gone.
#[derive(Clone)]
pub(crate) struct Background {
    runtime: Handle,
    /// How much is still to be done.
    running: watch::Sender<usize>,
    /// Nothing is waited for any more.
    given_up: watch::Sender<bool>,
}

impl Background {
    /// On the runtime of the caller.
    pub(crate) fn new(runtime: Handle) -> Self {
        Self { runtime, running: watch::Sender::new(0), given_up: watch::Sender::new(false) }
    }

    /// Hands work over. It is polled once right here, so that a store with a writer of its own has it before the
    /// caller goes on; the rest is done by the runtime. One that panics does not take its caller along, who may be
    /// unwinding already: a second panic would end the process.
    pub(crate) fn run(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut work = whole(work);
        let _runtime = self.runtime.enter();
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            self.spawn(work);
        }
    }

    /// Hands work over that calls others' code for long: none of it runs inside the caller, in whose scope it would be.
    pub(crate) fn start(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.spawn(whole(work));
    }

    fn spawn(&self, work: Work) {
        let (running, mut given_up) = (Running::on(&self.running), self.given_up.subscribe());
        self.runtime.spawn(async move {
            tokio::select! {
                biased;
                // The sender is gone only with all that could wait.
                Ok(_) = given_up.wait_for(|given_up| *given_up) => {}
                () = work => {}
            }
            drop(running);
        });
    }

    /// Gives up all that is under way, for good; work that comes later is polled once, or not at all if it
    /// is [started](Self::start). Says how much it was.
    pub(crate) fn give_up(&self) -> usize {
        self.given_up.send_replace(true);
        *self.running.borrow()
    }

    /// Returns once everything that was handed over is done. Whoever gives up waiting stops nothing by that.
    pub(crate) async fn flush(&self) {
        // The sender lives as long as `self`.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Work whose panic ends nothing else.
fn whole(work: impl Future<Output = ()> + Send + 'static) -> Work {
    // Outside the block, which would have room for all of the work as well.
    let work = caught(work);
    Box::pin(async move {
        if let Err(Panicked) = work.await {
            tracing::error!(
                "a piece of background work panicked and is given up; tell whoever wrote what panicked, then start the agent again"
            );
        }
    })
}

/// Counts a piece of work until it is done, panics or is dropped with its runtime.
struct Running(watch::Sender<usize>);

impl Running {
    fn on(running: &watch::Sender<usize>) -> Self {
        running.send_modify(|running| *running += 1);
        Self(running.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running = running.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_takes_nobody_along() {
        let background = Background::new(Handle::current());
        background.run(async { panic!("at its first turn, as part of the test") });
        background.run(async {
            tokio::task::yield_now().await;
            panic!("later, as part of the test")
        });
        background.start(async { panic!("in a task of its own, as part of the test") });
        background.flush().await;
    }

    #[tokio::test]
    async fn what_is_started_does_not_run_inside_the_caller() {
        let background = Background::new(Handle::current());
        let (say, heard) = std::sync::mpsc::channel();
        background.start(async move { say.send(()).unwrap() });
        assert!(heard.try_recv().is_err());
        background.flush().await;
        assert!(heard.try_recv().is_ok());
    }
}
