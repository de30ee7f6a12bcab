//! Runs a test under many schedules, half of them drawn at random and half with few, well placed changes (PCT).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

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

/// The same of a test with a defect, which one of so many schedules must show by a failure that says one of these.
pub(crate) fn shows(schedules: u64, says: &[&str], test: impl Fn() + Send + Sync + 'static) {
    let test = Arc::new(test);
    let mut others = 0;
    for number in 0..schedules {
        let test = Arc::clone(&test);
        let scheduler = RandomScheduler::new_from_seed(SEED + number, 1);
        let runner = Runner::new(scheduler, config(FailurePersistence::None));
        let Err(failure) = catch_unwind(AssertUnwindSafe(|| runner.run(move || test()))) else { continue };
        let failure = match failure.downcast::<String>() {
            Ok(failure) => *failure,
            Err(failure) => {
                failure.downcast::<&str>().map_or_else(|_| String::new(), |text| (*text).to_owned())
            }
        };
        if says.iter().any(|words| failure.contains(words)) {
            return println!("seen by schedule {number}, after {others} that failed otherwise: {failure}");
        }
        others += 1;
    }
    panic!("none of {schedules} schedules showed the defect; {others} failed otherwise");
}
