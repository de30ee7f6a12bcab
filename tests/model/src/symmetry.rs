//! Two nodes are alike: a world and the same world with their names exchanged need one look.

use std::hash::{DefaultHasher, Hash, Hasher};

use stateright::Representative;

use crate::gate::{End, Step};
use crate::ledger::{Attempt, Entry, Log, What};
use crate::world::World;

impl Representative for World {
    fn representative(&self) -> Self {
        if self.nodes.len() != 2 {
            return self.clone();
        }
        let mut other = self.clone();
        other.nodes.swap(0, 1);
        for node in &mut other.nodes {
            node.step = step(node.step);
        }
        for request in &mut other.requests {
            request.log = request.log.renamed(entry);
        }
        if fingerprint(&other) < fingerprint(self) { other } else { self.clone() }
    }
}

fn fingerprint(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

/// The desk is no node, and keeps its name.
const fn name(node: u8) -> u8 {
    match node {
        0 => 1,
        1 => 0,
        other => other,
    }
}

const fn of(attempt: Attempt) -> Attempt {
    Attempt { node: name(attempt.node), ..attempt }
}

fn step(step: Step) -> Step {
    match step {
        Step::ReadBack { attempt, gone } => Step::ReadBack { attempt: of(attempt), gone },
        Step::Held { attempt } => Step::Held { attempt: of(attempt) },
        Step::Body { attempt } => Step::Body { attempt: of(attempt) },
        Step::Write { end, again } => {
            let end = match end {
                End::Ended(attempt) => End::Ended(of(attempt)),
                End::NotRun(attempt) => End::NotRun(of(attempt)),
                End::Lost(attempt) => End::Lost(of(attempt)),
            };
            Step::Write { end, again }
        }
        nameless => nameless,
    }
}

fn entry(entry: Entry) -> Entry {
    let what = match entry.what {
        What::Requested { argument, nonce } => What::Requested { argument, nonce: name(nonce) },
        What::Started(attempt) => What::Started(of(attempt)),
        What::Ended(attempt) => What::Ended(of(attempt)),
        What::NotRun(attempt) => What::NotRun(of(attempt)),
        What::Lost(attempt) => What::Lost(of(attempt)),
        nameless => nameless,
    };
    Entry { what, node: name(entry.node), ..entry }
}

impl Log {
    fn renamed(&self, rename: fn(Entry) -> Entry) -> Self {
        let entries: Vec<_> = self.entries().iter().copied().map(rename).collect();
        self.replayed(&entries)
    }
}
