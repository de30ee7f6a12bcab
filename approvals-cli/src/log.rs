//! `approvals log`: every record, in the order of the ledger.

use std::path::Path;
use std::sync::Arc;

use approvals::Sqlite;
use approvals::id::Seq;
use approvals::ledger::{Follow, Record, Store as _};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::Log;
use crate::output::{Exit, Failure, Out};
use crate::{record, store};

/// How many records are asked for at once.
const PAGE: usize = 256;

pub(crate) async fn run(path: &Path, options: &Log, out: &Out) -> Result<Exit, Failure> {
    // Before the first line is printed: whoever reads one may interrupt.
    let mut interrupt = match options.follow {
        true => Some(signal(SignalKind::interrupt())?),
        false => None,
    };
    let store = store::read(path).await?;
    tokio::select! {
        biased;
        () = interrupted(interrupt.as_mut()) => Ok(Exit::Done),
        ended = print(store, options, out) => ended.map(|()| Exit::Done),
    }
}

async fn interrupted(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

async fn print(store: Sqlite, options: &Log, out: &Out) -> Result<(), Failure> {
    let after = Seq(options.after);
    if options.follow {
        let mut follow = Follow::after(Arc::new(store), after);
        loop {
            show(&follow.next().await?, options, out)?;
        }
    }
    let mut after = after;
    loop {
        let records = store.records(after, PAGE).await?;
        let Some(last) = records.last() else { return Ok(()) };
        after = last.seq;
        for record in &records {
            show(record, options, out)?;
        }
    }
}

fn show(record: &Record, options: &Log, out: &Out) -> Result<(), Failure> {
    match out.json() {
        true => out.object(&record::logged(record, !options.no_payload)?),
        false => Ok(out.text(&line(record, !options.no_payload))?),
    }
}

fn line(record: &Record, payload: bool) -> String {
    let Record { seq, body, .. } = record;
    let stream = body.stream.to_string();
    format!("{seq:>6}  {}  {stream:<36}  {}\n", body.time, record::told(record, payload))
}
