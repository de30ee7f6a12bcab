//! Running the rules over a store.

use std::sync::Arc;

use super::bench::Bench;
use super::{Need, RULES, Rule, StoreUnderTest};
use crate::conformance::report::{self, Finding, Report};

/// Runs every rule, each on a ledger of its own, one after the other, on the runtime of the caller.
///
/// The runtime needs its timer enabled.
pub async fn run_all(under_test: impl StoreUnderTest) -> Report {
    let under_test = Arc::new(under_test);
    let mut report = Report::new();
    for rule in RULES {
        report.add(rule.name(), rule, run(rule, &under_test).await);
    }
    report
}

async fn run<U: StoreUnderTest>(rule: &Rule, under_test: &Arc<U>) -> Finding {
    if let Some(why) = rule.need().missing::<U>() {
        return Finding::NotRun(why.to_owned());
    }
    let (check, under_test) = (rule.check, Arc::clone(under_test));
    report::bounded(async move {
        let bench = Arc::new(Bench::lay(under_test).await?);
        check(bench).await
    })
    .await
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
    report::test(rule, run(rule, &Arc::new(under_test)));
}

/// Prints the rules that do not apply to a store, past the capture of the test harness: a skip is a result.
///
/// # Panics
/// If no rule applies.
#[track_caller]
pub fn say_what_does_not_apply<U: StoreUnderTest>(_under_test: &U) {
    let missing = |rule: &'static Rule| Some((rule.to_string(), rule.need().missing::<U>()?.to_owned()));
    let not_run: Vec<_> = RULES.iter().filter_map(missing).collect();
    report::say(&not_run, RULES.len(), "store");
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
