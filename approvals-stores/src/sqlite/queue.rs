//! A queue of work for threads of our own, so that no async thread blocks and no runtime is asked for one.

use std::io;
use std::sync::PoisonError;

use super::sync::mpsc::{Receiver, Sender, channel};
use super::sync::thread::{Builder, JoinHandle};
use super::sync::{Mutex, MutexGuard};

/// Work that waits for its threads; they end when they have done all of it and the queue is closed or dropped.
pub(super) struct Queue<T> {
    sender: Mutex<Option<Sender<T>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl<T: Send + 'static> Queue<T> {
    /// An empty queue and the end that its threads take work from.
    pub(super) fn new() -> (Self, Receiver<T>) {
        let (sender, receiver) = channel();
        (Self { sender: Mutex::new(Some(sender)), threads: Mutex::default() }, receiver)
    }

    /// Starts a thread that works for it.
    pub(super) fn thread(&self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let thread = Builder::new().name(name.to_owned()).spawn(work)?;
        lock(&self.threads).push(thread);
        Ok(())
    }

    /// Hands work over without waiting. Gives `false`, and drops the work, once the queue is closed.
    pub(super) fn push(&self, work: T) -> bool {
        lock(&self.sender).as_ref().is_some_and(|sender| sender.send(work).is_ok())
    }

    /// Takes no more work and returns when all that waits is done. Blocks.
    pub(super) fn close(&self) {
        drop(lock(&self.sender).take());
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            // A thread that panicked has dropped its replies, which is how its callers know.
            let _ = thread.join();
        }
    }
}

/// What these locks guard is whole between any two statements, so a panic elsewhere does not spoil it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
