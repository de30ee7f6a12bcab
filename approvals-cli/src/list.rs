//! `approvals list`: what waits, as a table.

use std::path::Path;

use approvals::Risk;
use approvals::card::visible_name;
use approvals::id::{AgentId, NodeName, RequestId};
use approvals::ledger::{Env, Filter, Summary};
use approvals::request::Digest;
use approvals::state::Phase;
use approvals::time::Timestamp;
use serde::Serialize;

use crate::args::List;
use crate::output::{Exit, Failure, Out};
use crate::store;

/// What is not over: somebody may have to do something.
const OPEN: [Phase; 4] = [Phase::Pending, Phase::Approved, Phase::Executing, Phase::Unknown];

/// One request as `list --json` gives it, and as `show --json` begins.
#[derive(Debug, Serialize)]
pub(crate) struct Line<'a> {
    id: RequestId,
    action: &'a str,
    risk: Risk,
    state: Phase,
    digest: Digest,
    requester: &'a AgentId,
    requested_at: Timestamp,
    deadline: Option<Timestamp>,
    overdue: bool,
    claimed_by: Option<&'a NodeName>,
    env: Env,
}

impl<'a> Line<'a> {
    pub(crate) fn of(summary: &'a Summary, now: Timestamp) -> Self {
        Self {
            id: summary.id,
            action: &summary.action,
            risk: summary.risk,
            state: summary.phase,
            digest: summary.digest,
            requester: &summary.agent,
            requested_at: summary.requested_at,
            deadline: summary.deadline,
            overdue: summary.deadline.is_some_and(|deadline| now >= deadline),
            claimed_by: summary.claimed_by.as_ref(),
            env: summary.env,
        }
    }

    fn cells(&self) -> [String; 7] {
        let deadline = match self.deadline {
            None => "-".to_owned(),
            Some(deadline) if self.overdue => format!("{} (over)", to_the_second(deadline)),
            Some(deadline) => to_the_second(deadline),
        };
        let test = if self.env == Env::Test { " (test)" } else { "" };
        [
            self.id.to_string(),
            self.risk.to_string(),
            format!("{}{test}", self.state),
            visible_name(self.action),
            visible_name(self.requester.as_str()),
            deadline,
            self.digest.prefix(),
        ]
    }
}

pub(crate) async fn run(path: &Path, options: &List, out: &Out) -> Result<Exit, Failure> {
    let filter = match (options.all, options.states.as_slice()) {
        (true, _) => Filter::default(),
        (false, []) => Filter::in_phases(OPEN),
        (false, states) => Filter::in_phases(states.iter().copied()),
    };
    let mut found = store::summaries(&store::read(path).await?, &filter).await?;
    // Stable: within each half the newest stays on top.
    found.sort_by_key(|summary| summary.phase != Phase::Pending);
    let now = Timestamp::now();
    let lines: Vec<Line<'_>> = found.iter().map(|summary| Line::of(summary, now)).collect();
    if out.json() {
        out.object(&lines)?;
    } else if lines.is_empty() {
        out.note(match filter.phases.is_empty() {
            true => "there are no requests in this store",
            false => "no such request; `approvals list --all` shows those that there are",
        });
    } else {
        out.text(&table(&lines))?;
    }
    Ok(Exit::Done)
}

fn table(lines: &[Line<'_>]) -> String {
    let head = ["ID", "RISK", "STATE", "ACTION", "REQUESTER", "DEADLINE", "DIGEST"].map(str::to_owned);
    let rows: Vec<[String; 7]> = std::iter::once(head).chain(lines.iter().map(Line::cells)).collect();
    let mut widths = [0; 7];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn to_the_second(time: Timestamp) -> String {
    let text = time.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => text,
    }
}
