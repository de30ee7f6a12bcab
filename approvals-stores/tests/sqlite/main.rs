//! The SQLite store: what it keeps, whom it wakes, and what it does when the disk, a file or a process fails.
#![cfg(feature = "sqlite")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that is surprised fails"
)]

mod appends;
mod backup;
mod doctor;
mod faults;
mod keys;
mod moved;
mod pipes;
mod processes;
mod support;
mod waits;
