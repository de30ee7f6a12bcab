//! A ledger on a shelf, with one of the defects that a store may have.

use std::collections::BTreeMap;
use std::sync::Arc;

use approvals_races_core::async_trait;
use approvals_races_core::id::{NodeName, Seq};
use approvals_races_core::ledger::{
    Append, Appended, Bell, Cursor, Event, Filter, NodeHold, Page, Record, Sealed, Store, StoreError, Stream,
    seal,
};
use approvals_races_core::request::StoreKey;
use approvals_races_core::testing::ManualClock;
use approvals_races_core::time::Clock;
use shuttle::future::yield_now;
use shuttle::sync::Mutex;
use tokio::sync::watch;

/// What is wrong with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    /// Nothing: what the others are compared to.
    None,
    /// Judges an append before it takes the lock under which it writes.
    LostCompare,
    /// Tells a claim that came too late for its version that it is there.
    TwoWinners,
    /// Answers, and writes afterwards.
    EarlyReply,
    /// Looks whether there is news, and listens for it afterwards.
    LooksThenListens,
    /// Gives two readers out of three what the one before them was given.
    StaleReads,
}

#[derive(Clone)]
pub(crate) struct Shelf(Arc<Inner>);

struct Inner {
    defect: Defect,
    clock: ManualClock,
    key: StoreKey,
    records: Mutex<Vec<Record>>,
    /// What a reader was given, and how often it is given once more.
    given: Mutex<BTreeMap<Stream, (Vec<Record>, usize)>>,
    bell: Bell,
    news: watch::Sender<()>,
}

impl Shelf {
    pub(crate) fn with(defect: Defect, clock: ManualClock) -> Self {
        Self(Arc::new(Inner {
            defect,
            clock,
            key: StoreKey::from_bytes([7; 32]),
            records: Mutex::default(),
            given: Mutex::default(),
            bell: Bell::default(),
            news: watch::Sender::new(()),
        }))
    }

    fn judge(&self, records: &[Record], append: Append) -> Result<Vec<Sealed>, StoreError> {
        let of_it = records.iter().filter(|record| record.body.stream == append.stream);
        let history: Vec<&Record> = of_it.filter(|record| record.body.stream.request().is_some()).collect();
        Ok(seal(history, append, self.0.clock.now())?)
    }

    fn write(&self, records: &mut Vec<Record>, sealed: Vec<Sealed>) -> Appended {
        for sealed in sealed {
            records.push(Record::at(Seq(records.len() as u64 + 1), sealed));
        }
        let last = records.last().unwrap();
        Appended { seq: last.seq, version: last.body.version, records: Vec::new() }
    }

    fn tell(&self, last: Seq) {
        self.0.bell.ring(last);
        self.0.news.send_replace(());
    }
}

#[async_trait]
impl Store for Shelf {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        let appended = match self.0.defect {
            Defect::LostCompare => {
                let seen = self.0.records.lock().unwrap().clone();
                let sealed = self.judge(&seen, append)?;
                yield_now().await;
                self.write(&mut self.0.records.lock().unwrap(), sealed)
            }
            Defect::EarlyReply => {
                let mut planned = self.0.records.lock().unwrap().clone();
                let sealed = self.judge(&planned, append)?;
                let appended = self.write(&mut planned, sealed.clone());
                let late = self.clone();
                drop(shuttle::future::spawn(async move {
                    let appended = late.write(&mut late.0.records.lock().unwrap(), sealed);
                    late.tell(appended.seq);
                }));
                return Ok(appended);
            }
            defect => {
                let mut records = self.0.records.lock().unwrap();
                let claims = append.events.iter().any(|new| matches!(new.event, Event::Started { .. }));
                match self.judge(&records, append.clone()) {
                    Err(error) if defect == Defect::TwoWinners && claims && error.is_stale() => {
                        let of_it = records.iter().rfind(|record| record.body.stream == append.stream);
                        of_it
                            .map(|record| Appended {
                                seq: record.seq,
                                version: record.body.version,
                                records: Vec::new(),
                            })
                            .unwrap()
                    }
                    judged => self.write(&mut records, judged?),
                }
            }
        };
        self.tell(appended.seq);
        Ok(appended)
    }

    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError> {
        if self.0.defect == Defect::StaleReads
            && let Some((given, left)) = self.0.given.lock().unwrap().get_mut(&stream)
            && *left > 0
        {
            *left -= 1;
            return Ok(given.clone());
        }
        let records = self.0.records.lock().unwrap();
        let history: Vec<_> = records.iter().filter(|record| record.body.stream == stream).cloned().collect();
        drop(records);
        if !history.is_empty() {
            self.0.given.lock().unwrap().insert(stream, (history.clone(), 2));
        }
        Ok(history)
    }

    async fn list(&self, _: &Filter, _: Option<Cursor>, _: usize) -> Result<Page, StoreError> {
        Ok(Page::default())
    }

    async fn records(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        let records = self.0.records.lock().unwrap();
        Ok(records.iter().filter(|record| record.seq > after).take(limit).cloned().collect())
    }

    async fn last(&self) -> Result<Seq, StoreError> {
        Ok(self.0.records.lock().unwrap().last().map_or(Seq::START, |record| record.seq))
    }

    async fn wait_past(&self, after: Seq) -> Result<(), StoreError> {
        if self.0.defect != Defect::LooksThenListens {
            self.0.bell.wait_past(after).await;
            return Ok(());
        }
        while self.last().await? <= after {
            yield_now().await;
            // The sender lives as long as this.
            let _ = self.0.news.subscribe().changed().await;
        }
        Ok(())
    }

    async fn hold_node(&self, _: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        Ok(Some(NodeHold::new(())))
    }

    fn key(&self) -> &StoreKey {
        &self.0.key
    }
}
