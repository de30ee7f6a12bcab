//! Ledgers that earlier versions wrote: what is on somebody's disk today is read by every later version.
//!
//! `v1` holds every event and every phase of record format 1, as a SQLite file of table format 1 and as one canonical
//! record per line. They are never written again. `APPROVALS_GOLDEN=write cargo test -p approvals-stores --features
//! sqlite --test golden` writes today's into a new folder, says which, and fails.
#![cfg(feature = "sqlite")]
#![cfg(test)]

mod story;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use approvals_core::id::{RequestId, Seq};
use approvals_core::ledger::{
    Event, FORMAT, Filter, Finish, IgnoredWhy, Record, Store as _, StoreErrorKind, Stream,
};
use approvals_core::state::{Phase, State};
use approvals_stores::{Sqlite, SqliteOptions};
use rusqlite::Connection;
use tempfile::tempdir;

use self::story::{Hand, append, claim, key, tell};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1").join(name)
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test)
}

fn options(hand: &Hand) -> SqliteOptions {
    SqliteOptions::new().key(key()).clock(Arc::new(hand.clone()))
}

/// A copy of the file to work on, opened by today's code a day after it was written.
async fn opened(folder: &Path) -> Sqlite {
    let path = folder.join("ledger.db");
    fs::copy(golden("ledger.db"), &path).unwrap();
    let hand = Hand::default();
    hand.pass(24 * 3600);
    Sqlite::open_with(&path, options(&hand)).await.unwrap()
}

async fn everything(store: &Sqlite) -> Vec<Record> {
    store.records(Seq::START, usize::MAX).await.unwrap()
}

/// Id, phase, version and digest of a request.
fn told(state: &State) -> String {
    let opened = state.opened().unwrap();
    format!("{} {} {} {}", opened.id, state.phase(), state.version().0, opened.digest.to_hex())
}

/// Every request in the order of its opening.
fn requests(records: &[Record]) -> Vec<RequestId> {
    let opened = records.iter().filter(|record| matches!(record.body.event, Event::Requested(_)));
    opened.filter_map(|record| record.body.stream.request()).collect()
}

async fn phases(store: &Sqlite) -> Vec<String> {
    let mut lines = Vec::new();
    for request in requests(&everything(store).await) {
        let history = store.history(request.into()).await.unwrap();
        lines.push(told(&State::fold(&history).unwrap()));
    }
    lines
}

fn text(lines: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    lines.into_iter().fold(String::new(), |all, line| all + line.as_ref() + "\n")
}

fn bytes(records: &[Record]) -> String {
    text(records.iter().map(|record| String::from_utf8(record.bytes.to_vec()).unwrap()))
}

/// Today's ledger of the same story, in a folder.
async fn write(folder: &Path) -> String {
    let hand = Hand::default();
    let store = Sqlite::open_with(folder.join("ledger.db"), options(&hand)).await.unwrap();
    tell(&store, &hand).await;
    let records = bytes(&everything(&store).await);
    fs::write(folder.join("records.jsonl"), &records).unwrap();
    fs::write(folder.join("phases.txt"), text(phases(&store).await)).unwrap();
    store.close().await;
    records
}

#[test]
fn todays_code_still_writes_the_records_of_format_1() {
    run(async {
        if std::env::var_os("APPROVALS_GOLDEN").is_some_and(|word| word == "write") {
            let folder = tempfile::Builder::new().prefix("golden-").tempdir_in(env!("CARGO_TARGET_TMPDIR"));
            let folder = folder.unwrap().keep();
            write(&folder).await;
            panic!("written to {}: a format of its own gets a folder of its own", folder.display());
        }
        let folder = tempdir().unwrap();
        let written = write(folder.path()).await;
        assert_eq!(written, fs::read_to_string(golden("records.jsonl")).unwrap());
        assert_eq!(FORMAT, 1, "a new format needs golden files of its own, beside these");
    });
}

#[test]
fn the_file_is_read_and_folds_to_what_it_said_when_it_was_written() {
    run(async {
        let folder = tempdir().unwrap();
        let store = opened(folder.path()).await;
        assert_eq!(text(phases(&store).await), fs::read_to_string(golden("phases.txt")).unwrap());
        let reached: BTreeSet<_> =
            phases(&store).await.iter().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect();
        let all: BTreeSet<_> =
            Phase::ALL.iter().filter(|phase| **phase != Phase::None).map(ToString::to_string).collect();
        assert_eq!(reached, all, "the story leads to every phase");
    });
}

#[test]
fn its_records_are_those_of_the_lines_and_are_written_back_byte_for_byte() {
    run(async {
        let folder = tempdir().unwrap();
        let records = everything(&opened(folder.path()).await).await;
        let lines = fs::read_to_string(golden("records.jsonl")).unwrap();
        assert_eq!(bytes(&records), lines);
        for (record, line) in records.iter().zip(lines.lines()) {
            let read = Record::from_stored(record.seq, line.as_bytes().to_vec(), None, None).unwrap();
            assert_eq!(read.body, record.body);
            assert_eq!(String::from_utf8(read.body.to_bytes().unwrap()).unwrap(), line);
        }
    });
}

#[test]
fn every_event_of_format_1_is_in_it() {
    run(async {
        let folder = tempdir().unwrap();
        let records = everything(&opened(folder.path()).await).await;
        let names: BTreeSet<_> = records.iter().map(|record| record.body.event.name()).collect();
        let page = include_str!("../../../docs/states.md");
        let known = [
            "requested",
            "presented",
            "present_failed",
            "updated",
            "viewed",
            "reminded",
            "escalated",
            "commented",
            "debt_signed",
            "ignored",
            "reviewed",
            "overridden",
            "expired",
            "cancelled",
            "started",
            "finished",
            "lost",
            "reconciled",
            "up",
            "down",
            "unauthenticated",
            "allowed",
            "refused",
        ];
        assert_eq!(names, known.into_iter().collect());
        for name in known {
            assert!(page.contains(&format!("`{name}`")), "`{name}` is not on the page");
        }
    });
}

#[test]
fn the_values_beside_the_records_open_their_commitments() {
    run(async {
        let folder = tempdir().unwrap();
        let records = everything(&opened(folder.path()).await).await;
        let asked = records.iter().find_map(|record| match &record.body.event {
            Event::Requested(requested) => Some((requested, record.payload.as_ref()?)),
            _ => None,
        });
        let (requested, payload) = asked.unwrap();
        assert!(payload.opens("reason", requested.call.reason.as_ref().unwrap()));
        assert!(payload.opens("resource", requested.call.resource.as_ref().unwrap()));
    });
}

#[test]
fn the_index_is_read_and_is_what_it_would_be_if_it_were_made_anew() {
    run(async {
        let folder = tempdir().unwrap();
        let store = opened(folder.path()).await;
        let listed = store.list(&Filter::default(), None, usize::MAX).await.unwrap();
        let count = store.rebuild_index().await.unwrap();
        assert_eq!(listed.summaries.len() as u64, count);
        assert_eq!(store.list(&Filter::default(), None, usize::MAX).await.unwrap(), listed);
    });
}

#[test]
fn its_requests_go_on_from_where_they_stand() {
    run(async {
        let folder = tempdir().unwrap();
        let store = opened(folder.path()).await;
        let before = everything(&store).await;
        for request in requests(&before) {
            let history = store.history(request.into()).await.unwrap();
            let state = State::fold(&history).unwrap();
            let at = state.version().0;
            let event = match state.phase() {
                Phase::Pending | Phase::Approved => Event::Expired {},
                Phase::Executing => {
                    Event::Finished { claim: state.claim().unwrap().id, outcome: Finish::Ok {} }
                }
                Phase::Unknown => story::reconciled(approvals_core::ledger::Reconciliation::DidNotRun),
                _ => {
                    // What is over stays over.
                    let again = append(request, at, [Event::Started { claim: claim(99) }.into()]);
                    assert!(matches!(
                        store.append(again).await.unwrap_err().kind(),
                        StoreErrorKind::Illegal(_)
                    ));
                    continue;
                }
            };
            store.append(append(request, at, [event.into()])).await.unwrap();
            let history = store.history(request.into()).await.unwrap();
            assert!(State::fold(&history).unwrap().phase().is_terminal(), "{request}");
        }
        let after = everything(&store).await;
        assert!(after.len() > before.len());
        assert_eq!(after[..before.len()], before);
    });
}

#[test]
fn a_record_of_a_later_format_says_what_to_do_and_closes_its_request_alone() {
    run(async {
        let folder = tempdir().unwrap();
        let store = opened(folder.path()).await;
        let records = everything(&store).await;
        let request = requests(&records)[0];
        store.close().await;
        let raw = Connection::open(folder.path().join("ledger.db")).unwrap();
        let body = (*records.last().unwrap().body).clone();
        let bytes = approvals_core::ledger::Body { format: 2, stream: request.into(), ..body };
        raw.execute(
            "INSERT INTO records (seq, stream, version, note, time, bytes) VALUES (?1, ?2, 99, 0, 0, ?3)",
            (records.len() as i64 + 1, request.to_string(), bytes.to_bytes().unwrap()),
        )
        .unwrap();
        drop(raw);
        let store =
            Sqlite::open_with(folder.path().join("ledger.db"), options(&Hand::default())).await.unwrap();
        let refused = store.history(request.into()).await.unwrap_err();
        assert_eq!(refused.kind(), &StoreErrorKind::NewerFormat);
        let message = refused.to_string();
        assert!(message.contains("format 2") && message.contains("update the program"), "{message}");
        store.history(requests(&records)[1].into()).await.unwrap();
    });
}

#[test]
fn tables_of_a_later_format_are_refused_and_say_who_made_them() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        fs::copy(golden("ledger.db"), &path).unwrap();
        let raw = Connection::open(&path).unwrap();
        raw.execute_batch(
            "PRAGMA user_version = 7; UPDATE facts SET value = 'approvals-stores 9.0.0' WHERE name = 'format_by'",
        )
        .unwrap();
        drop(raw);
        for options in [options(&Hand::default()), SqliteOptions::new().read_only()] {
            let refused = Sqlite::open_with(&path, options).await.unwrap_err();
            assert_eq!(refused.kind(), &StoreErrorKind::NewerFormat);
            let message = refused.to_string();
            assert!(message.contains("approvals-stores 9.0.0") && message.contains("update"), "{message}");
        }
    });
}

#[test]
fn every_reason_not_to_count_an_answer_is_in_it() {
    let lines = fs::read_to_string(golden("records.jsonl")).unwrap();
    for why in story::WHYS {
        let word = serde_json::to_string::<IgnoredWhy>(&why).unwrap();
        assert!(lines.contains(&format!("\"why\":{word}")), "{word}");
    }
    assert!(lines.lines().count() > 40);
    let streams: BTreeSet<_> = [Stream::System, Stream::Allowed].map(|stream| stream.to_string()).into();
    for stream in streams {
        assert!(lines.contains(&format!("\"stream\":\"{stream}\"")), "{stream}");
    }
}
