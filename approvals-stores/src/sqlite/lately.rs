//! What this handle wrote lately, so that nobody has to parse it again.

use std::collections::VecDeque;
use std::sync::PoisonError;

use approvals_core::id::Seq;
use approvals_core::ledger::Record;

use super::sync::Mutex;

/// The most records: what a follower, the cards and a desk read is mostly among the last few commits.
const RECORDS: usize = 1_024;
/// About the most memory that they take.
const BYTES: usize = 512 << 10;
/// What is kept of a record beside its bytes and those of its payload, read: its own fields, and the texts in them.
const EACH: usize = 1_024;
/// What a map or a list of a payload takes in memory, however little it holds: room for eleven.
const NESTED: usize = 1_024;
/// What one thing in it takes.
const ITEM: usize = 96;

/// The last records that were committed here, one after the other and without a gap.
///
/// They spare the parsing and nothing else: a record is read from the disk, and taken from here if the very same bytes
/// stand there. What anybody has changed since is read as it stands, and checked.
#[derive(Default)]
pub(super) struct Lately(Mutex<Run>);

#[derive(Default)]
struct Run {
    written: VecDeque<Written>,
    bytes: usize,
}

/// A record that was committed.
pub(super) struct Written {
    pub(super) record: Record,
    /// Its payload as it is stored.
    pub(super) payload: Option<Vec<u8>>,
}

impl Written {
    /// About the memory that it takes. What a payload holds may be a hundred times as large as it is written: it is
    /// counted by its marks, those within a text as well.
    fn size(&self) -> usize {
        let bytes = |byte: &u8| match byte {
            b'{' | b'[' => NESTED,
            b',' => ITEM,
            _ => 1,
        };
        let payload = self.payload.as_ref().map_or(0, |payload| payload.iter().map(bytes).sum());
        EACH + 2 * self.record.bytes.len() + payload
    }
}

impl Run {
    fn put(&mut self, written: Written) {
        if self.written.back().is_some_and(|last| last.record.seq.next() != written.record.seq) {
            // Another process has written between, and what is before that moves on without us.
            *self = Self::default();
        }
        self.bytes += written.size();
        self.written.push_back(written);
        while self.written.len() > RECORDS || self.bytes > BYTES {
            let Some(oldest) = self.written.pop_front() else { break };
            self.bytes -= oldest.size();
        }
    }

    fn get(&self, seq: Seq) -> Option<&Written> {
        let first = self.written.front()?.record.seq;
        let place = seq.0.checked_sub(first.0)?;
        self.written.get(usize::try_from(place).ok()?)
    }
}

impl Lately {
    /// Keeps what was committed, in the order of the ledger.
    pub(super) fn put(&self, written: impl Iterator<Item = Written>) {
        let mut run = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.for_each(|written| run.put(written));
    }

    /// The record at a place, if these are the bytes that were written there.
    pub(super) fn get(
        &self,
        seq: Seq,
        bytes: &[u8],
        payload: Option<&[u8]>,
        signature: Option<&[u8]>,
    ) -> Option<Record> {
        let run = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Written { record, payload: beside } = run.get(seq)?;
        let signed = record.signature.as_ref().map(|signature| signature.0.as_slice());
        let same = *record.bytes == *bytes && beside.as_deref() == payload && signed == signature;
        same.then(|| record.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use approvals_core::id::Version;
    use approvals_core::ledger::{Body, Env, Event, FORMAT, Signature, Stream};
    use approvals_core::time::Timestamp;

    use super::*;

    fn record(seq: u64, bytes: &[u8]) -> Record {
        let body = Body {
            format: FORMAT,
            env: Env::Live,
            stream: Stream::System,
            version: Version(0),
            time: Timestamp::EPOCH,
            node: "host/agent".into(),
            event: Event::Down {},
        };
        Record { seq: Seq(seq), body: Arc::new(body), bytes: bytes.into(), payload: None, signature: None }
    }

    fn written(seq: u64) -> Written {
        Written { record: record(seq, b"bytes"), payload: Some(b"beside".to_vec()) }
    }

    fn knows(lately: &Lately, seq: u64) -> bool {
        lately.get(Seq(seq), b"bytes", Some(b"beside"), None).is_some()
    }

    #[test]
    fn only_what_stands_there_byte_for_byte_is_known() {
        let lately = Lately::default();
        let signature = Some(Signature(b"signed".to_vec()));
        let record = Record { signature, ..record(7, b"bytes") };
        lately.put([Written { record: record.clone(), payload: Some(b"beside".to_vec()) }].into_iter());
        let get = |seq, bytes: &[u8], payload, signature| lately.get(Seq(seq), bytes, payload, signature);
        assert_eq!(get(7, b"bytes", Some(b"beside"), Some(b"signed")), Some(record));
        for (seq, bytes, payload, signature) in [
            (6, &b"bytes"[..], Some(&b"beside"[..]), Some(&b"signed"[..])),
            (8, b"bytes", Some(b"beside"), Some(b"signed")),
            (7, b"Bytes", Some(b"beside"), Some(b"signed")),
            (7, b"bytes", Some(b"Beside"), Some(b"signed")),
            (7, b"bytes", None, Some(b"signed")),
            (7, b"bytes", Some(b"beside"), Some(b"Signed")),
            (7, b"bytes", Some(b"beside"), None),
        ] {
            assert_eq!(get(seq, bytes, payload, signature), None);
        }
    }

    #[test]
    fn a_gap_forgets_what_was_before_it() {
        let lately = Lately::default();
        lately.put((1..=3).map(written));
        assert!((1..=3).all(|seq| knows(&lately, seq)));
        lately.put((5..=6).map(written));
        assert_eq!(
            [1, 2, 3, 4, 5, 6, 7].map(|seq| knows(&lately, seq)),
            [false, false, false, false, true, true, false]
        );
    }

    #[test]
    fn no_more_is_kept_than_so_many() {
        let lately = Lately::default();
        let small = |seq| Written { payload: None, ..written(seq) };
        lately.put((1..=3 * RECORDS as u64).map(small));
        let run = lately.0.lock().unwrap();
        assert!(run.written.len() <= RECORDS && run.bytes <= BYTES);
        assert!(run.bytes + 2 * EACH > BYTES || run.written.len() == RECORDS);
    }

    #[test]
    fn what_is_small_as_it_is_written_and_large_in_memory_counts_as_large() {
        let lately = Lately::default();
        let maps = vec!["{\"\":0}"; 8_000].join(",");
        let payload = format!("{{\"seed\":\"\",\"values\":{{\"arguments.maps\":[{maps}]}}}}").into_bytes();
        let large = |seq| Written { payload: Some(payload.clone()), ..written(seq) };
        lately.put((1..=3).map(large));
        let run = lately.0.lock().unwrap();
        assert_eq!((run.written.len(), run.bytes), (0, 0), "one of {} bytes", payload.len());
    }
}
