//! The words, laws and flow of action-approvals.
//!
//! Write backends and stores against this crate; agents use the facade `action-approvals`.

pub mod action;
mod bytes;
pub mod capture;
pub mod card;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod desk;
pub mod id;
pub mod ledger;
pub mod people;
pub mod request;
pub mod secret;
pub mod state;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
