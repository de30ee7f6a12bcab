//! Every shape of function that `#[requires_approval]` takes: called, denied, approved, and looked at.
//!
//! The lints are those of the strictest user. They judge the expansion too.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::pedantic)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "outside `#[test]` functions too, a test fails by panicking"
)]

mod arguments;
mod attributes;
mod bodies;
mod boxed;
mod future;
mod receivers;
mod results;
mod support;
mod texts;
mod traits;
