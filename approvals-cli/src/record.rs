//! A record, as a line for people and as JSON.

use approvals::card::{Shown, visible_name};
use approvals::id::{PersonId, Seq};
use approvals::ledger::{
    Env, Event, Finish, Ignored, IgnoredWhat, Payload, Reconciliation, Record, Reviewed,
};
use approvals::request::Commitment;
use serde::Serialize;
use serde_json::{Value, json};

use crate::output::Failure;

/// A record as `log --json` gives it.
#[derive(Serialize)]
pub(crate) struct Logged {
    seq: Seq,
    event: &'static str,
    record: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Value>,
}

/// Its place, the word for its event, what its bytes say, and the values beside it unless they are to be left out.
pub(crate) fn logged(record: &Record, payload: bool) -> Result<Logged, Failure> {
    let says = serde_json::from_slice(&record.bytes);
    let beside = payload.then(|| match &record.payload {
        None => Ok(Value::Null),
        // Without the seed: whoever has that can try out what was erased later.
        Some(payload) => serde_json::to_value(payload.as_ref())
            .map(|all| json!({ "values": all.get("values"), "notes": payload.notes() })),
    });
    Ok(Logged {
        seq: record.seq,
        event: record.body.event.name(),
        record: says.map_err(|e| Failure::because(&e))?,
        payload: beside.transpose().map_err(|e| Failure::because(&e))?,
    })
}

/// The word for what happened, and who, where, why. One line; text from outside in it is made visible (law 13).
pub(crate) fn told(record: &Record, payload: bool) -> String {
    let beside = match payload {
        true => Beside { payload: record.payload.as_deref(), gone: "(erased)" },
        false => Beside { payload: None, gone: "(left out)" },
    };
    let mut line = format!("{:<15}  {}", record.body.event.name(), details(record, beside));
    if record.body.env == Env::Test {
        line.push_str(" (test)");
    }
    line.trim_end().to_owned()
}

fn details(record: &Record, beside: Beside<'_>) -> String {
    let node = visible_name(record.body.node.as_str());
    match &record.body.event {
        Event::Requested(requested) => {
            let (call, terms) = (&requested.call, &requested.terms);
            let action = visible_name(&call.action);
            let agent = visible_name(call.requester.agent.as_str());
            let policy = visible_name(terms.policy.as_str());
            format!("{agent} asks for {action}, risk {}, by policy {policy}", terms.requirement.risk)
        }
        Event::Presented { way, reference: _, shown } => {
            let part = if *shown == Shown::Everything { "" } else { ", not everything" };
            format!("through {}{part}", visible_name(way.as_str()))
        }
        Event::PresentFailed { way, why } => format!("through {}: {why}", visible_name(way.as_str())),
        Event::Updated { way } | Event::Reminded { way } => {
            format!("through {}", visible_name(way.as_str()))
        }
        Event::Viewed { by, way } => {
            format!("by {} through {}", beside.who(by), visible_name(way.as_str()))
        }
        Event::Escalated { to } => {
            let groups: Vec<String> = to.iter().map(|group| visible_name(group.as_str())).collect();
            format!("to {}", groups.join(", "))
        }
        Event::Commented { by, comment } => {
            format!("{}: {}", beside.who(by), beside.text("comment", comment))
        }
        Event::DebtSigned { by } => format!("by {}", beside.who(by)),
        Event::Ignored(ignored) => not_counted(ignored, beside),
        Event::Reviewed(reviewed) => answered(reviewed, beside),
        Event::Overridden { by, assurance, reason, .. } => {
            let why = beside.text("reason", reason);
            format!("break-glass by {} ({assurance}): {why}", beside.who(by))
        }
        Event::Expired {} | Event::Lost { .. } => format!("noted by {node}"),
        Event::Cancelled { by, why } => {
            let by = by.as_ref().map(|by| format!(" by {}", beside.who(by))).unwrap_or_default();
            let comment = beside.note("comment");
            format!(
                "{why}{by}{}",
                comment.map(|text| format!(": {}", visible_name(text))).unwrap_or_default()
            )
        }
        Event::Started { .. } => format!("by {node}"),
        Event::Finished { outcome, .. } => match outcome {
            Finish::Ok {} => "the body returned".to_owned(),
            Finish::Err { kind } => format!("the body returned an error of type {}", visible_name(kind)),
            Finish::NotRun { why } => format!("the body was not run: {why}"),
        },
        Event::Reconciled { outcome, by, reason } => {
            let outcome = match outcome {
                Reconciliation::Ran => "it ran",
                Reconciliation::DidNotRun => "it did not run",
            };
            format!("{outcome}, says {}: {}", beside.who(by), beside.text("reason", reason))
        }
        Event::Up { build, policy } => {
            format!("{node}, {}, policy {}", visible_name(build), visible_name(policy.as_str()))
        }
        Event::Down {} => node,
        Event::Unauthenticated { way, count } => {
            format!("{count} through {}", visible_name(way.as_str()))
        }
        Event::Allowed(allowed) => {
            let agent = visible_name(allowed.requester.agent.as_str());
            format!("{agent} runs {}, risk {}", visible_name(&allowed.action), allowed.risk)
        }
        Event::Refused(refused) => {
            let agent = visible_name(refused.requester.agent.as_str());
            let why = beside.text("why", &refused.why);
            format!("{agent} may not run {}, risk {}: {why}", visible_name(&refused.action), refused.risk)
        }
        _ => "of a kind that this program does not know; update it".to_owned(),
    }
}

fn answered(reviewed: &Reviewed, beside: Beside<'_>) -> String {
    let by = beside.who(&reviewed.by);
    let way = visible_name(reviewed.way.as_str());
    let comment = reviewed.comment.as_ref().map(|comment| format!(": {}", beside.text("comment", comment)));
    let comment = comment.unwrap_or_default();
    format!("{} by {by} through {way} ({}){comment}", reviewed.answer, reviewed.assurance)
}

fn not_counted(ignored: &Ignored, beside: Beside<'_>) -> String {
    let what = match ignored.what {
        IgnoredWhat::Approve => "approve",
        IgnoredWhat::Deny => "deny",
        IgnoredWhat::Call => "a call",
        IgnoredWhat::Finished => "the end of an attempt",
        IgnoredWhat::Cancel => "a cancellation",
        IgnoredWhat::Reconcile => "a reconciliation",
        _ => "something",
    };
    let by = match (&ignored.by, &ignored.identity) {
        (Some(by), _) => format!(" by {}", beside.who(by)),
        (None, Some(identity)) => format!(" by {}", beside.text("identity", identity)),
        (None, None) => String::new(),
    };
    let way = ignored.way.as_ref().map(|way| format!(" through {}", visible_name(way.as_str())));
    format!("{what}{by}{}: {}", way.unwrap_or_default(), ignored.why)
}

/// What stands beside a record, if it is there and wanted.
#[derive(Clone, Copy)]
struct Beside<'a> {
    payload: Option<&'a Payload>,
    /// What stands for a text that is not there.
    gone: &'static str,
}

impl<'a> Beside<'a> {
    fn note(self, name: &str) -> Option<&'a String> {
        self.payload.and_then(|payload| payload.notes().get(name))
    }

    /// A person by id, and by the name that they had then.
    fn who(self, id: &PersonId) -> String {
        match self.note("name").filter(|name| *name != id.as_str()) {
            Some(name) => format!("{} ({})", visible_name(id.as_str()), visible_name(name)),
            None => visible_name(id.as_str()),
        }
    }

    /// The text behind a commitment. One that does not match is not the one that was written.
    fn text(self, field: &str, commitment: &Commitment) -> String {
        let payload = self.payload.filter(|payload| payload.opens(field, commitment));
        payload.and_then(|payload| payload.text(field)).map_or_else(|| self.gone.to_owned(), visible_name)
    }
}
