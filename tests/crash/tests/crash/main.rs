//! What holds after a process was killed, its power cut, its disk full or failing, and while two share a file. Each
//! harness is shown to find a defect that was put there.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that is surprised fails"
)]

mod bench;
mod disk;
mod examiner;
mod faults;
mod kills;
mod line;
mod power;
mod process;
mod races;
mod shim;
