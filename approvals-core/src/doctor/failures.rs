//! What the ledger says of backends, in words.

use crate::card::visible_name;
use crate::id::WayId;
use crate::ledger::{Event, PresentFailure, Record};

/// The last failure of each way in that has not presented since, as `way: why`.
pub(super) fn standing(history: &[Record]) -> Vec<String> {
    let mut last: Vec<(&WayId, PresentFailure)> = Vec::new();
    for record in history {
        match &record.body.event {
            Event::Presented { way, .. } => last.retain(|(failed, _)| *failed != way),
            Event::PresentFailed { way, why } => {
                last.retain(|(failed, _)| *failed != way);
                last.push((way, *why));
            }
            _ => {}
        }
    }
    last.into_iter().map(|(way, why)| format!("{}: {why}", visible_name(way.as_str()))).collect()
}

/// What to do about a backend that cannot present.
pub(super) const fn remedy(why: PresentFailure) -> &'static str {
    match why {
        PresentFailure::NoTty => {
            "start the agent at a terminal, or give it another backend or `.open_to_store()`"
        }
        PresentFailure::Unreachable => {
            "check the network between the agent and the service, and whether the service is up"
        }
        PresentFailure::Rejected => {
            "check the credentials and permissions that the backend has at the service"
        }
        PresentFailure::Other => "look at the agent's log, which has the whole error",
    }
}
