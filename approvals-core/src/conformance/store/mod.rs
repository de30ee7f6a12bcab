//! The suite for stores: what every store has to keep, as rules that can be run.
//!
//! Whoever writes a store says where a ledger lives and how it is opened, and one line emits a test per rule:
//!
//! ```
//! use std::sync::Arc;
//!
//! use approvals_core::conformance::{SetupError, StoreUnderTest, store_conformance};
//! use approvals_core::ledger::Memory;
//! use approvals_core::time::Clock;
//!
//! struct MyStore;
//!
//! impl StoreUnderTest for MyStore {
//!     type Store = Memory;
//!     type Place = Memory; // a temporary directory and the clock, for a store that keeps files
//!     const DURABLE: bool = false;
//!
//!     async fn place(&self, clock: Arc<dyn Clock>) -> Result<Self::Place, SetupError> {
//!         Ok(Memory::with_clock(clock)?)
//!     }
//!
//!     async fn open(&self, place: &Self::Place) -> Result<Self::Store, SetupError> {
//!         Ok(place.clone())
//!     }
//! }
//!
//! store_conformance!(MyStore);
//! ```
//!
//! A rule that does not apply, such as durability of a store in memory, is a result of its own: it is printed and
//! counted, and a run in which no rule applies fails. [`run_all`] gives the same results as data.

pub(super) mod bench;
mod rules;
mod run;
mod table;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub use self::run::{check, run_all, say_what_does_not_apply};
pub use self::table::{Need, RULES, Rule};
use super::SetupError;
use crate::ledger::Store;
use crate::time::Clock;

/// A store, and where its ledgers live while they are tested.
pub trait StoreUnderTest: Send + Sync + 'static {
    /// The store.
    type Store: Store;
    /// Where one ledger lives, and whatever opening it takes: a temporary directory and the clock. Dropped when the rule
    /// has ended, so that it may clean up.
    type Place: Send + Sync + 'static;

    /// Whether one place can be opened several times at once, as several processes do. Default: yes.
    const SHARED: bool = true;
    /// Whether a ledger outlives its handles. Default: yes.
    const DURABLE: bool = true;
    /// Whether records are stamped by the clock that is handed in; no for a store on its database's clock. Default: yes.
    const HANDED_CLOCK: bool = true;

    /// A place for a ledger that is empty and nobody else's. Every handle on it is to be stamped by the clock.
    fn place(&self, clock: Arc<dyn Clock>) -> impl Future<Output = Result<Self::Place, SetupError>> + Send;

    /// One more handle on the ledger of a place, as a process opens it that starts now.
    ///
    /// It must share nothing with the other handles that another process could not share, or the rules about several
    /// processes judge too little. To close a ledger, the suite drops its handles.
    fn open(&self, place: &Self::Place) -> impl Future<Output = Result<Self::Store, SetupError>> + Send;

    /// How long a wake-up may take until it counts as missed. A bound for failures only: a sound store never takes it.
    /// Default 5 s.
    fn patience(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// Emits one test per rule of the suite, in the module where it stands.
///
/// Takes an expression of a type that implements [`StoreUnderTest`]; it is evaluated once per test. The tests need no
/// runtime of yours. One more test, `the_rules_that_do_not_apply_are_named`, prints them and fails if no rule applies.
/// Several stores, or one in several settings, stand in a module each. The [module](crate::conformance) has an example.
#[macro_export]
macro_rules! store_conformance {
    ($under_test:expr) => {
        $crate::__store_rules! { tests ($under_test) }
    };
}
