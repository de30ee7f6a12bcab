use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use approvals_core::doctor::Severity;
use approvals_core::id::{NodeName, Seq};
use approvals_core::ledger::{Store as _, StoreErrorKind};
use approvals_stores::{Sqlite, SqliteOptions};
use rusqlite::Connection;
use tempfile::tempdir;

use super::opened;
use super::support::{everything, fresh_id, open, run, up};

fn names(folder: &Path) -> BTreeSet<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).collect()
}

#[test]
fn a_store_that_nobody_uses_is_read_without_a_trace_and_one_in_use_is_read_too() {
    run(async {
        let folder = tempdir().unwrap();
        // What a URI would take for something else.
        let path = folder.path().join("a b?c#d%41.db");
        let store = Sqlite::open(&path).await.unwrap();
        store.append(open(fresh_id())).await.unwrap();
        let looking = || Sqlite::open_with(&path, SqliteOptions::new().leaves_no_trace());
        let beside = looking().await.unwrap();
        assert_eq!(everything(&beside).await.unwrap().len(), 1);
        beside.close().await;
        store.append(up()).await.unwrap();
        store.close().await;

        let before = names(folder.path());
        let alone = looking().await.unwrap();
        assert_eq!(alone.last().await.unwrap(), Seq(2));
        assert_eq!(alone.append(up()).await.unwrap_err().kind(), &StoreErrorKind::ReadOnly);
        assert!(Sqlite::examine(&path).await.is_healthy());
        assert_eq!(names(folder.path()), before);
        alone.close().await;
        assert_eq!(names(folder.path()), before);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn whether_a_node_is_up_is_seen_without_taking_its_name() {
    run(async {
        let (_folder, path, store) = opened().await;
        let node = NodeName::new("host/bot");
        assert_eq!(store.is_up(&node), Some(false));
        let hold = store.hold_node(&node).await.unwrap().unwrap();
        let other = Sqlite::open_with(&path, SqliteOptions::new().read_only()).await.unwrap();
        assert_eq!(other.is_up(&node), Some(true));
        assert_eq!(other.is_up(&NodeName::new("host/bot/2")), Some(false));
        drop(hold);
        assert_eq!(other.is_up(&node), Some(false));
        assert!(store.hold_node(&node).await.unwrap().is_some());
    });
}

#[test]
fn a_store_that_keeps_no_log_is_told() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        Sqlite::open(&path).await.unwrap().close().await;
        Connection::open(&path).unwrap().execute_batch("PRAGMA journal_mode = DELETE").unwrap();
        let report = Sqlite::examine(&path).await;
        let finding = report.findings.iter().find(|finding| finding.check == "durability").unwrap();
        assert_eq!(finding.severity, Severity::Warning, "{report}");
        assert!(finding.says.contains("no write-ahead log"), "{report}");
    });
}

#[test]
fn a_second_name_and_a_later_format_are_told_with_the_remedy() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        Sqlite::open(&path).await.unwrap().close().await;
        let problem = |says: &'static str, remedy: &'static str| {
            let path = path.clone();
            async move {
                let report = Sqlite::examine(&path).await;
                let fits = |finding: &&approvals_core::doctor::Finding| {
                    finding.severity == Severity::Problem
                        && finding.says.contains(says)
                        && finding.remedy.as_ref().unwrap().contains(remedy)
                };
                assert!(report.findings.iter().any(|finding| fits(&finding)), "{report}");
            }
        };
        fs::hard_link(&path, folder.path().join("b.db")).unwrap();
        problem("2 names (hard links)", "remove the others").await;
        fs::remove_file(folder.path().join("b.db")).unwrap();
        Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
        problem("has format 2", "update the program").await;
    });
}
