//! What holds after a process was killed, its power cut, its disk full or failing, and while two share a file. Each
//! harness is shown to find a defect that was put there.
//!
//! More of it, by the environment: `APPROVALS_KILLS=100000`, `APPROVALS_CUTS=1000`, `APPROVALS_RACES=1000`, and
//! `APPROVALS_FAULTS=1` for each fault both once and for ever. `APPROVALS_SEED` repeats the choices of a run, as far as
//! processes let themselves be repeated.
#![cfg(test)]

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
