//! The pager over a service that is played by wiremock.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "outside `#[test]` functions too, a test fails by panicking"
)]

mod conformance;
mod http;
mod requests;
mod service;
