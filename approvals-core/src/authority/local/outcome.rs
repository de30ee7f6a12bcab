//! From the state of a request to what its caller is told.

use std::sync::Arc;

use super::Local;
use crate::action::ActionName;
use crate::card::visible;
use crate::error::{ApprovalError, ErrorKind};
use crate::id::RequestId;
use crate::ledger::{Answer, CancelWhy, Event, Record, StoreError};
use crate::state::{Prospect, State};

impl Local {
    /// What a request comes to for a call of this action, and the state that says so. Its whole history is read only for
    /// a refusal, which tells from it.
    pub(super) async fn outcome(
        &self,
        action: &ActionName,
        request: RequestId,
    ) -> Result<(Option<Result<(), ApprovalError>>, Arc<State>), StoreError> {
        let state = self.state(request).await?;
        if !matches!(state.prospect(), Prospect::Refused(_)) {
            return Ok((outcome_of(action, &[], &state), state));
        }
        let (history, state) = self.look(request).await?;
        Ok((outcome_of(action, &history, &state), state))
    }
}

/// What the state means for a call of this action: `Ok` lets it be claimed, `None` has it wait on.
pub(super) fn outcome_of(
    action: &ActionName,
    history: &[Record],
    state: &State,
) -> Option<Result<(), ApprovalError>> {
    let opened = state.opened()?;
    let kind = match state.prospect() {
        Prospect::Waits => return None,
        Prospect::Claimable => return Some(Ok(())),
        Prospect::Refused(kind) => kind,
    };
    let message = match kind {
        ErrorKind::Unknown => return Some(Err(unknown(action, state, opened.id))),
        ErrorKind::Denied => denial(history, state),
        ErrorKind::Expired => expiry(state),
        ErrorKind::Running => {
            format!("request {} was claimed by `{}` and runs there", opened.id, claimant(state))
        }
        ErrorKind::AlreadyRan => format!(
            "request {} has been used; its value is not kept. Take another key to run it again",
            opened.id
        ),
        _ => cancelled(history, state),
    };
    Some(Err(ApprovalError::new(kind, action, message).of(opened.id)))
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

fn cancelled(history: &[Record], state: &State) -> String {
    let comment = || match history.iter().rev().find(|r| matches!(r.body.event, Event::Cancelled { .. })) {
        Some(record) => {
            let comment = record.payload.as_ref().and_then(|payload| payload.notes().get("comment"));
            comment.map_or_else(String::new, |comment| format!(": `{}`", visible(comment)))
        }
        None => String::new(),
    };
    match (state.cancelled(), state.not_run()) {
        (Some((CancelWhy::Undeliverable, _)), _) => {
            "nobody could be asked: no backend could present the request; see the ledger for each backend's reason"
                .to_owned()
        }
        (Some((why, Some(by))), _) => format!("{why}, by `{}`{}", visible(by.as_str()), comment()),
        (Some((why, None)), _) => why.to_string(),
        (None, Some(why)) => format!("claimed and never entered: {why}; ask anew"),
        (None, None) => "a person says that it did not run; ask anew".to_owned(),
    }
}
