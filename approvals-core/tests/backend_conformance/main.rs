//! The backend suite judged: a sound backend keeps every rule, and every rule is broken by some backend that deserves
//! it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "outside `#[test]` functions too, a test fails by panicking"
)]

mod bites;
mod chat;
mod flaw;
mod mock;

mod service;
mod under;

use std::collections::BTreeSet;

use approvals_core::conformance::backend::{Ability, RULES};

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
    for ability in EVERYTHING {
        // The rest of its claims stay true of the service, but for how long its cards live.
        if ability == Ability::Outlive {
            continue;
        }
        let mut under = Under::with(Flaw::None);
        under.claims.remove(&ability);
        let report = report(under);
        let needing: Vec<_> =
            RULES.iter().filter(|rule| rule.needs().contains(&ability)).map(|rule| rule.name()).collect();
        assert_eq!(report.not_run(), needing, "{ability}\n{report}");
        assert_eq!(report.failed(), Vec::<&str>::new(), "{ability}\n{report}");
        let text = report.to_string();
        assert_eq!(text.lines().filter(|line| line.ends_with(", by its own word")).count(), needing.len());
        assert!(text.ends_with(&format!("0 failed, {} not run", needing.len())), "{text}");
    }
}

#[test]
fn what_is_claimed_and_never_exercised_fails() {
    for ability in [Ability::Comment, Ability::Late, Ability::Forge, Ability::Tamper, Ability::Secrets] {
        let report = report(Under { idle: Some(ability), ..Under::with(Flaw::None) });
        let needing = RULES.iter().filter(|rule| rule.needs().contains(&ability));
        for rule in needing {
            assert!(report.failed().contains(&rule.name()), "{ability}: {rule}\n{report}");
        }
        let text = report.to_string();
        assert!(text.contains(&format!("`{ability}` is claimed and")), "{text}");
    }
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
