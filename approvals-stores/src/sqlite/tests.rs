#[allow(dead_code, reason = "shared with the tests outside, which need more of it")]
#[path = "../../tests/sqlite/support.rs"]
mod support;

use std::path::Path;
use std::time::{Duration, SystemTime};

use approvals_core::id::Seq;
use approvals_core::ledger::{Store as _, StoreErrorKind};
use rusqlite::types::Value;
use tempfile::tempdir;

use self::support::{approve, everything, fresh_id, note, open, run, up};
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

/// Says that the log was last written so long ago.
fn age(path: &Path, minutes: u64) {
    let log = std::fs::File::options().write(true).open(path.with_extension("db-wal")).unwrap();
    log.set_modified(SystemTime::now() - Duration::from_secs(60 * minutes)).unwrap();
}

/// Waits until the thread leaves it to the file system to say that nothing was written.
async fn rests(store: &Sqlite, seen: Seq) {
    let watch = &store.0.watch;
    let asks_no_more = async {
        let (mut looks, mut asked) = (watch.looks(), watch.asked());
        while watch.looks() < looks + 5 {
            tokio::task::yield_now().await;
            if watch.asked() != asked {
                (looks, asked) = (watch.looks(), watch.asked());
            }
        }
    };
    tokio::select! {
        waited = store.wait_past(seen) => panic!("{waited:?}, and nothing was written"),
        () = asks_no_more => {}
    }
    watch.until_parked();
}

/// Within so many looks.
async fn is_woken(store: &Sqlite, seen: Seq, looks: u64) {
    let watch = &store.0.watch;
    let until = watch.looks() + looks;
    let too_late = async {
        while watch.looks() <= until {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        waited = store.wait_past(seen) => waited.unwrap(),
        () = too_late => panic!("not noticed within {looks} looks"),
    }
}

#[test]
fn a_commit_that_came_while_nobody_looked_is_noticed_at_the_next_look_however_long_ago_it_was() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let (one, other) = (Sqlite::open(&path).await.unwrap(), Sqlite::open(&path).await.unwrap());
        other.append(up()).await.unwrap();
        age(&path, 10);
        rests(&one, Seq(1)).await;
        other.append(up()).await.unwrap();
        age(&path, 5);
        is_woken(&one, Seq(1), 2).await;
    });
}

#[test]
fn a_commit_of_which_the_file_system_shows_nothing_is_noticed_within_a_second() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let (one, other) = (Sqlite::open(&path).await.unwrap(), Sqlite::open(&path).await.unwrap());
        for _ in 0..20 {
            other.append(up()).await.unwrap();
        }
        // The next commit writes over the beginning of the log, which stays as long as it is.
        let conn = connect(&path, &SqliteOptions::new(), Use::Write).unwrap();
        conn.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
        age(&path, 10);
        let log = path.with_extension("db-wal").metadata().unwrap();
        rests(&one, Seq(20)).await;
        let looks = one.0.watch.looks();
        other.append(up()).await.unwrap();
        let written = std::fs::File::options().write(true).open(path.with_extension("db-wal")).unwrap();
        written.set_modified(log.modified().unwrap()).unwrap();
        assert_eq!(written.metadata().unwrap().len(), log.len());
        is_woken(&one, Seq(20), 150).await;
        assert!(one.0.watch.looks() > looks);
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

/// A store that keeps back what may wait until something else comes, however long that takes.
async fn patient(path: &Path) -> Sqlite {
    let patient = SqliteOptions { company: Duration::MAX, ..SqliteOptions::new() };
    Sqlite::open_with(path, patient).await.unwrap()
}

/// Returns once the thread that writes has come to everything that was handed over before.
async fn come_round(store: &Sqlite) {
    store.rebuild_index().await.unwrap();
}

/// How many commits the write-ahead log has: of its frames, those that end one say how many pages the file has then
/// (<https://www.sqlite.org/fileformat2.html#walformat>).
fn commits(path: &Path) -> usize {
    let log = std::fs::read(path.with_extension("db-wal")).unwrap();
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
    let page = usize::try_from(number(&log[8..12])).unwrap();
    log[32..].chunks_exact(24 + page).filter(|frame| number(&frame[4..8]) > 0).count()
}

#[test]
fn what_may_wait_is_committed_with_the_next_append_and_in_its_place() {
    run(async {
        let folder = tempdir().unwrap();
        let store = patient(&folder.path().join("a.db")).await;
        let id = fresh_id();
        store.append(open(id)).await.unwrap();

        let appends = async {
            come_round(&store).await;
            assert_eq!(store.last().await.unwrap(), Seq(1), "it did not wait");
            let before = commits(store.path());
            (before, store.append(approve(id)).await.unwrap())
        };
        let (noted, (before, approved)) = tokio::join!(store.append_along(note(id)), appends);
        assert_eq!((noted.unwrap().seq, approved.seq), (Seq(2), Seq(3)));
        assert_eq!(commits(store.path()), before + 1);
        let names: Vec<_> =
            store.history(id.into()).await.unwrap().iter().map(|record| record.body.event.name()).collect();
        assert_eq!(names, ["requested", "updated", "reviewed"]);
    });
}

#[test]
fn what_may_wait_waits_no_longer_than_it_may() {
    run(async {
        let folder = tempdir().unwrap();
        let at_once = SqliteOptions { company: Duration::ZERO, ..SqliteOptions::new() };
        let store = Sqlite::open_with(folder.path().join("a.db"), at_once).await.unwrap();
        assert_eq!(store.append_along(up()).await.unwrap().seq, Seq(1));
    });
}

#[test]
fn enough_of_what_may_wait_is_company() {
    run(async {
        let folder = tempdir().unwrap();
        let store = patient(&folder.path().join("a.db")).await;
        let mut appends = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let store = store.clone();
            appends.spawn(async move { store.append_along(up()).await });
        }
        let told = appends.join_all().await;
        let mut seqs: Vec<_> = told.into_iter().map(|told| told.unwrap().seq.0).collect();
        seqs.sort_unstable();
        assert_eq!(seqs, (1..=16).collect::<Vec<_>>());
    });
}

#[test]
fn closing_the_store_commits_what_waits() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let store = patient(&path).await;
        let close = async {
            come_round(&store).await;
            store.close().await;
        };
        let (noted, ()) = tokio::join!(store.append_along(up()), close);
        assert_eq!(noted.unwrap().seq, Seq(1));
        let store = Sqlite::open(&path).await.unwrap();
        assert_eq!(store.last().await.unwrap(), Seq(1));
    });
}

#[test]
fn what_may_wait_is_written_although_its_caller_is_gone() {
    run(async {
        let folder = tempdir().unwrap();
        let store = patient(&folder.path().join("a.db")).await;
        tokio::select! {
            biased;
            _ = store.append_along(up()) => unreachable!("it did not wait"),
            () = come_round(&store) => {}
        }
        assert_eq!(store.append(up()).await.unwrap().seq, Seq(2));
    });
}
