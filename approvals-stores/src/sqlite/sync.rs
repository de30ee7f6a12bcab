//! The locks, queues and threads that the race tests watch: `tests/races` compiles these sources against a scheduler that
//! draws who goes next.

#[cfg(not(approvals_shuttle))]
use std::sync::PoisonError;
use std::time::{Duration, Instant};

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

/// Rests for a while, or for as long as a condition holds.
#[cfg(not(approvals_shuttle))]
pub(super) fn rest<T>(
    changed: &Condvar,
    guard: MutexGuard<'_, T>,
    time: Duration,
    condition: impl FnMut(&mut T) -> bool,
) {
    drop(changed.wait_timeout_while(guard, time, condition).unwrap_or_else(PoisonError::into_inner));
}

/// No time passes there: a rest is the others' turn.
#[cfg(approvals_shuttle)]
pub(super) fn rest<T>(_: &Condvar, guard: MutexGuard<'_, T>, _: Duration, _: impl FnMut(&mut T) -> bool) {
    drop(guard);
    thread::yield_now();
}
