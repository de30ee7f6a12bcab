//! A queue of work for threads of our own, so that no async thread blocks and no runtime is asked for one.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::sync::thread::{Builder, JoinHandle};
use super::sync::{Condvar, Mutex, MutexGuard, rest};

/// Work that waits for its threads; they end when they have done all of it and the queue is closed or dropped.
pub(super) struct Queue<T> {
    shared: Arc<Shared<T>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// The end that the threads take work from: with several of them, a piece of work wakes one and no other.
pub(super) struct Jobs<T>(Arc<Shared<T>>);

struct Shared<T> {
    waiting: Mutex<Waiting<T>>,
    came: Condvar,
}

struct Waiting<T> {
    work: VecDeque<T>,
    open: bool,
    /// How many threads have nothing to do: without one, there is nobody to wake.
    idle: usize,
}

/// What a thread is to do next.
pub(super) enum Next<T> {
    Work(T),
    /// Nothing has come until then.
    TimeIsOver,
    /// All is done, and nothing comes any more.
    Closed,
}

impl<T: Send + 'static> Queue<T> {
    /// An empty queue and the end that its threads take work from.
    pub(super) fn new() -> (Self, Jobs<T>) {
        let waiting = Mutex::new(Waiting { work: VecDeque::new(), open: true, idle: 0 });
        let shared = Arc::new(Shared { waiting, came: Condvar::new() });
        (Self { shared: Arc::clone(&shared), threads: Mutex::default() }, Jobs(shared))
    }

    /// Starts a thread that works for it.
    pub(super) fn thread(&self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let thread = Builder::new().name(name.to_owned()).spawn(work)?;
        lock(&self.threads).push(thread);
        Ok(())
    }

    /// Hands work over without waiting. Gives `false`, and drops the work, once the queue is closed or nobody is left to
    /// do it.
    pub(super) fn push(&self, work: T) -> bool {
        let mut waiting = lock(&self.shared.waiting);
        if !waiting.open {
            return false;
        }
        waiting.work.push_back(work);
        let idle = waiting.idle > 0;
        drop(waiting);
        if idle {
            self.shared.came.notify_one();
        }
        true
    }

    /// Takes no more work and returns when all that waits is done. Blocks.
    pub(super) fn close(&self) {
        self.shared.close();
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            // A thread that panicked has dropped its replies, which is how its callers know.
            let _ = thread.join();
        }
    }
}

impl<T> Drop for Queue<T> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl<T> Jobs<T> {
    /// The next piece of work, waiting for it; `None` once the queue is closed and empty.
    pub(super) fn next(&self) -> Option<T> {
        match self.next_until(None) {
            Next::Work(work) => Some(work),
            Next::TimeIsOver | Next::Closed => None,
        }
    }

    /// The same, waiting until a moment at most, if there is one.
    pub(super) fn next_until(&self, until: Option<Instant>) -> Next<T> {
        let idle = |waiting: &mut Waiting<T>| waiting.open && waiting.work.is_empty();
        let mut waiting = lock(&self.0.waiting);
        if idle(&mut waiting) {
            waiting.idle += 1;
            waiting = match until {
                None => self.0.came.wait_while(waiting, idle).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    rest(&self.0.came, waiting, until.saturating_duration_since(Instant::now()), idle);
                    lock(&self.0.waiting)
                }
            };
            waiting.idle -= 1;
        }
        match waiting.work.pop_front() {
            Some(work) => Next::Work(work),
            None if waiting.open => Next::TimeIsOver,
            None => Next::Closed,
        }
    }

    /// What waits already.
    pub(super) fn next_now(&self) -> Option<T> {
        lock(&self.0.waiting).work.pop_front()
    }
}

/// Nobody is left to do the work: whoever waits for it is told by its end.
impl<T> Drop for Jobs<T> {
    fn drop(&mut self) {
        self.0.close();
        let left = std::mem::take(&mut lock(&self.0.waiting).work);
        drop(left);
    }
}

impl<T> Shared<T> {
    fn close(&self) {
        lock(&self.waiting).open = false;
        self.came.notify_all();
    }
}

/// What these locks guard is whole between any two statements, so a panic elsewhere does not spoil it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
