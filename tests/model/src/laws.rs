//! The laws, as far as one moment can show them.

use std::collections::BTreeSet;

use approvals_core::state::Phase;
use stateright::Property;

use crate::gate::{Answer, Step};
use crate::ledger::{Attempt, Entry, Log, What};
use crate::people::{Came, Voter};
use crate::reached::SOMETIMES;
use crate::request::{Crowd, DECIDE_WITHIN, USE_WITHIN};
use crate::world::{Protocol, Request, World};

pub const LAW_1: &str = "law 1: no body without a permit";
pub const LAW_2: &str = "law 2: one approval, at most one body";
pub const LAW_3: &str = "law 3: terminal is terminal, and a denial blocks every later claim";
pub const LAW_4: &str = "law 4: the requester never counts, and distinct reviewers fill the slots";
pub const LAW_5: &str = "law 5: shown = approved = run";
pub const LAW_6: &str = "law 6: unknown is closed";
pub const LAW_7: &str = "law 7: the ledger says that it runs before it does, and as long as it does";
pub const LAW_8: &str =
    "law 8: what was cut off becomes unknown, is never left running and never rerun silently";
pub const LAW_9: &str = "law 9: same key, same request";
pub const LAW_10: &str = "law 10: policy and directory at the claim may only stop";
pub const LAW_11: &str = "law 11: what does not count is recorded, and moves nothing";
pub const CLOCKS: &str = "clocks: no approval after decide_by, no claim after use_by, no early expiry";
pub const DANGLING: &str = "no permit without a caller";

pub(crate) type Condition = fn(&Protocol, &World) -> bool;

/// What holds at every moment.
pub const ALWAYS: [(&str, Condition); 13] = [
    (LAW_1, |_, world| !world.broken.no_body_without_permit),
    (LAW_2, one_body),
    (LAW_3, |_, world| !world.broken.denial_wins && world.requests.iter().all(ends_once)),
    (LAW_4, |protocol, world| world.requests.iter().all(|request| people_count_once(protocol, &request.log))),
    (LAW_5, |_, world| {
        !world.broken.shown_is_run
            && !counts(world, |came, approve| match came {
                Came::ThroughPart => approve,
                Came::ForOtherDigest => true,
                _ => false,
            })
    }),
    (LAW_6, |_, world| {
        !world.broken.unknown_is_closed
            && !counts(world, |came, _| matches!(came, Came::FromNobody | Came::FromForeignProvider))
    }),
    (LAW_7, recorded_while_it_runs),
    (LAW_8, whatever_runs_has_an_owner),
    (LAW_9, one_request_per_key),
    (LAW_10, |_, world| !world.broken.policy_may_stop),
    (LAW_11, everything_is_recorded),
    (CLOCKS, |_, world| world.requests.iter().all(|request| clocks_hold(request.log.entries()))),
    (DANGLING, no_dangling_permit),
];

pub(crate) fn properties() -> Vec<Property<Protocol>> {
    let always = ALWAYS.into_iter().map(|(name, condition)| Property::always(name, condition));
    let sometimes = SOMETIMES.iter().map(|(name, condition)| Property::sometimes(name, *condition));
    always.chain(sometimes).collect()
}

/// The attempts whose body runs.
pub(crate) fn bodies(world: &World) -> impl Iterator<Item = Attempt> {
    world.nodes.iter().filter_map(|node| match node.step {
        Step::Body { attempt } => Some(attempt),
        _ => None,
    })
}

/// Whether an answer that came so counted.
fn counts(world: &World, of_this_kind: fn(Came, bool) -> bool) -> bool {
    world.requests.iter().flat_map(|request| request.log.entries()).any(|entry| match entry.what {
        What::Reviewed { came, approve, .. } => of_this_kind(came, approve),
        _ => false,
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

/// Nothing but notes follows an end, and notes are not kept.
fn ends_once(request: &Request) -> bool {
    let entries = request.log.entries();
    let mut claimed = false;
    let mut ends = |entry: &Entry| match entry.what {
        What::Reviewed { approve, .. } => !approve && !claimed,
        What::Expired | What::Withdrawn | What::Stopped | What::Revoked { .. } => true,
        What::Ended(_) | What::NotRun(_) | What::Reconciled { .. } => true,
        What::Started(_) => {
            claimed = true;
            false
        }
        What::Requested { .. } | What::Overridden { .. } | What::Lost(_) | What::Ignored => false,
    };
    let end = entries.iter().position(&mut ends);
    end.is_none_or(|end| end + 1 == entries.len())
}

fn people_count_once(protocol: &Protocol, log: &Log) -> bool {
    let crowd = protocol.asked.quorum;
    let may_not = |entry: &Entry| match entry.what {
        What::Reviewed { by, .. } | What::Reconciled { by, .. } => by.is_requester() || !has_place(crowd, by),
        What::Overridden { by, .. } => by.is_requester(),
        _ => false,
    };
    let met = fills(crowd, &approvers(log));
    let judged = match log.phase() {
        // More than enough is enough.
        Phase::Pending => !met,
        _ => log.state().use_by().is_none() || by_force(log) || met,
    };
    judged && !log.entries().iter().any(may_not)
}

/// Who said yes, each once, as whoever production was told.
pub(crate) fn approvers(log: &Log) -> BTreeSet<Voter> {
    let yes = log.entries().iter().filter_map(|entry| match entry.what {
        What::Reviewed { by, approve: true, .. } => Some(by),
        _ => None,
    });
    yes.collect()
}

pub(crate) fn by_force(log: &Log) -> bool {
    log.entries().iter().any(|entry| matches!(entry.what, What::Overridden { .. }))
}

fn is_of(person: Voter, group: &str) -> bool {
    person.groups().iter().any(|of| of.as_str() == group)
}

/// Whether somebody could fill a slot.
pub(crate) fn has_place(crowd: Crowd, person: Voter) -> bool {
    match crowd {
        Crowd::One | Crowd::Two => true,
        Crowd::OneOfEach | Crowd::OneOfEachUnmatched | Crowd::TwoOfEither => {
            is_of(person, "a") || is_of(person, "b")
        }
    }
}

fn fills(crowd: Crowd, people: &BTreeSet<Voter>) -> bool {
    match crowd {
        Crowd::One => !people.is_empty(),
        Crowd::Two => people.len() >= 2,
        Crowd::OneOfEach | Crowd::OneOfEachUnmatched | Crowd::TwoOfEither => people.iter().any(|first| {
            is_of(*first, "a") && people.iter().any(|second| second != first && is_of(*second, "b"))
        }),
    }
}

fn recorded_while_it_runs(_: &Protocol, world: &World) -> bool {
    bodies(world).all(|attempt| {
        let mut entries = world.log(attempt.request).entries().iter();
        // What follows may be a no, which comes too late to stop it, and nothing that says that it does not run.
        entries.any(|entry| entry.what == What::Started(attempt))
            && entries.all(|entry| matches!(entry.what, What::Reviewed { approve: false, .. }))
    })
}

fn whatever_runs_has_an_owner(protocol: &Protocol, world: &World) -> bool {
    let is_owned = |request: &Request| {
        request.log.attempt().is_some_and(|held| match world.nodes[usize::from(held.node)].step {
            // The next process of that name writes `lost`.
            Step::Down => true,
            Step::ReadBack { attempt, .. } | Step::Held { attempt } | Step::Body { attempt } => {
                attempt == held
            }
            Step::Write { end, .. } => end.attempt() == held,
            _ => false,
        })
    };
    let claims = |request: &Request| {
        request.log.entries().iter().filter(|entry| matches!(entry.what, What::Started(_))).count()
    };
    world.requests.iter().all(|request| {
        (request.log.phase() != Phase::Executing || is_owned(request))
            && (protocol.asked.rerunnable || claims(request) <= 1)
    })
}

fn one_request_per_key(protocol: &Protocol, world: &World) -> bool {
    if !protocol.keyed {
        return true;
    }
    let open = world.requests.iter().filter(|request| !request.log.phase().is_terminal()).count();
    open <= 1
        && world.nodes.iter().all(|node| match node.step {
            Step::Done(Answer::KeyReused { request }) => world.log(request).argument() != Some(node.argument),
            // Nobody who waits loses the request because another holder went away.
            Step::Wait { request } => {
                world.log(request).entries().last().is_none_or(|entry| entry.what != What::Withdrawn)
            }
            _ => true,
        })
}

/// Each answer, cancellation and reconciliation that reached the desk is on record, counted or with the reason.
fn everything_is_recorded(protocol: &Protocol, world: &World) -> bool {
    let written: u8 = protocol.letters.iter().map(|letter| letter.copies).sum();
    let under_way: u8 = world.copies.iter().sum();
    let in_hand = |step: &Step| matches!(step, Step::Offer { .. } | Step::Fuse { .. });
    let in_hand = world.nodes.iter().filter(|node| in_hand(&node.step)).count();
    let in_hand = in_hand + usize::from(world.judged.is_some());
    let tried = protocol.left.cancels - world.left.cancels;
    let tried = tried + protocol.left.reconciliations - world.left.reconciliations;
    let heard = usize::from(written + tried - under_way) - in_hand;
    let of_people = |entry: &&Entry| {
        matches!(entry.what, What::Reviewed { .. } | What::Revoked { .. } | What::Reconciled { .. })
    };
    let recorded: usize = world
        .requests
        .iter()
        .map(|request| request.log.entries().iter().filter(of_people).count() + usize::from(request.ignored))
        .sum();
    !world.broken.notes_move_nothing && heard == recorded
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
