//! Wrong at the version, at the batch, or at what is legal.

use approvals_core::id::Version;
use approvals_core::ledger::{
    Append, Appended, Event, NewEvent, Record, Store as _, StoreError, StoreErrorKind, Stream,
};
use async_trait::async_trait;

use super::{Flaw, Sound};

async fn current(sound: &Sound, stream: Stream) -> Result<Version, StoreError> {
    let history = sound.memory.history(stream).await?;
    Ok(history.last().map(|record| record.body.version).unwrap_or_default())
}

fn conflict() -> StoreError {
    StoreError::new(StoreErrorKind::Conflict, "the stream has moved")
}

/// The lost update: the version is not looked at.
#[derive(Default)]
pub(crate) struct IgnoresTheVersion;

#[async_trait]
impl Flaw for IgnoresTheVersion {
    async fn append(&self, sound: &Sound, mut append: Append) -> Result<Appended, StoreError> {
        append.expected = Some(current(sound, append.stream).await?);
        sound.memory.append(append).await
    }
}

/// The version is read, and then, no longer in the same transaction, the events are written.
#[derive(Default)]
pub(crate) struct ChecksBeforeItWrites;

async fn check_then_write(sound: &Sound, mut append: Append) -> Result<Appended, StoreError> {
    if let Some(expected) = append.expected {
        if expected != current(sound, append.stream).await? {
            return Err(conflict());
        }
        for _ in 0..100 {
            tokio::task::yield_now().await;
            std::thread::yield_now();
        }
        append.expected = Some(current(sound, append.stream).await?);
    }
    sound.memory.append(append).await
}

#[async_trait]
impl Flaw for ChecksBeforeItWrites {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        check_then_write(sound, append).await
    }
}

/// The same under a lock of the process: right for one handle, wrong for two.
#[derive(Default)]
pub(crate) struct LocksWithinTheProcess;

#[async_trait]
impl Flaw for LocksWithinTheProcess {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let _locked = sound.lock.lock().await;
        check_then_write(sound, append).await
    }
}

/// Two requests for one key: `on conflict do nothing`, and everybody is told that theirs was written.
#[derive(Default)]
pub(crate) struct InsertsUnlessThere;

#[async_trait]
impl Flaw for InsertsUnlessThere {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let opens = matches!(append.events.first(), Some(NewEvent { event: Event::Requested(_), .. }));
        let first = append.expected == Some(Version(0));
        let history = sound.memory.history(append.stream).await?;
        match history.first() {
            Some(Record { seq, body, .. }) if opens && first => {
                Ok(Appended { seq: *seq, version: body.version, records: Vec::new() })
            }
            _ => sound.memory.append(append).await,
        }
    }
}

/// A version ahead of the stream passes as "not older".
#[derive(Default)]
pub(crate) struct TakesVersionsAhead;

#[async_trait]
impl Flaw for TakesVersionsAhead {
    async fn append(&self, sound: &Sound, mut append: Append) -> Result<Appended, StoreError> {
        let current = current(sound, append.stream).await?;
        if append.expected.is_some_and(|expected| expected > current) {
            append.expected = Some(current);
        }
        sound.memory.append(append).await
    }
}

/// No version given is taken for "whatever it is".
#[derive(Default)]
pub(crate) struct NeedsNoVersion;

#[async_trait]
impl Flaw for NeedsNoVersion {
    async fn append(&self, sound: &Sound, mut append: Append) -> Result<Appended, StoreError> {
        if append.expected.is_none() {
            append.expected = Some(current(sound, append.stream).await?);
        }
        sound.memory.append(append).await
    }
}

/// Notes are compared with the version that a request begins with, as if none had moved.
#[derive(Default)]
pub(crate) struct ComparesNotes;

#[async_trait]
impl Flaw for ComparesNotes {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        if append.expected.is_none() && current(sound, append.stream).await? > Version(1) {
            return Err(conflict());
        }
        sound.memory.append(append).await
    }
}

/// The version of a stream is the number of its records, notes included.
#[derive(Default)]
pub(crate) struct CountsNotes;

#[async_trait]
impl Flaw for CountsNotes {
    async fn append(&self, sound: &Sound, mut append: Append) -> Result<Appended, StoreError> {
        let stream = append.stream;
        let notes = |history: &[Record]| history.iter().filter(|r| r.body.event.is_note()).count() as u64;
        let before = notes(&sound.memory.history(stream).await?);
        if let Some(Version(expected)) = append.expected {
            append.expected = Some(Version(expected.checked_sub(before).ok_or_else(conflict)?));
        }
        let appended = sound.memory.append(append).await?;
        let after = notes(&sound.memory.history(stream).await?);
        Ok(Appended { version: Version(appended.version.0 + after), ..appended })
    }
}

/// Each event is a transaction of its own.
#[derive(Default)]
pub(crate) struct WritesOneByOne;

#[async_trait]
impl Flaw for WritesOneByOne {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let Append { stream, mut expected, env, node, events } = append;
        let mut appended = None;
        for event in events {
            let one = Append { stream, expected, env, node: node.clone(), events: vec![event] };
            let written = sound.memory.append(one).await?;
            expected = expected.map(|_| written.version);
            appended = Some(written);
        }
        appended.ok_or_else(conflict)
    }
}

/// Within a batch the notes are written first.
#[derive(Default)]
pub(crate) struct WritesNotesFirst;

#[async_trait]
impl Flaw for WritesNotesFirst {
    async fn append(&self, sound: &Sound, mut append: Append) -> Result<Appended, StoreError> {
        append.events.sort_by_key(|new| !new.event.is_note());
        sound.memory.append(append).await
    }
}

/// The place of the first record of a batch is answered, not that of the last.
#[derive(Default)]
pub(crate) struct AnswersWithTheFirstPlace;

#[async_trait]
impl Flaw for AnswersWithTheFirstPlace {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let more = append.events.len() as u64 - 1;
        let appended = sound.memory.append(append).await?;
        Ok(Appended { seq: approvals_core::id::Seq(appended.seq.0 - more), ..appended })
    }
}

/// Illegal events are dropped, and nobody is told.
#[derive(Default)]
pub(crate) struct DropsTheIllegal;

#[async_trait]
impl Flaw for DropsTheIllegal {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let stream = append.stream;
        match sound.memory.append(append).await {
            Err(error) if matches!(error.kind(), StoreErrorKind::Illegal(_)) => Ok(Appended {
                seq: sound.memory.last().await?,
                version: current(sound, stream).await?,
                records: Vec::new(),
            }),
            answer => answer,
        }
    }
}

/// Every refusal is a failure of the database.
#[derive(Default)]
pub(crate) struct HidesTheReason;

#[async_trait]
impl Flaw for HidesTheReason {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        sound.memory.append(append).await.map_err(|error| match error.kind() {
            StoreErrorKind::Illegal(_) => StoreError::new(StoreErrorKind::Other, "the transaction failed"),
            _ => error,
        })
    }
}

/// The environment of a request is that of its first record, whatever comes.
#[derive(Default)]
pub(crate) struct MixesEnvironments;

#[async_trait]
impl Flaw for MixesEnvironments {
    async fn append(&self, sound: &Sound, mut append: Append) -> Result<Appended, StoreError> {
        if let Some(first) = sound.memory.history(append.stream).await?.first() {
            append.env = first.body.env;
        }
        sound.memory.append(append).await
    }
}

/// Whatever is no request's is written where it belongs, not where it was sent.
#[derive(Default)]
pub(crate) struct SortsIntoStreams;

#[async_trait]
impl Flaw for SortsIntoStreams {
    async fn append(&self, sound: &Sound, mut append: Append) -> Result<Appended, StoreError> {
        match append.events.first().map(|new| &new.event) {
            Some(Event::Allowed(_)) => append.stream = Stream::Allowed,
            Some(Event::Up { .. }) => append.stream = Stream::System,
            _ => {}
        }
        sound.memory.append(append).await
    }
}
