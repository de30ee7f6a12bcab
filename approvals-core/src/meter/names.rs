//! Every figure by name. `docs/metrics.md` is the same list for people, and a test compares the two.

/// What becomes of a figure's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A figure.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) unit: &'static str,
    pub(super) labels: &'static [&'static str],
    pub(super) help: &'static str,
}

const fn metric(
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric { name, kind, unit, labels, help }
}

use Kind::{Counter, Gauge, Histogram};

pub(super) static REQUESTS: Metric = metric(
    "approvals_requests_total",
    Counter,
    "requests",
    &["action", "risk"],
    "calls that began to wait for people",
);
pub(super) static VERDICTS: Metric = metric(
    "approvals_verdicts_total",
    Counter,
    "verdicts",
    &["action", "risk", "verdict"],
    "requests that were approved, denied, expired or cancelled before anything ran",
);
pub(super) static DECISION: Metric = metric(
    "approvals_time_to_decision_seconds",
    Histogram,
    "seconds",
    &["risk", "verdict"],
    "from the request to the approval or the denial of people",
);
pub(super) static ENDS: Metric = metric(
    "approvals_executions_total",
    Counter,
    "executions",
    &["action", "risk", "outcome"],
    "claimed bodies by how they ended: ok, err, not_run or lost",
);
pub(super) static ALLOWED: Metric = metric(
    "approvals_allowed_total",
    Counter,
    "calls",
    &["action", "risk"],
    "calls that ran freely, nobody asked",
);
pub(super) static REFUSED: Metric =
    metric("approvals_refused_total", Counter, "calls", &["action", "risk"], "calls that policy refused");
pub(super) static IGNORED: Metric = metric(
    "approvals_ignored_total",
    Counter,
    "reviews",
    &["what", "why"],
    "authenticated answers and other input that did not count, by the reason",
);
pub(super) static UNAUTHENTICATED: Metric = metric(
    "approvals_unauthenticated_total",
    Counter,
    "messages",
    &["way"],
    "input that proved no identity, by the way it came",
);
pub(super) static PRESENT_FAILED: Metric = metric(
    "approvals_present_failures_total",
    Counter,
    "failures",
    &["way", "why"],
    "cards that a backend could not place, once per request and reason",
);
pub(super) static PENDING: Metric =
    metric("approvals_pending", Gauge, "requests", &["risk"], "requests that wait for people");
pub(super) static APPROVED: Metric =
    metric("approvals_approved", Gauge, "requests", &["risk"], "approved requests that nobody used yet");
pub(super) static EXECUTING: Metric =
    metric("approvals_executing", Gauge, "requests", &["risk"], "bodies that run under an approval");
pub(super) static UNKNOWN: Metric = metric(
    "approvals_unknown",
    Gauge,
    "requests",
    &["risk"],
    "bodies that were cut off and that no person has reconciled",
);
pub(super) static RECORDS: Metric = metric(
    "approvals_ledger_records",
    Gauge,
    "records",
    &[],
    "the place in the ledger that these figures reach",
);

/// All of them, in the order of the page.
pub(super) static ALL: [&Metric; 14] = [
    &REQUESTS,
    &VERDICTS,
    &DECISION,
    &ENDS,
    &ALLOWED,
    &REFUSED,
    &IGNORED,
    &UNAUTHENTICATED,
    &PRESENT_FAILED,
    &PENDING,
    &APPROVED,
    &EXECUTING,
    &UNKNOWN,
    &RECORDS,
];
