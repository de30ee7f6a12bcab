//! Wrong at what is kept of a record.

use approvals_core::id::Seq;
use approvals_core::ledger::{Append, Appended, Known, Record, Store as _, StoreError, Stream};
use async_trait::async_trait;

use super::{Flaw, Sound};

/// A column of type JSON: the same document, other bytes.
#[derive(Default)]
pub(crate) struct ReformatsBytes;

fn reformatted(records: Vec<Record>) -> Vec<Record> {
    let pretty = |record: &Record| serde_json::to_vec_pretty(&*record.body).unwrap();
    records.into_iter().map(|record| Record { bytes: pretty(&record).into(), ..record }).collect()
}

#[async_trait]
impl Flaw for ReformatsBytes {
    async fn history(&self, sound: &Sound, stream: Stream) -> Result<Vec<Record>, StoreError> {
        Ok(reformatted(sound.memory.history(stream).await?))
    }

    async fn records(&self, sound: &Sound, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        Ok(reformatted(sound.memory.records(after, limit).await?))
    }
}

/// A column that holds no more than 64 KiB.
#[derive(Default)]
pub(crate) struct DropsLargePayloads;

fn without_large(records: Vec<Record>) -> Vec<Record> {
    let fits = |payload: &approvals_core::ledger::Payload| payload.to_bytes().unwrap().len() < 65_536;
    records.into_iter().map(|r| Record { payload: r.payload.filter(|payload| fits(payload)), ..r }).collect()
}

#[async_trait]
impl Flaw for DropsLargePayloads {
    async fn history(&self, sound: &Sound, stream: Stream) -> Result<Vec<Record>, StoreError> {
        Ok(without_large(sound.memory.history(stream).await?))
    }

    async fn records(&self, sound: &Sound, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        Ok(without_large(sound.memory.records(after, limit).await?))
    }
}

/// Whoever reads the whole ledger gets no payloads.
#[derive(Default)]
pub(crate) struct KeepsPayloadsForHistoriesOnly;

#[async_trait]
impl Flaw for KeepsPayloadsForHistoriesOnly {
    async fn records(&self, sound: &Sound, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        let records = sound.memory.records(after, limit).await?;
        Ok(records.into_iter().map(|record| Record { payload: None, ..record }).collect())
    }
}

/// No column for signatures.
#[derive(Default)]
pub(crate) struct DropsSignatures;

fn unsigned(records: Vec<Record>) -> Vec<Record> {
    records.into_iter().map(|record| Record { signature: None, ..record }).collect()
}

#[async_trait]
impl Flaw for DropsSignatures {
    async fn history(&self, sound: &Sound, stream: Stream) -> Result<Vec<Record>, StoreError> {
        Ok(unsigned(sound.memory.history(stream).await?))
    }

    async fn records(&self, sound: &Sound, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        Ok(unsigned(sound.memory.records(after, limit).await?))
    }
}

/// `order by version`, and notes share theirs.
#[derive(Default)]
pub(crate) struct OrdersByVersion;

#[async_trait]
impl Flaw for OrdersByVersion {
    async fn history(&self, sound: &Sound, stream: Stream) -> Result<Vec<Record>, StoreError> {
        let mut history = sound.memory.history(stream).await?;
        let tie = |record: &Record| (record.body.event.is_note(), std::cmp::Reverse(record.seq));
        history.sort_by_key(|record| (record.body.version, tie(record)));
        Ok(history)
    }
}

/// The streams that are no request's share a history.
#[derive(Default)]
pub(crate) struct SharesTheOtherHistory;

#[async_trait]
impl Flaw for SharesTheOtherHistory {
    async fn history(&self, sound: &Sound, stream: Stream) -> Result<Vec<Record>, StoreError> {
        if stream.request().is_some() {
            return sound.memory.history(stream).await;
        }
        let whole = sound.memory.records(Seq::START, usize::MAX).await?;
        Ok(whole.into_iter().filter(|record| record.body.stream.request().is_none()).collect())
    }
}

/// A stream of the system that nobody wrote to is an error.
#[derive(Default)]
pub(crate) struct FailsOnUnknownStreams;

#[async_trait]
impl Flaw for FailsOnUnknownStreams {
    async fn history(&self, sound: &Sound, stream: Stream) -> Result<Vec<Record>, StoreError> {
        let history = sound.memory.history(stream).await?;
        if history.is_empty() && stream.request().is_none() {
            let kind = approvals_core::ledger::StoreErrorKind::Other;
            return Err(StoreError::new(kind, "no rows returned"));
        }
        Ok(history)
    }
}

/// `where seq > ?`, and what is known is believed.
#[derive(Default)]
pub(crate) struct ReadsPastAnyPlace;

#[async_trait]
impl Flaw for ReadsPastAnyPlace {
    async fn history_past(
        &self,
        sound: &Sound,
        stream: Stream,
        known: &Known,
    ) -> Result<Option<Vec<Record>>, StoreError> {
        let history = sound.memory.history(stream).await?;
        Ok(Some(history.into_iter().filter(|record| record.seq > known.seq).collect()))
    }
}

/// `where version > ?`, and notes share theirs.
#[derive(Default)]
pub(crate) struct ReadsPastAVersion;

#[async_trait]
impl Flaw for ReadsPastAVersion {
    async fn history_past(
        &self,
        sound: &Sound,
        stream: Stream,
        known: &Known,
    ) -> Result<Option<Vec<Record>>, StoreError> {
        let history = sound.memory.history(stream).await?;
        let Some(end) = known.end_in(&history) else { return Ok(None) };
        let version = history[end - 1].body.version;
        Ok(Some(history.into_iter().filter(|record| record.body.version > version).collect()))
    }
}

/// The last record of each append, and no other.
#[derive(Default)]
pub(crate) struct TellsTheLastRecord;

#[async_trait]
impl Flaw for TellsTheLastRecord {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let mut appended = sound.memory.append(append).await?;
        appended.records.drain(..appended.records.len() - 1);
        Ok(appended)
    }
}
