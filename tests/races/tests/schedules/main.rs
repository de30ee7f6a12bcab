//! The core and the store itself, their tasks, threads and locks taking turns as shuttle draws them.

/// What the table of waiters is made of.
use approvals_races_core::{id, ledger, time};

mod claims;
mod commits;
mod explore;
#[allow(dead_code, reason = "cards are the keeper's, whom no test of the table is about")]
#[path = "../../../../approvals-core/src/authority/hub.rs"]
mod hub;
mod requested;
mod room;
mod shelf;
mod waiters;
mod watched;

mod sync {
    pub(crate) use shuttle::sync::{Mutex, MutexGuard};
}

/// What the table keeps: a verdict that counts how often it is taken.
mod local {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    pub(crate) struct Offer(pub(crate) Arc<AtomicUsize>);
}
