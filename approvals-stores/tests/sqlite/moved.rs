//! Files that are linked, removed or put in another's place while they are in use: two ledgers under one name would
//! hand out one approval twice.

use approvals_core::ledger::{Store as _, StoreErrorKind};
use approvals_stores::Sqlite;
use std::fs;
use tempfile::tempdir;

use crate::support::*;

#[test]
fn a_file_with_two_names_is_refused_because_each_name_has_a_log_of_its_own() {
    run(async {
        let folder = tempdir().unwrap();
        let (path, other) = (folder.path().join("a.db"), folder.path().join("b.db"));
        Sqlite::open(&path).await.unwrap().close().await;
        fs::hard_link(&path, &other).unwrap();
        for name in [&path, &other] {
            let error = Sqlite::open(name).await.unwrap_err();
            assert_eq!(*error.kind(), StoreErrorKind::Unsuitable, "{error}");
            assert!(error.to_string().contains("link"), "{error}");
        }
        fs::remove_file(&other).unwrap();
        Sqlite::open(&path).await.unwrap();
    });
}

#[test]
fn a_file_that_was_removed_or_replaced_under_a_writer_takes_no_claim() {
    run(async {
        for replace in [false, true] {
            let folder = tempdir().unwrap();
            let (path, copy) = (folder.path().join("a.db"), folder.path().join("copy.db"));
            let store = Sqlite::open(&path).await.unwrap();
            let (id, _) = approved(&store).await.unwrap();
            fs::copy(&path, &copy).unwrap();
            fs::remove_file(&path).unwrap();
            if replace {
                fs::rename(&copy, &path).unwrap();
            }
            let error = store.append(claim(id)).await.unwrap_err();
            assert!(error.to_string().contains("removed or replaced"), "{error}");
            assert!(store.append(up()).await.is_err());
        }
    });
}

#[test]
fn a_file_that_gets_a_second_name_under_a_writer_takes_no_claim_until_that_is_gone() {
    run(async {
        let folder = tempdir().unwrap();
        let (path, other) = (folder.path().join("a.db"), folder.path().join("b.db"));
        let store = Sqlite::open(&path).await.unwrap();
        let (id, _) = approved(&store).await.unwrap();
        fs::hard_link(&path, &other).unwrap();
        assert!(store.append(claim(id)).await.is_err());
        fs::remove_file(&other).unwrap();
        store.append(claim(id)).await.unwrap();
    });
}
