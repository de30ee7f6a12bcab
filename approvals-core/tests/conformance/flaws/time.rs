//! Wrong at time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals_core::id::Seq;
use approvals_core::ledger::{Append, Appended, Record, Store as _, StoreError, Stream};
use approvals_core::time::{Clock, Sleep, SystemClock, Timestamp};
use async_trait::async_trait;

use super::{Flaw, Sound};

/// The clock that was handed in is ignored.
#[derive(Default)]
pub(crate) struct HasItsOwnClock;

impl Flaw for HasItsOwnClock {
    fn clock(_given: Arc<dyn Clock>) -> Arc<dyn Clock> {
        Arc::new(SystemClock)
    }
}

/// The time is taken once, when the ledger is opened.
#[derive(Default)]
pub(crate) struct StopsTheClock;

struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        SystemClock.sleep(duration)
    }
}

impl Flaw for StopsTheClock {
    fn clock(given: Arc<dyn Clock>) -> Arc<dyn Clock> {
        Arc::new(Stopped(given.now()))
    }
}

/// A column of whole seconds.
#[derive(Default)]
pub(crate) struct RoundsToSeconds;

struct Rounded(Arc<dyn Clock>);

impl Clock for Rounded {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.now().as_micros() / 1_000_000 * 1_000_000)
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.0.sleep(duration)
    }
}

impl Flaw for RoundsToSeconds {
    fn clock(given: Arc<dyn Clock>) -> Arc<dyn Clock> {
        Arc::new(Rounded(given))
    }
}

/// A record is stamped with what the clock says, also when it runs backwards.
#[derive(Default)]
pub(crate) struct StampsWhateverTheClockSays(Mutex<BTreeMap<Seq, Timestamp>>);

impl StampsWhateverTheClockSays {
    fn restamped(&self, records: Vec<Record>) -> Vec<Record> {
        let times = self.0.lock().unwrap();
        let restamp = |mut record: Record| {
            if let Some(time) = times.get(&record.seq) {
                Arc::make_mut(&mut record.body).time = *time;
                record.bytes = record.body.to_bytes().unwrap().into();
            }
            record
        };
        records.into_iter().map(restamp).collect()
    }
}

#[async_trait]
impl Flaw for StampsWhateverTheClockSays {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let now = sound.clock.now();
        let appended = sound.memory.append(append).await?;
        self.0.lock().unwrap().insert(appended.seq, now);
        Ok(appended)
    }

    async fn history(&self, sound: &Sound, stream: Stream) -> Result<Vec<Record>, StoreError> {
        Ok(self.restamped(sound.memory.history(stream).await?))
    }

    async fn records(&self, sound: &Sound, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        Ok(self.restamped(sound.memory.records(after, limit).await?))
    }
}
