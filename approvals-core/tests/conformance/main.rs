//! The suite judged: a sound store keeps every rule, and every rule is broken by some store that deserves it.

#![cfg(test)]

mod bites;
mod flawed;
mod flaws;
mod memory;

use std::collections::BTreeSet;
use std::sync::Arc;

use approvals_core::conformance::{Finding, RULES, SetupError, StoreUnderTest, run_all};
use approvals_core::time::Clock;
use flawed::Under;

#[test]
fn a_rule_has_one_name_of_its_own() {
    assert_eq!(RULES.iter().map(|rule| rule.name()).collect::<BTreeSet<_>>().len(), RULES.len());
}

/// Nothing can be opened here, and by its own word nothing applies that needs more than one handle.
struct Unopenable;

impl StoreUnderTest for Unopenable {
    type Store = approvals_core::ledger::Memory;
    type Place = ();
    const SHARED: bool = false;
    const DURABLE: bool = false;
    const HANDED_CLOCK: bool = false;

    async fn place(&self, _: Arc<dyn Clock>) -> Result<Self::Place, SetupError> {
        Ok(())
    }

    async fn open(&self, (): &Self::Place) -> Result<Self::Store, SetupError> {
        Err("the disk is gone".into())
    }
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_fails_every_rule_that_applies() {
    let report = run_all(Unopenable).await;
    assert_eq!(report.passed(), Vec::<&str>::new());
    assert_eq!(report.failed().len() + report.not_run().len(), RULES.len());
    assert!(!report.is_sound());
    let text = report.to_string();
    assert!(text.contains("the disk is gone"), "{text}");
}

#[tokio::test]
async fn a_rule_that_does_not_apply_is_reported_with_the_reason_and_counted() {
    let report = run_all(memory::InMemory).await;
    report.assert();
    let skipped: Vec<_> =
        report.findings().filter(|(_, finding)| matches!(finding, Finding::NotRun(_))).collect();
    assert_eq!(skipped.len(), 7);
    let text = report.to_string();
    assert!(
        text.contains("not run  everything is there after reopening (law 7): not durable by its own word")
    );
    assert!(text.ends_with(&format!("{} passed, 0 failed, 7 not run", RULES.len() - 7)), "{text}");
    assert_eq!(text.lines().count(), RULES.len() + 1);
}

#[tokio::test]
#[should_panic(expected = "an append through another handle wakes a waiter")]
async fn a_report_with_a_broken_rule_does_not_pass() {
    run_all(Under::<flaws::wake::HearsOnlyItself>::default()).await.assert();
}

#[test]
#[should_panic(expected = "there is no rule `no_such_rule`")]
fn a_rule_that_does_not_exist_cannot_be_checked() {
    approvals_core::conformance::check(memory::InMemory, "no_such_rule");
}
