//! The locks and flags that the race tests watch: `tests/races` compiles these sources against a scheduler that draws who goes next.

#[cfg(approvals_shuttle)]
pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU64};
#[cfg(approvals_shuttle)]
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
#[cfg(not(approvals_shuttle))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64};
#[cfg(not(approvals_shuttle))]
pub(crate) use std::sync::{Mutex, MutexGuard};
