//! The file: a line of JSON per append, so that an append is there as a whole or not at all.

use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use approvals::id::{Seq, SystemChance};
use approvals::ledger::{Payload, Record, StoreError, StoreErrorKind};
use approvals::request::StoreKey;
use serde::{Deserialize, Serialize};

/// A record as a line holds it. The bytes are what is hashed and signed, so they are kept as they are.
#[derive(Serialize, Deserialize)]
struct Line {
    bytes: String,
    payload: Option<Payload>,
    signature: Option<Vec<u8>>,
}

pub(crate) struct File {
    file: fs::File,
    /// The length of what is known to be written.
    length: u64,
    /// A write has failed and could not be taken back: nobody knows what a reader would find.
    broken: bool,
}

impl File {
    pub(crate) fn open(folder: &Path) -> Result<(Self, Vec<Record>), StoreError> {
        let path = folder.join("ledger.jsonl");
        let failed = |error| failed(&format!("`{}` cannot be opened", path.display()), error);
        let mut file = private().read(true).write(true).create(true).open(&path).map_err(failed)?;
        lock(&file, &path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        // A last line without its end is an append that was never answered: the process died in it.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        text.truncate(whole);
        let mut records = Vec::new();
        for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let lines: Vec<Line> = serde_json::from_slice(line).map_err(|error| {
                let message =
                    format!("line {} of `{}` is no append; take a backup", number + 1, path.display());
                StoreError::new(StoreErrorKind::Corrupt, message).because(error)
            })?;
            for Line { bytes, payload, signature } in lines {
                let seq = Seq(records.len() as u64 + 1);
                let mut record = Record::from_stored(seq, bytes.into_bytes(), None, signature)?;
                record.payload = payload.map(Arc::new);
                records.push(record);
            }
        }
        let length = whole as u64;
        file.set_len(length).and_then(|()| file.sync_all()).map_err(failed)?;
        // The name of a file is durable once its folder is.
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        file.seek(io::SeekFrom::End(0)).map_err(failed)?;
        Ok((Self { file, length, broken: false }, records))
    }

    /// Writes records as one line; when it returns, they are on the disk.
    pub(crate) fn write(&mut self, records: &[Record]) -> Result<(), StoreError> {
        if self.broken {
            let message = "an earlier write has failed and could not be taken back; start the process anew";
            return Err(StoreError::new(StoreErrorKind::Corrupt, message));
        }
        if records.is_empty() {
            return Ok(());
        }
        let unwritable =
            |error: &dyn std::fmt::Display| StoreError::new(StoreErrorKind::Other, error.to_string());
        let mut lines = Vec::with_capacity(records.len());
        for record in records {
            lines.push(Line {
                bytes: String::from_utf8(record.bytes.to_vec()).map_err(|error| unwritable(&error))?,
                payload: record.payload.as_deref().cloned(),
                signature: record.signature.as_ref().map(|signature| signature.0.clone()),
            });
        }
        let mut line = serde_json::to_vec(&lines).map_err(|error| unwritable(&error))?;
        line.push(b'\n');
        match self.file.write_all(&line).and_then(|()| self.file.sync_data()) {
            Ok(()) => {
                self.length += line.len() as u64;
                Ok(())
            }
            Err(error) => {
                // Taken back, so that what was answered with an error is not found after a restart.
                let back = self.file.set_len(self.length).and_then(|()| self.file.sync_all());
                let back = back.and_then(|()| self.file.seek(io::SeekFrom::Start(self.length)));
                self.broken = back.is_err();
                Err(failed("the ledger cannot be written", error))
            }
        }
    }
}

/// Keeps other processes out. A handle that was dropped a moment ago may still be at its last write.
fn lock(file: &fs::File, path: &Path) -> Result<(), StoreError> {
    for _ in 0..100 {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            Err(TryLockError::Error(error)) => {
                return Err(failed(&format!("`{}` cannot be locked", path.display()), error));
            }
        }
    }
    let message = format!("`{}` is open in another process; this store is for one", path.display());
    Err(StoreError::new(StoreErrorKind::Busy, message))
}

/// The key under which secret arguments are committed to; made at the first opening.
pub(crate) fn key(folder: &Path) -> Result<StoreKey, StoreError> {
    let path = folder.join("key");
    let failed = |error| failed(&format!("the key `{}` cannot be read or made", path.display()), error);
    match fs::read_to_string(&path) {
        Ok(text) => StoreKey::from_hex(text.trim()).ok_or_else(|| {
            let message = format!("`{}` holds no key; put back the one of this ledger", path.display());
            StoreError::new(StoreErrorKind::Corrupt, message)
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let (key, text) = StoreKey::fresh(&SystemChance)
                .map_err(|error| StoreError::new(StoreErrorKind::Other, error.to_string()))?;
            let mut file = private().write(true).create_new(true).open(&path).map_err(failed)?;
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
            Ok(key)
        }
        Err(error) => Err(failed(error)),
    }
}

/// For nobody but the user of this process.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

fn failed(what: &str, error: io::Error) -> StoreError {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreErrorKind::Full,
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => StoreErrorKind::ReadOnly,
        _ => StoreErrorKind::Other,
    };
    StoreError::new(kind, format!("{what}: {error}"))
}
