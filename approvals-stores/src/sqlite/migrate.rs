//! From an earlier format of the tables to this program's. Records never change: what moves is how they are kept.

use rusqlite::{Connection, TransactionBehavior};

use super::error::Failure;

/// What brings the tables one format on: the first entry from 1 to 2, and so on. Appended to, never changed.
const STEPS: [&str; 0] = [];

/// Version of the tables. A program reads its own, brings earlier ones up to it, and refuses later ones.
pub(super) const FORMAT: i32 = format_after(&STEPS);

/// The program that gives a store its format, for whoever cannot read it.
pub(super) const BY: &str = concat!("approvals-stores ", env!("CARGO_PKG_VERSION"));

const fn format_after(steps: &[&str]) -> i32 {
    1 + steps.len() as i32
}

/// Brings the tables up to this program's format: all the way, or not at all.
pub(super) fn migrate(conn: &mut Connection) -> Result<(), Failure> {
    migrate_by(conn, &STEPS)
}

fn migrate_by(conn: &mut Connection, steps: &[&str]) -> Result<(), Failure> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read under the lock: another process may have been faster.
    let from: i32 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let done = usize::try_from(from.saturating_sub(1)).unwrap_or_default();
    for step in steps.iter().skip(done) {
        tx.execute_batch(step)?;
    }
    if done < steps.len() {
        tx.pragma_update(None, "user_version", format_after(steps))?;
        tx.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('format_by', ?1)", [BY])?;
    }
    tx.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: [&str; 2] = ["CREATE TABLE second (x TEXT)", "CREATE TABLE third (x INTEGER)"];

    fn store() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT); PRAGMA user_version = 1")
            .unwrap();
        conn
    }

    fn stands(conn: &Connection) -> (i32, Vec<String>) {
        let format = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        let mut tables =
            conn.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
        let tables = tables.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        (format, tables)
    }

    #[test]
    fn an_earlier_format_is_brought_up_step_by_step_and_says_by_whom() {
        let mut conn = store();
        migrate_by(&mut conn, &SOUND[..1]).unwrap();
        assert_eq!(stands(&conn), (2, vec!["facts".to_owned(), "second".to_owned()]));
        // The steps that were taken are not taken again.
        migrate_by(&mut conn, &SOUND).unwrap();
        assert_eq!(stands(&conn).0, 3);
        let by: String =
            conn.query_row("SELECT value FROM facts WHERE name = 'format_by'", [], |row| row.get(0)).unwrap();
        assert_eq!(by, BY);
    }

    #[test]
    fn a_step_that_fails_leaves_the_store_as_it_was() {
        let mut conn = store();
        assert!(migrate_by(&mut conn, &[SOUND[0], "CREATE TABLE facts (x)"]).is_err());
        assert_eq!(stands(&conn), (1, vec!["facts".to_owned()]));
    }

    #[test]
    fn a_store_of_todays_format_is_left_alone() {
        let mut conn = store();
        migrate_by(&mut conn, &[]).unwrap();
        let facts: i64 = conn.query_row("SELECT count(*) FROM facts", [], |row| row.get(0)).unwrap();
        assert_eq!((stands(&conn).0, facts), (1, 0));
    }
}
