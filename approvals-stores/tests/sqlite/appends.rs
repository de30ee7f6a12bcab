use std::sync::Arc;
use std::time::Duration;

use approvals_core::id::{Seq, Version};
use approvals_core::ledger::{
    Append, Event, Filter, NewEvent, Signature, Store as _, StoreErrorKind, Stream, Summary,
};
use approvals_core::state::{Phase, State};
use approvals_stores::{Sqlite, SqliteOptions};
use rusqlite::Connection;
use tempfile::tempdir;

use super::opened;
use super::support::{
    HandClock, append, approve, approved, asked, claim, commits_in_log, everything, fresh_id, note, open,
    open_by, payload, run, up,
};

#[test]
fn what_was_appended_is_read_back_byte_for_byte_after_reopening() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let id = fresh_id();
        let store = Sqlite::open(&path).await.unwrap();
        let signed = NewEvent {
            event: Event::Requested(asked("deploy-bot").into()),
            payload: Some(payload()),
            signature: Some(Signature(vec![0, 1, 255])),
        };
        let appended = store.append(append(id, 0, [signed])).await.unwrap();
        assert_eq!((appended.seq, appended.version), (Seq(1), Version(1)));
        let before = store.history(id.into()).await.unwrap();
        store.close().await;

        let store = Sqlite::open(&path).await.unwrap();
        let after = store.history(id.into()).await.unwrap();
        assert_eq!(before, after);
        let [record] = after.as_slice() else { panic!("{} records", after.len()) };
        assert_eq!(record.payload.as_deref(), Some(&payload()));
        assert_eq!(record.signature, Some(Signature(vec![0, 1, 255])));
        assert_eq!(*record.bytes, *record.body.to_bytes().unwrap());
        assert_eq!(store.last().await.unwrap(), Seq(1));
    });
}

#[test]
fn places_have_no_gaps_across_streams_and_refusals() {
    run(async {
        let (_folder, _, store) = opened().await;
        for _ in 0..3 {
            let (id, _) = approved(&store).await.unwrap();
            store.append(approve(id)).await.unwrap_err();
            store.append(up()).await.unwrap();
            store.append(note(id)).await.unwrap();
        }
        let places: Vec<_> = everything(&store).await.unwrap().iter().map(|record| record.seq.0).collect();
        assert_eq!(places, (1..=12).collect::<Vec<_>>());
    });
}

#[test]
fn a_request_moves_once_from_one_version() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let (one, other) = (Sqlite::open(&path).await.unwrap(), Sqlite::open(&path).await.unwrap());
        let (id, _) = approved(&one).await.unwrap();
        let (first, second) = tokio::join!(one.append(claim(id)), other.append(claim(id)));
        let refused = first.and(second).unwrap_err();
        assert_eq!(refused.kind(), &StoreErrorKind::Conflict);
        let state = State::fold(&one.history(id.into()).await.unwrap()).unwrap();
        assert_eq!((state.phase(), state.version()), (Phase::Executing, Version(3)));
    });
}

#[test]
fn what_another_process_wrote_is_judged_by_though_the_request_is_known_by_heart() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let (one, other) = (Sqlite::open(&path).await.unwrap(), Sqlite::open(&path).await.unwrap());
        let id = fresh_id();
        one.append(open(id)).await.unwrap();
        other.append(approve(id)).await.unwrap();
        assert_eq!(one.append(approve(id)).await.unwrap_err().kind(), &StoreErrorKind::Conflict);
        one.append(claim(id)).await.unwrap();
        assert_eq!(other.append(claim(id)).await.unwrap_err().kind(), &StoreErrorKind::Conflict);
    });
}

#[test]
fn a_request_with_a_long_history_moves_on() {
    run(async {
        let (_folder, _, store) = opened().await;
        let id = fresh_id();
        store.append(open(id)).await.unwrap();
        let notes: Vec<_> = std::iter::repeat_with(|| note(id).events).take(40).flatten().collect();
        store.append(Append { events: notes, ..note(id) }).await.unwrap();
        store.append(approve(id)).await.unwrap();
        store.append(note(id)).await.unwrap();
        assert_eq!(store.append(claim(id)).await.unwrap().version, Version(3));
        let page = store.list(&Filter::default(), None, 10).await.unwrap();
        let [summary] = page.summaries.as_slice() else { panic!("{page:?}") };
        assert_eq!((summary.id, summary.phase), (id, Phase::Executing));
        assert_eq!(store.history(id.into()).await.unwrap().len(), 44);
    });
}

#[test]
fn the_tables_themselves_refuse_a_second_move_and_a_changed_record() {
    run(async {
        let (_folder, path, store) = opened().await;
        approved(&store).await.unwrap();
        store.close().await;
        let raw = Connection::open(&path).unwrap();
        for statement in [
            "INSERT INTO records SELECT 99, stream, version, note, time, bytes, NULL, NULL FROM records WHERE seq = 2",
            "UPDATE records SET bytes = x'00' WHERE seq = 1",
            "DELETE FROM records WHERE seq = 1",
        ] {
            let refused = raw.execute(statement, []).unwrap_err();
            assert_eq!(
                refused.sqlite_error_code(),
                Some(rusqlite::ErrorCode::ConstraintViolation),
                "{statement}"
            );
        }
        // Erasing what a record only commits to is what the payload is for.
        assert_eq!(raw.execute("UPDATE records SET payload = NULL WHERE seq = 1", []).unwrap(), 1);
    });
}

#[test]
fn an_append_of_nothing_says_where_the_stream_stands() {
    run(async {
        let (_folder, _, store) = opened().await;
        let (id, last) = approved(&store).await.unwrap();
        store.append(up()).await.unwrap();
        let nothing = store.append(append(id, 2, [])).await.unwrap();
        assert_eq!((nothing.seq, nothing.version), (last.seq.next(), Version(2)));
    });
}

#[test]
fn appends_that_wait_together_are_one_commit_and_a_refused_one_leaves_its_neighbours() {
    run(async {
        let (_folder, path, store) = opened().await;
        let (taken, _) = approved(&store).await.unwrap();
        let before = commits_in_log(&path);

        // While this lock is held, everything that is appended has to wait.
        let mut raw = Connection::open(&path).unwrap();
        let lock = raw.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        let appends: Vec<_> = (0..20)
            .map(|n| if n % 5 == 4 { open(taken) } else { open(fresh_id()) })
            .map(|append| {
                let store = store.clone();
                tokio::spawn(async move { store.append(append).await })
            })
            .collect();
        // A task that has run once has handed its append over.
        tokio::task::yield_now().await;
        drop(lock);

        let mut refused = 0;
        for append in appends {
            match append.await.unwrap() {
                Ok(_) => {}
                Err(e) => {
                    assert_eq!(e.kind(), &StoreErrorKind::Conflict);
                    refused += 1;
                }
            }
        }
        assert_eq!(refused, 4);
        assert_eq!(commits_in_log(&path) - before, 1);
        assert_eq!(everything(&store).await.unwrap().len(), 2 + 16);
    });
}

#[test]
fn several_events_are_written_together_or_not_at_all() {
    run(async {
        let (_folder, _, store) = opened().await;
        let id = fresh_id();
        store.append(open(id)).await.unwrap();
        let mut both = approve(id);
        both.events.extend(claim(id).events);
        let twice = Append { events: [both.events.clone(), claim(id).events].concat(), ..both.clone() };
        let refused = store.append(twice).await.unwrap_err();
        assert!(matches!(refused.kind(), StoreErrorKind::Illegal(_)), "{refused:?}");
        assert_eq!(store.last().await.unwrap(), Seq(1));
        let appended = store.append(both).await.unwrap();
        assert_eq!((appended.seq, appended.version), (Seq(3), Version(3)));
    });
}

#[test]
fn a_clock_that_runs_backwards_does_not_take_a_request_with_it() {
    run(async {
        let folder = tempdir().unwrap();
        let clock = Arc::new(HandClock::at("2026-11-21T12:00:00Z"));
        let options = SqliteOptions::new().clock(clock.clone());
        let store = Sqlite::open_with(folder.path().join("a.db"), options).await.unwrap();
        let id = fresh_id();
        store.append(open(id)).await.unwrap();
        clock.set("2026-11-20T12:00:00Z");
        store.append(approve(id)).await.unwrap();
        clock.set("2026-11-21T12:00:01Z");
        store.append(claim(id)).await.unwrap();
        let times: Vec<_> = store
            .history(id.into())
            .await
            .unwrap()
            .iter()
            .map(|record| record.body.time.to_string())
            .collect();
        assert_eq!(
            times,
            ["2026-11-21T12:00:00.000000Z", "2026-11-21T12:00:00.000000Z", "2026-11-21T12:00:01.000000Z"]
        );
    });
}

#[test]
fn the_time_of_a_record_is_taken_when_the_lock_is_held() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let clock = Arc::new(HandClock::at("2026-11-21T12:00:00Z"));
        let store = Sqlite::open_with(&path, SqliteOptions::new().clock(clock.clone())).await.unwrap();
        let id = fresh_id();
        store.append(open(id)).await.unwrap();
        let mut raw = Connection::open(&path).unwrap();
        let lock = raw.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        let late = tokio::spawn({
            let store = store.clone();
            async move { store.append(approve(id)).await }
        });
        tokio::task::yield_now().await;
        clock.set("2026-11-21T13:00:00Z");
        drop(lock);
        let refused = late.await.unwrap().unwrap_err();
        assert!(matches!(refused.kind(), StoreErrorKind::Illegal(_)), "{refused:?}");
    });
}

#[test]
fn requests_are_listed_newest_first_in_pages_that_pass_the_filter() {
    run(async {
        let (_folder, _, store) = opened().await;
        let mut pending = Vec::new();
        for n in 0..7 {
            approved(&store).await.unwrap();
            let id = fresh_id();
            store.append(open_by(id, if n % 2 == 0 { "even" } else { "odd" })).await.unwrap();
            pending.insert(0, id);
        }
        let filter = Filter::in_phases([Phase::Pending, Phase::Denied]);
        let mut listed = Vec::new();
        let mut cursor = None;
        let mut pages = 0;
        loop {
            let page = store.list(&filter, cursor, 3).await.unwrap();
            listed.extend(page.summaries.iter().map(|summary| summary.id));
            pages += 1;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((listed, pages), (pending, 3));

        let even = Filter { agent: Some("even".into()), ..filter };
        let page = store.list(&even, None, 4).await.unwrap();
        assert_eq!((page.summaries.len(), page.next), (4, None));
        assert!(page.summaries.iter().all(|summary| summary.agent.as_str() == "even"));
        assert_eq!(store.list(&Filter::default(), None, 100).await.unwrap().summaries.len(), 14);
        assert_eq!(store.list(&Filter::default(), None, 0).await.unwrap().summaries, Vec::<Summary>::new());
    });
}

#[test]
fn the_index_is_the_fold_and_can_be_rebuilt() {
    run(async {
        let (_folder, path, store) = opened().await;
        for _ in 0..3 {
            let (id, _) = approved(&store).await.unwrap();
            store.append(claim(id)).await.unwrap();
            store.append(open(fresh_id())).await.unwrap();
        }
        let kept = store.list(&Filter::default(), None, 100).await.unwrap();
        let raw = Connection::open(&path).unwrap();
        raw.execute_batch(
            "UPDATE summaries SET phase = 'denied', summary = '{}'; DELETE FROM summaries WHERE opened < 4",
        )
        .unwrap();
        assert_eq!(store.rebuild_index().await.unwrap(), 6);
        assert_eq!(store.list(&Filter::default(), None, 100).await.unwrap(), kept);
        for summary in kept.summaries {
            let state = State::fold(&store.history(summary.id.into()).await.unwrap()).unwrap();
            assert_eq!(Summary::of(&state), Some(summary));
        }
    });
}

#[test]
fn an_append_whose_caller_is_gone_is_written_all_the_same() {
    run(async {
        let (_folder, path, store) = opened().await;
        let id = fresh_id();
        let gone = tokio::time::timeout(Duration::ZERO, store.append(open(id))).await;
        // Whether the answer was faster or not: it was handed over at the first poll.
        drop(gone);
        store.close().await;
        let store = Sqlite::open(&path).await.unwrap();
        assert_eq!(store.history(Stream::Request(id)).await.unwrap().len(), 1);
    });
}

#[test]
fn a_closed_store_says_so() {
    run(async {
        let (folder, _, store) = opened().await;
        let clone = store.clone();
        let waiting = tokio::spawn(async move { clone.wait_past(Seq(100)).await });
        tokio::task::yield_now().await;
        store.close().await;
        assert!(waiting.await.unwrap().is_err());
        for refused in [
            store.append(up()).await.map(drop),
            store.history(Stream::System).await.map(drop),
            store.wait_past(Seq(100)).await,
        ] {
            let message = refused.unwrap_err().to_string();
            assert!(message.contains("closed") && message.contains("open it again"), "{message}");
        }
        let beside: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(!beside.iter().any(|name| name.to_string_lossy().contains("-wal")), "{beside:?}");
    });
}
