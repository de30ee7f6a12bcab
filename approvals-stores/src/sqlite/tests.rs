#[allow(dead_code, reason = "shared with the tests outside, which need more of it")]
#[path = "../../tests/sqlite/support.rs"]
mod support;

use approvals_core::id::Seq;
use approvals_core::ledger::{Store as _, StoreErrorKind};
use rusqlite::types::Value;
use tempfile::tempdir;

use self::support::{everything, fresh_id, open, run, up};
use super::schema::{Use, connect};
use super::{Sqlite, SqliteOptions};

#[test]
fn the_thread_that_looks_is_parked_while_nobody_waits() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let (one, other) = (Sqlite::open(&path).await.unwrap(), Sqlite::open(&path).await.unwrap());
        let watch = &one.0.watch;
        other.append(up()).await.unwrap();
        assert_eq!(watch.looks(), 0);

        let (waited, appended) = tokio::join!(one.wait_past(Seq(1)), other.append(up()));
        waited.unwrap();
        appended.unwrap();
        watch.until_parked();
        let looks = watch.looks();
        assert!(looks > 0);
        for _ in 0..20 {
            other.append(up()).await.unwrap();
        }
        assert_eq!(watch.looks(), looks);

        one.wait_past(Seq(21)).await.unwrap();
        assert!(watch.looks() > looks);
    });
}

#[test]
fn every_connection_syncs_its_log_at_each_commit_and_reads_change_nothing() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let store = Sqlite::open(&path).await.unwrap();
        for for_ in [Use::Write, Use::Read] {
            let conn = connect(store.path(), &SqliteOptions::new(), for_).unwrap();
            let pragma = |name: &str| {
                conn.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, Value>(0)).unwrap()
            };
            assert_eq!(pragma("synchronous"), Value::Integer(2));
            assert_eq!(pragma("journal_mode"), Value::Text("wal".to_owned()));
            let written = conn.execute("INSERT INTO facts VALUES ('a', 'b')", []);
            assert_eq!(written.is_ok(), for_ == Use::Write);
        }
    });
}

#[test]
fn a_full_disk_is_an_error_that_keeps_what_was_answered_and_room_ends_it() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let small = SqliteOptions { max_pages: Some(40), ..SqliteOptions::new() };
        let store = Sqlite::open_with(&path, small).await.unwrap();
        let mut answered = Seq::START;
        let refused = loop {
            match store.append(open(fresh_id())).await {
                Ok(appended) => answered = appended.seq,
                Err(refused) => break refused,
            }
        };
        assert!(answered > Seq::START);
        assert_eq!(refused.kind(), &StoreErrorKind::Full);
        assert!(refused.is_retryable());
        let message = refused.to_string();
        assert!(message.contains(path.to_str().unwrap()) && message.contains("free space"), "{message}");
        // Reading goes on, and so does the next append that finds no room.
        assert_eq!(store.last().await.unwrap(), answered);
        assert_eq!(store.append(open(fresh_id())).await.unwrap_err().kind(), &StoreErrorKind::Full);
        store.close().await;

        let store = Sqlite::open(&path).await.unwrap();
        assert_eq!(everything(&store).await.unwrap().len() as u64, answered.0);
        assert_eq!(store.append(open(fresh_id())).await.unwrap().seq, answered.next());
    });
}
