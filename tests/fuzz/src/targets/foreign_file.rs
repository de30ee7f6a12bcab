//! Files in the place of a store and of its log, whoever wrote them.

use std::fs;
use std::path::Path;

use approvals::id::Seq;
use approvals::ledger::{Store as _, StoreError, StoreErrorKind};
use approvals::request::StoreKey;
use approvals::{Sqlite, SqliteOptions};

use super::store_file::WHOLE;
use crate::input::Input;
use crate::oracle::assert_visible;

/// How it is opened: to write, with the key of the whole store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Write,
    WithoutKey,
    ReadOnly,
    NoTrace,
}

/// How it is opened, what is in the place of the store and of the log; then the bytes: all of the file, or of the log
/// beside a store, or the head of a store.
pub fn run(data: &[u8]) {
    check(data, |_| {});
}

/// The same with somebody who does something to the file once it was refused, or read.
pub fn check(data: &[u8], does: impl Fn(&Path)) {
    let mut input = Input(data);
    let how = input.one(&[How::Write, How::WithoutKey, How::ReadOnly, How::NoTrace]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let what = input.below(4);
    let bytes = match what {
        0 => input.0.to_vec(),
        1 => WHOLE.to_vec(),
        2 => {
            let mut bytes = WHOLE.to_vec();
            bytes.iter_mut().zip(input.0).for_each(|(to, from)| *to = *from);
            bytes
        }
        _ => Vec::new(),
    };
    fs::write(&path, &bytes).unwrap();
    let log = (what % 2 == 1).then_some(input.0).filter(|log| !log.is_empty());
    if let Some(log) = log {
        fs::write(folder.path().join("ledger.db-wal"), log).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let opened = runtime.block_on(look(&path, how));
    does(&path);
    let stands = fs::read(&path).unwrap();
    match opened {
        Ok(()) => {
            let is_of = |application: &[u8]| {
                bytes.starts_with(b"SQLite format 3\0") && bytes.get(68..72) == Some(application)
            };
            // A database without a table, or a file of one byte, which SQLite takes for an empty one: some systems leave it.
            let no_table = bytes.get(103..105) == Some(&[0, 0]) || bytes.get(100) == Some(&5);
            let nothing = bytes.len() <= 1 || (is_of(&[0; 4]) && no_table);
            let made = nothing && how == How::Write;
            assert!(is_of(b"aprv") || made || log.is_some(), "what no store of ours wrote is none");
            assert!(made || how != How::NoTrace || stands == bytes, "whoever only looks changes nothing");
        }
        Err(error) => {
            let told = error.to_string();
            told.split(' ').for_each(assert_visible);
            assert!(told.len() < 1_000, "{} bytes", told.len());
            let refused = matches!(error.kind(), StoreErrorKind::Corrupt | StoreErrorKind::NewerFormat);
            assert!(
                log.is_some() || !refused || stands == bytes,
                "a file that is refused is left as it is: {told}"
            );
        }
    }
}

async fn look(path: &Path, how: How) -> Result<(), StoreError> {
    let options = match how {
        How::Write => SqliteOptions::new().key(StoreKey::from_bytes([9; 32])),
        How::WithoutKey => SqliteOptions::new().without_key(),
        How::ReadOnly => SqliteOptions::new().read_only(),
        How::NoTrace => SqliteOptions::new().leaves_no_trace(),
    };
    let store = Sqlite::open_with(path, options).await?;
    let records = store.records(Seq::START, 1_000).await;
    if let Ok(records) = &records {
        assert!(records.iter().enumerate().all(|(place, record)| record.seq.0 == place as u64 + 1), "no gap");
    }
    let copy = path.with_file_name("copy.db");
    let last = store.backup(&copy).await;
    store.close().await;
    let Ok(last) = last else {
        let left = fs::read_dir(path.parent().unwrap()).unwrap();
        let left =
            left.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("copy"));
        assert_eq!(left.count(), 0, "half a backup is none");
        return Ok(());
    };
    let copied = Sqlite::open_with(&copy, SqliteOptions::new().leaves_no_trace()).await?;
    assert_eq!(copied.last().await.ok(), Some(last), "a backup ends where it says");
    if let Ok(records) = records {
        assert_eq!(
            copied.records(Seq::START, 1_000).await.ok(),
            Some(records),
            "a backup holds what the store holds"
        );
    }
    copied.close().await;
    Ok(())
}
