use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use approvals_core::id::{NodeName, Seq};
use approvals_core::ledger::{Filter, Store as _, StoreError, StoreErrorKind};
use approvals_stores::{Sqlite, SqliteOptions};
use rusqlite::Connection;
use tempfile::tempdir;

use super::opened;
use super::support::{approve, approved, claim, fresh_id, open, run, up};

/// Makes a store of many pages and closes it.
async fn make(path: &Path) {
    let store = Sqlite::open(path).await.unwrap();
    for _ in 0..40 {
        store.append(open(fresh_id())).await.unwrap();
    }
    store.close().await;
}

/// Opens and reads everything.
async fn use_it(path: &Path) -> Result<(), StoreError> {
    let store = Sqlite::open(path).await?;
    store.records(Seq::START, usize::MAX).await?;
    store.list(&Filter::default(), None, usize::MAX).await?;
    Ok(())
}

#[test]
fn a_later_format_is_refused_and_left_alone() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        make(&path).await;
        let raw = Connection::open(&path).unwrap();
        raw.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA user_version = 2").unwrap();
        drop(raw);
        let before = fs::read(&path).unwrap();
        let refused = Sqlite::open(&path).await.unwrap_err();
        assert_eq!(refused.kind(), &StoreErrorKind::NewerFormat);
        assert!(refused.to_string().contains("update the program"), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), before);
    });
}

#[test]
fn a_file_that_is_no_store_is_refused_and_left_alone() {
    run(async {
        let folder = tempdir().unwrap();
        let text = folder.path().join("text");
        fs::write(&text, "people = []\n".repeat(400)).unwrap();
        let zeros = folder.path().join("zeros");
        fs::write(&zeros, [0; 8192]).unwrap();
        let foreign = folder.path().join("foreign");
        Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        let numbered = folder.path().join("numbered");
        Connection::open(&numbered).unwrap().execute_batch("PRAGMA application_id = 7").unwrap();
        // In the place of a table of ours, and without an end.
        let endless = folder.path().join("endless");
        Connection::open(&endless)
            .unwrap()
            .execute_batch(
                "PRAGMA application_id = 0x61707276; PRAGMA user_version = 1;
                 CREATE VIEW facts AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                 SELECT 'key_check' AS name, CAST(max(i) AS TEXT) AS value FROM n",
            )
            .unwrap();
        // Damaged so that its table is gone from the first page, whose cells are counted there.
        let emptied = folder.path().join("emptied");
        let mut bytes = fs::read(&foreign).unwrap();
        bytes[103..105].fill(0);
        fs::write(&emptied, bytes).unwrap();
        for path in [text, zeros, foreign, numbered, endless, emptied] {
            let before = fs::read(&path).unwrap();
            let refused = Sqlite::open(&path).await.unwrap_err();
            assert_eq!(refused.kind(), &StoreErrorKind::Corrupt, "{refused}");
            assert!(refused.to_string().contains(path.to_str().unwrap()), "{refused}");
            assert_eq!(fs::read(&path).unwrap(), before, "{}", path.display());
            assert!(!path.with_extension("key").exists());
        }
    });
}

#[test]
fn a_damaged_file_is_an_error_and_never_an_emptier_ledger() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        make(&path).await;
        let whole = fs::read(&path).unwrap();
        use_it(&path).await.unwrap();

        let mut header = whole.clone();
        header[..100].fill(0);
        let half = whole[..whole.len() / 2 / 4096 * 4096].to_vec();
        let mut noise = whole.clone();
        let mut random: u32 = 1;
        for byte in &mut noise[4096..] {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (random >> 24) as u8;
        }
        for damaged in [header, half, noise] {
            fs::write(&path, damaged).unwrap();
            let refused = use_it(&path).await.unwrap_err();
            assert_eq!(refused.kind(), &StoreErrorKind::Corrupt, "{refused}");
            assert!(refused.to_string().contains("keep the file"), "{refused}");
        }
    });
}

#[test]
fn a_changed_record_closes_its_request_and_no_other() {
    run(async {
        let (_folder, path, store) = opened().await;
        let (changed, _) = approved(&store).await.unwrap();
        let (other, _) = approved(&store).await.unwrap();
        let raw = Connection::open(&path).unwrap();
        raw.execute_batch(
            "DROP TRIGGER records_stand;
             UPDATE records SET bytes = CAST(replace(CAST(bytes AS TEXT), 'kim', 'kim ') AS BLOB) WHERE seq = 2;
             UPDATE records SET bytes = CAST(CAST(bytes AS TEXT) || ' ' AS BLOB) WHERE seq = 2;",
        )
        .unwrap();
        let refused = store.history(changed.into()).await.unwrap_err();
        assert_eq!(refused.kind(), &StoreErrorKind::Corrupt);
        assert!(refused.to_string().contains("record 2"), "{refused}");
        let (refused, claimed) = tokio::join!(store.append(claim(changed)), store.append(claim(other)));
        assert_eq!(refused.unwrap_err().kind(), &StoreErrorKind::Corrupt);
        claimed.unwrap();
    });
}

#[test]
fn a_record_under_the_name_of_another_request_counts_for_neither() {
    run(async {
        let (_folder, path, store) = opened().await;
        let (pending, yes) = (fresh_id(), fresh_id());
        store.append(open(pending)).await.unwrap();
        store.append(open(yes)).await.unwrap();
        store.append(approve(yes)).await.unwrap();
        let raw = Connection::open(&path).unwrap();
        raw.execute_batch("DROP TRIGGER records_stand").unwrap();
        raw.execute("UPDATE records SET stream = ?1 WHERE seq = 3", [pending.to_string()]).unwrap();
        let refused = store.append(claim(pending)).await.unwrap_err();
        assert_eq!(refused.kind(), &StoreErrorKind::Corrupt);
        assert_eq!(store.append(claim(yes)).await.unwrap_err().kind(), &StoreErrorKind::Conflict);
    });
}

#[test]
fn a_missing_record_is_found_by_whoever_reads_on() {
    run(async {
        let (_folder, path, store) = opened().await;
        for _ in 0..3 {
            store.append(up()).await.unwrap();
        }
        let raw = Connection::open(&path).unwrap();
        raw.execute_batch("DROP TRIGGER records_stay; DELETE FROM records WHERE seq = 2").unwrap();
        let refused = store.records(Seq::START, 10).await.unwrap_err();
        assert_eq!(refused.kind(), &StoreErrorKind::Corrupt);
        assert!(
            refused.to_string().contains("record 2") && refused.to_string().contains("missing"),
            "{refused}"
        );
        assert_eq!(store.records(Seq(2), 10).await.unwrap().len(), 1);
    });
}

#[test]
fn a_lock_that_another_process_keeps_is_busy_and_then_everything_goes_on() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let options = SqliteOptions::new().busy_timeout(std::time::Duration::from_millis(1));
        let store = Sqlite::open_with(&path, options).await.unwrap();
        let (id, _) = approved(&store).await.unwrap();
        let mut raw = Connection::open(&path).unwrap();
        let lock = raw.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        let refused = store.append(claim(id)).await.unwrap_err();
        assert_eq!(refused.kind(), &StoreErrorKind::Busy);
        assert!(refused.is_retryable() && refused.to_string().contains(path.to_str().unwrap()));
        assert_eq!(store.history(id.into()).await.unwrap().len(), 2);
        drop(lock);
        store.append(claim(id)).await.unwrap();
    });
}

#[test]
fn places_where_no_store_can_be_are_named_with_a_remedy() {
    run(async {
        let folder = tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for (path, kind, remedy) in [
            (file.join("a.db"), StoreErrorKind::Other, "create the folder"),
            (folder.path().join("none/a.db"), StoreErrorKind::Other, "create the folder"),
            (folder.path().to_owned(), StoreErrorKind::Unsuitable, "give the path of a file"),
            (":memory:".into(), StoreErrorKind::Unsuitable, "`Memory`"),
            ("".into(), StoreErrorKind::Unsuitable, "give the path of a file"),
        ] {
            let refused = Sqlite::open(&path).await.unwrap_err();
            assert_eq!(refused.kind(), &kind, "{refused}");
            assert!(refused.to_string().contains(remedy), "{refused}");
        }
    });
}

#[test]
fn a_store_that_was_opened_read_only_reads_and_refuses_the_rest() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let read_only = || SqliteOptions::new().read_only();
        assert!(Sqlite::open_with(&path, read_only()).await.is_err());
        assert!(!path.exists());

        let writing = Sqlite::open(&path).await.unwrap();
        let (id, _) = approved(&writing).await.unwrap();
        let store = Sqlite::open_with(&path, read_only()).await.unwrap();
        assert_eq!(store.history(id.into()).await.unwrap().len(), 2);
        for refused in [
            store.append(claim(id)).await.map(drop),
            store.hold_node(&NodeName::new("n")).await.map(drop),
            store.rebuild_index().await.map(drop),
        ] {
            assert_eq!(refused.unwrap_err().kind(), &StoreErrorKind::ReadOnly);
        }
        let (waited, appended) = tokio::join!(store.wait_past(Seq(2)), writing.append(claim(id)));
        waited.unwrap();
        appended.unwrap();
    });
}

#[test]
fn a_store_that_was_opened_without_its_key_is_written_and_not_made() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let without_key = || SqliteOptions::new().without_key();
        assert!(Sqlite::open_with(&path, without_key()).await.is_err());
        assert!(!path.exists());
        std::fs::write(&path, "").unwrap();
        let empty = Sqlite::open_with(&path, without_key()).await.unwrap_err();
        assert_eq!(empty.kind(), &StoreErrorKind::Corrupt);
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);

        let (id, _) = approved(&Sqlite::open(&path).await.unwrap()).await.unwrap();
        let key = folder.path().join("a.db.key");
        std::fs::remove_file(&key).unwrap();
        let store = Sqlite::open_with(&path, without_key()).await.unwrap();
        store.append(claim(id)).await.unwrap();
        assert_eq!(store.history(id.into()).await.unwrap().len(), 3);
        assert!(!key.exists());
        assert!(Sqlite::open(&path).await.is_err(), "a program that calls needs the very key");
    });
}

#[test]
fn a_link_to_the_file_is_the_same_store() {
    run(async {
        let folder = tempdir().unwrap();
        let (path, link) = (folder.path().join("a.db"), folder.path().join("link.db"));
        let store = Sqlite::open(&path).await.unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let linked = Sqlite::open(&link).await.unwrap();
        assert_eq!(linked.path(), store.path());
        let name = NodeName::new("n");
        let _hold = store.hold_node(&name).await.unwrap().unwrap();
        assert!(linked.hold_node(&name).await.unwrap().is_none());
    });
}

#[test]
fn a_torn_log_loses_only_what_it_tore() {
    run(async {
        let (folder, path, store) = opened().await;
        for _ in 0..3 {
            store.append(up()).await.unwrap();
        }
        // A copy of the files is what a power cut would leave; the last frame of the log is damaged.
        let copy = folder.path().join("copy.db");
        for ending in ["", "-wal", ".key"] {
            let name = |path: &Path| format!("{}{ending}", path.display());
            fs::copy(name(&path), name(&copy)).unwrap();
        }
        let log = OpenOptions::new().write(true).open(folder.path().join("copy.db-wal")).unwrap();
        let length = log.metadata().unwrap().len();
        log.write_at(b"torn", length - 4).unwrap();
        let torn = Sqlite::open(&copy).await.unwrap();
        assert_eq!(torn.last().await.unwrap(), Seq(2));
        assert_eq!(torn.append(up()).await.unwrap().seq, Seq(3));
        assert_eq!(torn.records(Seq::START, 10).await.unwrap().len(), 3);
    });
}
