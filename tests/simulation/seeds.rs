//! Many seeds, one seed, and the same seed twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{LazyLock, Mutex};

use crate::defect::Defect;
use crate::plan::{Forgery, Plan, Point};
use crate::run::{Outcome, run};

/// How many seeds, unless `APPROVALS_SEEDS` says otherwise.
const SEEDS: u64 = 200;

/// Seeds beyond the first that broke once: 466 by an endpoint whose clock was a day off for good, the others by pauses
/// that were cut short, over a slow link or by a clock that was set.
const BROKE_ONCE: [u64; 5] = [466, 717, 756, 1356, 1901];

/// Everything that can go wrong, as it is counted where it took effect.
const FAULTS: [&str; 34] = [
    "partition before the verdict",
    "partition during the verdict",
    "partition after the verdict",
    "slow link",
    "429 with Retry-After",
    "storm of 5xx",
    "answer to the create lost",
    "answer to the create too late",
    "answer to the callback lost",
    "answer to the poll lost",
    "callback duplicated",
    "callback reordered",
    "callback after the verdict",
    "callback after the deadline",
    "answer of the requester",
    "answer of nobody known",
    "unsigned decision in the poll",
    "store away",
    "crash of an agent",
    "crash of the endpoint",
    "restart",
    "a cut off body was noticed",
    "request expired",
    "all wall clocks jump forwards",
    "all wall clocks jump backwards",
    "a wall clock jumps forwards",
    "a wall clock jumps backwards",
    Point::BeforeReview.name(),
    Point::BeforeClaim.name(),
    Point::AfterClaim.name(),
    Point::InBody.name(),
    Point::BeforeFinish.name(),
    Forgery::Unsigned.name(),
    Forgery::OtherKey.name(),
];

#[derive(Default)]
struct Summary {
    fired: BTreeMap<&'static str, u64>,
    phases: BTreeMap<&'static str, u64>,
    bodies: u64,
    failed: Vec<String>,
}

impl Summary {
    fn add(&mut self, outcome: &Outcome) {
        for (fault, times) in &outcome.fired {
            *self.fired.entry(fault).or_default() += times;
        }
        for phase in &outcome.phases {
            *self.phases.entry(phase).or_default() += 1;
        }
        self.bodies += outcome.bodies;
        if !outcome.broken.is_empty() {
            self.failed.push(outcome.report());
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

static SUMMARY: LazyLock<Summary> = LazyLock::new(|| {
    let (next, summary) = (AtomicU64::new(0), Mutex::new(Summary::default()));
    let seeds = number("APPROVALS_SEEDS").unwrap_or(SEEDS);
    let works = || {
        loop {
            let seed = next.fetch_add(1, SeqCst);
            if seed >= seeds {
                return;
            }
            let outcome = run(Plan::of(seed), None);
            summary.lock().unwrap().add(&outcome);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(works))));
    summary.into_inner().unwrap()
});

#[test]
fn every_seed_holds() {
    let summary = &*SUMMARY;
    println!("{:#?}\n{:?}, {} bodies", summary.fired, summary.phases, summary.bodies);
    if let Some(first) = summary.failed.first() {
        let all: Vec<_> = summary
            .failed
            .iter()
            .flat_map(|report| report.lines().filter(|l| l.starts_with("broken") || l.starts_with("again")))
            .collect();
        panic!("{first}\n\n{} seeds fail\n{}", summary.failed.len(), all.join("\n"));
    }
}

#[test]
fn every_fault_fired() {
    let fired = |fault: &&&str| SUMMARY.fired.contains_key(**fault);
    let forgeries = Forgery::ALL.map(Forgery::name);
    let silent: Vec<_> = FAULTS.iter().chain(&forgeries).filter(|fault| !fired(fault)).collect();
    assert!(silent.is_empty(), "never fired: {silent:?}");
}

#[test]
fn the_page_says_how_many_seeds_faults_and_defects_there_are() {
    let page = include_str!("../../docs/testing.md");
    let kinds: BTreeSet<_> = FAULTS.into_iter().chain(Forgery::ALL.map(Forgery::name)).collect();
    let tried = include_str!("defects.rs").matches("    is_caught(Defect::").count();
    assert_eq!(tried, Defect::ALL.len(), "each defect has its test");
    for said in
        [format!("{SEEDS} seeds, {} kinds of faults", kinds.len()), format!("| simulation | {tried}: ")]
    {
        assert!(page.contains(&said), "docs/testing.md is to say `{said}`");
    }
}

#[test]
fn every_end_of_a_request_was_reached() {
    let ends = ["succeeded", "denied", "expired", "cancelled", "unknown"];
    let missing: Vec<_> = ends.iter().filter(|end| !SUMMARY.phases.contains_key(**end)).collect();
    assert!(missing.is_empty(), "no request came to {missing:?}");
}

#[test]
fn one_seed_holds() {
    let seed = number("APPROVALS_SEED").unwrap_or(7);
    let outcome = run(Plan::of(seed), None);
    println!("{}", outcome.report());
    outcome.holds();
}

#[test]
fn a_seed_that_broke_once_holds() {
    for seed in BROKE_ONCE {
        run(Plan::of(seed), None).holds();
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in (0..200).step_by(25) {
        let (first, second) = (run(Plan::of(seed), None).trace, run(Plan::of(seed), None).trace);
        for (one, other) in first.iter().zip(&second) {
            assert_eq!(one, other, "seed {seed}");
        }
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}
