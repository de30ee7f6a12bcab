//! The quickstart as a newcomer runs it, answered by the program `approvals`: real processes over a real store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]
#![allow(clippy::indexing_slicing, reason = "a test fails by a panic")]

mod programs;
mod run;
mod story;

mod answers;
mod restarts;
mod resume;
mod set_up;
mod siblings;
mod terminal;
mod text;
