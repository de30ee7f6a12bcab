//! The laws, as far as one moment can show them.

use std::collections::BTreeSet;

use approvals_core::state::Phase;
use stateright::Property;

use crate::gate::{Answer, Step};
use crate::ledger::{Attempt, Crowd, DECIDE_WITHIN, Entry, Log, USE_WITHIN, What};
use crate::people::Voter;
use crate::world::{Protocol, Request, World};

pub const LAW_1: &str = "law 1: no body without a permit";
pub const LAW_2: &str = "law 2: one approval, at most one body";
pub const LAW_3: &str = "law 3: terminal is terminal, and a denial blocks every later claim";
pub const LAW_4: &str = "law 4: the requester never counts, and distinct people fill the slots";
pub const LAW_5: &str = "law 5: shown = approved = run";
pub const LAW_7: &str = "law 7: ledger before act";
pub const LAW_8: &str = "law 8: what was cut off becomes unknown and is never left running";
pub const LAW_9: &str = "law 9: same key, same request";
pub const LAW_10: &str = "law 10: policy at the claim may only stop";
pub const CLOCKS: &str = "clocks: no approval after decide_by, no claim after use_by, no early expiry";
pub const DANGLING: &str = "no permit without a caller";

type Condition = fn(&Protocol, &World) -> bool;

/// What holds at every moment.
pub const ALWAYS: [(&str, Condition); 11] = [
    (LAW_1, |_, world| !world.broken.no_body_without_permit),
    (LAW_2, one_body),
    (LAW_3, |_, world| !world.broken.denial_wins && world.requests.iter().all(ends_once)),
    (LAW_4, |_, world| world.requests.iter().all(|request| people_count_once(&request.log))),
    (LAW_5, |_, world| !world.broken.shown_is_run),
    (LAW_7, started_before_the_body),
    (LAW_8, whatever_runs_has_an_owner),
    (LAW_9, one_request_per_key),
    (LAW_10, |_, world| !world.broken.policy_may_stop),
    (CLOCKS, |_, world| world.requests.iter().all(|request| clocks_hold(request.log.entries()))),
    (DANGLING, no_dangling_permit),
];

/// What has to be reached, so that a run cannot pass by doing nothing.
pub const SOMETIMES: [(&str, Condition); 10] = [
    ("takes a verdict up", |_, world| world.nodes.iter().any(|node| matches!(node.step, Step::Together(_)))),
    ("runs after a crash", |protocol, world| {
        world.left.crashes < protocol.left.crashes && bodies(world).next().is_some()
    }),
    ("expires one vote short", |_, world| {
        world.requests.iter().any(|Request { log, .. }| {
            log.phase() == Phase::Expired
                && !log.state().answers().is_empty()
                && log.state().use_by().is_none()
        })
    }),
    ("is approved by two people of two groups", |_, world| {
        world.requests.iter().any(|Request { log, .. }| {
            log.crowd() == Crowd::OneOfEach
                && log.state().use_by().is_some()
                && !by_force(log)
                && approvers(log).len() == 2
        })
    }),
    ("is denied after the approval", |_, world| {
        world
            .requests
            .iter()
            .any(|Request { log, .. }| log.phase() == Phase::Denied && log.state().use_by().is_some())
    }),
    ("attaches after a restart", |_, world| {
        world.nodes.iter().any(|node| node.restarted && matches!(node.step, Step::Wait { .. }))
    }),
    ("reaches a second round", |_, world| world.requests.len() == 2),
    ("reruns after a crash", |_, world| world.requests.iter().any(|request| request.bodies == 2)),
    ("is denied while it runs", |_, world| {
        world
            .requests
            .iter()
            .any(|Request { log, .. }| log.phase() == Phase::Executing && log.state().denied_by().is_some())
    }),
    ("succeeds", |_, world| world.requests.iter().any(|request| request.log.phase() == Phase::Succeeded)),
];

pub(crate) fn properties() -> Vec<Property<Protocol>> {
    let always = ALWAYS.into_iter().map(|(name, condition)| Property::always(name, condition));
    let sometimes = SOMETIMES.into_iter().map(|(name, condition)| Property::sometimes(name, condition));
    always.chain(sometimes).collect()
}

fn bodies(world: &World) -> impl Iterator<Item = Attempt> {
    world.nodes.iter().filter_map(|node| match node.step {
        Step::Body { attempt } => Some(attempt),
        _ => None,
    })
}

fn one_body(protocol: &Protocol, world: &World) -> bool {
    let mut running = BTreeSet::new();
    let apart = bodies(world).all(|attempt| running.insert(attempt.request));
    // A person who vouches for what is not so opens a next round; that is the person's word, not the protocol's.
    let vouched = world.left.reconciliations < protocol.left.reconciliations;
    let of_the_key: u8 = world.requests.iter().map(|request| request.bodies).sum();
    apart
        && (protocol.asked.rerunnable || world.requests.iter().all(|request| request.bodies <= 1))
        && (protocol.asked.rerunnable || vouched || !protocol.keyed || of_the_key <= 1)
}

/// Nothing but notes follows an end, and this model writes no notes.
fn ends_once(request: &Request) -> bool {
    let ends = |entry: &Entry| match entry.what {
        What::Reviewed { approve, .. } => !approve && !is_after_a_claim(&request.log, entry),
        What::Expired | What::Withdrawn | What::Stopped | What::Revoked { .. } => true,
        What::Ended(_) | What::NotRun(_) | What::Reconciled { .. } => true,
        What::Requested { .. } | What::Overridden { .. } | What::Started(_) | What::Lost(_) => false,
    };
    let entries = request.log.entries();
    entries.iter().position(ends).is_none_or(|end| end + 1 == entries.len())
}

fn is_after_a_claim(log: &Log, entry: &Entry) -> bool {
    let claim = log.entries().iter().position(|entry| matches!(entry.what, What::Started(_)));
    let place = log.entries().iter().position(|other| other == entry);
    claim.is_some_and(|claim| place.is_some_and(|place| place > claim))
}

fn people_count_once(log: &Log) -> bool {
    let of_the_requester = |entry: &Entry| match entry.what {
        What::Reviewed { by, .. } | What::Reconciled { by, .. } | What::Overridden { by, .. } => {
            by.is_requester()
        }
        _ => false,
    };
    let approved = log.state().use_by().is_some();
    !log.entries().iter().any(of_the_requester)
        && (!approved || by_force(log) || fills(log.crowd(), &approvers(log)))
}

/// Who said yes, each once, under whatever id.
fn approvers(log: &Log) -> BTreeSet<Voter> {
    let yes = log.entries().iter().filter_map(|entry| match entry.what {
        What::Reviewed { by, approve: true, .. } => Some(by),
        _ => None,
    });
    yes.collect()
}

fn by_force(log: &Log) -> bool {
    log.entries().iter().any(|entry| matches!(entry.what, What::Overridden { .. }))
}

fn fills(crowd: Crowd, people: &BTreeSet<Voter>) -> bool {
    let of = |person: &Voter, group: &str| person.groups().iter().any(|g| g.as_str() == group);
    match crowd {
        Crowd::One => !people.is_empty(),
        // What the judge was handed does not change what the law asks.
        Crowd::OneOfEach | Crowd::OneOfEachUnmatched => people
            .iter()
            .any(|first| of(first, "a") && people.iter().any(|second| second != first && of(second, "b"))),
    }
}

fn started_before_the_body(_: &Protocol, world: &World) -> bool {
    bodies(world).all(|attempt| {
        let entries = world.requests[usize::from(attempt.request)].log.entries();
        entries.iter().any(|entry| entry.what == What::Started(attempt))
    })
}

fn whatever_runs_has_an_owner(_: &Protocol, world: &World) -> bool {
    world.requests.iter().filter(|request| request.log.phase() == Phase::Executing).all(|request| {
        request.log.attempt().is_some_and(|held| match world.nodes[usize::from(held.node)].step {
            // The next process of that name writes `lost`.
            Step::Down => true,
            Step::ReadBack { attempt, .. } | Step::Held { attempt } | Step::Body { attempt } => {
                attempt == held
            }
            Step::Write(end) => end.attempt() == held,
            _ => false,
        })
    })
}

fn one_request_per_key(protocol: &Protocol, world: &World) -> bool {
    if !protocol.keyed {
        return true;
    }
    let open = world.requests.iter().filter(|request| !request.log.phase().is_terminal()).count();
    open <= 1
        && world.nodes.iter().all(|node| match node.step {
            Step::Done(Answer::KeyReused { request }) => {
                world.requests[usize::from(request)].log.argument() != Some(node.argument)
            }
            // Nobody who waits loses the request because another holder went away.
            Step::Wait { request } => {
                let last = world.requests[usize::from(request)].log.entries().last();
                last.is_none_or(|entry| entry.what != What::Withdrawn)
            }
            _ => true,
        })
}

fn clocks_hold(entries: &[Entry]) -> bool {
    let mut opened = 0;
    let mut approved = None;
    let mut claimed = false;
    entries.iter().all(|entry| {
        let now = entry.written;
        match entry.what {
            What::Requested { .. } => opened = now,
            What::Reviewed { approve: true, .. } | What::Overridden { .. } => {
                approved = Some(now);
                return now < opened + DECIDE_WITHIN;
            }
            What::Started(_) => {
                claimed = true;
                return approved.is_some_and(|approved| now < approved + USE_WITHIN);
            }
            What::Expired => {
                return !claimed
                    && (now >= opened + DECIDE_WITHIN || approved.is_some_and(|a| now >= a + USE_WITHIN));
            }
            _ => {}
        }
        true
    })
}

fn no_dangling_permit(protocol: &Protocol, world: &World) -> bool {
    protocol.keyed
        || world.nodes.iter().all(|node| node.step != Step::Done(Answer::Gone))
        || world
            .requests
            .iter()
            .all(|request| !matches!(request.log.phase(), Phase::Pending | Phase::Approved))
}
