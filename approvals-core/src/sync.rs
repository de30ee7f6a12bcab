//! The locks that the race tests watch: `tests/races` compiles these sources against a scheduler that draws who goes next.

#[cfg(approvals_shuttle)]
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(approvals_shuttle))]
pub(crate) use std::sync::{Mutex, MutexGuard};
