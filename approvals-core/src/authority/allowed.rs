//! Records of calls that run freely at risk low: written behind the call, through a buffer with a bound (law 7).

use std::sync::Arc;

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
}

/// The buffer is full: the call waits for room.
pub(crate) struct Full(mpsc::Sender<Line>, Line);

impl Behind {
    /// A buffer and the work that empties it.
    pub(crate) fn new(local: Local) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (near, far) = mpsc::channel(ROOM);
        let (done, written) = watch::channel(false);
        let work = async move {
            write(local, far).await;
            let _ = done.send(true);
        };
        (Self { near, written }, work)
    }

    /// Puts a record into the buffer.
    pub(crate) fn put(&self, event: Event) -> Result<(), Full> {
        self.near
            .try_send(Line::Ran(Box::new(event)))
            .map_err(|error| Full(self.near.clone(), error.into_inner()))
    }

    /// Takes nothing any more, and returns once everything that was taken is durable.
    pub(crate) async fn close(&self) {
        // Closed already is as good.
        let _ = self.near.send(Line::Close).await;
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

async fn write(local: Local, mut far: mpsc::Receiver<Line>) {
    let mut lines = Vec::with_capacity(BATCH);
    while far.recv_many(&mut lines, BATCH).await > 0 {
        let mut events: Vec<NewEvent> = Vec::with_capacity(lines.len());
        for line in lines.drain(..) {
            match line {
                Line::Ran(event) => events.push((*event).into()),
                Line::Close => far.close(),
            }
        }
        let events: Arc<[NewEvent]> = events.into();
        let mut tries = 0;
        while !events.is_empty() {
            match local.notes(Stream::Allowed, events.to_vec()).await {
                Ok(_) => break,
                Err(error) => {
                    // Nothing is dropped: the buffer fills, and calls wait for room.
                    tracing::warn!(%error, "records of freely run calls cannot be written; trying again");
                    local.parts.clock.sleep(backoff(tries)).await;
                    tries += 1;
                }
            }
        }
    }
}
