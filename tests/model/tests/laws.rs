//! No law has a counterexample.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use approvals_model::*;
use stateright::{Checker, CheckerBuilder, Model};

#[test]
fn every_law_holds_in_every_configuration() {
    let mut run = Run::default();
    for (name, protocol) in configurations::all() {
        run.judge(name, &protocol.checker().threads(2).spawn_bfs().join());
    }
    run.conclude();
    assert!(run.states >= 500_000, "{} states are too few to mean anything", run.states);
    let missing: Vec<_> =
        SOMETIMES.iter().map(|(what, _)| *what).filter(|what| !run.reached.contains(what)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}");
}

/// Where there are too many orders to try them all, one is taken by chance and followed to its end, again and again;
/// always the same ones.
#[test]
fn every_law_holds_on_long_walks_through_everything_at_once() {
    let mut run = Run::default();
    run.walk("walks through everything", &configurations::everything(), 200_000);
    for what in ["succeeds", "reruns after a crash", "a fused claim completes a quorum of two"] {
        assert!(run.reached.contains(what), "never reached: {what}");
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

fn is_trouble(protocol: &Protocol, action: Action) -> bool {
    match action {
        Action::Call(_) | Action::Step(_) | Action::Restart(_) | Action::Hear { .. } | Action::Write => false,
        Action::Deliver(letter, _) | Action::Judge(letter, _) => {
            !protocol.letters[usize::from(letter)].approve
        }
        _ => true,
    }
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

    /// Walks until so many different states were seen.
    fn walk(&mut self, name: &str, protocol: &Protocol, states: usize) {
        let mut chance = 7_u64;
        let mut choose = |among: usize| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(chance >> 33).unwrap_or_default() % among
        };
        let (mut seen, mut walks) = (HashSet::new(), 0);
        while seen.len() < states {
            walks += 1;
            let mut inits = protocol.init_states();
            let mut world = inits.swap_remove(choose(inits.len()));
            let (mut actions, mut path) = (Vec::new(), Vec::new());
            loop {
                for (law, holds) in ALWAYS {
                    assert!(holds(protocol, &world), "{name}: {law}\n{path:?}");
                }
                self.reached
                    .extend(SOMETIMES.iter().filter(|(_, is)| is(protocol, &world)).map(|(what, _)| *what));
                let mut hasher = DefaultHasher::new();
                world.hash(&mut hasher);
                seen.insert(hasher.finish());
                actions.clear();
                protocol.actions(&world, &mut actions);
                let next = loop {
                    if actions.is_empty() {
                        break None;
                    }
                    let at = choose(actions.len());
                    // Trouble is rare, or no walk would get far.
                    if is_trouble(protocol, actions[at]) && choose(8) > 0 {
                        continue;
                    }
                    let action = actions.swap_remove(at);
                    if let Some(next) = protocol.next_state(&world, action) {
                        path.push(action);
                        break Some(next);
                    }
                };
                match next {
                    Some(next) => world = next,
                    None => break,
                }
            }
        }
        self.states += seen.len();
        println!(
            "{name}: {} states in {walks} walks, {:.1} s",
            seen.len(),
            self.begun.elapsed().as_secs_f32()
        );
    }

    fn conclude(&self) {
        let (states, took) = (self.states, self.begun.elapsed());
        println!("{states} states in {:.0} s, no counterexample", took.as_secs_f32());
    }
}
