//! No law has a counterexample, and every rule that is taken away has one.

mod configurations;

use std::collections::BTreeSet;
use std::time::Instant;

use approvals_model::*;
use stateright::{Checker, HasDiscoveries, Model};

use self::configurations::*;

#[test]
fn every_law_holds_in_every_configuration() {
    let reached = explore(all());
    let missing: Vec<_> =
        SOMETIMES.iter().map(|(what, _)| *what).filter(|what| !reached.contains(what)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
}

#[test]
#[ignore = "ten million states take minutes and gigabytes"]
fn every_law_holds_when_more_goes_wrong() {
    explore(larger());
}

/// Tries everything in every order; what was reached.
fn explore(configurations: Vec<(&'static str, Protocol)>) -> BTreeSet<&'static str> {
    let mut reached = BTreeSet::new();
    let mut total = 0;
    for (name, protocol) in configurations {
        let begun = Instant::now();
        let checker = protocol.checker().threads(2).spawn_bfs().join();
        let (states, depth) = (checker.unique_state_count(), checker.max_depth());
        println!("{name}: {states} states, {depth} steps deep, {:?}", begun.elapsed());
        let found = checker.discoveries();
        for (law, _) in ALWAYS {
            let counterexample = found.get(law).map(|path| path.clone().into_actions());
            assert!(counterexample.is_none(), "{name}: {law}\n{counterexample:?}");
        }
        reached.extend(SOMETIMES.iter().map(|(what, _)| *what).filter(|what| found.contains_key(what)));
        total += states;
    }
    println!("{total} states, no counterexample");
    reached
}

/// Every rule, the law that falls without it, and where.
fn rules() -> Vec<(Defect, &'static str, Protocol)> {
    vec![
        (Defect::PolicyBeforeKey, LAW_3, keyed_while_policy_turns_to(Policy::Run)),
        (Defect::PolicyBeforeKey, LAW_10, keyed_while_policy_turns_to(Policy::Run)),
        (Defect::KeyLookedUpOnce, LAW_3, keyed_while_policy_turns_to(Policy::Run)),
        (Defect::KeyLookedUpOnce, LAW_10, keyed_while_policy_turns_to(Policy::Run)),
        (Defect::DenialForgottenByKey, LAW_3, keyed()),
        (Defect::KeyOutsideAppend, LAW_2, keyed()),
        (Defect::KeyOutsideAppend, LAW_9, keyed()),
        (Defect::NonceInLiveDigest, LAW_9, keyed()),
        (Defect::NoNotRun, LAW_8, unkeyed()),
        (Defect::NoNotRun, LAW_8, keyed()),
        (Defect::NoReadBack, LAW_8, unkeyed()),
        (Defect::LostByAnybody, LAW_1, keyed()),
        (Defect::LostByAnybody, LAW_2, rerunnable()),
        (Defect::LateDenialIgnored, LAW_3, rerunnable()),
        (Defect::Released, LAW_3, keyed()),
        (Defect::KeyedWithdraws, LAW_9, keyed()),
        (Defect::ApprovedCannotBeCancelled, DANGLING, unkeyed()),
        (Defect::TimeUnchecked, CLOCKS, unkeyed()),
        (Defect::TimeUnchecked, CLOCKS, two_groups()),
        (Defect::RerunUnbounded, CLOCKS, rerunnable()),
        (Defect::PolicyNotAskedAgain, LAW_10, unkeyed()),
        (Defect::PolicyNotAskedAgain, LAW_10, keyed_while_policy_turns_to(Policy::Refuse)),
        (Defect::NoCompareAndSet, LAW_1, keyed()),
        (Defect::NoCompareAndSet, LAW_2, keyed()),
        (Defect::NotRebuilt, LAW_5, unkeyed()),
        (Defect::RequesterCounts, LAW_4, two_groups()),
        (Defect::AliasesAreDistinct, LAW_4, two_groups()),
        (Defect::SlotsNotMatched, LAW_4, two_groups()),
        (Defect::RequesterOverrides, LAW_4, two_groups()),
        (Defect::RequesterReconciles, LAW_4, unkeyed()),
        (Defect::FusedWithoutGuard, LAW_8, fused()),
        (Defect::FusedWithoutGuard, LAW_8, fused_unkeyed()),
        (Defect::FusedWithoutPolicy, LAW_10, fused_unkeyed()),
        (Defect::NotRebuilt, LAW_5, fused()),
        (Defect::NoReadBack, LAW_8, fused_unkeyed()),
    ]
}

#[test]
fn every_rule_that_is_taken_away_breaks_its_law() {
    let rules = rules();
    let mut caught = BTreeSet::new();
    for (defect, law, protocol) in &rules {
        let checker = protocol
            .clone()
            .without(*defect)
            .checker()
            .threads(2)
            .finish_when(HasDiscoveries::AnyOf([*law].into()))
            .spawn_bfs()
            .join();
        match checker.discovery(law) {
            Some(path) => println!(
                "without {defect:?} falls {law}: {} steps, {} states",
                path.into_actions().len(),
                checker.unique_state_count()
            ),
            None => panic!("{defect:?} goes unnoticed by {law}"),
        }
        caught.insert(format!("{defect:?}"));
    }
    println!("{} rules taken away, {} counterexamples, none missed", caught.len(), rules.len());
}

#[test]
fn every_rule_is_taken_away_once_at_least() {
    let tried: Vec<Defect> = rules().into_iter().map(|(defect, _, _)| defect).collect();
    let forgotten: Vec<_> = Defect::ALL.into_iter().filter(|defect| !tried.contains(defect)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
