//! What holds for the repository as a whole, each rule a sentence.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "outside `#[test]` functions too, a test fails by panicking"
)]

mod budgets;
mod dependencies;
mod imports;
mod logs;
mod numbers;
mod packages;
mod pages;
mod security;
mod sources;
