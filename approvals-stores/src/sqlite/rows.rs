//! Records and summaries as rows.

use approvals_core::id::Seq;
use approvals_core::ledger::{
    Body, Cursor, Filter, Page, Record, Sealed, StoreError, StoreErrorKind, Stream, Summary, UnreadableRecord,
};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::error::Failure;

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

fn record(row: &Row<'_>) -> Result<Record, Failure> {
    let payload = row.get_ref(2)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
    Ok(Record::from_stored(place(row, 0)?, row.get(1)?, payload, row.get(3)?)?)
}

/// All records of a stream, oldest first.
pub(super) fn history(conn: &Connection, stream: Stream) -> Result<Vec<Record>, Failure> {
    // Sorted below: with an ORDER BY, SQLite prepares the statement anew for each stream.
    let ask = "SELECT seq, bytes, payload, signature FROM records WHERE stream = ?1";
    let mut ask = conn.prepare_cached(ask)?;
    let mut rows = ask.query([stream.to_string()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let record = record(row)?;
        if record.body.stream != stream {
            let why =
                format!("it is kept under `{stream}` and says that it belongs to `{}`", record.body.stream);
            return Err(UnreadableRecord::Damaged { seq: record.seq, why }.into());
        }
        found.push(record);
    }
    found.sort_unstable_by_key(|record| record.seq);
    Ok(found)
}

/// Records of every stream past a place, in order.
pub(super) fn records(conn: &Connection, after: Seq, limit: usize) -> Result<Vec<Record>, Failure> {
    let mut ask = conn.prepare_cached(
        "SELECT seq, bytes, payload, signature FROM records WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    )?;
    let mut rows = ask.query(params![signed(after.0), at_most(limit)])?;
    let mut found = Vec::new();
    let mut due = after.next();
    while let Some(row) = rows.next()? {
        let record = record(row)?;
        if record.seq != due {
            return Err(UnreadableRecord::Damaged { seq: due, why: "it is missing".to_owned() }.into());
        }
        due = due.next();
        found.push(record);
    }
    Ok(found)
}

/// One append, judged and turned into rows. Writing it can fail only by the database.
pub(super) struct Lines {
    records: Vec<(Sealed, Option<Vec<u8>>)>,
    /// Which of the records opens the request, unless one of an earlier append did.
    opens: usize,
    summary: Option<Line>,
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

    /// Brings the row of the request that was opened at a place up to date.
    pub(super) fn write(&self, conn: &Connection, opened: Seq) -> rusqlite::Result<()> {
        let mut put = conn.prepare_cached(
            "INSERT INTO summaries (opened, phase, agent, deadline, summary) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (opened) DO UPDATE
             SET phase = excluded.phase, deadline = excluded.deadline, summary = excluded.summary",
        )?;
        put.execute(params![
            signed(opened.0),
            self.summary.phase.as_str(),
            self.summary.agent.as_str(),
            self.summary.deadline.map(|deadline| deadline.as_micros()),
            self.text,
        ])?;
        Ok(())
    }
}

impl Lines {
    /// The rows of what was sealed.
    pub(super) fn of(mut sealed: Vec<Sealed>) -> Result<Self, StoreError> {
        let opens = sealed.iter().position(|sealed| sealed.summary.is_some()).unwrap_or(0);
        let now = sealed.last_mut().and_then(|sealed| sealed.summary.take());
        let summary = now.map(Line::of).transpose()?;
        let mut records = Vec::with_capacity(sealed.len());
        for mut sealed in sealed {
            let payload = sealed.payload.take();
            let payload = payload.map(|payload| payload.to_bytes()).transpose().map_err(unwritable)?;
            records.push((sealed, payload));
        }
        Ok(Self { records, opens, summary })
    }

    /// Writes the rows past a place: `opened` is where the request was opened before, if it was. Gives what the records
    /// say, each with its place.
    pub(super) fn write(
        self,
        conn: &Connection,
        last: Seq,
        mut opened: Option<Seq>,
    ) -> rusqlite::Result<Vec<(Seq, Body)>> {
        let mut put = conn.prepare_cached(
            "INSERT INTO records (seq, stream, version, note, time, bytes, payload, signature)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let mut seq = last;
        let mut written = Vec::with_capacity(self.records.len());
        for (index, (sealed, payload)) in self.records.into_iter().enumerate() {
            seq = seq.next();
            let body = sealed.body;
            put.execute(params![
                signed(seq.0),
                body.stream.to_string(),
                signed(body.version.0),
                if body.event.is_note() { signed(seq.0) } else { 0 },
                body.time.as_micros(),
                sealed.bytes,
                payload,
                sealed.signature.as_ref().map(|signature| signature.0.as_slice()),
            ])?;
            if index == self.opens {
                opened.get_or_insert(seq);
            }
            written.push((seq, body));
        }
        if let Some((line, opened)) = self.summary.zip(opened) {
            line.write(conn, opened)?;
        }
        Ok(written)
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
