//! Records and summaries as rows.

use approvals_core::id::{Seq, Version};
use approvals_core::ledger::{
    Append, Cursor, Draft, Event, Filter, Known as KnownRecord, NewEvent, Page, Payload, Record, SealError,
    Sealed, StoreError, StoreErrorKind, Stream, Summary, UnreadableRecord,
};
use approvals_core::state::State;
use approvals_core::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{CachedStatement, Connection, Row, params, params_from_iter};

use super::error::Failure;
use super::lately::{Lately, Written};
use super::recent::Known;

/// SQLite's integers are signed; a ledger ends long before it gets there.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn place(row: &Row<'_>, column: usize) -> rusqlite::Result<Seq> {
    Ok(Seq(u64::try_from(row.get::<_, i64>(column)?).unwrap_or_default()))
}

/// The place of the last record.
pub(super) fn last(conn: &Connection) -> Result<Seq, Failure> {
    let mut ask = conn.prepare_cached("SELECT coalesce(max(seq), 0) FROM records")?;
    Ok(ask.query_row([], |row| place(row, 0))?)
}

fn record(row: &Row<'_>, lately: &Lately) -> Result<Record, Failure> {
    let blob = |column| row.get_ref(column)?.as_blob_or_null().map_err(rusqlite::Error::from);
    let (seq, bytes, payload, signature) = (place(row, 0)?, blob(1)?, blob(2)?, blob(3)?);
    let bytes = bytes.unwrap_or_default();
    if let Some(record) = lately.get(seq, bytes, payload, signature) {
        return Ok(record);
    }
    Ok(Record::from_stored(seq, bytes.to_owned(), payload, signature.map(<[u8]>::to_owned))?)
}

/// All records of a stream, oldest first.
pub(super) fn history(conn: &Connection, lately: &Lately, stream: Stream) -> Result<Vec<Record>, Failure> {
    of_stream(conn, lately, stream, "SELECT seq, bytes, payload, signature FROM records WHERE stream = ?1")
}

/// The fold of a stream.
pub(super) fn known(conn: &Connection, stream: Stream) -> Result<Known, Failure> {
    // Whatever stands beside the records is left on the disk.
    let ask = "SELECT seq, bytes, NULL, NULL FROM records WHERE stream = ?1";
    let history = of_stream(conn, &Lately::default(), stream, ask)?;
    let state = State::fold(&history).map_err(|illegal| StoreError::from(SealError::Unreadable(illegal)))?;
    let opened = history.iter().find(|record| matches!(record.body.event, Event::Requested(_)));
    Ok(Known { state, opened: opened.map(|record| record.seq) })
}

/// The records of a stream past a known one; `None` if that is not there as it is known.
pub(super) fn history_past(
    conn: &Connection,
    lately: &Lately,
    stream: Stream,
    known: &KnownRecord,
) -> Result<Option<Vec<Record>>, Failure> {
    // Without the `+`, SQLite may go through all that is later, of whatever stream.
    let mut ask = conn.prepare_cached(
        "SELECT seq, bytes, payload, signature FROM records WHERE stream = ?1 AND +seq >= ?2",
    )?;
    let mut rows = ask.query(params![stream.to_string(), signed(known.seq.0)])?;
    let mut there = false;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if place(row, 0)? == known.seq {
            // Seen already, so that it is neither parsed nor is what stands beside it read.
            there = known.is(known.seq, row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?);
        } else {
            found.push(record_of(row, lately, stream)?);
        }
    }
    found.sort_unstable_by_key(|record| record.seq);
    Ok(there.then_some(found))
}

fn of_stream(conn: &Connection, lately: &Lately, stream: Stream, ask: &str) -> Result<Vec<Record>, Failure> {
    // Sorted below: with an ORDER BY, SQLite prepares the statement anew for each stream.
    let mut ask = conn.prepare_cached(ask)?;
    let mut rows = ask.query([stream.to_string()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(record_of(row, lately, stream)?);
    }
    found.sort_unstable_by_key(|record| record.seq);
    Ok(found)
}

/// A record that is kept under a stream, and belongs to it.
fn record_of(row: &Row<'_>, lately: &Lately, stream: Stream) -> Result<Record, Failure> {
    let record = record(row, lately)?;
    if record.body.stream != stream {
        let why = format!("it is kept under `{stream}` and says that it belongs to `{}`", record.body.stream);
        return Err(UnreadableRecord::Damaged { seq: record.seq, why }.into());
    }
    Ok(record)
}

/// Records of every stream past a place, in order.
pub(super) fn records(
    conn: &Connection,
    lately: &Lately,
    after: Seq,
    limit: usize,
) -> Result<Vec<Record>, Failure> {
    let mut ask = conn.prepare_cached(
        "SELECT seq, bytes, payload, signature FROM records WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let mut rows = ask.query(params![signed(after.0), at_most(limit)])?;
    let mut found = Vec::new();
    let mut due = after.next();
    while let Some(row) = rows.next()? {
        let record = record(row, lately)?;
        if record.seq != due {
            return Err(UnreadableRecord::Damaged { seq: due, why: "it is missing".to_owned() }.into());
        }
        due = due.next();
        found.push(record);
    }
    Ok(found)
}

/// An append as far as it is written down on the thread of its caller.
pub(super) struct Sheet {
    pub(super) draft: Draft,
    payloads: Vec<Option<Beside>>,
}

/// A payload, and as it is stored.
type Beside = (Payload, Vec<u8>);

impl Sheet {
    pub(super) fn new(mut append: Append) -> Result<Self, StoreError> {
        let beside = |payload: Payload| payload.to_bytes().map(|bytes| (payload, bytes));
        let payload = |new: &mut NewEvent| new.payload.take().map(beside).transpose();
        let payloads = append.events.iter_mut().map(payload).collect::<Result<_, _>>().map_err(unwritable)?;
        Ok(Self { draft: Draft::new(append)?, payloads })
    }

    /// Judges it, and makes its rows and the state after them.
    pub(super) fn judge(self, known: &Known, now: Timestamp) -> Result<(Known, Lines), StoreError> {
        let (state, mut records) = self.draft.seal(&known.state, now)?;
        // A note leaves the summary as it is.
        let moved = records.iter().any(|sealed| !sealed.body.event.is_note());
        let summary = match moved {
            true => records.last_mut().and_then(|sealed| sealed.summary.take()).map(Line::of).transpose()?,
            false => None,
        };
        let mut payloads = Vec::with_capacity(records.len());
        for (sealed, beside) in records.iter_mut().zip(self.payloads) {
            let (payload, bytes) = beside.unzip();
            sealed.payload = payload;
            payloads.push(bytes);
        }
        Ok((Known { state, opened: known.opened }, Lines { records, payloads, summary }))
    }
}

/// The rows of one append. Writing them can fail only by the database.
pub(super) struct Lines {
    records: Vec<Sealed>,
    /// As they are stored.
    payloads: Vec<Option<Vec<u8>>>,
    summary: Option<Line>,
}

impl Lines {
    /// What is told of them once they are written behind this place.
    pub(super) fn filed(self, behind: Seq, version: Version) -> Filed {
        let mut seq = behind;
        let written = |(sealed, payload)| {
            seq = seq.next();
            Written { record: Record::at(seq, sealed), payload }
        };
        let written = self.records.into_iter().zip(self.payloads).map(written).collect();
        Filed { seq, version, written }
    }
}

/// What was written of one append, and where it ends.
pub(super) struct Filed {
    pub(super) seq: Seq,
    pub(super) version: Version,
    pub(super) written: Vec<Written>,
}

/// The row of a summary.
pub(super) struct Line {
    summary: Summary,
    text: String,
}

impl Line {
    /// The row of a summary.
    pub(super) fn of(summary: Summary) -> Result<Self, StoreError> {
        let text = serde_json::to_string(&summary).map_err(unwritable)?;
        Ok(Self { summary, text })
    }
}

/// The two statements that write, prepared once for a whole commit.
pub(super) struct Quill<'conn> {
    records: CachedStatement<'conn>,
    summaries: CachedStatement<'conn>,
}

impl<'conn> Quill<'conn> {
    pub(super) fn new(conn: &'conn Connection) -> rusqlite::Result<Self> {
        let records = conn.prepare_cached(
            "INSERT INTO records (seq, stream, version, note, time, bytes, payload, signature)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let summaries = conn.prepare_cached(
            "INSERT INTO summaries (opened, phase, agent, deadline, summary) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (opened) DO UPDATE
             SET phase = excluded.phase, deadline = excluded.deadline, summary = excluded.summary",
        )?;
        Ok(Self { records, summaries })
    }

    /// Writes an append past a place. `opened` is where its request was opened, and is set if it is by this. Gives the
    /// place of its last record.
    pub(super) fn write(
        &mut self,
        lines: &Lines,
        last: Seq,
        opened: &mut Option<Seq>,
    ) -> rusqlite::Result<Seq> {
        let mut seq = last;
        for (sealed, payload) in lines.records.iter().zip(&lines.payloads) {
            seq = seq.next();
            let body = &sealed.body;
            self.records.execute(params![
                signed(seq.0),
                body.stream.to_string(),
                signed(body.version.0),
                if body.event.is_note() { signed(seq.0) } else { 0 },
                body.time.as_micros(),
                sealed.bytes,
                payload,
                sealed.signature.as_ref().map(|signature| signature.0.as_slice()),
            ])?;
            if matches!(body.event, Event::Requested(_)) {
                opened.get_or_insert(seq);
            }
        }
        if let Some((line, opened)) = lines.summary.as_ref().zip(*opened) {
            self.summarise(line, opened)?;
        }
        Ok(seq)
    }

    /// Brings the row of the request that was opened at a place up to date.
    pub(super) fn summarise(&mut self, line: &Line, opened: Seq) -> rusqlite::Result<()> {
        self.summaries.execute(params![
            signed(opened.0),
            line.summary.phase.as_str(),
            line.summary.agent.as_str(),
            line.summary.deadline.map(|deadline| deadline.as_micros()),
            line.text,
        ])?;
        Ok(())
    }
}

fn unwritable(error: serde_json::Error) -> StoreError {
    let message = "a record's values cannot be written down; look at the values of its call";
    StoreError::new(StoreErrorKind::Other, message).because(error)
}

/// Summaries that pass the filter, newest request first.
pub(super) fn list(
    conn: &Connection,
    filter: &Filter,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Page, Failure> {
    let mut sql = "SELECT opened, summary FROM summaries WHERE opened < ?".to_owned();
    let mut values = vec![Value::from(after.map_or(i64::MAX, |cursor| signed(cursor.0.0)))];
    if !filter.phases.is_empty() {
        let places = vec!["?"; filter.phases.len()].join(", ");
        sql.push_str(&format!(" AND phase IN ({places})"));
        values.extend(filter.phases.iter().map(|phase| Value::from(phase.as_str().to_owned())));
    }
    if let Some(agent) = &filter.agent {
        sql.push_str(" AND agent = ?");
        values.push(Value::from(agent.as_str().to_owned()));
    }
    sql.push_str(" ORDER BY opened DESC LIMIT ?");
    // One more than asked for says whether there is a next page.
    values.push(Value::from(at_most(limit.saturating_add(1))));

    let mut ask = conn.prepare_cached(&sql)?;
    let mut rows = ask.query(params_from_iter(values))?;
    let mut page = Page::default();
    let mut reached = None;
    while let Some(row) = rows.next()? {
        if page.summaries.len() == limit {
            page.next = reached.map(Cursor);
            break;
        }
        let opened = place(row, 0)?;
        let text = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        page.summaries.push(serde_json::from_str(text).map_err(|e| {
            let message =
                format!("the summary of the request opened at {opened} is damaged; rebuild the index");
            StoreError::new(StoreErrorKind::Corrupt, message).because(e)
        })?);
        reached = Some(opened);
    }
    Ok(page)
}
