//! The pure half: from records to figures. No recorder, no clock, no store.

use std::collections::{BTreeSet, HashMap};

use super::names::{
    ALLOWED, APPROVED, DECISION, ENDS, EXECUTING, IGNORED, Metric, PENDING, PRESENT_FAILED, RECORDS, REFUSED,
    REQUESTS, UNAUTHENTICATED, UNKNOWN, VERDICTS,
};
use crate::action::Risk;
use crate::id::{RequestId, Seq};
use crate::ledger::{Env, Event, Finish, Record};
use crate::state::{Phase, State, apply};

/// The most different actions and ways that become labels. Whoever can write the ledger could name any number.
const NAMES: usize = 1_000;
/// What stands for the rest.
const OTHER: &str = "other";

const RISKS: [Risk; 4] = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];

/// The gauges, each with the phase that it counts.
const GAUGES: [(Phase, &Metric); 4] = [
    (Phase::Pending, &PENDING),
    (Phase::Approved, &APPROVED),
    (Phase::Executing, &EXECUTING),
    (Phase::Unknown, &UNKNOWN),
];

/// A figure with a new value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    pub(super) metric: &'static Metric,
    /// In the order of the metric's labels.
    values: Vec<String>,
    pub(super) value: Value,
}

/// What happens to a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Add(u64),
    Set(f64),
    Took(f64),
}

impl Reading {
    fn new(metric: &'static Metric, values: &[&str], value: Value) -> Self {
        debug_assert_eq!(metric.labels.len(), values.len(), "{}", metric.name);
        Self { metric, values: values.iter().map(|value| (*value).to_owned()).collect(), value }
    }

    fn one(metric: &'static Metric, values: &[&str]) -> Self {
        Self::new(metric, values, Value::Add(1))
    }

    /// The labels with their values.
    pub(super) fn labels(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.metric.labels.iter().copied().zip(self.values.iter().map(String::as_str))
    }
}

/// Folds records into figures. Holds the requests that are open, and of the others nothing.
pub(super) struct Meter {
    env: Env,
    open: HashMap<RequestId, State>,
    /// How many of them are in which phase at which risk.
    standing: HashMap<(Phase, Risk), u32>,
    actions: Known,
    ways: Known,
    reached: Seq,
}

impl Meter {
    /// Counts the records of one environment: a test's figures are not those of the real thing.
    pub(super) fn new(env: Env) -> Self {
        Self {
            env,
            open: HashMap::new(),
            standing: HashMap::new(),
            actions: Known::default(),
            ways: Known::default(),
            reached: Seq::START,
        }
    }

    /// Takes up a request by its history, without counting that.
    pub(super) fn learn<'a>(&mut self, history: impl IntoIterator<Item = &'a Record>) {
        // One that does not fold is open to nobody, and the gate closes it (law 6).
        let Ok(state) = State::fold(history) else { return };
        if let Some(opened) = state.opened().filter(|opened| opened.env == self.env).cloned() {
            self.keep(opened.id, state);
        }
    }

    fn keep(&mut self, request: RequestId, state: State) {
        if is_open(state.phase()) {
            *self.standing.entry((state.phase(), risk_of(&state))).or_default() += 1;
            self.open.insert(request, state);
        }
    }

    fn take(&mut self, request: RequestId) -> State {
        let Some(state) = self.open.remove(&request) else { return State::default() };
        if let Some(standing) = self.standing.get_mut(&(state.phase(), risk_of(&state))) {
            *standing = standing.saturating_sub(1);
        }
        state
    }

    /// The request whose history has to be learnt before this record can be understood.
    pub(super) fn misses(&self, record: &Record) -> Option<RequestId> {
        let event = &record.body.event;
        let moves = !event.is_note() && !matches!(event, Event::Requested(_));
        let request = record.body.stream.request()?;
        (moves && record.body.env == self.env && !self.open.contains_key(&request)).then_some(request)
    }

    /// Every gauge as it stands.
    pub(super) fn gauges(&self) -> Vec<Reading> {
        let cells = GAUGES.iter().flat_map(|(phase, _)| RISKS.map(|risk| (*phase, risk)));
        cells.filter_map(|(phase, risk)| self.gauge(phase, risk)).collect()
    }

    fn gauge(&self, phase: Phase, risk: Risk) -> Option<Reading> {
        let (_, metric) = GAUGES.iter().find(|(gauged, _)| *gauged == phase)?;
        let standing = self.standing.get(&(phase, risk)).copied().unwrap_or_default();
        Some(Reading::new(metric, &[risk.as_str()], Value::Set(standing.into())))
    }

    /// What a record changes. Records come in the order of the ledger, each once.
    pub(super) fn observe(&mut self, record: &Record) -> Vec<Reading> {
        let mut readings = Vec::new();
        self.reached = record.seq;
        if record.body.env == self.env {
            self.note(&record.body.event, &mut readings);
            if let Some(request) = record.body.stream.request() {
                self.follow(request, record, &mut readings);
            }
        }
        readings.push(Reading::new(&RECORDS, &[], Value::Set(self.reached.0 as f64)));
        readings
    }

    fn note(&mut self, event: &Event, readings: &mut Vec<Reading>) {
        readings.push(match event {
            Event::Allowed(allowed) => {
                Reading::one(&ALLOWED, &[self.actions.name(&allowed.action), allowed.risk.as_str()])
            }
            Event::Refused(refused) => {
                Reading::one(&REFUSED, &[self.actions.name(&refused.action), refused.risk.as_str()])
            }
            Event::Ignored(ignored) => Reading::one(&IGNORED, &[&word(&ignored.what), &word(&ignored.why)]),
            Event::Unauthenticated { way, count } => {
                Reading::new(&UNAUTHENTICATED, &[self.ways.name(way.as_str())], Value::Add(*count))
            }
            Event::PresentFailed { way, why } => {
                Reading::one(&PRESENT_FAILED, &[self.ways.name(way.as_str()), &word(why)])
            }
            _ => return,
        });
    }

    fn follow(&mut self, request: RequestId, record: &Record, readings: &mut Vec<Reading>) {
        let event = &record.body.event;
        let before = self.take(request);
        let after = match apply(&before, &record.body) {
            Ok(after) => after,
            // A note on a request that is over, and so not held any more.
            Err(_) => return self.keep(request, before),
        };
        let Some(opened) = after.opened() else { return };
        let (risk, phases) = (risk_of(&after), (before.phase(), after.phase()));
        let action = self.actions.name(&opened.requested.call.action).to_owned();
        let labels = [action.as_str(), risk.as_str()];
        if matches!(event, Event::Requested(_)) {
            readings.push(Reading::one(&REQUESTS, &labels));
        }
        if let (Phase::Pending | Phase::Approved, Some(verdict)) = (phases.0, verdict(phases)) {
            readings.push(Reading::one(&VERDICTS, &[&action, risk.as_str(), verdict]));
            if phases.0 == Phase::Pending && matches!(phases.1, Phase::Approved | Phase::Denied) {
                let took = opened.at.until(record.body.time).as_secs_f64();
                readings.push(Reading::new(&DECISION, &[risk.as_str(), verdict], Value::Took(took)));
            }
        }
        if let Some(outcome) = outcome(event) {
            readings.push(Reading::one(&ENDS, &[&action, risk.as_str(), outcome]));
        }
        self.keep(request, after);
        if phases.0 != phases.1 {
            readings.extend(self.gauge(phases.0, risk));
            readings.extend(self.gauge(phases.1, risk));
        }
    }
}

/// Names that became labels.
#[derive(Default)]
struct Known(BTreeSet<String>);

impl Known {
    fn name<'a>(&mut self, name: &'a str) -> &'a str {
        if self.0.contains(name) {
            return name;
        }
        if self.0.len() >= NAMES {
            return OTHER;
        }
        self.0.insert(name.to_owned());
        name
    }
}

const fn is_open(phase: Phase) -> bool {
    matches!(phase, Phase::Pending | Phase::Approved | Phase::Executing | Phase::Unknown)
}

fn risk_of(state: &State) -> Risk {
    state.opened().map_or(Risk::Low, |opened| opened.requirement().risk)
}

fn verdict((before, after): (Phase, Phase)) -> Option<&'static str> {
    match after {
        Phase::Approved | Phase::Denied | Phase::Expired | Phase::Cancelled if before != after => {
            Some(after.as_str())
        }
        _ => None,
    }
}

const fn outcome(event: &Event) -> Option<&'static str> {
    match event {
        Event::Finished { outcome: Finish::Ok {}, .. } => Some("ok"),
        Event::Finished { outcome: Finish::Err { .. }, .. } => Some("err"),
        Event::Finished { outcome: Finish::NotRun { .. }, .. } => Some("not_run"),
        Event::Lost { .. } => Some("lost"),
        _ => None,
    }
}

/// The word that records have for a variant.
fn word(variant: &impl serde::Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(word)) => word,
        _ => OTHER.to_owned(),
    }
}

#[cfg(test)]
impl Meter {
    /// How many requests are held.
    pub(super) fn open_requests(&self) -> usize {
        self.open.len()
    }
}
