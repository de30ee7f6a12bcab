//! What the writer knows by heart: how the requests stand that moved last, and where the ledger ends.

use std::collections::HashMap;

use approvals_core::id::Seq;
use approvals_core::ledger::Stream;
use approvals_core::state::State;
use rusqlite::Connection;

use super::error::Failure;
use super::rows;

/// Streams in one of the two generations.
const STREAMS: usize = 1_024;

/// The fold of a stream, and where its request was opened.
#[derive(Default)]
pub(super) struct Known {
    pub(super) state: State,
    pub(super) opened: Option<Seq>,
}

/// States that were read or written on one connection. A state does not grow with the notes of its request, so an append
/// costs the same whatever strangers add to one.
///
/// They hold as long as no other connection has committed, which SQLite tells, and go when the connection goes.
#[derive(Default)]
pub(super) struct Recent {
    version: Option<i64>,
    last: Seq,
    young: HashMap<Stream, Known>,
    old: HashMap<Stream, Known>,
}

impl Recent {
    /// Forgets everything if another connection has committed. To be called under the write lock. Gives the place of the
    /// last record.
    pub(super) fn check(&mut self, conn: &Connection) -> Result<Seq, Failure> {
        let version = conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if self.version != Some(version) {
            *self = Self { version: Some(version), last: rows::last(conn)?, ..Self::default() };
        }
        Ok(self.last)
    }

    /// How a stream stands, from memory or from the file.
    pub(super) fn known(&mut self, conn: &Connection, stream: Stream) -> Result<&mut Known, Failure> {
        if !self.young.contains_key(&stream) {
            let known = match (self.old.remove(&stream), stream) {
                (Some(known), _) => known,
                (None, Stream::Request(_)) => rows::known(conn, stream)?,
                // Not folded: what they hold are notes.
                (None, Stream::System | Stream::Allowed) => Known::default(),
            };
            if self.young.len() >= STREAMS {
                self.old = std::mem::take(&mut self.young);
            }
            self.young.insert(stream, known);
        }
        Ok(self.young.entry(stream).or_default())
    }

    /// The ledger reaches this far now.
    pub(super) fn reached(&mut self, last: Seq) {
        self.last = last;
    }
}
