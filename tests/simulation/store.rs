//! The ledger on a disk that outlives the processes that write it, and that can be away for a while.

use std::sync::{Arc, Mutex};

use approvals::id::{NodeName, Seq};
use approvals::ledger::{
    Append, Appended, Cursor, Event, Filter, NodeHold, Page, Record, Store, StoreError, StoreErrorKind,
    Stream,
};
use approvals::request::StoreKey;
use async_trait::async_trait;
use sha2::{Digest as _, Sha256};

use crate::defect::Defect;
use crate::dice::Dice;
use crate::plan::{Fault, Point};
use crate::world::{Life, World};

/// The ledger as one life of a node sees it.
#[derive(Clone)]
pub(crate) struct Disk {
    pub(crate) world: World,
    pub(crate) life: Life,
    pub(crate) dice: Arc<Mutex<Dice>>,
    pub(crate) defect: Option<Defect>,
}

/// The longest that a write takes until it is durable, and again until it is answered: more than a host's turn, so that
/// the writes of two hosts cross.
const SLOWEST: u64 = 250;

impl Disk {
    fn check(&self) -> Result<(), StoreError> {
        if self.life.is_over() {
            return Err(StoreError::new(StoreErrorKind::Other, "the power is gone"));
        }
        Ok(())
    }

    async fn dawdle(&self) {
        let long = self.dice.lock().unwrap().millis(0, SLOWEST);
        tokio::time::sleep(long).await;
    }

    fn names(append: &Append) -> Vec<&'static str> {
        append.events.iter().map(|new| new.event.name()).collect()
    }

    fn tell(&self, appended: &Appended, append: &Append, bytes: &[u8]) {
        let names = Self::names(append).join("+");
        let hash = Sha256::digest(bytes);
        let (seq, stream, life) = (appended.seq, append.stream, &self.life);
        self.world.note(format_args!("{life} #{seq} {stream} {names} {:02x}{:02x}", hash[0], hash[1]));
        for new in &append.events {
            match &new.event {
                Event::Unauthenticated { count, .. } => {
                    let now = self.world.now();
                    self.world.facts().counts.push((self.life.to_string(), now, *count));
                }
                Event::Ignored(ignored) => {
                    let why = serde_json::to_value(ignored.why).unwrap();
                    match why.as_str().unwrap() {
                        "requester" => self.world.fired("answer of the requester"),
                        "unmapped" => self.world.fired("answer of nobody known"),
                        "too_late" => self.world.fired("callback after the deadline"),
                        "already_decided" => self.world.fired("callback after the verdict"),
                        _ => {}
                    }
                }
                Event::Lost { .. } => self.world.fired("a cut off body was noticed"),
                Event::Expired {} => self.world.fired("request expired"),
                _ => {}
            }
        }
    }
}

#[async_trait]
impl Store for Disk {
    async fn append(&self, mut append: Append) -> Result<Appended, StoreError> {
        self.check()?;
        if self.world.window(|fault| matches!(fault, Fault::StoreAway).then_some(())).is_some() {
            self.world.fired("store away");
            return Err(StoreError::new(StoreErrorKind::Busy, "the disk is away; wait for it"));
        }
        let is = |wanted: fn(&Event) -> bool| append.events.iter().any(|new| wanted(&new.event));
        let (reviews, claims) =
            (is(|e| matches!(e, Event::Reviewed(_))), is(|e| matches!(e, Event::Started { .. })));
        let finishes = is(|event| matches!(event, Event::Finished { .. }));
        for (point, here) in
            [(Point::BeforeReview, reviews), (Point::BeforeClaim, claims), (Point::BeforeFinish, finishes)]
        {
            if here {
                self.world.may_fall(point, &self.life).await;
            }
        }
        self.dawdle().await;
        self.check()?;
        let mut told = append.clone();
        let appended = match self.defect {
            Some(Defect::ClaimIsNotCompared) if claims => {
                // Whoever comes second hears yes as well.
                match self.world.ledger.append(append.clone()).await {
                    Err(error) if error.is_stale() => {
                        let seq = self.world.ledger.last().await?;
                        told.events.clear();
                        let version = append.expected.take().unwrap_or_default().next();
                        Ok(Appended { seq, version, records: Vec::new() })
                    }
                    other => other,
                }
            }
            _ => self.world.ledger.append(append).await,
        };
        if let Ok(appended) = &appended
            && !told.events.is_empty()
        {
            let before = Seq(appended.seq.0 - told.events.len() as u64);
            let records = self.world.ledger.records(before, told.events.len()).await?;
            let bytes: Vec<u8> = records.iter().flat_map(|record| record.bytes.iter().copied()).collect();
            self.tell(appended, &told, &bytes);
        }
        if claims && appended.is_ok() {
            self.world.may_fall(Point::AfterClaim, &self.life).await;
        }
        self.dawdle().await;
        appended
    }

    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError> {
        self.check()?;
        self.world.ledger.history(stream).await
    }

    async fn list(&self, filter: &Filter, after: Option<Cursor>, limit: usize) -> Result<Page, StoreError> {
        self.check()?;
        self.world.ledger.list(filter, after, limit).await
    }

    async fn records(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.check()?;
        self.world.ledger.records(after, limit).await
    }

    async fn last(&self) -> Result<Seq, StoreError> {
        self.check()?;
        self.world.ledger.last().await
    }

    async fn wait_past(&self, after: Seq) -> Result<(), StoreError> {
        self.check()?;
        self.world.ledger.wait_past(after).await
    }

    async fn hold_node(&self, node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        self.check()?;
        self.world.ledger.hold_node(node).await
    }

    fn key(&self) -> &StoreKey {
        self.world.ledger.key()
    }
}
