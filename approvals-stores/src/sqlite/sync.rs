//! The locks, queues and threads that the race tests watch: `tests/races` compiles these sources against a scheduler that
//! draws who goes next.

use std::time::Instant;

#[cfg(approvals_shuttle)]
pub(super) use shuttle::{
    sync::{Condvar, Mutex, MutexGuard, mpsc},
    thread,
};
#[cfg(not(approvals_shuttle))]
pub(super) use std::{
    sync::{Condvar, Mutex, MutexGuard, mpsc},
    thread,
};

use self::mpsc::{Receiver, RecvTimeoutError};

/// The next of a queue, waiting for it until a moment; without one, until there is one or the queue is closed.
pub(super) fn receive_until<T>(queue: &Receiver<T>, until: Option<Instant>) -> Result<T, RecvTimeoutError> {
    match until {
        None => queue.recv().map_err(|_| RecvTimeoutError::Disconnected),
        Some(until) => receive_before(queue, until),
    }
}

#[cfg(not(approvals_shuttle))]
fn receive_before<T>(queue: &Receiver<T>, until: Instant) -> Result<T, RecvTimeoutError> {
    queue.recv_timeout(until.saturating_duration_since(Instant::now()))
}

/// The scheduler knows no time: the others have a few turns, as many as it likes.
#[cfg(approvals_shuttle)]
fn receive_before<T>(queue: &Receiver<T>, _: Instant) -> Result<T, RecvTimeoutError> {
    thread::yield_now();
    queue.try_recv().map_err(|error| match error {
        mpsc::TryRecvError::Empty => RecvTimeoutError::Timeout,
        mpsc::TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
    })
}
