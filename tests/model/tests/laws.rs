//! No law has a counterexample.

use std::collections::BTreeSet;
use std::time::Instant;

use approvals_model::*;
use stateright::{Checker, CheckerBuilder, HasDiscoveries, Model};

#[test]
fn every_law_holds_in_every_configuration() {
    let mut run = Run::default();
    for (name, protocol) in configurations::all() {
        let checker = protocol.checker().threads(2).finish_when(HasDiscoveries::AnyFailures);
        run.judge(name, &checker.spawn_bfs().join());
    }
    run.conclude();
    assert!(run.states >= 500_000, "{} states are too few to mean anything", run.states);
    let missing: Vec<_> =
        SOMETIMES.iter().map(|(what, _)| *what).filter(|what| !run.reached.contains(what)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
    let (tried, millions) = (configurations::all().len(), run.states as f64 / 1e6);
    let said = format!("{tried} configurations, {millions:.1} million states; {} things", SOMETIMES.len());
    assert!(include_str!("../../../docs/testing.md").contains(&said), "docs/testing.md is to say `{said}`");
}

#[test]
fn every_law_holds_on_long_walks_through_everything_at_once() {
    let begun = Instant::now();
    let walked = configurations::everything().walk(200_000, 7);
    let (states, walks, took) = (walked.states, walked.walks, begun.elapsed().as_secs_f32());
    println!("everything at once: {states} states in {walks} walks, {took:.1} s");
    assert!(walked.broken.is_none(), "{:?}", walked.broken);
    for what in ["succeeds", "reruns after a crash", "a fused claim completes a quorum of two"] {
        assert!(walked.reached.contains(what), "never reached: {what}");
    }
}

#[test]
fn exchanging_two_nodes_changes_no_verdict() {
    let whole = configurations::fused().checker().threads(2).spawn_bfs().join();
    let mut run = Run::default();
    let half = configurations::fused().checker().threads(2).symmetry().spawn_dfs().join();
    run.judge("fused: two nodes with one key, either first", &half);
    let (whole, half) = (whole.unique_state_count(), half.unique_state_count());
    assert!(half < whole && half * 2 >= whole, "{half} of {whole} states");
}

/// Larger bounds, by command:
/// `cargo test -p approvals-model --test laws -- --ignored --nocapture`
#[test]
#[ignore = "ten million states and more take minutes and gigabytes"]
fn every_law_holds_when_more_goes_wrong() {
    let most = number("APPROVALS_MODEL_STATES").unwrap_or(20_000_000);
    let more = number("APPROVALS_MODEL_MORE").and_then(|more| u8::try_from(more).ok()).unwrap_or(0);
    let mut run = Run::default();
    for (name, protocol) in configurations::larger(more) {
        let bounded: CheckerBuilder<Protocol> = protocol.checker().threads(2).target_state_count(most);
        run.judge(name, &bounded.symmetry().spawn_dfs().join());
    }
    run.conclude();
}

fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

/// What was reached, and in how many states.
struct Run {
    begun: Instant,
    reached: BTreeSet<&'static str>,
    states: usize,
}

impl Default for Run {
    fn default() -> Self {
        Self { begun: Instant::now(), reached: BTreeSet::new(), states: 0 }
    }
}

impl Run {
    fn judge(&mut self, name: &str, checker: &impl Checker<Protocol>) {
        let (states, depth) = (checker.unique_state_count(), checker.max_depth());
        let so_far = self.begun.elapsed();
        println!("{name}: {states} states, {depth} steps deep, {:.1} s so far", so_far.as_secs_f32());
        let found = checker.discoveries();
        for (law, _) in ALWAYS {
            let counterexample = found.get(law).map(|path| path.clone().into_actions());
            assert!(counterexample.is_none(), "{name}: {law}\n{counterexample:?}");
        }
        self.reached.extend(SOMETIMES.iter().map(|(what, _)| *what).filter(|what| found.contains_key(what)));
        self.states += states;
    }

    fn conclude(&self) {
        let (states, took) = (self.states, self.begun.elapsed());
        println!("{states} states in {:.0} s, no counterexample", took.as_secs_f32());
    }
}
