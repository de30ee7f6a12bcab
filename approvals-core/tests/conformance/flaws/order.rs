//! Wrong at the global sequence.

use std::sync::Mutex;

use approvals_core::id::Seq;
use approvals_core::ledger::{Append, Appended, Record, Store as _, StoreError, Stream};
use async_trait::async_trait;

use super::{Flaw, Sound};

/// A database's own counter: what is rolled back has used up a number.
#[derive(Default)]
pub(crate) struct BurnsNumbers(Mutex<Vec<Seq>>);

impl BurnsNumbers {
    fn outside(&self, seq: Seq) -> Seq {
        Seq(seq.0 + self.0.lock().unwrap().iter().filter(|burned| **burned < seq).count() as u64)
    }

    fn shift(&self, records: Vec<Record>) -> Vec<Record> {
        records.into_iter().map(|r| Record { seq: self.outside(r.seq), ..r }).collect()
    }
}

#[async_trait]
impl Flaw for BurnsNumbers {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        match sound.memory.append(append).await {
            Ok(appended) => Ok(Appended { seq: self.outside(appended.seq), ..appended }),
            Err(error) => {
                let last = sound.memory.last().await?;
                self.0.lock().unwrap().push(last);
                Err(error)
            }
        }
    }

    async fn history(&self, sound: &Sound, stream: Stream) -> Result<Vec<Record>, StoreError> {
        Ok(self.shift(sound.memory.history(stream).await?))
    }

    async fn records(&self, sound: &Sound, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        let whole = self.shift(sound.memory.records(Seq::START, usize::MAX).await?);
        Ok(whole.into_iter().filter(|record| record.seq > after).take(limit).collect())
    }

    async fn last(&self, sound: &Sound) -> Result<Seq, StoreError> {
        Ok(self.outside(sound.memory.last().await?))
    }

    async fn wait_past(&self, sound: &Sound, after: Seq) -> Result<(), StoreError> {
        let inside = (0..=after.0).rev().map(Seq).find(|seq| self.outside(*seq) <= after);
        sound.memory.wait_past(inside.unwrap_or(Seq::START)).await
    }
}

/// The sequence is made when it is read, from the times; what falls on one moment is in any order.
#[derive(Default)]
pub(crate) struct NumbersByTime;

async fn by_time(sound: &Sound) -> Result<Vec<Record>, StoreError> {
    let mut records = sound.memory.records(Seq::START, usize::MAX).await?;
    records.sort_by_key(|record| (record.body.time, record.body.stream, record.seq));
    let numbered = records.into_iter().zip(1..).map(|(record, seq)| Record { seq: Seq(seq), ..record });
    Ok(numbered.collect())
}

#[async_trait]
impl Flaw for NumbersByTime {
    async fn history(&self, sound: &Sound, stream: Stream) -> Result<Vec<Record>, StoreError> {
        Ok(by_time(sound).await?.into_iter().filter(|record| record.body.stream == stream).collect())
    }

    async fn records(&self, sound: &Sound, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        Ok(by_time(sound).await?.into_iter().filter(|record| record.seq > after).take(limit).collect())
    }
}

/// The place is worked out from the last one before the write.
#[derive(Default)]
pub(crate) struct GuessesThePlace;

#[async_trait]
impl Flaw for GuessesThePlace {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let count = append.events.len() as u64;
        let Seq(last) = sound.memory.last().await?;
        for _ in 0..10 {
            std::thread::yield_now();
        }
        let appended = sound.memory.append(append).await?;
        Ok(Appended { seq: Seq(last + count), ..appended })
    }
}

/// `>=` where `>` is meant.
#[derive(Default)]
pub(crate) struct ReadsThePlaceAgain;

#[async_trait]
impl Flaw for ReadsThePlaceAgain {
    async fn records(&self, sound: &Sound, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        sound.memory.records(Seq(after.0.saturating_sub(1)), limit).await
    }
}

/// All records at once, however few were asked for.
#[derive(Default)]
pub(crate) struct ReadsWithoutLimit;

#[async_trait]
impl Flaw for ReadsWithoutLimit {
    async fn records(&self, sound: &Sound, after: Seq, _limit: usize) -> Result<Vec<Record>, StoreError> {
        sound.memory.records(after, usize::MAX).await
    }
}

/// `coalesce(max(seq), 1)`.
#[derive(Default)]
pub(crate) struct EndsAtOneWhenEmpty;

#[async_trait]
impl Flaw for EndsAtOneWhenEmpty {
    async fn last(&self, sound: &Sound) -> Result<Seq, StoreError> {
        Ok(sound.memory.last().await?.max(Seq(1)))
    }
}

/// Free calls are written on a best effort, which here is none.
#[derive(Default)]
pub(crate) struct DropsFreeCalls;

#[async_trait]
impl Flaw for DropsFreeCalls {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        if append.stream == Stream::Allowed {
            let seq = sound.memory.last().await?;
            return Ok(Appended { seq, version: approvals_core::id::Version(0), records: Vec::new() });
        }
        sound.memory.append(append).await
    }
}
