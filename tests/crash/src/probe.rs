//! A bare database, for the control: what a weaker setting than the store's loses when power is cut.

use std::path::Path;

use rusqlite::Connection;

use crate::say::Said;

/// Writes a row to a commit until it fails, and says each that was acknowledged.
pub(crate) fn probe(path: &Path, synchronous: &str) -> anyhow::Result<()> {
    let conn = Connection::open(path)?;
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", synchronous)?;
    conn.execute_batch("CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, text TEXT)")?;
    Said::Up.aloud();
    loop {
        conn.execute("INSERT INTO rows (text) VALUES (hex(randomblob(200)))", [])?;
        Said::Row(u64::try_from(conn.last_insert_rowid())?).aloud();
    }
}
