//! The store, and the requests in it.

use std::path::Path;

use approvals::id::RequestId;
use approvals::ledger::{Filter, Record, Store, Stream, Summary};
use approvals::state::State;
use approvals::{Sqlite, SqliteOptions};

use crate::output::{Exit, Failure};

/// How many summaries are asked for at once.
const PAGE: usize = 500;
/// The fewest characters of an id that name a request.
const LEAST: usize = 8;
/// How many candidates an error names.
const NAMED: usize = 10;

/// Opens a store that exists, without ever writing it.
pub(crate) async fn read(path: &Path) -> Result<Sqlite, Failure> {
    must_exist(path)?;
    Ok(Sqlite::open_with(path, SqliteOptions::new().read_only()).await?)
}

/// Opens a store that was read before, to write to it.
pub(crate) async fn write(path: &Path) -> Result<Sqlite, Failure> {
    must_exist(path)?;
    // A review commits to no secret, and the key is for the agent's user alone.
    Ok(Sqlite::open_with(path, SqliteOptions::new().without_key()).await?)
}

/// A mistyped path would make an empty store, in which nothing ever waits.
fn must_exist(path: &Path) -> Result<(), Failure> {
    let path_text = path.display();
    match path.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::error(format!(
            "there is no store at `{path_text}`; say where it is with `--store PATH` or APPROVALS_STORE, or start the \
             agent that makes it"
        ))),
        Err(e) => Err(Failure::error(format!(
            "cannot look at `{path_text}`: {e}; say where the store is with `--store PATH` or APPROVALS_STORE"
        ))),
    }
}

/// Every request that the filter admits, the newest first.
pub(crate) async fn summaries(store: &dyn Store, filter: &Filter) -> Result<Vec<Summary>, Failure> {
    let mut all = Vec::new();
    let mut next = None;
    loop {
        let page = store.list(filter, next, PAGE).await?;
        all.extend(page.summaries);
        next = page.next;
        if next.is_none() {
            return Ok(all);
        }
    }
}

/// A request with its whole history.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) history: Vec<Record>,
    pub(crate) state: State,
    pub(crate) summary: Summary,
}

/// The request that a text on the command line names.
pub(crate) async fn find(store: &dyn Store, text: &str) -> Result<Request, Failure> {
    let id = match text.parse() {
        Ok(id) => id,
        Err(_) => complete(store, text).await?,
    };
    let history = store.history(Stream::Request(id)).await?;
    let state = fold(&history)?;
    let summary = Summary::of(&state).ok_or_else(|| unknown(text))?;
    Ok(Request { history, state, summary })
}

pub(crate) fn fold(history: &[Record]) -> Result<State, Failure> {
    State::fold(history).map_err(|e| {
        Failure::error(format!(
            "the history of this request does not fold: {e}; restore the store from a backup"
        ))
    })
}

async fn complete(store: &dyn Store, text: &str) -> Result<RequestId, Failure> {
    if !text.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Err(unknown(text));
    }
    let start = text.replace('-', "").to_ascii_lowercase();
    if start.len() < LEAST {
        let message = format!("`{text}` is too short; give at least {LEAST} characters of the request's id");
        return Err(Failure::new(Exit::Usage, message));
    }
    let mut found = summaries(store, &Filter::default()).await?;
    found.retain(|summary| summary.id.to_string().replace('-', "").starts_with(&start));
    match found.as_slice() {
        [] => Err(unknown(text)),
        [one] => Ok(one.id),
        many => Err(ambiguous(text, many)),
    }
}

fn unknown(text: &str) -> Failure {
    let message = format!("there is no request `{text}`; `approvals list --all` shows those that there are");
    Failure::new(Exit::NotFound, message)
}

fn ambiguous(text: &str, many: &[Summary]) -> Failure {
    let mut message = format!("{} requests begin with `{text}`; give more of the id", many.len());
    for summary in many.iter().take(NAMED) {
        message.push_str(&format!("\n{} {} {}", summary.id, summary.phase, summary.action));
    }
    if many.len() > NAMED {
        message.push_str(&format!("\nand {} more", many.len() - NAMED));
    }
    Failure::new(Exit::Usage, message)
}
