//! From the history of a request to its card.

use super::{
    Card, CardAnswer, CardArgument, CardClocks, CardRequester, CardState, CardValue, ERASED, Shown, Span,
    Time,
};
use crate::ledger::{self, Env, Event, Payload, Record};
use crate::people::Principal;
use crate::request::{ArgumentFact, ArgumentValue, Commitment};
use crate::state::{Opened, Phase, State};
use crate::time::Timestamp;

impl Card {
    /// The card of a request, made of its records; `None` while nothing was requested.
    ///
    /// A value that does not match its commitment is not shown: it counts as erased.
    pub fn of(history: &[Record], state: &State) -> Option<Self> {
        let opened = state.opened()?;
        let payload = history
            .iter()
            .find(|record| matches!(record.body.event, Event::Requested(_)))
            .and_then(|record| record.payload.as_deref());
        let call = &opened.requested.call;
        let requirement = opened.requirement();
        let mut requester =
            CardRequester::new(call.requester.agent.as_str(), principal(&call.requester.owner));
        requester.on_behalf_of = call.requester.on_behalf_of.as_ref().map(principal);
        requester.single_operator = requirement.single_operator;
        let clocks = CardClocks {
            requested_at: opened.at.into(),
            decide_by: opened.decide_by().into(),
            use_within: span(requirement.use_within.as_secs()),
        };
        let mut card = Self::new(
            opened.id.to_string(),
            opened.digest.to_hex(),
            call.action.as_str(),
            requirement.risk.as_str(),
            requester,
            clocks,
        );
        card.state = CardState { label: state.phase().to_string(), lines: story(opened, state) };
        card.sensitivity.clone_from(&call.sensitivity);
        // By a mark and not by the words, which an argument could hold.
        let mut text_erased = false;
        let mut text = |field: &str, commitment: &Commitment| {
            let kept = text(payload, field, commitment);
            text_erased |= kept.is_none();
            kept.unwrap_or(ERASED).to_owned()
        };
        card.resource = call.resource.as_ref().map(|c| text("resource", c));
        card.reason = call.reason.as_ref().map(|c| text("reason", c));
        card.labels =
            call.labels.iter().map(|(name, c)| (name.clone(), text(&format!("labels.{name}"), c))).collect();
        card.text_erased = text_erased;
        card.arguments = call.arguments.iter().map(|fact| argument(payload, fact)).collect();
        card.who_may_decide = opened.requested.quorums().map(ToString::to_string).collect();
        card.assurance = requirement.assurance.to_string();
        card.answers = history.iter().filter_map(answer).collect();
        card.chain = opened.requested.terms.inside.lines();
        card.environment = (opened.env == Env::Test).then(|| "test".to_owned());
        if let Some(payload) = payload {
            card.agent_says = payload.notes().get("says").cloned();
            let notes = payload.notes().iter().filter(|(name, _)| *name != "says");
            card.notes = notes.map(|(name, text)| (name.clone(), text.clone())).collect();
        }
        Some(card)
    }

    /// How much of the request is left to show: a part once any of its values were erased.
    pub fn shown(&self) -> Shown {
        if self.has_erased_values() { Shown::Part { hidden: 0 } } else { Shown::Everything }
    }
}

fn principal(principal: &Principal) -> String {
    principal.to_string()
}

fn text<'a>(payload: Option<&'a Payload>, field: &str, commitment: &Commitment) -> Option<&'a str> {
    payload.filter(|payload| payload.opens(field, commitment)).and_then(|payload| payload.text(field))
}

fn argument(payload: Option<&Payload>, fact: &ArgumentFact) -> CardArgument {
    let value = match &fact.value {
        ArgumentValue::Shown(commitment) => {
            let field = format!("arguments.{}", fact.name);
            let value = payload.filter(|payload| payload.opens(&field, commitment));
            match value.and_then(|payload| payload.value(&field)) {
                Some(value) => CardValue::Shown(String::from_utf8_lossy(&value.canonical()).into_owned()),
                None => CardValue::Erased,
            }
        }
        ArgumentValue::Secret(_) => CardValue::Secret,
        ArgumentValue::Skipped(why) => CardValue::Skipped { why: why.clone() },
    };
    CardArgument::new(fact.name.as_str(), value)
}

fn answer(record: &Record) -> Option<CardAnswer> {
    let Event::Reviewed(reviewed) = &record.body.event else { return None };
    let name = record.payload.as_ref().and_then(|payload| payload.notes().get("name"));
    let who = match name {
        Some(name) if *name != reviewed.by.as_str() => format!("{name} ({})", reviewed.by),
        _ => reviewed.by.to_string(),
    };
    let answer = match reviewed.answer {
        ledger::Answer::Approve => "approved",
        ledger::Answer::Deny => "denied",
    };
    let comment = record.payload.as_ref().and_then(|payload| payload.text("comment")).map(str::to_owned);
    Some(CardAnswer { who, answer: answer.to_owned(), at: record.body.time.into(), comment })
}

/// What led to the phase, a line each.
fn story(opened: &Opened, state: &State) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(by) = state.overridden_by() {
        lines.push(format!("approved by break-glass: {by}"));
    }
    if let Some((why, by)) = state.cancelled() {
        lines.push(by.map_or_else(|| why.to_string(), |by| format!("{why}, by {by}")));
    }
    if let Some(why) = state.not_run() {
        lines.push(format!("claimed and not run: {why}"));
    }
    match state.phase() {
        Phase::Approved => {
            lines.extend(state.use_by().map(|use_by| format!("to be used by {use_by}")));
        }
        Phase::Unknown => lines.push(
            "the run was cut off: nobody can tell what it did, and a person has to check before it may be closed"
                .to_owned(),
        ),
        Phase::Pending if opened.requested.terms.round.is_some_and(|round| round > 0) => {
            lines.push("asked again: an earlier request under the same key expired or was called off".to_owned());
        }
        _ => {}
    }
    if let Some(claim) = state.claim() {
        lines.push(format!("claimed by {}", claim.node));
    }
    lines
}

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Self { text: time.to_string(), unix_ms: time.as_micros().div_euclid(1000) }
    }
}

/// A length of time in its largest whole unit.
fn span(seconds: u64) -> Span {
    let text = match seconds {
        s if s > 0 && s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s > 0 && s % 3_600 == 0 => format!("{} h", s / 3_600),
        s if s > 0 && s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    };
    Span { text, seconds }
}
