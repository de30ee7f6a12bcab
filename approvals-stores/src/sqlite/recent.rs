//! What the writer knows by heart: the histories of the requests that moved last.

use std::collections::HashMap;

use approvals_core::id::Seq;
use approvals_core::ledger::{Body, Record, Stream};
use rusqlite::Connection;

use super::error::Failure;
use super::rows;

/// Streams in one of the two generations.
const STREAMS: usize = 1_024;

/// A longer history is read again each time, so that what is kept stays small whatever strangers add to a request.
const RECORDS: usize = 32;

/// Histories that were read or written on one connection, without bytes and payloads.
///
/// They hold as long as no other connection has committed, which SQLite tells, and go when the connection goes.
#[derive(Default)]
pub(super) struct Recent {
    version: Option<i64>,
    young: HashMap<Stream, Vec<Record>>,
    old: HashMap<Stream, Vec<Record>>,
}

impl Recent {
    /// Forgets everything if another connection has committed. To be called under the write lock.
    pub(super) fn check(&mut self, conn: &Connection) -> Result<(), Failure> {
        let version = conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if self.version != Some(version) {
            *self = Self { version: Some(version), ..Self::default() };
        }
        Ok(())
    }

    /// The history of a request, from memory or from the file.
    pub(super) fn history(&mut self, conn: &Connection, stream: Stream) -> Result<&mut Vec<Record>, Failure> {
        if !self.young.contains_key(&stream) {
            let history = match self.old.remove(&stream) {
                Some(history) => history,
                None => rows::history(conn, stream)?.into_iter().map(lean).collect(),
            };
            if self.young.len() >= STREAMS {
                self.old = std::mem::take(&mut self.young);
            }
            self.young.insert(stream, history);
        }
        Ok(self.young.entry(stream).or_default())
    }

    /// Adds what was written.
    pub(super) fn add(&mut self, stream: Stream, written: Vec<(Seq, Body)>) {
        let Some(history) = self.young.get_mut(&stream) else { return };
        history.extend(written.into_iter().map(|(seq, body)| Record {
            seq,
            body,
            bytes: Vec::new(),
            payload: None,
            signature: None,
        }));
        if history.len() > RECORDS {
            self.young.remove(&stream);
        }
    }
}

/// What folding needs of a record.
fn lean(record: Record) -> Record {
    Record { bytes: Vec::new(), payload: None, signature: None, ..record }
}
