//! Running the rules over a backend.

use std::sync::Arc;

use super::bench::Bench;
use super::{Abilities, BackendUnderTest, RULES, Rule};
use crate::conformance::report::{self, Finding, Report};

/// Runs every rule, each on a medium of its own, one after the other, on the runtime of the caller.
///
/// The runtime needs its timer enabled. The backend itself runs on runtimes of its own, which end as processes do.
pub async fn run_all(under_test: impl BackendUnderTest) -> Report {
    let under_test = Arc::new(under_test);
    let mut report = Report::new();
    for rule in RULES {
        report.add(rule.name(), rule, run(rule, &under_test).await);
    }
    report
}

async fn run<U: BackendUnderTest>(rule: &'static Rule, under_test: &Arc<U>) -> Finding {
    if let Some(why) = rule.missing(&under_test.abilities()) {
        return Finding::NotRun(why);
    }
    let under_test = Arc::clone(under_test);
    report::bounded(async move {
        let bench = Arc::new(Bench::lay(under_test).await?);
        (rule.check)(Arc::clone(&bench)).await?;
        bench.has_exercised(rule.needs())
    })
    .await
}

/// Runs one rule by its name, on a runtime of its own, for [`backend_conformance!`](crate::backend_conformance).
///
/// # Panics
/// If the backend breaks the rule, if there is no such rule, or if no runtime can be made.
#[track_caller]
#[expect(clippy::panic, reason = "this is how a test fails")]
pub fn check(under_test: impl BackendUnderTest, name: &str) {
    let Some(rule) = RULES.iter().find(|rule| rule.name() == name) else {
        panic!("there is no rule `{name}`; `RULES` lists them");
    };
    report::test(rule, run(rule, &Arc::new(under_test)));
}

/// Prints the rules that do not apply to a backend, past the capture of the test harness: a skip is a result.
///
/// # Panics
/// If no rule applies.
#[track_caller]
pub fn say_what_does_not_apply(under_test: &impl BackendUnderTest) {
    let able = under_test.abilities();
    let missing = |rule: &Rule| Some((rule.to_string(), rule.missing(&able)?));
    let not_run: Vec<_> = RULES.iter().filter_map(missing).collect();
    report::say(&not_run, RULES.len(), "backend");
}

impl Rule {
    /// Why it does not apply to a backend of these abilities; `None` when it does.
    fn missing(&self, able: &Abilities) -> Option<String> {
        let missing = self.needs().iter().find(|need| !able.contains(need))?;
        Some(format!("{}, by its own word", missing.is_missing()))
    }
}
