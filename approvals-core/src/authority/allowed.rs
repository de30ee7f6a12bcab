//! Records of calls that run freely at risk low: written behind the call, through a buffer with a bound (law 7).

use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};

use tokio::sync::{mpsc, watch};

use super::local::{Local, backoff};
use crate::ledger::{Event, NewEvent, Stream};

/// How many records may wait to be written.
const ROOM: usize = 1024;
/// How many are written at a time.
const BATCH: usize = 256;

enum Line {
    Ran(Box<Event>),
    /// Nothing is taken after this.
    Close,
}

/// The buffer's near end.
#[derive(Clone)]
pub(crate) struct Behind {
    near: mpsc::Sender<Line>,
    written: watch::Receiver<bool>,
    /// How many records were taken out of the buffer and are not written yet.
    in_hand: Arc<AtomicUsize>,
    /// How many lines that close the buffer stand in it; one that is taken out at once is counted back first.
    closing: Arc<AtomicIsize>,
}

/// The buffer is full: the call waits for room.
pub(crate) struct Full(mpsc::Sender<Line>, Line);

impl Behind {
    /// A buffer and the work that empties it.
    pub(crate) fn new(local: Local) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (near, far) = mpsc::channel(ROOM);
        let (done, written) = watch::channel(false);
        let in_hand = Arc::<AtomicUsize>::default();
        let closing = Arc::<AtomicIsize>::default();
        let (hand, close) = (Arc::clone(&in_hand), Arc::clone(&closing));
        let work = async move {
            write(local, far, &hand, &close).await;
            let _ = done.send(true);
        };
        (Self { near, written, in_hand, closing }, work)
    }

    /// Puts a record into the buffer.
    pub(crate) fn put(&self, event: Event) -> Result<(), Full> {
        self.near
            .try_send(Line::Ran(Box::new(event)))
            .map_err(|error| Full(self.near.clone(), error.into_inner()))
    }

    /// How many records are not written.
    pub(crate) fn unwritten(&self) -> usize {
        let waiting = self.near.max_capacity().saturating_sub(self.near.capacity());
        let records =
            waiting.saturating_sub(usize::try_from(self.closing.load(Ordering::Relaxed)).unwrap_or(0));
        records.saturating_add(self.in_hand.load(Ordering::Relaxed))
    }

    /// Takes nothing any more, and returns once everything that was taken is durable.
    pub(crate) async fn close(&self) {
        // Closed already is as good.
        if self.near.send(Line::Close).await.is_ok() {
            self.closing.fetch_add(1, Ordering::Relaxed);
        }
        let _ = self.written.clone().wait_for(|written| *written).await;
    }
}

impl Full {
    /// Waits for room. Errors if nobody empties the buffer any more.
    pub(crate) async fn wait(self) -> Result<(), Closed> {
        self.0.send(self.1).await.map_err(|_| Closed)
    }
}

/// Nobody empties the buffer any more.
#[derive(Debug)]
pub(crate) struct Closed;

async fn write(local: Local, mut far: mpsc::Receiver<Line>, in_hand: &AtomicUsize, closing: &AtomicIsize) {
    let mut lines = Vec::with_capacity(BATCH);
    while far.recv_many(&mut lines, BATCH).await > 0 {
        let mut events: Vec<NewEvent> = Vec::with_capacity(lines.len());
        for line in lines.drain(..) {
            match line {
                Line::Ran(event) => events.push((*event).into()),
                Line::Close => {
                    closing.fetch_sub(1, Ordering::Relaxed);
                    far.close();
                }
            }
        }
        let events: Arc<[NewEvent]> = events.into();
        in_hand.store(events.len(), Ordering::Relaxed);
        let mut tries = 0;
        while !events.is_empty() {
            match local.notes(Stream::Allowed, events.to_vec()).await {
                Ok(_) => break,
                Err(error) => {
                    // Nothing is dropped: the buffer fills, and calls wait for room.
                    tracing::warn!(%error, "records of freely run calls cannot be written; trying again, and calls wait once the buffer is full: do what the error says");
                    local.parts.clock.sleep(backoff(tries)).await;
                    tries += 1;
                }
            }
        }
        in_hand.store(0, Ordering::Relaxed);
    }
}
