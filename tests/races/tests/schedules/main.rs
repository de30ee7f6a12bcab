//! The core and the store itself, their tasks, threads and locks taking turns as shuttle draws them.
//!
//! The packages below `stores/` compile the sources of `approvals-core` and `approvals-stores` against shuttle: who goes
//! next is drawn at every await, lock, queue, spawn and join. Channels are tokio's own, and each of their operations is one
//! step. Half of the schedules are drawn at random, half with few and well placed changes (PCT).
//!
//! ```sh
//! cargo test -p approvals-races --test schedules                                     # as CI runs them
//! APPROVALS_SCHEDULES=100 cargo test -p approvals-races --test schedules             # a hundred times as many
//! APPROVALS_SCHEDULE=9101… cargo test -p approvals-races --test schedules one_test   # the one that failed
//! ```
//!
//! What a test is about is counted, and a run that never showed it fails. Each defect has to be found.

#![cfg(test)]

/// What the table of waiters is made of.
use approvals_races_core::{id, ledger, time};

mod answers;
mod beats;
mod claims;
mod commits;
mod explore;
#[allow(dead_code, reason = "cards are the keeper's, whom no test of the table is about")]
#[path = "../../../../approvals-core/src/authority/hub.rs"]
mod hub;
mod requested;
mod room;
mod shelf;
mod strangers;
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
