//! Bringing the scripted answers to the desk, each at its time.

use std::time::Duration;

use super::Inner;
use super::post::{Doing, Letter, Seat, lock};
use crate::desk::Desk;
use crate::id::RequestId;
use crate::ledger::{Append, CancelWhy, Event, Stream};
use crate::state::{Phase, State};
use crate::time::Clock as _;

/// How often calling a request off is tried while others write to it.
const TRIES: usize = 16;
/// How many turns an answer is waited for whose card is not on record: a store that fails may never write it.
const TURNS: usize = 10_000;

impl Inner {
    /// Delivers what is due, one after the other, until it is dropped or told to end.
    pub(super) async fn deliver(&self, seat: Seat, desk: &Desk) {
        let _listening = Listening::at(self, seat);
        let mut bell = self.bell.subscribe();
        loop {
            if self.listener_fault() {
                return;
            }
            let now = self.clock.now();
            let next = self.post().next(seat, now);
            match next {
                Ok(letter) => {
                    let _busy = Busy(self, seat);
                    self.hand_in(seat, desk, letter).await;
                }
                Err(later) => {
                    let until = async {
                        match later {
                            Some(at) => self.clock.sleep(now.until(at)).await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        // The sender lives as long as `self`.
                        _ = bell.changed() => {}
                        () = until => {}
                    }
                }
            }
        }
    }

    async fn hand_in(&self, seat: Seat, desk: &Desk, letter: Letter) {
        match letter {
            Letter::CallOff(request) => call_off(desk, request).await,
            Letter::Review(review) => {
                let (identity, review) = *review;
                self.does(seat, Doing::Holds);
                until_on_record(desk, review.request).await;
                self.does(seat, Doing::Delivers);
                let identities = match identity {
                    Some(identity) => vec![identity],
                    None => self.whoever_it_takes(desk, &review).await,
                };
                let request = review.request;
                for identity in identities {
                    let reply = desk.submit(&identity, review.clone()).await;
                    let mut book = self.book();
                    book.replies.push(reply);
                    self.replied.send_replace(book.replies.len());
                }
                self.tell_if_too_few(seat, desk, request).await;
            }
        }
    }

    fn does(&self, seat: Seat, doing: Doing) {
        self.post().seats.insert(seat, doing);
        self.ring();
    }

    /// Moves the clock on, and stops at every answer that is due on the way until it is delivered: one that comes
    /// before a deadline is judged before it.
    pub(super) async fn advance(&self, by: Duration) {
        let until = self.clock.now().after(by);
        loop {
            self.quiet().await;
            let now = self.clock.now();
            let next = self.post().next_due(now, until);
            match next {
                Some(at) => self.clock.advance(now.until(at)),
                None => break self.clock.advance(now.until(until)),
            }
        }
        self.quiet().await;
    }

    /// Returns once everything that is due was delivered, and the listener that is to fail has failed.
    async fn quiet(&self) {
        // Whoever sleeps by a wall clock that was set looks again.
        self.ring();
        let mut bell = self.bell.subscribe();
        let mut turns = 0;
        loop {
            let doing = match lock(&self.listener).is_some() && self.post().has_listener() {
                true => Doing::Delivers,
                false => self.post().doing(self.clock.now()),
            };
            match doing {
                Doing::Idle | Doing::Ended => return,
                // The sender lives as long as `self`.
                Doing::Delivers => drop(bell.changed().await),
                Doing::Holds if turns >= TURNS => return,
                Doing::Holds => {
                    turns += 1;
                    turn().await;
                }
            }
        }
    }
}

/// Gives every task that is ready a turn, on other threads too.
pub(super) async fn turn() {
    // It comes after them. That it is cut off with its runtime is no matter.
    let _ = tokio::spawn(async {}).await;
}

/// Nobody answers a card before it stands somewhere. Returns too when the store cannot say.
async fn until_on_record(desk: &Desk, request: RequestId) {
    let ours = |event: &Event| match event {
        Event::Presented { way, .. } | Event::PresentFailed { way, .. } => *way == desk.way().id,
        _ => false,
    };
    loop {
        let Ok(last) = desk.store.last().await else { return };
        let Ok(history) = desk.store.history(Stream::Request(request)).await else { return };
        let over = State::fold(&history).map_or(true, |state| state.phase() != Phase::Pending);
        if over || history.iter().any(|record| ours(&record.body.event)) {
            return;
        }
        if desk.store.wait_past(last).await.is_err() {
            return;
        }
        // A store may wake early, and one that always does must not keep a thread to itself.
        tokio::task::yield_now().await;
    }
}

/// Ends a request that the test is wrong about. One that ends by itself meanwhile needs no more.
async fn call_off(desk: &Desk, request: RequestId) {
    let stream = Stream::Request(request);
    for _ in 0..TRIES {
        let Ok(history) = desk.store.history(stream).await else { return };
        let Ok(state) = State::fold(&history) else { return };
        if state.phase() != Phase::Pending {
            return;
        }
        let event = Event::Cancelled { by: None, why: CancelWhy::Undeliverable };
        let append = Append {
            stream,
            expected: Some(state.version()),
            env: state.opened().map_or(desk.env, |opened| opened.env),
            node: desk.node.clone(),
            events: vec![event.into()],
        };
        match desk.store.append(append).await {
            Err(error) if error.is_stale() => tokio::task::yield_now().await,
            _ => return,
        }
    }
}

/// A seat listens for as long as this lives.
struct Listening<'a>(&'a Inner, Seat);

impl<'a> Listening<'a> {
    fn at(inner: &'a Inner, seat: Seat) -> Self {
        inner.post().seats.insert(seat, Doing::Idle);
        Self(inner, seat)
    }
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.0.post().seats.insert(self.1, Doing::Ended);
        self.0.ring();
    }
}

/// A seat has something in hand for as long as this lives, a panic of the directory included.
struct Busy<'a>(&'a Inner, Seat);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.does(self.1, Doing::Idle);
    }
}
