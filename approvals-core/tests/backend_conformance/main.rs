//! The backend suite judged: a sound backend keeps every rule, and every rule is broken by some backend that deserves
//! it.

#![cfg(test)]

mod bites;
mod chat;
mod flaw;
mod mock;

mod service;
mod under;

use std::collections::BTreeSet;

use approvals_core::conformance::SetupError;
use approvals_core::conformance::backend::{
    Abilities, Ability, Act, Acted, BackendUnderTest, RULES, View, Who, run_all,
};
use approvals_core::id::RequestId;
use approvals_core::people::Identity;

use self::bites::report;
use self::flaw::Flaw;
use self::under::{EVERYTHING, Under};

/// A sound backend, judged by the line that outsiders use.
mod sound {
    use super::*;

    approvals_core::backend_conformance!(Under::with(Flaw::None));
}

#[test]
fn a_rule_has_one_name_of_its_own() {
    assert_eq!(RULES.iter().map(|rule| rule.name()).collect::<BTreeSet<_>>().len(), RULES.len());
}

#[test]
fn every_ability_is_needed_by_some_rule() {
    for ability in EVERYTHING {
        assert!(RULES.iter().any(|rule| rule.needs().contains(&ability)), "{ability}");
    }
}

#[test]
fn what_is_not_claimed_is_printed_and_counted_as_not_run() {
    // True of the service whatever is claimed: how long its cards live.
    let claims = [Ability::Outlive].into();
    let report = report(Under { claims, ..Under::with(Flaw::None) });
    let needing: Vec<_> = RULES
        .iter()
        .filter(|rule| rule.needs().iter().any(|need| *need != Ability::Outlive))
        .map(|rule| rule.name())
        .collect();
    assert_eq!(report.not_run(), needing, "{report}");
    assert_eq!(report.failed(), Vec::<&str>::new(), "{report}");
    let text = report.to_string();
    assert!(
        text.contains("not run  a comment comes with its answer: an answer carries no comment there"),
        "{text}"
    );
    assert_eq!(text.lines().filter(|line| line.ends_with(", by its own word")).count(), needing.len());
    assert!(text.ends_with(&format!("0 failed, {} not run", needing.len())), "{text}");
}

#[test]
fn what_is_claimed_and_never_exercised_fails() {
    use Ability::*;
    let idle = [Comment, Late, Repeat, Forge, Stranger, Foreign, Tamper, Secrets];
    let report = report(Under { idle: idle.into(), ..Under::with(Flaw::None) });
    for ability in idle {
        for rule in RULES.iter().filter(|rule| rule.needs().contains(&ability)) {
            assert!(report.failed().contains(&rule.name()), "{ability}: {rule}\n{report}");
        }
        assert!(report.to_string().contains(&format!("`{ability}` is claimed and")), "{ability}\n{report}");
    }
}

#[test]
fn a_backend_that_cannot_be_made_fails_every_rule_that_applies() {
    struct Unmakeable;

    impl BackendUnderTest for Unmakeable {
        type Backend = mock::Mock;
        type Medium = ();

        fn abilities(&self) -> Abilities {
            Abilities::new()
        }

        async fn medium(&self) -> Result<(), SetupError> {
            Ok(())
        }

        async fn start(&self, (): &()) -> Result<mock::Mock, SetupError> {
            Err("the port is taken".into())
        }

        fn identity(&self, (): &(), _: Who) -> Identity {
            Identity::new("nowhere", "nobody")
        }

        async fn view(&self, (): &(), _: RequestId) -> Result<View, SetupError> {
            Ok(View::default())
        }

        async fn act(&self, (): &(), _: Act) -> Result<Acted, SetupError> {
            Ok(Acted::NotOffered)
        }
    }

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let report = runtime.block_on(run_all(Unmakeable));
    assert_eq!(report.passed(), Vec::<&str>::new());
    assert_eq!(report.failed().len() + report.not_run().len(), RULES.len());
    assert!(report.to_string().contains("the port is taken"), "{report}");
}

#[test]
#[should_panic(expected = "no secret stands in debug output")]
fn a_report_with_a_broken_rule_does_not_pass() {
    report(Under::with(Flaw::PrintsItsToken)).assert();
}

#[test]
#[should_panic(expected = "there is no rule `no_such_rule`")]
fn a_rule_that_does_not_exist_cannot_be_checked() {
    approvals_core::conformance::backend::check(Under::with(Flaw::None), "no_such_rule");
}
