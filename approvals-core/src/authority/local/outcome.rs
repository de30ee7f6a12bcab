//! From the state of a request to what its caller is told.

use crate::action::ActionName;
use crate::card::visible;
use crate::error::{ApprovalError, ErrorKind};
use crate::id::RequestId;
use crate::ledger::{Answer, CancelWhy, Event, Record};
use crate::state::{Phase, State};

/// What the state means for a call of this action: `Ok` lets it be claimed, `None` has it wait on.
pub(super) fn outcome_of(
    action: &ActionName,
    history: &[Record],
    state: &State,
) -> Option<Result<(), ApprovalError>> {
    let opened = state.opened()?;
    let refuse = |kind, message: String| Some(Err(ApprovalError::new(kind, action, message).of(opened.id)));
    match state.phase() {
        Phase::None | Phase::Pending => None,
        Phase::Approved => Some(Ok(())),
        Phase::Unknown if opened.requested.call.rerunnable && state.denied_by().is_none() => Some(Ok(())),
        Phase::Denied => refuse(ErrorKind::Denied, denial(history, state)),
        Phase::Expired => refuse(ErrorKind::Expired, expiry(state)),
        Phase::Cancelled if state.denied_by().is_some() => refuse(ErrorKind::Denied, denial(history, state)),
        Phase::Cancelled => cancelled(action, history, state),
        Phase::Executing => refuse(
            ErrorKind::Running,
            format!("request {} was claimed by `{}` and runs there", opened.id, claimant(state)),
        ),
        Phase::Succeeded | Phase::Failed => refuse(
            ErrorKind::AlreadyRan,
            format!(
                "request {} has been used; its value is not kept. Take another key to run it again",
                opened.id
            ),
        ),
        Phase::Unknown => Some(Err(unknown(action, state, opened.id))),
    }
}

/// Nobody can tell what an earlier attempt did.
pub(super) fn unknown(action: &ActionName, state: &State, request: RequestId) -> ApprovalError {
    let message = format!(
        "an earlier run under request {request} was cut off on `{}`, and nobody can tell what it did; a person has to \
         check and say so: `approvals reconcile {request} --ran` or `--did-not-run`",
        claimant(state)
    );
    ApprovalError::new(ErrorKind::Unknown, action, message).of(request)
}

fn claimant(state: &State) -> String {
    state.claim().map_or_else(String::new, |claim| visible(claim.node.as_str()))
}

fn denial(history: &[Record], state: &State) -> String {
    let by =
        state.denied_by().map_or_else(String::new, |denied| format!(" by `{}`", visible(denied.by.as_str())));
    let comment = history.iter().rev().find_map(|record| match &record.body.event {
        Event::Reviewed(reviewed) if reviewed.answer == Answer::Deny => {
            record.payload.as_ref().and_then(|payload| payload.text("comment"))
        }
        _ => None,
    });
    match comment {
        Some(comment) => format!("denied{by}: `{}`", visible(comment)),
        None => format!("denied{by}"),
    }
}

fn expiry(state: &State) -> String {
    match state.use_by() {
        Some(use_by) => format!("approved, but not used by {use_by}; ask anew"),
        None => "nobody decided in time; ask anew".to_owned(),
    }
}

fn cancelled(action: &ActionName, history: &[Record], state: &State) -> Option<Result<(), ApprovalError>> {
    let opened = state.opened()?;
    let comment = || match history.iter().rev().find(|r| matches!(r.body.event, Event::Cancelled { .. })) {
        Some(record) => {
            let comment = record.payload.as_ref().and_then(|payload| payload.notes().get("comment"));
            comment.map_or_else(String::new, |comment| format!(": `{}`", visible(comment)))
        }
        None => String::new(),
    };
    let (kind, message) = match (state.cancelled(), state.not_run()) {
        (Some((CancelWhy::Undeliverable, _)), _) => (
            ErrorKind::Unavailable,
            "nobody could be asked: no backend could present the request; see the ledger for each backend's reason"
                .to_owned(),
        ),
        (Some((why, Some(by))), _) => {
            (ErrorKind::Cancelled, format!("{why}, by `{}`{}", visible(by.as_str()), comment()))
        }
        (Some((why, None)), _) => (ErrorKind::Cancelled, why.to_string()),
        (None, Some(why)) => (ErrorKind::Cancelled, format!("claimed and never entered: {why}; ask anew")),
        (None, None) => (ErrorKind::Cancelled, "a person says that it did not run; ask anew".to_owned()),
    };
    Some(Err(ApprovalError::new(kind, action, message).of(opened.id)))
}
