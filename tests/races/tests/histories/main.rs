//! Histories that threads really made, judged for linearizability against the production state machine.
//!
//! Two to four threads approve, deny, withdraw, expire, claim, finish, note and read one request at once. An order of
//! what they did has to exist that the register of [`spec`] would have answered the same.
//!
//! ```sh
//! cargo test -p approvals-races --test histories                           # 10,000, as CI runs them
//! APPROVALS_HISTORIES=100 cargo test -p approvals-races --test histories   # a hundred times as many
//! APPROVALS_SEED=7 cargo test -p approvals-races --test histories          # others
//! ```

#![cfg(test)]

mod death;
mod defects;
mod record;
mod spec;

use std::num::NonZeroU64;
use std::sync::Arc;

use approvals::conformance::sample::NODE;
use approvals::ledger::{Memory, Store};
use approvals::testing::ManualClock;
use approvals::time::Timestamp;
use approvals::{Sqlite, SqliteOptions};
use approvals_races::Dice;

use self::defects::{Defect, Defective};
use self::record::{Bench, Recorded, block_on};

/// The same choices in every run, unless `APPROVALS_SEED` says otherwise.
const SEED: u64 = 0x5EED;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().expect(variable))
}

fn noon() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// Records so many histories, times `APPROVALS_HISTORIES`, and judges each. What was drawn for one is drawn again by
/// the same seed and number; who came first is not.
fn judge(what: &str, histories: u64, mut make: impl FnMut(Dice, &mut u64) -> Recorded) {
    let seed = number("APPROVALS_SEED").unwrap_or(SEED);
    let histories =
        histories * number("APPROVALS_HISTORIES").map_or(1, |times| NonZeroU64::new(times).unwrap().get());
    let (mut overlapping, mut operations) = (0, 0);
    for history in 0..histories {
        let recorded = make(Dice::of(seed, history), &mut operations);
        overlapping += u64::from(recorded.overlaps());
        if let Err(told) = recorded.check() {
            panic!("{what}: history {history} of seed {seed} is not linearizable:\n{told}");
        }
    }
    println!(
        "{what}: {histories} histories of {operations} operations, {overlapping} of them with some at once"
    );
    assert!(overlapping * 20 > histories, "nothing came at once");
}

fn of_memory(dice: Dice, operations: &mut u64) -> Recorded {
    let clock = ManualClock::at(noon());
    let store = Memory::with_clock(Arc::new(clock.clone())).unwrap();
    let bench = Bench { clock, stores: vec![Arc::new(store)] };
    bench.record(dice, operations)
}

#[test]
fn histories_of_the_ledger_in_memory_are_linearizable() {
    judge("memory", 8_000, of_memory);
}

#[test]
fn histories_of_one_file_through_two_handles_are_linearizable() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(noon());
    let open = || {
        let options = SqliteOptions::new().clock(Arc::new(clock.clone()));
        block_on(Sqlite::open_with(folder.path().join("approvals.db"), options)).unwrap()
    };
    let handles = [open(), open()];
    let _hold = block_on(handles[0].hold_node(&NODE.into())).unwrap().expect("the name is free");
    let stores = handles.iter().map(|handle| Arc::new(handle.clone()) as Arc<dyn Store>).collect();
    let bench = Bench { clock: clock.clone(), stores };
    judge("sqlite", 500, |dice, operations| bench.record(dice, operations));
    for handle in handles {
        block_on(handle.close());
    }
}

/// A defect that some history out of so many must show.
fn is_found(defect: Defect) {
    let mut operations = 0;
    for history in 0..5_000 {
        let clock = ManualClock::at(noon());
        let inner = Memory::with_clock(Arc::new(clock.clone())).unwrap();
        let store = Defective::new(inner, defect, clock.clone());
        let bench = Bench { clock, stores: vec![Arc::new(store)] };
        if let Err(told) = bench.record(Dice::of(SEED, history), &mut operations).check() {
            return println!("seen by history {history}:\n{told}");
        }
    }
    panic!("5,000 histories, and the defect was not seen");
}

#[test]
fn a_compare_and_set_that_compares_outside_the_lock_is_found() {
    is_found(Defect::LostCompare);
}

#[test]
fn an_answer_before_the_commit_is_found() {
    is_found(Defect::EarlyReply);
}

#[test]
fn a_read_from_a_cache_is_found() {
    is_found(Defect::StaleReads);
}
