//! What has to be reached, so that a run cannot pass by doing nothing.

use approvals_core::error::ErrorKind;
use approvals_core::state::Phase;

use crate::gate::{Answer, Step};
use crate::laws::{Condition, approvers, bodies, by_force};
use crate::ledger::{Entry, Log, What};
use crate::people::Came;
use crate::request::Crowd;
use crate::world::{Policy, Protocol, World};

/// Each in some configuration.
pub const SOMETIMES: &[(&str, Condition)] = &[
    ("succeeds", |_, world| any(world, |log| log.phase() == Phase::Succeeded)),
    ("runs after a crash", |protocol, world| runs(world) && crashes(protocol, world) > 0),
    ("runs after two crashes", |protocol, world| runs(world) && crashes(protocol, world) > 1),
    ("runs after a lost reply", |protocol, world| {
        runs(world) && world.left.lost_replies < protocol.left.lost_replies
    }),
    ("stays shut after a write that failed", |protocol, world| {
        world.left.failed_writes < protocol.left.failed_writes && is_told(world, ErrorKind::Store)
    }),
    ("attaches after a restart", |_, world| {
        world.nodes.iter().any(|node| node.restarted && matches!(node.step, Step::Wait { .. }))
    }),
    ("reaches a second round", |_, world| world.requests.len() == 2),
    ("the key is refused for another call", |_, world| {
        world.nodes.iter().any(|node| matches!(node.step, Step::Done(Answer::KeyReused { .. })))
    }),
    ("both nodes wait for one request", |_, world| {
        world.nodes.len() > 1 && world.nodes.iter().all(|node| node.step == Step::Wait { request: 0 })
    }),
    ("reruns after a crash", |_, world| world.requests.iter().any(|request| request.bodies == 2)),
    ("the arguments changed, and nothing is run", |_, world| {
        world.nodes.iter().any(|node| node.argument == 1 && matches!(node.step, Step::Done(Answer::Gone)))
            && any(world, |log| has(log, |what| matches!(what, What::NotRun(_))))
    }),
    ("is approved by two people", |protocol, world| {
        protocol.asked.quorum == Crowd::Two && any(world, |log| is_approved_by_people(log) == 2)
    }),
    ("is approved by two people of two groups", |protocol, world| {
        protocol.asked.quorum == Crowd::OneOfEach && any(world, |log| is_approved_by_people(log) == 2)
    }),
    ("is approved by three people of two groups", |protocol, world| {
        protocol.asked.quorum == Crowd::OneOfEach && any(world, |log| is_approved_by_people(log) == 3)
    }),
    ("expires one vote short", |protocol, world| {
        protocol.asked.quorum != Crowd::One
            && any(world, |log| log.phase() == Phase::Expired && approvers(log).len() == 1)
    }),
    ("expires unused", |_, world| {
        any(world, |log| log.phase() == Phase::Expired && log.state().use_by().is_some())
    }),
    ("is denied after the approval", |_, world| {
        any(world, |log| log.phase() == Phase::Denied && log.state().use_by().is_some())
    }),
    ("a yes becomes a no", |_, world| {
        any(world, |log| {
            let answers = log.state().answers();
            answers.iter().zip(answers.iter().skip(1)).any(|(yes, no)| yes.by == no.by)
        })
    }),
    ("is denied while it runs", |_, world| {
        any(world, |log| log.phase() == Phase::Executing && log.state().denied_by().is_some())
    }),
    ("a key stays denied although the body did not run", |_, world| {
        is_told(world, ErrorKind::Denied) && any(world, |log| log.phase() == Phase::Cancelled)
    }),
    ("is stopped at the claim", |_, world| any(world, |log| has(log, |what| what == What::Stopped))),
    ("is stopped because somebody left the directory", |_, world| {
        world.departed
            && world.policy == Policy::Ask
            && any(world, |log| has(log, |what| what == What::Stopped))
    }),
    ("waits on while policy fails", |_, world| {
        world.policy == Policy::Fail
            && is_told(world, ErrorKind::Unavailable)
            && any(world, |log| log.phase() == Phase::Approved)
    }),
    ("is taken back by the requester", |protocol, world| {
        world.left.cancels < protocol.left.cancels
            && any(world, |log| has(log, |what| matches!(what, What::Revoked { .. })))
    }),
    ("is overridden and runs", |_, world| runs(world) && any(world, by_force)),
    ("is reconciled as run", |_, world| {
        any(world, |log| has(log, |what| matches!(what, What::Reconciled { ran: true, .. })))
    }),
    ("is reconciled as not run, and asked anew", |_, world| {
        world.requests.len() == 2
            && any(world, |log| has(log, |what| matches!(what, What::Reconciled { ran: false, .. })))
    }),
    ("a reconciliation does not count", |protocol, world| {
        world.left.reconciliations < protocol.left.reconciliations
            && world.requests.iter().any(|request| request.ignored > 0)
            && any(world, |log| log.phase() == Phase::Unknown)
    }),
    ("a duplicate is ignored", |protocol, world| {
        let spent = |twice: &(usize, &crate::people::Letter)| {
            twice.1.copies == 2 && world.copies[twice.0] == 0 && twice.1.came == Came::Well
        };
        let twice: Vec<_> = protocol.letters.iter().enumerate().filter(spent).map(|(_, l)| l.by).collect();
        any(world, |log| {
            let once = log
                .entries()
                .iter()
                .filter(|entry| matches!(entry.what, What::Reviewed { by, .. } if twice.contains(&by)));
            once.count() == 1
        }) && world.requests.iter().any(|request| request.ignored > 0)
    }),
    ("is approved while the desk's clock is behind", |_, world| {
        world.skew < 0 && any(world, |log| is_approved_by_people(log) > 0)
    }),
    ("is approved while the desk's clock is ahead", |_, world| {
        world.skew > 0 && any(world, |log| is_approved_by_people(log) > 0)
    }),
    ("a fused claim runs", |_, world| bodies(world).any(|attempt| attempt.fused)),
    ("a fused claim completes a quorum of two", |protocol, world| {
        protocol.asked.quorum != Crowd::One && bodies(world).any(|attempt| attempt.fused)
    }),
    ("a fused claim is not entered", |_, world| {
        any(world, |log| has(log, |what| matches!(what, What::NotRun(attempt) if attempt.fused)))
    }),
    ("a fused claim is read back", |_, world| {
        world.nodes.iter().any(|node| matches!(node.step, Step::ReadBack { attempt, .. } if attempt.fused))
    }),
    ("a fused append comes too late, and its review counts alone", |_, world| {
        world.nodes.iter().any(|node| match node.step {
            Step::Fuse { request, version, .. } => world.log(request).version() > version,
            _ => false,
        })
    }),
    ("policy stops a fused append", |_, world| {
        world.policy == Policy::Refuse
            && world.nodes.iter().any(|node| matches!(node.step, Step::Offer { .. }))
    }),
];

fn any(world: &World, of: impl Fn(&Log) -> bool) -> bool {
    world.requests.iter().any(|request| of(&request.log))
}

fn has(log: &Log, what: fn(What) -> bool) -> bool {
    log.entries().iter().any(|entry: &Entry| what(entry.what))
}

fn runs(world: &World) -> bool {
    bodies(world).next().is_some()
}

fn crashes(protocol: &Protocol, world: &World) -> u8 {
    protocol.left.crashes - world.left.crashes
}

fn is_told(world: &World, kind: ErrorKind) -> bool {
    world.nodes.iter().any(|node| node.step == Step::Done(Answer::Refused(kind)))
}

/// How many people it took; 0 for a request that is not approved, or was by force.
fn is_approved_by_people(log: &Log) -> usize {
    match log.state().use_by() {
        Some(_) if !by_force(log) => approvers(log).len(),
        _ => 0,
    }
}
