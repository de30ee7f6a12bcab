use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use approvals_core::id::Seq;
use approvals_core::ledger::{Event, Filter, Store as _, StoreErrorKind};
use approvals_core::state::{Phase, State};
use approvals_stores::{Sqlite, SqliteOptions};
use rusqlite::Connection;
use tempfile::tempdir;

use super::opened;
use super::support::{append, approved, claim, everything, fresh_id, open, run, up};

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

/// Opens a backup as it would be after a restore, with the key of the store.
async fn restored(backup: &Path, key_of: &Path) -> Sqlite {
    let key = key_of.with_extension("db.key");
    fs::copy(key, backup.with_extension("db.key")).unwrap();
    Sqlite::open(backup).await.unwrap()
}

#[test]
fn a_backup_under_load_is_one_moment_of_the_ledger_and_goes_on_from_there() {
    run(async {
        let (folder, path, store) = opened().await;
        approved(&store).await.unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (writes, writing) = (Arc::clone(&stop), store.clone());
        let writer = tokio::spawn(async move {
            while !writes.load(Ordering::Relaxed) {
                approved(&writing).await.unwrap();
            }
        });
        for round in 0..5 {
            let to = folder.path().join(format!("copy-{round}.db"));
            // So that each copy has something to tell.
            store.wait_past(store.last().await.unwrap()).await.unwrap();
            let last = store.backup(&to).await.unwrap();
            let copy = restored(&to, &path).await;
            let records = everything(&copy).await.unwrap();
            assert_eq!(records.len() as u64, last.0);
            // Every record as it is in the store, and every index entry the fold of its records.
            let original = store.records(Seq::START, records.len()).await.unwrap();
            assert_eq!(records, original);
            let listed = copy.list(&Filter::default(), None, usize::MAX).await.unwrap().summaries;
            for summary in &listed {
                let history = copy.history(summary.id.into()).await.unwrap();
                assert_eq!(State::fold(&history).unwrap().phase(), summary.phase);
            }
            // Opened in one commit and approved in another: at most the last is between the two.
            assert!(listed.iter().filter(|summary| summary.phase == Phase::Pending).count() <= 1);
            assert_eq!(copy.append(up()).await.unwrap().seq, last.next());
            copy.close().await;
        }
        stop.store(true, Ordering::Relaxed);
        writer.await.unwrap();
        store.close().await;
    });
}

#[test]
fn a_backup_is_one_file_of_its_user_without_the_key() {
    run(async {
        let (folder, target) = (tempdir().unwrap(), tempdir().unwrap());
        let store = Sqlite::open(folder.path().join("a.db")).await.unwrap();
        store.append(open(fresh_id())).await.unwrap();
        let to = target.path().join("copy.db");
        assert_eq!(store.backup(&to).await.unwrap(), Seq(1));
        assert_eq!(names(target.path()), ["copy.db"]);
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
        let refused = Sqlite::open(&to).await.unwrap_err();
        assert!(refused.to_string().contains("key"), "{refused}");
        // To look at it, no key is needed.
        let read = Sqlite::open_with(&to, SqliteOptions::new().read_only()).await.unwrap();
        assert_eq!(read.last().await.unwrap(), Seq(1));
    });
}

#[test]
fn a_backup_replaces_nothing_and_one_that_fails_leaves_nothing() {
    run(async {
        let (folder, path, store) = opened().await;
        let there = folder.path().join("there");
        fs::write(&there, "mine").unwrap();
        let dangling = folder.path().join("dangling");
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &dangling).unwrap();
        let before = names(folder.path());
        for to in [&there, &path, &dangling] {
            let refused = store.backup(to).await.unwrap_err();
            assert_eq!(refused.kind(), &StoreErrorKind::Unsuitable);
            assert!(refused.to_string().contains("another name"), "{refused}");
        }
        let nowhere = store.backup(folder.path().join("no/such/folder/copy.db")).await.unwrap_err();
        assert!(nowhere.to_string().contains("create the folder"), "{nowhere}");
        assert_eq!((names(folder.path()), fs::read_to_string(&there).unwrap()), (before, "mine".to_owned()));
    });
}

#[test]
fn who_may_only_read_the_store_can_back_it_up() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let writer = Sqlite::open(&path).await.unwrap();
        writer.append(open(fresh_id())).await.unwrap();
        let reader = Sqlite::open_with(&path, SqliteOptions::new().read_only()).await.unwrap();
        assert_eq!(reader.backup(folder.path().join("copy.db")).await.unwrap(), Seq(1));
    });
}

#[test]
fn a_backup_that_is_put_back_beside_the_log_of_the_store_it_replaces_is_refused() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let copy = folder.path().join("copy.db");
        let store = Sqlite::open(&path).await.unwrap();
        store.append(open(fresh_id())).await.unwrap();
        store.backup(&copy).await.unwrap();
        store.append(open(fresh_id())).await.unwrap();
        let log = folder.path().join("a.db-wal");
        let stale = fs::read(&log).unwrap();
        store.close().await;
        assert!(!stale.is_empty());
        fs::copy(&copy, &path).unwrap();
        fs::write(&log, &stale).unwrap();
        let before = fs::read(&path).unwrap();
        let refused = Sqlite::open(&path).await.unwrap_err();
        assert_eq!(refused.kind(), &StoreErrorKind::Corrupt);
        assert!(
            refused.to_string().contains("move") && refused.to_string().contains("a.db-wal"),
            "{refused}"
        );
        assert_eq!((fs::read(&path).unwrap(), fs::read(&log).unwrap()), (before, stale));
        // The remedy works.
        fs::remove_file(&log).unwrap();
        assert_eq!(Sqlite::open(&path).await.unwrap().last().await.unwrap(), Seq(1));
    });
}

#[test]
fn a_file_that_was_copied_without_its_log_is_an_earlier_ledger_and_never_another_one() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let bare = folder.path().join("bare.db");
        let store = Sqlite::open(&path).await.unwrap();
        for _ in 0..20 {
            approved(&store).await.unwrap();
        }
        let raw = Connection::open(&path).unwrap();
        raw.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
        approved(&store).await.unwrap();
        let whole = everything(&store).await.unwrap();
        fs::copy(&path, &bare).unwrap();
        let copied = everything(&restored(&bare, &path).await).await.unwrap();
        // What stood in the log alone is missing, and nothing can tell: docs/operating.md says to use `backup`.
        assert!(copied.len() < whole.len());
        assert_eq!(copied, whole[..copied.len()]);
    });
}

#[test]
fn a_store_that_is_rolled_back_to_before_a_claim_has_forgotten_it() {
    run(async {
        let (folder, path, store) = opened().await;
        let (id, _) = approved(&store).await.unwrap();
        let copy = folder.path().join("copy.db");
        store.backup(&copy).await.unwrap();
        store.append(claim(id)).await.unwrap();
        // The limit that the documents state: no protocol in the file can tell.
        let back = restored(&copy, &path).await;
        assert_eq!(State::fold(&back.history(id.into()).await.unwrap()).unwrap().phase(), Phase::Approved);
        // What docs/operating.md says to do: a person calls off what was approved at the time of the backup.
        let revoked =
            Event::Cancelled { by: Some("kim".into()), why: approvals_core::ledger::CancelWhy::Revoked };
        back.append(append(id, 2, [revoked.into()])).await.unwrap();
        assert!(back.append(claim(id)).await.is_err());
    });
}
