//! The file of a store, damaged.

use std::path::Path;

use approvals::id::Seq;
use approvals::ledger::{Event, Filter, Record, Store as _, StoreError};
use approvals::state::State;
use approvals::{Sqlite, SqliteOptions};

use crate::input::Input;

/// A ledger of format 1 in which everything happens.
pub(super) const WHOLE: &[u8] = include_bytes!("../../../../approvals-stores/tests/golden/v1/ledger.db");

/// Patches, a line each: where (in hexadecimal) and the bytes from there on (in hexadecimal); `cut` and a length ends the
/// file there.
pub fn run(data: &[u8]) {
    check(data, |records| records);
}

/// The same with a reader that gives other records.
pub fn check(data: &[u8], gives: impl Fn(Vec<Record>) -> Vec<Record>) {
    let mut bytes = WHOLE.to_vec();
    let mut input = Input(data);
    while !input.is_over() {
        patch(&mut bytes, &input.text_line());
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    std::fs::write(&path, &bytes).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        // What is wrong is said and is not fatal to who asks.
        let report = Sqlite::examine(&path).await;
        assert!(!report.findings.is_empty());
        let _ = look(&path, gives).await;
    });
}

fn patch(bytes: &mut Vec<u8>, line: &str) {
    let Some((place, what)) = line.split_once(' ') else { return };
    if place == "cut" {
        bytes.truncate(usize::from_str_radix(what, 16).unwrap_or(usize::MAX));
        return;
    }
    let Ok(place) = usize::from_str_radix(place, 16) else { return };
    let digits: Vec<_> = what.bytes().filter_map(|digit| char::from(digit).to_digit(16)).collect();
    for (byte, pair) in bytes.iter_mut().skip(place).zip(digits.chunks_exact(2)) {
        *byte = (pair[0] << 4 | pair[1]) as u8;
    }
}

/// Reads all there is to read: an error each time is fine, a record that is none is not.
async fn look(path: &Path, gives: impl Fn(Vec<Record>) -> Vec<Record>) -> Result<(), StoreError> {
    let store = Sqlite::open_with(path, SqliteOptions::new().leaves_no_trace()).await?;
    let last = store.last().await;
    let _ = store.list(&Filter::default(), None, 100).await;
    if let Ok(records) = store.records(Seq::START, 1_000).await {
        let records = gives(records);
        for (place, record) in records.iter().enumerate() {
            assert_eq!(record.seq, Seq(place as u64 + 1), "no gap");
            assert_is_one(record);
        }
        assert!(last.is_err() || records.len() >= 1_000 || last.unwrap().0 == records.len() as u64);
        for record in records.iter().filter(|record| matches!(record.body.event, Event::Requested(_))) {
            if let Ok(history) = store.history(record.body.stream).await {
                assert!(history.iter().all(|one| one.body.stream == record.body.stream));
                let _ = State::fold(&history);
            }
        }
    }
    store.close().await;
    Ok(())
}

fn assert_is_one(record: &Record) {
    assert_eq!(record.body.to_bytes().ok().as_deref(), Some(&*record.bytes));
}
