//! The locks, queues and threads that the race tests watch: `tests/races` compiles these sources against a scheduler that
//! draws who goes next.

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
