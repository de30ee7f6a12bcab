//! Wakes those who wait when the ledger grows: one follower of the store for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};

use super::local::Offer;
use crate::id::RequestId;
use crate::ledger::Store;
use crate::sync::{Mutex, MutexGuard};
use crate::time::Clock;

/// How many records are read at a time.
const BATCH: usize = 512;
/// How long to wait before a store that fails is asked again.
const AGAIN: Duration = Duration::from_millis(200);

/// Who waits for news of which request.
pub(crate) struct Hub {
    table: Mutex<Table>,
    /// How many entries the table has: the follower sleeps while there are none.
    busy: watch::Sender<usize>,
    /// The process is shutting down: nobody waits any more.
    closed: AtomicBool,
}

/// In order, so that those who wake at once do so in the same order in every run.
#[derive(Default)]
struct Table {
    waiters: BTreeMap<RequestId, Waiting>,
    cards: BTreeSet<RequestId>,
    /// How many verdicts were offered.
    offers: u64,
}

/// Those who wait for one request. There may be a hundred thousand of these: what is rare is boxed.
#[derive(Default)]
struct Waiting {
    count: usize,
    bell: Arc<Bell>,
    /// A verdict that whoever of them takes it may record together with the claim.
    offer: Option<Box<(u64, Offer)>>,
}

/// Counts the news of one request. A channel would be seven times as large.
#[derive(Default)]
struct Bell {
    turn: AtomicU64,
    rung: Notify,
}

impl Waiting {
    fn ring(&self) {
        self.bell.turn.fetch_add(1, Ordering::SeqCst);
        self.bell.rung.notify_waiters();
    }
}

/// One who waits for news of a request.
pub(crate) struct Waiter<'a> {
    hub: &'a Hub,
    request: RequestId,
    bell: Arc<Bell>,
    /// The last turn of the bell that it has heard of.
    heard: u64,
}

/// The process is shutting down.
pub(crate) struct Closed;

impl Hub {
    pub(crate) fn new() -> Self {
        Self { table: Mutex::default(), busy: watch::Sender::new(0), closed: AtomicBool::new(false) }
    }

    /// Sends everybody who waits away, for good.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.table().waiters.values().for_each(Waiting::ring);
    }

    /// Whether it is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Whether anybody waits.
    pub(crate) fn has_waiters(&self) -> bool {
        !self.table().waiters.is_empty()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, table: &Table) {
        let busy = table.waiters.len() + table.cards.len();
        self.busy.send_if_modified(|count| std::mem::replace(count, busy) != busy);
    }

    /// Registers a waiter. Whatever happens to the request from now on wakes it.
    pub(crate) fn waiter(&self, request: RequestId) -> Waiter<'_> {
        let mut table = self.table();
        let waiting = table.waiters.entry(request).or_default();
        waiting.count += 1;
        let bell = Arc::clone(&waiting.bell);
        let heard = bell.turn.load(Ordering::SeqCst);
        self.count(&table);
        Waiter { hub: self, request, bell, heard }
    }

    /// Offers a verdict to whoever waits for the request here; `None` if nobody does, or has an offer already.
    pub(crate) fn offer(&self, request: RequestId, offer: Offer) -> Option<Offered<'_>> {
        let mut table = self.table();
        let number = table.offers;
        let waiting = table.waiters.get_mut(&request).filter(|waiting| waiting.offer.is_none())?;
        waiting.offer = Some(Box::new((number, offer)));
        waiting.ring();
        table.offers += 1;
        Some(Offered { hub: self, request, number })
    }

    /// Follows a request for its cards: news of it is sent to the keeper.
    pub(crate) fn follow_card(&self, request: RequestId) {
        let mut table = self.table();
        table.cards.insert(request);
        self.count(&table);
    }

    /// Whether a request is followed for its cards.
    pub(crate) fn follows_card(&self, request: RequestId) -> bool {
        self.table().cards.contains(&request)
    }

    /// The requests that are followed for their cards.
    pub(crate) fn cards(&self) -> Vec<RequestId> {
        self.table().cards.iter().copied().collect()
    }

    /// No longer follows a request for its cards.
    pub(crate) fn forget_card(&self, request: RequestId) {
        let mut table = self.table();
        table.cards.remove(&request);
        self.count(&table);
    }

    /// A note is news for the cards alone: it changes nothing that anybody waits for.
    fn ring(&self, request: RequestId, is_note: bool, cards: &mpsc::UnboundedSender<RequestId>) {
        let table = self.table();
        if let Some(waiting) = table.waiters.get(&request).filter(|_| !is_note) {
            waiting.ring();
        }
        if table.cards.contains(&request) {
            // A keeper that is gone needs no news.
            let _ = cards.send(request);
        }
    }

    fn ring_all(&self, cards: &mpsc::UnboundedSender<RequestId>) {
        let table = self.table();
        table.waiters.values().for_each(Waiting::ring);
        for request in &table.cards {
            let _ = cards.send(*request);
        }
    }

    /// Follows the ledger while anybody waits, for ever.
    pub(crate) async fn follow(
        self: Arc<Self>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        cards: mpsc::UnboundedSender<RequestId>,
    ) {
        let mut busy = self.busy.subscribe();
        loop {
            if busy.wait_for(|count| *count > 0).await.is_err() {
                return;
            }
            let Ok(mut seen) = store.last().await else {
                clock.sleep(AGAIN).await;
                continue;
            };
            // What came between a waiter's own look and this place would be missed: everybody looks once more.
            self.ring_all(&cards);
            loop {
                let idle = async { busy.wait_for(|count| *count == 0).await.map(drop) };
                let more = tokio::select! {
                    biased;
                    more = store.wait_past(seen) => more,
                    _ = idle => break,
                };
                let records = match more {
                    Ok(()) => store.records(seen, BATCH).await,
                    Err(error) => Err(error),
                };
                match records {
                    Ok(records) => {
                        for record in records {
                            seen = record.seq;
                            if let Some(request) = record.body.stream.request() {
                                self.ring(request, record.body.event.is_note(), &cards);
                            }
                        }
                        // A store may wake early, and one that always does must not keep a thread to itself.
                        tokio::task::yield_now().await;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the ledger cannot be followed; trying again, and verdicts are noticed late: do what the error says");
                        clock.sleep(AGAIN).await;
                        // Whoever waits finds out by their own look.
                        self.ring_all(&cards);
                        break;
                    }
                }
            }
        }
    }
}

impl Waiter<'_> {
    /// Takes the verdict that is offered, if there is one.
    pub(crate) fn offer(&self) -> Option<Offer> {
        let mut table = self.hub.table();
        table.waiters.get_mut(&self.request)?.offer.take().map(|offer| offer.1)
    }

    /// Returns once something happened to the request since the last call, or since the registration.
    pub(crate) async fn news(&mut self) -> Result<(), Closed> {
        loop {
            // In line before it looks: a bell that rings in between is heard.
            let mut rung = pin!(self.bell.rung.notified());
            rung.as_mut().enable();
            if self.hub.is_closed() {
                return Err(Closed);
            }
            let turn = self.bell.turn.load(Ordering::SeqCst);
            if std::mem::replace(&mut self.heard, turn) != turn {
                return Ok(());
            }
            rung.await;
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut table = self.hub.table();
        if let Some(waiting) = table.waiters.get_mut(&self.request) {
            waiting.count -= 1;
            if waiting.count == 0 {
                table.waiters.remove(&self.request);
            }
        }
        self.hub.count(&table);
    }
}

/// An offer that stands until it is taken, or this is dropped.
pub(crate) struct Offered<'a> {
    hub: &'a Hub,
    request: RequestId,
    number: u64,
}

impl Offered<'_> {
    fn find<'t>(&self, table: &'t mut Table) -> Option<&'t mut Option<Box<(u64, Offer)>>> {
        let offer = &mut table.waiters.get_mut(&self.request)?.offer;
        offer.as_ref().is_some_and(|offer| offer.0 == self.number).then_some(offer)
    }

    /// Whether nobody has taken it yet, and somebody may.
    pub(crate) fn stands(&self) -> bool {
        self.find(&mut self.hub.table()).is_some()
    }
}

impl Drop for Offered<'_> {
    fn drop(&mut self) {
        if let Some(offer) = self.find(&mut self.hub.table()) {
            *offer = None;
        }
    }
}
