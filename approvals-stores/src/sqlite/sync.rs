//! The locks and threads that the race tests watch: `tests/races` compiles these sources against a scheduler that draws
//! who goes next.

#[cfg(not(approvals_shuttle))]
use std::sync::PoisonError;
use std::time::Duration;

#[cfg(approvals_shuttle)]
pub(super) use shuttle::{
    sync::{Condvar, Mutex, MutexGuard},
    thread,
};
#[cfg(not(approvals_shuttle))]
pub(super) use std::{
    sync::{Condvar, Mutex, MutexGuard},
    thread,
};

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
