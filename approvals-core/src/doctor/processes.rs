//! Processes: do their clocks agree, which of them are up, and what did those leave behind that are not?

use std::collections::BTreeMap;
use std::time::Duration;

use super::Finding;
use super::look::{Doctor, Live};
use crate::card::visible_name;
use crate::id::{NodeName, Seq};
use crate::ledger::{Event, Record};
use crate::state::Phase;
use crate::time::Timestamp;

/// How far apart two readings of honest clocks may be.
const SKEW: Duration = Duration::from_secs(2);
/// From here on deadlines are wrong by more than people notice.
const FAR: Duration = Duration::from_secs(60);

/// The clock against the ledger's last words.
pub(super) fn clock(recent: &[Record], now: Timestamp) -> Finding {
    let Some(last) = recent.iter().map(|record| record.body.time).max() else {
        return Finding::ok("clock", now.to_string(), "the ledger is empty");
    };
    let ahead = now.until(last);
    let says = format!("the ledger's last record is {} s ahead of this clock, at {last}", ahead.as_secs());
    let remedy = "set the clock with NTP; until it has caught up, requests live longer than they say";
    match ahead {
        ahead if ahead <= SKEW => {
            Finding::ok("clock", now.to_string(), format!("not before the last record, at {last}"))
        }
        ahead if ahead < FAR => Finding::warning("clock", now.to_string(), says, remedy),
        _ => Finding::problem("clock", now.to_string(), says, remedy),
    }
}

/// What a node last said of itself.
#[derive(Clone, Copy)]
struct Last {
    seq: Seq,
    at: Timestamp,
    up: bool,
}

fn last_words(system: &[Record]) -> BTreeMap<&NodeName, Last> {
    let mut nodes = BTreeMap::new();
    for record in system {
        let up = match record.body.event {
            Event::Up { .. } => true,
            Event::Down {} => false,
            _ => continue,
        };
        nodes.insert(&record.body.node, Last { seq: record.seq, at: record.body.time, up });
    }
    nodes
}

/// Nodes that went up and never down.
pub(super) fn nodes(doctor: &Doctor<'_>, system: &[Record]) -> Vec<Finding> {
    let up = last_words(system).into_iter().filter(|(_, last)| last.up);
    up.map(|(node, Last { at, .. })| match (doctor.is_up)(node) {
        Some(true) => Finding::ok("node", node.as_str(), format!("is up since {at}")),
        None => Finding::ok("node", node.as_str(), format!("went up at {at}, and not down since")),
        Some(false) => Finding::warning(
            "node",
            node.as_str(),
            format!("went up at {at}, and no process that can be seen here is it any more: it ended without a clean stop"),
            "start the agent again, which takes up what it left; calls of risk low that it had just let run may be \
             missing in the ledger. Stop agents with `approvals.shutdown()`",
        ),
    })
    .collect()
}

/// What was claimed and has not ended.
pub(super) fn runs(doctor: &Doctor<'_>, live: &[Live], system: &[Record]) -> Vec<Finding> {
    let nodes = last_words(system);
    let running = live.iter().filter(|one| matches!(one.state.phase(), Phase::Executing | Phase::Unknown));
    running.filter_map(|one| run(doctor, one, &nodes)).collect()
}

fn run(doctor: &Doctor<'_>, one: &Live, nodes: &BTreeMap<&NodeName, Last>) -> Option<Finding> {
    let (claim, opened) = (one.state.claim()?, one.opened()?);
    let started =
        one.history.iter().rev().find(|record| matches!(record.body.event, Event::Started { .. }))?;
    let (id, at) = (one.summary.id.to_string(), started.body.time);
    let node = visible_name(claim.node.as_str());
    let reconcile = format!("`approvals reconcile {id} --ran --reason …` or `--did-not-run`");
    if one.state.phase() == Phase::Unknown {
        let says = format!("its run on {node}, begun at {at}, was cut off; nobody can tell what it did");
        let again = opened.requested.call.rerunnable
            && one.state.denied_by().is_none()
            && one.state.use_by().is_none_or(|use_by| doctor.now < use_by);
        return Some(match again {
            true => Finding::warning(
                "run",
                id,
                says,
                format!("make the same call again, which may run it anew; or check, and say {reconcile}"),
            ),
            false => Finding::problem("run", id, says, format!("check what it did, and say {reconcile}")),
        });
    }
    let last = nodes.get(&claim.node);
    // A node that stopped or started since is another process than the one that claimed.
    let gone = last.is_some_and(|last| last.seq > started.seq) || (doctor.is_up)(&claim.node) == Some(false);
    Some(match gone {
        false => Finding::ok("run", id, format!("runs on {node} since {at}")),
        true => Finding::problem(
            "run",
            id,
            format!("was claimed by {node} at {at}, and the process that claimed it is gone"),
            format!(
                "start its agent again under the same node name, which notes the loss; then check what it did, and say \
                 {reconcile}"
            ),
        ),
    })
}
