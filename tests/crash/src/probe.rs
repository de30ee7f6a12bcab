//! What the store does not do, bare, for the controls: a weaker sync, and a sync that is tried again.

use std::fs::OpenOptions;
use std::io::Write as _;
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

/// Writes some lines, and says each that was synced, by the second try if need be.
pub(crate) fn stubborn(path: &Path) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    for row in 0..8 {
        file.write_all(format!("{row}\n").as_bytes())?;
        if file.sync_all().is_err() {
            file.sync_all()?;
        }
        Said::Row(row).aloud();
    }
    Ok(())
}
