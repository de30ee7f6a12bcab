//! Claims: of two calls of one key, and of a call whose caller leaves, whose people disagree, whose process stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use approvals_races_core::ledger::Memory;
use approvals_races_core::testing::ManualClock;
use shuttle::future::block_on;

use crate::explore::{explore, shows};
use crate::room::{Plan, Seen, contest};
use crate::shelf::{Defect, Shelf};
use crate::watched::Watched;

pub(crate) fn clock() -> ManualClock {
    ManualClock::at("2026-11-21T12:00:00Z".parse().unwrap())
}

fn over_memory(plan: Plan, seen: &Seen) {
    let clock = clock();
    let store = Watched::over(Memory::with_clock(Arc::new(clock.clone())).unwrap());
    block_on(contest(plan, store, clock, seen));
}

fn over_shelf(defect: Defect, plan: fn() -> Plan) -> impl Fn() + Send + Sync + 'static {
    move || {
        let clock = clock();
        let store = Watched::over(Shelf::with(defect, clock.clone()));
        block_on(contest(plan(), store, clock, &Seen::default()));
    }
}

pub(crate) fn all_seen<const N: usize>(seen: [(&str, &AtomicUsize); N]) {
    for (what, times) in seen {
        println!("{what}: {}", times.load(SeqCst));
        assert!(times.load(SeqCst) > 0, "no schedule showed it: {what}");
    }
}

#[test]
fn of_two_calls_of_one_key_one_runs_whoever_comes_first() {
    let seen = Arc::new(Seen::default());
    let shared = Arc::clone(&seen);
    explore(1_000, move || over_memory(Plan::of_one_key(), &shared));
    all_seen([
        ("ran", &seen.ran),
        ("verdict and claim together", &seen.together),
        ("verdict, then claim", &seen.apart),
        ("the other found it running", &seen.running),
    ]);
}

#[test]
fn a_yes_a_no_a_caller_who_leaves_and_a_shutdown_leave_one_story_in_any_order() {
    let seen = Arc::new(Seen::default());
    let shared = Arc::clone(&seen);
    explore(2_000, move || over_memory(Plan::drawn(), &shared));
    all_seen([
        ("ran", &seen.ran),
        ("verdict and claim together", &seen.together),
        ("verdict, then claim", &seen.apart),
        ("denied", &seen.denied),
        ("denied while it ran", &seen.denied_while_running),
        ("claimed, and given back", &seen.not_run),
        ("cut off", &seen.cut_off),
        ("sent away", &seen.sent_away),
    ]);
}

#[test]
fn the_shelf_without_a_defect_passes() {
    explore(200, over_shelf(Defect::None, Plan::drawn));
    explore(200, over_shelf(Defect::None, Plan::of_one_key));
}

#[test]
fn a_store_that_compares_outside_its_lock_is_found() {
    shows(2_000, &["bodies", "does not fold"], over_shelf(Defect::LostCompare, Plan::of_one_key));
}

#[test]
fn a_store_that_answers_before_it_has_written_is_found() {
    shows(
        2_000,
        &["before its claim", "does not fold", "not on record"],
        over_shelf(Defect::EarlyReply, Plan::drawn),
    );
}

#[test]
fn a_store_that_looks_before_it_listens_is_found() {
    shows(2_000, &["deadlock"], over_shelf(Defect::LooksThenListens, Plan::of_one_key));
}

#[test]
fn a_store_that_reads_from_a_cache_is_found() {
    shows(10_000, &["deadlock", "nothing ran"], over_shelf(Defect::StaleReads, Plan::of_one_key));
}
