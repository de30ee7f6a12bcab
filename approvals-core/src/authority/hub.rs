//! Wakes those who wait when the ledger grows: one follower of the store for all of them.

use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::local::Offer;
use crate::id::RequestId;
use crate::ledger::Store;
use crate::sync::{Mutex, MutexGuard};
use crate::time::Clock;

/// How many records are read at a time.
const BATCH: usize = 128;
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
    seats: BTreeMap<Place, Seat>,
    cards: BTreeMap<RequestId, Placed>,
    /// Verdicts that whoever waits for the request may record together with the claim, each with its number.
    offers: HashMap<RequestId, (u64, Offer)>,
    /// How many waiters and offers were numbered.
    numbered: u64,
}

/// On which backends, by their number, this process has placed cards of a request, so that a backend whose cards die with
/// a process is asked once in each. One that there is no bit for is asked again, which makes no second card.
#[derive(Debug, Clone, Copy, Default)]
struct Placed(u64);

impl Placed {
    fn bit(backend: usize) -> u64 {
        u32::try_from(backend).ok().and_then(|backend| 1_u64.checked_shl(backend)).unwrap_or(0)
    }
}

/// A waiter for a request, and its number.
type Place = (RequestId, u64);

/// One who waits. There may be a hundred thousand, so it is a row in the table, and neither a channel nor a task.
#[derive(Default)]
struct Seat {
    /// Something happened that it has not heard of.
    rung: bool,
    waker: Option<Waker>,
}

impl Seat {
    fn ring(&mut self) -> Option<Waker> {
        self.rung = true;
        self.waker.take()
    }
}

impl Table {
    fn number(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered
    }

    fn is_waited_for(&self, request: RequestId) -> bool {
        self.seats.range(seats_of(request)).next().is_some()
    }

    /// Whom to wake, once the table is free again: what a waker does is others' code.
    fn ring(&mut self, request: RequestId) -> Vec<Waker> {
        self.seats.range_mut(seats_of(request)).filter_map(|(_, seat)| seat.ring()).collect()
    }

    fn ring_all(&mut self) -> Vec<Waker> {
        self.seats.values_mut().filter_map(Seat::ring).collect()
    }
}

fn seats_of(request: RequestId) -> std::ops::RangeInclusive<Place> {
    (request, u64::MIN)..=(request, u64::MAX)
}

fn wake(wakers: Vec<Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}

/// One who waits for news of a request.
pub(crate) struct Waiter {
    hub: Arc<Hub>,
    place: Place,
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
        self.ring_everybody();
    }

    /// Has everybody who waits look anew.
    pub(crate) fn ring_everybody(&self) {
        let wakers = self.table().ring_all();
        wake(wakers);
    }

    /// Has those who wait for a request look anew.
    pub(crate) fn ring(&self, request: RequestId) {
        let wakers = self.table().ring(request);
        wake(wakers);
    }

    /// Whether it is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Whether anybody waits.
    pub(crate) fn has_waiters(&self) -> bool {
        !self.table().seats.is_empty()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, table: &Table) {
        let busy = table.seats.len() + table.cards.len();
        self.busy.send_if_modified(|count| std::mem::replace(count, busy) != busy);
    }

    /// Registers a waiter. Whatever happens to the request from now on wakes it.
    pub(crate) fn waiter(self: &Arc<Self>, request: RequestId) -> Waiter {
        let mut table = self.table();
        let place = (request, table.number());
        table.seats.insert(place, Seat::default());
        self.count(&table);
        drop(table);
        Waiter { hub: Arc::clone(self), place }
    }

    /// Offers a verdict to whoever waits for the request here; `None` if nobody does, or has an offer already.
    pub(crate) fn offer(&self, request: RequestId, offer: Offer) -> Option<Offered<'_>> {
        let mut table = self.table();
        if !table.is_waited_for(request) || table.offers.contains_key(&request) {
            return None;
        }
        let number = table.number();
        table.offers.insert(request, (number, offer));
        let wakers = table.ring(request);
        drop(table);
        wake(wakers);
        Some(Offered { hub: self, request, number })
    }

    /// Follows a request for its cards: news of it is sent to the keeper.
    pub(crate) fn follow_card(&self, request: RequestId) {
        let mut table = self.table();
        table.cards.entry(request).or_default();
        self.count(&table);
    }

    /// Keeps in mind that a card of a request is placed on a backend, for as long as it is followed for its cards.
    pub(crate) fn placed_card(&self, request: RequestId, backend: usize) {
        if let Some(placed) = self.table().cards.get_mut(&request) {
            placed.0 |= Placed::bit(backend);
        }
    }

    /// Whether it is.
    pub(crate) fn has_placed(&self, request: RequestId, backend: usize) -> bool {
        self.table().cards.get(&request).is_some_and(|placed| placed.0 & Placed::bit(backend) != 0)
    }

    /// Whether a request is followed for its cards.
    pub(crate) fn follows_card(&self, request: RequestId) -> bool {
        self.table().cards.contains_key(&request)
    }

    /// The requests that are followed for their cards.
    pub(crate) fn cards(&self) -> Vec<RequestId> {
        self.table().cards.keys().copied().collect()
    }

    /// How many rows the tables have.
    #[cfg(test)]
    pub(crate) fn rows(&self) -> Vec<(&'static str, usize)> {
        let table = self.table();
        vec![("seats", table.seats.len()), ("cards", table.cards.len()), ("offers", table.offers.len())]
    }

    /// No longer follows a request for its cards.
    pub(crate) fn forget_card(&self, request: RequestId) {
        let mut table = self.table();
        table.cards.remove(&request);
        self.count(&table);
    }

    /// A note is news for the cards alone: it changes nothing that anybody waits for.
    fn tell(&self, request: RequestId, is_note: bool, cards: &mpsc::UnboundedSender<RequestId>) {
        let mut table = self.table();
        let wakers = if is_note { Vec::new() } else { table.ring(request) };
        if table.cards.contains_key(&request) {
            // A keeper that is gone needs no news.
            let _ = cards.send(request);
        }
        drop(table);
        wake(wakers);
    }

    fn tell_all(&self, cards: &mpsc::UnboundedSender<RequestId>) {
        self.ring_everybody();
        for request in self.table().cards.keys() {
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
            self.tell_all(&cards);
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
                                self.tell(request, record.body.event.is_note(), &cards);
                            }
                        }
                        // A store may wake early, and one that always does must not keep a thread to itself.
                        tokio::task::yield_now().await;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the ledger cannot be followed; trying again, and verdicts are noticed late: do what the error says");
                        clock.sleep(AGAIN).await;
                        // Whoever waits finds out by their own look.
                        self.tell_all(&cards);
                        break;
                    }
                }
            }
        }
    }
}

impl Waiter {
    /// Takes the verdict that is offered, if there is one.
    pub(crate) fn offer(&self) -> Option<Offer> {
        self.hub.table().offers.remove(&self.place.0).map(|(_, offer)| offer)
    }

    /// Is ready once a verdict is offered, and takes it. What else happened is still news.
    pub(crate) fn poll_offer(&mut self, cx: &Context<'_>) -> Poll<Offer> {
        let waker = cx.waker().clone();
        let mut table = self.hub.table();
        let offer = table.offers.remove(&self.place.0);
        let seat = table.seats.get_mut(&self.place).filter(|_| offer.is_none());
        let before = seat.and_then(|seat| seat.waker.replace(waker));
        drop(table);
        drop(before);
        offer.map_or(Poll::Pending, |(_, offer)| Poll::Ready(offer))
    }

    /// Returns once something happened to the request since the last call, or since the registration.
    pub(crate) async fn news(&mut self) -> Result<(), Closed> {
        poll_fn(|cx| self.poll_news(cx)).await
    }

    /// The same, by hand.
    pub(crate) fn poll_news(&mut self, cx: &Context<'_>) -> Poll<Result<(), Closed>> {
        let waker = cx.waker().clone();
        let mut table = self.hub.table();
        if self.hub.is_closed() {
            return Poll::Ready(Err(Closed));
        }
        let Some(seat) = table.seats.get_mut(&self.place) else { return Poll::Pending };
        if std::mem::take(&mut seat.rung) {
            return Poll::Ready(Ok(()));
        }
        let before = seat.waker.replace(waker);
        drop(table);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut table = self.hub.table();
        let seat = table.seats.remove(&self.place);
        let request = self.place.0;
        // Nobody is left who could take it.
        let offer = if table.is_waited_for(request) { None } else { table.offers.remove(&request) };
        self.hub.count(&table);
        drop(table);
        drop((seat, offer));
    }
}

/// An offer that stands until it is taken, or this is dropped.
pub(crate) struct Offered<'a> {
    hub: &'a Hub,
    request: RequestId,
    number: u64,
}

impl Offered<'_> {
    /// Whether nobody has taken it yet, and somebody may.
    pub(crate) fn stands(&self) -> bool {
        self.is_in(&self.hub.table())
    }

    fn is_in(&self, table: &Table) -> bool {
        table.offers.get(&self.request).is_some_and(|(number, _)| *number == self.number)
    }
}

impl Drop for Offered<'_> {
    fn drop(&mut self) {
        let mut table = self.hub.table();
        let offer = if self.is_in(&table) { table.offers.remove(&self.request) } else { None };
        drop(table);
        drop(offer);
    }
}
