//! Runs a test under many schedules, half of them drawn at random and half with few, well placed changes (PCT).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, Runner};

/// The same schedules in every run, unless `APPROVALS_SEED` says otherwise.
const SEED: u64 = 0x5EED;
/// How many changes of task a PCT schedule places.
const DEPTH: usize = 3;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().expect(variable))
}

fn config(persistence: FailurePersistence) -> Config {
    let mut config = Config::new();
    // Futures in a debug build.
    config.stack_size = 1 << 20;
    config.failure_persistence = persistence;
    config
}

/// Runs the test under so many schedules, times `APPROVALS_SCHEDULES`. One that fails is printed, and run again alone
/// by `APPROVALS_SCHEDULE`.
pub(crate) fn explore(schedules: usize, test: impl Fn() + Send + Sync + 'static) {
    let test = Arc::new(test);
    let run = |scheduler: Box<dyn Scheduler + Send>| {
        let test = Arc::clone(&test);
        Runner::new(scheduler, config(FailurePersistence::Print)).run(move || test());
    };
    if let Ok(schedule) = std::env::var("APPROVALS_SCHEDULE") {
        return run(Box::new(ReplayScheduler::new_from_encoded(&schedule)));
    }
    let seed = number("APPROVALS_SEED").unwrap_or(SEED);
    let times = usize::try_from(number("APPROVALS_SCHEDULES").unwrap_or(1)).unwrap();
    let half = schedules * times / 2;
    run(Box::new(RandomScheduler::new_from_seed(seed, half)));
    run(Box::new(PctScheduler::new_from_seed(seed, DEPTH, half)));
}

/// The same of a test with a defect, which one of so many schedules must show; its failure says one of these.
pub(crate) fn shows(schedules: usize, says: &[&str], test: impl Fn() + Send + Sync + 'static) {
    let tried = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tried);
    let scheduler = RandomScheduler::new_from_seed(SEED, schedules);
    let runner = Runner::new(scheduler, config(FailurePersistence::None));
    let run = AssertUnwindSafe(|| {
        runner.run(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            test();
        })
    });
    let Err(failure) = catch_unwind(run) else { panic!("{schedules} schedules, and the defect was not seen") };
    let failure = failure
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| failure.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default();
    println!("seen by schedule {}", tried.load(Ordering::Relaxed));
    assert!(says.iter().any(|words| failure.contains(words)), "another failure: {failure}");
}
