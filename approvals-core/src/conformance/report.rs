//! Running the rules, and what came of it.

use std::fmt;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::bench::{Bench, Checked, Failure};
use super::{Need, RULES, Rule, StoreUnderTest};

/// A rule that has not ended by then hangs. A bound for failures only.
const LONGEST: Duration = Duration::from_secs(120);

/// What became of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The store keeps it.
    Passed,
    /// The store breaks it: how.
    Failed(String),
    /// It does not apply to this store: why.
    NotRun(&'static str),
}

/// What became of every rule, in the order of [`RULES`].
#[derive(Debug, Clone)]
#[must_use = "a report says nothing until somebody reads it; call `assert`"]
pub struct Report(Vec<(&'static Rule, Outcome)>);

impl Report {
    /// Every rule with what became of it.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static Rule, &Outcome)> {
        self.0.iter().map(|(rule, outcome)| (*rule, outcome))
    }

    /// The names of the rules that the store keeps.
    pub fn passed(&self) -> Vec<&'static str> {
        self.names(|outcome| *outcome == Outcome::Passed)
    }

    /// The names of the rules that the store breaks.
    pub fn failed(&self) -> Vec<&'static str> {
        self.names(|outcome| matches!(outcome, Outcome::Failed(_)))
    }

    /// The names of the rules that do not apply.
    pub fn not_run(&self) -> Vec<&'static str> {
        self.names(|outcome| matches!(outcome, Outcome::NotRun(_)))
    }

    fn names(&self, wanted: impl Fn(&Outcome) -> bool) -> Vec<&'static str> {
        self.outcomes().filter(|(_, outcome)| wanted(outcome)).map(|(rule, _)| rule.name()).collect()
    }

    /// Whether some rule ran and every rule that ran is kept.
    pub fn is_sound(&self) -> bool {
        self.failed().is_empty() && !self.passed().is_empty()
    }

    /// For a test.
    ///
    /// # Panics
    /// If the store breaks a rule, or if none ran.
    #[track_caller]
    #[expect(clippy::panic, reason = "this is how a test fails")]
    pub fn assert(&self) {
        if !self.is_sound() {
            panic!("{self}");
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (rule, outcome) in self.outcomes() {
            match outcome {
                Outcome::Passed => writeln!(f, "passed   {rule}")?,
                Outcome::Failed(how) => writeln!(f, "FAILED   {rule}: {how}")?,
                Outcome::NotRun(why) => writeln!(f, "not run  {rule}: {why}")?,
            }
        }
        let [passed, failed, not_run] =
            [self.passed(), self.failed(), self.not_run()].map(|names| names.len());
        write!(f, "{passed} passed, {failed} failed, {not_run} not run")?;
        if passed + failed == 0 {
            f.write_str("; a run in which nothing ran proves nothing")?;
        }
        Ok(())
    }
}

/// Runs every rule, each on a ledger of its own, one after the other, on the runtime of the caller.
///
/// The runtime needs its timer enabled.
pub async fn run_all(under_test: impl StoreUnderTest) -> Report {
    let under_test = Arc::new(under_test);
    let mut outcomes = Vec::with_capacity(RULES.len());
    for rule in RULES {
        outcomes.push((rule, run(rule, &under_test).await));
    }
    Report(outcomes)
}

async fn run<U: StoreUnderTest>(rule: &Rule, under_test: &Arc<U>) -> Outcome {
    if let Some(why) = rule.need().missing::<U>() {
        return Outcome::NotRun(why);
    }
    match run_bounded(rule, Arc::clone(under_test)).await {
        Ok(()) => Outcome::Passed,
        Err(Failure(how)) => Outcome::Failed(how),
    }
}

async fn run_bounded<U: StoreUnderTest>(rule: &Rule, under_test: Arc<U>) -> Checked {
    let check = rule.check;
    // A task of its own, so that a store that panics breaks the rule and not the run.
    let mut task = tokio::spawn(async move {
        let bench = Arc::new(Bench::lay(under_test).await?);
        check(bench).await
    });
    match tokio::time::timeout(LONGEST, &mut task).await {
        Ok(ended) => ended?,
        Err(_) => {
            task.abort();
            Err(Failure(format!("it has not ended within {LONGEST:?}")))
        }
    }
}

/// Runs one rule by its name, on a runtime of its own, for [`store_conformance!`](crate::store_conformance).
///
/// # Panics
/// If the store breaks the rule, if there is no such rule, or if no runtime can be made.
#[track_caller]
#[expect(clippy::panic, reason = "this is how a test fails")]
pub fn check(under_test: impl StoreUnderTest, name: &str) {
    let Some(rule) = RULES.iter().find(|rule| rule.name() == name) else {
        panic!("there is no rule `{name}`; `RULES` lists them");
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("no runtime for the test: {error}"),
    };
    let outcome = runtime.block_on(run(rule, &Arc::new(under_test)));
    // A store that hangs on a thread of its own must not hang the test as well.
    runtime.shutdown_background();
    match outcome {
        Outcome::Passed | Outcome::NotRun(_) => {}
        Outcome::Failed(how) => panic!("{rule}: {how}"),
    }
}

/// Prints the rules that do not apply to a store, past the capture of the test harness: a skip is a result.
///
/// # Panics
/// If no rule applies.
#[track_caller]
pub fn say_what_does_not_apply<U: StoreUnderTest>(_under_test: &U) {
    let missing = |rule: &'static Rule| Some((rule, rule.need().missing::<U>()?));
    let not_run: Vec<_> = RULES.iter().filter_map(missing).collect();
    let mut text = String::new();
    for (rule, why) in &not_run {
        text += &format!("not run: {rule}: {why}\n");
    }
    text += &format!("{} of {} rules do not apply to this store\n", not_run.len(), RULES.len());
    // A closed standard error is no reason to fail.
    let _ = std::io::stderr().write_all(text.as_bytes());
    assert!(not_run.len() < RULES.len(), "a run in which nothing ran proves nothing");
}

impl Need {
    /// Why a rule that needs this does not apply to a store; `None` when it does.
    fn missing<U: StoreUnderTest>(self) -> Option<&'static str> {
        match self {
            Self::SecondHandle if !U::SHARED => Some("one handle at a time by its own word"),
            Self::Durability if !U::DURABLE => Some("not durable by its own word"),
            Self::HandedClock if !U::HANDED_CLOCK => Some("on a clock of its own by its own word"),
            Self::DurabilityAndClock if !U::DURABLE => Self::Durability.missing::<U>(),
            Self::DurabilityAndClock => Self::HandedClock.missing::<U>(),
            _ => None,
        }
    }
}
