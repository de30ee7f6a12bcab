//! `approvals show`: the card of a request, and what happened to it.

use std::path::Path;

use approvals::card::{Card, Shown, text};
use approvals::id::PolicyVersion;
use approvals::request::Requirement;
use approvals::time::Timestamp;
use serde::Serialize;

use crate::list::Line;
use crate::output::{Exit, Failure, Out};
use crate::record::{self, Logged};
use crate::store::{self, Request};

#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    line: Line<'a>,
    owner: String,
    on_behalf_of: Option<String>,
    decide_by: Timestamp,
    use_by: Option<Timestamp>,
    open_to_store: bool,
    policy: &'a PolicyVersion,
    requirement: &'a Requirement,
    shown: Shown,
    card: &'a Card,
    history: Vec<Logged>,
}

pub(crate) async fn run(path: &Path, id: &str, out: &Out) -> Result<Exit, Failure> {
    let store = store::read(path).await?;
    let request = store::find(&store, id).await?;
    let card = card(&request)?;
    let rendered = text::render(&card, &out.card_options());
    if out.json() {
        out.object(&whole(&request, &card, rendered.shown)?)?;
        return Ok(Exit::Done);
    }
    let mut text = rendered.text;
    text.push_str("\nhistory\n");
    for record in &request.history {
        text.push_str(&format!("- {}  {}\n", record.body.time, record::told(record, true)));
    }
    out.text(&text)?;
    Ok(Exit::Done)
}

/// The card of a request that was found.
pub(crate) fn card(request: &Request) -> Result<Card, Failure> {
    Card::of(&request.history, &request.state)
        .ok_or_else(|| Failure::error("this request has no card; restore the store from a backup"))
}

fn whole<'a>(request: &'a Request, card: &'a Card, shown: Shown) -> Result<Whole<'a>, Failure> {
    let opened = request.state.opened();
    let opened = opened.ok_or_else(|| Failure::error("this request was never opened"))?;
    let (call, terms) = (&opened.requested.call, &opened.requested.terms);
    let history: Result<Vec<Logged>, Failure> =
        request.history.iter().map(|record| record::logged(record, true)).collect();
    Ok(Whole {
        line: Line::of(&request.summary, Timestamp::now()),
        owner: call.requester.owner.to_string(),
        on_behalf_of: call.requester.on_behalf_of.as_ref().map(ToString::to_string),
        decide_by: opened.decide_by(),
        use_by: request.state.use_by(),
        open_to_store: terms.open_to_store,
        policy: &terms.policy,
        requirement: &terms.requirement,
        shown,
        card,
        history: history?,
    })
}
