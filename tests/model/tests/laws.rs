//! No law has a counterexample.

mod configurations;

use std::collections::BTreeSet;
use std::time::Instant;

use approvals_model::*;
use stateright::{Checker, Model};

#[test]
fn every_law_holds_in_every_configuration() {
    let (reached, states) = explore(configurations::all());
    let missing: Vec<_> =
        SOMETIMES.iter().map(|(what, _)| *what).filter(|what| !reached.contains(what)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
    assert!(states >= 500_000, "{states} states are too few to mean anything");
}

/// Tries everything in every order; what was reached, and in how many states.
fn explore(configurations: Vec<(&'static str, Protocol)>) -> (BTreeSet<&'static str>, usize) {
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
    (reached, total)
}
