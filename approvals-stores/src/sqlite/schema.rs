//! What is kept where, and how a connection to it is opened.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use approvals_core::card::visible;
use approvals_core::ledger::{StoreError, StoreErrorKind};
use approvals_core::request::StoreKey;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, TransactionBehavior};

use super::error::Failure;
use super::migrate::{BY, FORMAT, migrate};
use super::{SqliteOptions, key, place};

/// `aprv`: says in the header whose file it is.
const APPLICATION: i32 = 0x6170_7276;

/// Few indexes, because each is one more page in every commit. That of the records does two things: it finds those of a
/// stream, in order, and has room for one move to a version (`note` is 0), beside any number of notes (theirs is `seq`).
const TABLES: &str = "
    CREATE TABLE records (
        seq INTEGER PRIMARY KEY,
        stream TEXT NOT NULL,
        version INTEGER NOT NULL,
        note INTEGER NOT NULL,
        time INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        payload BLOB,
        signature BLOB
    ) STRICT;
    CREATE UNIQUE INDEX stream_moves_once ON records (stream, version, note);
    CREATE TRIGGER records_stay BEFORE DELETE ON records
        BEGIN SELECT raise(ABORT, 'a record is never removed'); END;
    CREATE TRIGGER records_stand BEFORE UPDATE OF seq, stream, version, note, time, bytes ON records
        BEGIN SELECT raise(ABORT, 'a record is never changed'); END;

    CREATE TABLE summaries (
        opened INTEGER PRIMARY KEY,
        phase TEXT NOT NULL,
        agent TEXT NOT NULL,
        deadline INTEGER,
        summary TEXT NOT NULL
    ) STRICT;
    CREATE INDEX summaries_in_phase ON summaries (phase, opened);

    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
";

/// Most memory for the pages of the connection that writes, in KiB, which SQLite takes as a negative number.
const CACHE_KIB: i32 = -6_144;

/// The same for one that reads: a request, a page, what is new. The system has the file in its cache as well.
const READ_CACHE_KIB: i32 = -512;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Write,
    Read,
    /// Reads here and writes a new file elsewhere, which SQLite does not let a reader do.
    Copy,
}

/// A connection to a file that exists.
pub(super) fn connect(path: &Path, options: &SqliteOptions, for_: Use) -> Result<Connection, Failure> {
    place::refuse_pipes(path)?;
    let access =
        if options.read_only { OpenFlags::SQLITE_OPEN_READ_ONLY } else { OpenFlags::SQLITE_OPEN_READ_WRITE };
    let access = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = match options.leaves_no_trace && !place::beside(path, "-wal").exists() {
        // Or SQLite would make a log and its index only to read none.
        true => Connection::open_with_flags(immutable(path), access | OpenFlags::SQLITE_OPEN_URI)?,
        false => Connection::open_with_flags(path, access)?,
    };
    conn.busy_timeout(options.busy_timeout)?;
    // FULL: with NORMAL a power cut loses commits that were acknowledged. The two of fullfsync say the same to macOS.
    conn.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
         PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;",
    )?;
    if for_ == Use::Write {
        // A thousand requests and the pages of the index that they fall on stay in memory until they are committed.
        conn.pragma_update(None, "cache_size", CACHE_KIB)?;
    }
    if for_ == Use::Read {
        conn.execute_batch("PRAGMA query_only = ON;")?;
        conn.pragma_update(None, "cache_size", READ_CACHE_KIB)?;
    }
    #[cfg(test)]
    if let Some(pages) = options.max_pages {
        conn.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    Ok(conn)
}

/// The path as a URI that has SQLite neither lock nor make a file (<https://www.sqlite.org/uri.html>).
fn immutable(path: &Path) -> String {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => {
                uri.push(char::from(*byte))
            }
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri + "?immutable=1"
}

/// Makes sure that the file is a store of ours that this program can read, and makes it one if it is empty. Gives the
/// key that goes with it.
pub(super) fn prepare(
    conn: &mut Connection,
    path: &Path,
    options: &SqliteOptions,
) -> Result<StoreKey, Failure> {
    // Judged before anything is written: a file that is not ours stays as it is.
    let found = recognise(conn, path)?;
    let is_older = found.as_ref().is_some_and(|found| found.format < FORMAT);
    let made_with = found.map(|found| found.check);
    if options.must_exist() {
        if made_with.is_none() {
            return Err(empty(path).into());
        }
        if is_older {
            return Err(older(path).into());
        }
        if !options.read_only {
            keep_a_write_ahead_log(conn, path, options.busy_timeout)?;
        }
        return spare_key(path, options);
    }
    let key = match made_with {
        Some(_) => key::load(path, options)?.ok_or_else(|| key::missing(path))?,
        None => key::load_or_make(path, options)?,
    };
    keep_a_write_ahead_log(conn, path, options.busy_timeout)?;
    let check = key::check(&key).to_hex();
    let made_with = match made_with {
        Some(check) => check,
        None => create(conn, path, &check)?,
    };
    if made_with != check {
        return Err(key::mismatch(path).into());
    }
    if is_older {
        migrate(conn)?;
    }
    Ok(key)
}

/// A store that is there already.
pub(super) struct Found {
    /// The check of the key that it was made with.
    pub(super) check: String,
    format: i32,
}

/// What the file is, or `None` for an empty one.
pub(super) fn recognise(conn: &Connection, path: &Path) -> Result<Option<Found>, Failure> {
    let number = |pragma: &str| conn.query_row(pragma, [], |row| row.get::<_, i32>(0));
    // One transaction, so that a store which another process just makes is seen whole or not at all.
    let snapshot = conn.unchecked_transaction()?;
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    // A store has none, and to read one may take for ever.
    let views: i64 =
        conn.query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'view'", [], |row| row.get(0))?;
    let application = number("PRAGMA application_id")?;
    let format = number("PRAGMA user_version")?;
    match application {
        _ if views > 0 => Err(foreign(path).into()),
        APPLICATION if format > FORMAT => Err(newer(conn, path, format).into()),
        APPLICATION if format > 0 => {
            let check = "SELECT value FROM facts WHERE name = 'key_check'";
            let check = conn.query_row(check, [], |row| row.get(0)).optional()?;
            snapshot.finish()?;
            check.map(|check| Some(Found { check, format })).ok_or_else(|| foreign(path).into())
        }
        // What looks empty and is not sound may have been something else.
        0 if tables == 0 && format == 0 && is_sound(conn)? => Ok(None),
        _ => Err(foreign(path).into()),
    }
}

fn is_sound(conn: &Connection) -> rusqlite::Result<bool> {
    conn.query_row("PRAGMA quick_check(1)", [], |row| Ok(row.get::<_, String>(0)? == "ok"))
}

/// Makes the tables, unless another process was faster. Gives the check of the key that they were made with.
fn create(conn: &mut Connection, path: &Path, check: &str) -> Result<String, Failure> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let tables: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        tx.finish()?;
        let found = recognise(conn, path)?.ok_or_else(|| foreign(path))?;
        return Ok(found.check);
    }
    tx.execute_batch(TABLES)?;
    tx.execute("INSERT INTO facts (name, value) VALUES ('key_check', ?1), ('format_by', ?2)", [check, BY])?;
    tx.pragma_update(None, "application_id", APPLICATION)?;
    tx.pragma_update(None, "user_version", FORMAT)?;
    tx.commit()?;
    Ok(check.to_owned())
}

fn keep_a_write_ahead_log(conn: &Connection, path: &Path, patience: Duration) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        match turn_log_on(conn) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(_) => {
                let message = format!(
                    "`{}` cannot keep a write-ahead log where it stands; move the store to a local disk",
                    path.display()
                );
                return Err(StoreError::new(StoreErrorKind::Unsuitable, message).into());
            }
            // SQLite does not wait here when another process turns the log on at the same time.
            Err(e)
                if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && begun.elapsed() < patience =>
            {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(e) => return Err(e.into()),
        }
    }
}

/// Gives the mode that the file is in then.
fn turn_log_on(conn: &Connection) -> rusqlite::Result<String> {
    let mut turn = conn.prepare("PRAGMA journal_mode = WAL")?;
    let mut rows = turn.query([])?;
    let mode = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?.get(0)?;
    // It commits after it has answered, and says only here that it could not.
    while rows.next()?.is_some() {}
    Ok(mode)
}

/// Whoever only reads or reviews may not be allowed to read the key, and needs none.
fn spare_key(path: &Path, options: &SqliteOptions) -> Result<StoreKey, Failure> {
    if let Ok(Some(key)) = key::load(path, options) {
        return Ok(key);
    }
    let (key, _) = StoreKey::fresh(&approvals_core::id::SystemChance)
        .map_err(|e| StoreError::new(StoreErrorKind::Other, e.to_string()))?;
    Ok(key)
}

fn newer(conn: &Connection, path: &Path, format: i32) -> StoreError {
    // A later format may have no such fact any more.
    let by = conn.query_row("SELECT value FROM facts WHERE name = 'format_by'", [], |row| row.get(0));
    let by = by.map_or_else(|_| String::new(), |by: String| format!(", made by `{}`", visible(&by)));
    let message = format!(
        "`{}` has format {format}{by}; this program reads up to {FORMAT}: update the program",
        path.display()
    );
    StoreError::new(StoreErrorKind::NewerFormat, message)
}

fn older(path: &Path) -> StoreError {
    let message = format!(
        "`{}` has a format before {FORMAT}; let the program that writes the store open it first, in this version, then \
         read it",
        path.display()
    );
    StoreError::new(StoreErrorKind::Unsuitable, message)
}

fn foreign(path: &Path) -> StoreError {
    let message =
        format!("`{}` is the database of another program; choose another path for the store", path.display());
    StoreError::new(StoreErrorKind::Corrupt, message)
}

pub(super) fn empty(path: &Path) -> StoreError {
    let message = format!(
        "`{}` is empty; let the program that writes the store open it first, then read it",
        path.display()
    );
    StoreError::new(StoreErrorKind::Corrupt, message)
}
