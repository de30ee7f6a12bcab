//! The public conformance suites: what every store and every backend has to keep, as rules that can be run.
//!
//! Whoever writes a store starts at [`store_conformance!`](crate::store_conformance); its suite stands here and in
//! [`store`]. Whoever writes a backend starts at [`backend`].
//!
//! A rule that does not apply is a result of its own: it is printed and counted, and a run in which no rule applies
//! fails. [`run_all`] gives the results as data.

#[macro_use]
mod check;
pub mod backend;
mod report;
pub mod sample;
pub mod store;

pub use self::report::{Finding, Report};
pub use self::store::{Need, RULES, Rule, StoreUnderTest, check, run_all, say_what_does_not_apply};
#[doc(inline)]
pub use crate::store_conformance;

/// Why what is under test could not be set up.
pub type SetupError = Box<dyn std::error::Error + Send + Sync>;
