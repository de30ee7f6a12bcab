//! Backends, as far as the ledger knows them.

use std::collections::BTreeMap;

use super::look::Live;
use super::{Finding, failures};
use crate::id::{Seq, WayId};
use crate::ledger::{Event, PresentFailure, Record};
use crate::time::Timestamp;

#[derive(Default)]
struct Used {
    presented: Option<(Seq, Timestamp)>,
    failed: Option<(Seq, Timestamp, PresentFailure)>,
}

/// When each way in last presented a card, and why it last could not.
pub(super) fn ways(live: &[Live], recent: &[Record]) -> Vec<Finding> {
    let mut records: Vec<&Record> = live.iter().flat_map(|one| &one.history).chain(recent).collect();
    records.sort_by_key(|record| record.seq);
    let mut ways: BTreeMap<&WayId, Used> = BTreeMap::new();
    for record in records {
        match &record.body.event {
            Event::Presented { way, .. } => {
                ways.entry(way).or_default().presented = Some((record.seq, record.body.time));
            }
            Event::PresentFailed { way, why } => {
                ways.entry(way).or_default().failed = Some((record.seq, record.body.time, *why));
            }
            _ => {}
        }
    }
    ways.into_iter().filter_map(|(way, used)| finding(way, &used)).collect()
}

fn finding(way: &WayId, used: &Used) -> Option<Finding> {
    let Used { presented, failed } = used;
    let before = match presented {
        Some((_, at)) => format!("it last presented one at {at}"),
        None => "no record says that it ever presented one".to_owned(),
    };
    match (presented, failed) {
        (_, Some((seq, at, why))) if presented.is_none_or(|(presented, _)| presented < *seq) => {
            let says = format!("could not present a request at {at} ({why}); {before}");
            Some(Finding::warning("backend", way.as_str(), says, failures::remedy(*why)))
        }
        (Some((_, at)), _) => {
            Some(Finding::ok("backend", way.as_str(), format!("presented a request at {at}")))
        }
        (None, _) => None,
    }
}
