//! Stores that are wrong in one way, to see that the judge sees it.

use std::sync::Mutex;

use approvals::async_trait;
use approvals::id::{Seq, Version};
use approvals::ledger::{Append, Appended, Memory, Record, Store, StoreError, StoreErrorKind, Stream, seal};
use approvals::testing::ManualClock;
use approvals::time::Clock;
use approvals_test_support::hand_on;

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    /// Compares the version, and writes at whatever version there is then.
    LostCompare,
    /// Answers what the append will come to, and writes it before the next one.
    EarlyReply,
    /// Gives every second reader what the one before was given.
    StaleReads,
}

pub(crate) struct Defective {
    inner: Memory,
    defect: Defect,
    clock: ManualClock,
    unwritten: Mutex<Option<Append>>,
    given: Mutex<Option<Vec<Record>>>,
}

impl Defective {
    pub(crate) fn new(inner: Memory, defect: Defect, clock: ManualClock) -> Self {
        Self { inner, defect, clock, unwritten: Mutex::default(), given: Mutex::default() }
    }

    async fn version(&self, stream: Stream) -> Version {
        self.inner.history(stream).await.unwrap().last().map_or(Version(0), |record| record.body.version)
    }

    async fn late(&self, append: Append) -> Result<Appended, StoreError> {
        let unwritten = self.unwritten.lock().unwrap().take();
        if let Some(unwritten) = unwritten {
            let _ = self.inner.append(unwritten).await;
        }
        let history = self.inner.history(append.stream).await?;
        let sealed = seal(&history, append.clone(), self.clock.now())?;
        let last = self.inner.last().await?;
        *self.unwritten.lock().unwrap() = Some(append);
        Ok(Appended {
            seq: Seq(last.0 + sealed.len() as u64),
            version: sealed.last().unwrap().body.version,
            records: Vec::new(),
        })
    }

    async fn loose(&self, append: Append) -> Result<Appended, StoreError> {
        let (stream, expected) = (append.stream, append.expected);
        if expected.is_some_and(|expected| expected != Version(0))
            && expected != Some(self.version(stream).await)
        {
            return Err(StoreError::new(StoreErrorKind::Conflict, "moved".to_owned()));
        }
        std::thread::yield_now();
        loop {
            let now = self.version(stream).await;
            let append = Append { expected: expected.map(|_| now), ..append.clone() };
            match self.inner.append(append).await {
                Err(error) if *error.kind() == StoreErrorKind::Conflict => {}
                appended => return appended,
            }
        }
    }
}

#[async_trait]
impl Store for Defective {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        match self.defect {
            Defect::LostCompare => self.loose(append).await,
            Defect::EarlyReply if append.expected != Some(Version(0)) => self.late(append).await,
            Defect::EarlyReply | Defect::StaleReads => self.inner.append(append).await,
        }
    }

    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError> {
        if self.defect != Defect::StaleReads {
            return self.inner.history(stream).await;
        }
        if let Some(given) = self.given.lock().unwrap().take() {
            return Ok(given);
        }
        let history = self.inner.history(stream).await?;
        *self.given.lock().unwrap() = Some(history.clone());
        Ok(history)
    }

    hand_on!(approvals, inner: list, records, last, wait_past, hold_node, key);
}
