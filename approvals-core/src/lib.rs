//! The words, laws and flow of action-approvals.
//!
//! Write backends and stores against this crate; agents use the facade `action-approvals`.

pub mod action;
mod authority;
pub mod backend;
mod bytes;
pub mod call;
pub mod capture;
pub mod card;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod desk;
pub mod doctor;
pub mod error;
mod gate;
pub mod handle;
pub mod id;
mod keeper;
pub mod ledger;
pub mod manifest;
#[cfg(feature = "metrics")]
mod meter;
pub mod people;
pub mod policy;
pub mod request;
pub mod secret;
pub mod state;
mod sync;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;

pub use manifest::manifest;

/// For those who write a policy, a store, a backend or a directory of their own: their traits take it.
pub use async_trait::async_trait;

/// What expansions of the attribute call. Not for hands: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use linkme;

    pub use crate::__site as site;
    pub use crate::action::{ActionSite, Argument, Risk, declared};
    pub use crate::call::live::{Arg, Capture, Captured, Capturer, Text, secret, show, show_by, skipped};
    pub use crate::gate::{Gate, Turn, never, refuse, refuse_by};
    pub use crate::handle::Approvals;
    pub use crate::manifest::sites::platform::*;
}
