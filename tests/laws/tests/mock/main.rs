//! The mock that tests of gated code are written with.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "outside `#[test]` functions too, a test fails by panicking"
)]

mod rules;

mod script;

mod crashes;

mod enough;

mod time;

mod failures;

mod ledger;

mod side_by_side;

mod support;
