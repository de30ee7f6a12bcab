//! `approvals reconcile`.

use approvals::card::visible_name;
use approvals::desk::Outcome;
use approvals::id::{PersonId, RequestId};
use approvals::ledger::{IgnoredWhy, Reconciliation};
use approvals::state::Phase;
use serde::Serialize;

use crate::args::{Global, Reconcile};
use crate::decide::{Opened, desk, not_submitted, reason};
use crate::output::{Exit, Failure, Out};
use crate::store;

/// What became of it, as `--json` gives it.
#[derive(Serialize)]
struct Told<'a> {
    id: RequestId,
    outcome: Reconciliation,
    counted: bool,
    state: Phase,
    by: Option<&'a PersonId>,
    identity: String,
    why: Option<IgnoredWhy>,
    reason: Option<String>,
}

pub(crate) async fn reconcile(global: &Global, given: &Reconcile, out: &Out) -> Result<Exit, Failure> {
    let Opened { request, identity, people, people_file, .. } = Opened::at(global, &given.id, out).await?;
    let outcome = if given.ran { Reconciliation::Ran } else { Reconciliation::DidNotRun };
    let store = store::write(&global.store).await?;
    let desk = desk(store.clone(), people);
    let reply = desk.reconcile(&identity, request.summary.id, outcome, &given.reason).await;
    let reply = reply.map_err(not_submitted)?;
    store.close().await;

    let (state, why) = match &reply.outcome {
        Outcome::Counted { phase, .. } => (*phase, None),
        Outcome::Ignored(why) => (request.summary.phase, Some(*why)),
    };
    let told = Told {
        id: request.summary.id,
        outcome,
        counted: why.is_none(),
        state,
        by: reply.person.as_ref().map(|person| person.id()),
        identity: identity.to_string(),
        why,
        reason: why.map(|why| reason(why, &identity, &people_file)),
    };
    if let Some(reason) = &told.reason {
        out.complain(&format!("not counted: {reason}"));
    }
    if out.json() {
        out.object(&told)?;
    } else if told.counted {
        let by = told.by.map(|by| visible_name(by.as_str())).unwrap_or_default();
        out.text(&format!("{by} vouches for it; the request is {state}\n"))?;
    }
    Ok(if told.counted { Exit::Done } else { Exit::NotCounted })
}
