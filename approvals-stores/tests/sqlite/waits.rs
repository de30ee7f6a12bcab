use approvals_core::id::Seq;
use approvals_core::ledger::Store as _;
use approvals_stores::Sqlite;
use tempfile::tempdir;

use super::opened;
use super::support::{run, up};

#[test]
fn a_commit_wakes_the_waiters_of_its_store() {
    run(async {
        let (_folder, _, store) = opened().await;
        let (waited, appended) = tokio::join!(store.wait_past(Seq::START), store.append(up()));
        waited.unwrap();
        appended.unwrap();
    });
}

#[test]
fn a_commit_through_another_handle_wakes_them_too() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let (one, other) = (Sqlite::open(&path).await.unwrap(), Sqlite::open(&path).await.unwrap());
        // Several rounds: the thread that looks parks between some of them and not between others.
        for round in 0..5 {
            let (waited, appended) = tokio::join!(one.wait_past(Seq(round)), other.append(up()));
            waited.unwrap();
            appended.unwrap();
            assert!(one.last().await.unwrap() > Seq(round));
        }
    });
}

#[test]
fn a_commit_that_came_before_the_waiter_is_not_missed() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let (one, other) = (Sqlite::open(&path).await.unwrap(), Sqlite::open(&path).await.unwrap());
        for round in 0..5 {
            other.append(up()).await.unwrap();
            one.wait_past(Seq(round)).await.unwrap();
        }
    });
}

#[test]
fn a_store_that_holds_records_already_wakes_whoever_is_behind() {
    run(async {
        let (_folder, path, store) = opened().await;
        store.append(up()).await.unwrap();
        store.close().await;
        Sqlite::open(&path).await.unwrap().wait_past(Seq::START).await.unwrap();
    });
}
