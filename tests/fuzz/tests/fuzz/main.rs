//! Every target over its corpus, a short walk around it, and the proof that a defect would be noticed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod bites;
mod locked;
mod replay;
mod support;
