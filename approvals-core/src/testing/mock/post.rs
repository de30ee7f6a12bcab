//! The answers that are under way to the desk, in virtual time.

use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;
use std::time::Duration;

use super::Inner;
use crate::desk::{Desk, Review};
use crate::id::RequestId;
use crate::ledger::{Append, CancelWhy, Event, Stream};
use crate::people::Identity;
use crate::state::{Phase, State};
use crate::time::{Clock as _, Timestamp};

/// How often calling a request off is tried while others write to it.
const TRIES: usize = 16;
/// How many turns an answer is waited for whose card is not on record: a store that fails may never write it.
const TURNS: usize = 10_000;

/// One registration of the mock: what comes in by its cards goes out to its desk.
pub(super) type Seat = u64;

/// Something for the desk.
#[derive(Clone)]
pub(super) enum Letter {
    /// A review, as this identity.
    Review(Box<(Identity, Review)>),
    /// The test is wrong about this request: nobody can answer it, and its caller must not wait for ever.
    CallOff(RequestId),
}

/// What waits to be delivered.
#[derive(Default)]
pub(super) struct Post {
    count: u64,
    due: BTreeMap<(Timestamp, u64), (Seat, Letter)>,
    /// By request, for when it is over.
    late: Vec<(RequestId, Duration, Seat, Letter)>,
    shuffled: Option<Shuffled>,
    /// The seats that listen, and what each is doing.
    seats: HashMap<Seat, Doing>,
}

/// Answers that go out in another order than their cards came.
struct Shuffled {
    order: Vec<usize>,
    cards: Vec<Vec<(Duration, Seat, Letter)>>,
}

/// What a seat that listens is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    Idle,
    /// It delivers an answer.
    Delivers,
    /// It waits for the card to be on record.
    Holds,
}

impl Post {
    fn send(&mut self, now: Timestamp, (delay, seat, letter): (Duration, Seat, Letter)) {
        self.count += 1;
        self.due.insert((now.after(delay), self.count), (seat, letter));
    }

    /// Takes the answers to one card.
    pub(super) fn take(&mut self, now: Timestamp, letters: Vec<(Duration, Seat, Letter)>) {
        match self.shuffled.take() {
            None => letters.into_iter().for_each(|letter| self.send(now, letter)),
            Some(mut shuffled) => {
                shuffled.cards.push(letters);
                if shuffled.cards.len() < shuffled.order.len() {
                    self.shuffled = Some(shuffled);
                    return;
                }
                for card in shuffled.order {
                    let letters = shuffled.cards.get_mut(card).map(std::mem::take).unwrap_or_default();
                    letters.into_iter().for_each(|letter| self.send(now, letter));
                }
            }
        }
    }

    /// Takes something that nothing holds back.
    pub(super) fn take_now(&mut self, now: Timestamp, seat: Seat, letter: Letter) {
        self.send(now, (Duration::ZERO, seat, letter));
    }

    /// Keeps an answer until its request is over.
    pub(super) fn keep(&mut self, request: RequestId, delay: Duration, seat: Seat, letter: Letter) {
        self.late.push((request, delay, seat, letter));
    }

    /// The request is over: what was kept for that is sent.
    pub(super) fn release(&mut self, now: Timestamp, over: RequestId) {
        for (request, delay, seat, letter) in std::mem::take(&mut self.late) {
            match request == over {
                true => self.send(now, (delay, seat, letter)),
                false => self.late.push((request, delay, seat, letter)),
            }
        }
    }

    /// Holds the answers to the next cards back and sends them in this order of cards.
    pub(super) fn shuffle(&mut self, order: Vec<usize>) {
        self.shuffled = Some(Shuffled { order, cards: Vec::new() });
    }

    /// The next for this seat, if its time has come; else when that will be.
    fn next(&mut self, seat: Seat, now: Timestamp) -> Result<Letter, Option<Timestamp>> {
        let next = self.due.iter().find(|(_, (to, _))| *to == seat).map(|(key, _)| *key);
        match next {
            Some(key) if key.0 <= now => {
                // In the same breath: it is due no longer and is not delivered yet.
                self.seats.insert(seat, Doing::Delivers);
                self.due.remove(&key).map(|(_, letter)| letter).ok_or(None)
            }
            later => Err(later.map(|(at, _)| at)),
        }
    }

    /// When the next answer is due to a seat that listens, past `now` and no later than `until`.
    fn next_due(&self, now: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let listens = |seat: &Seat| self.seats.contains_key(seat);
        let due = self.due.iter().find(|((at, _), (seat, _))| *at > now && listens(seat));
        due.map(|((at, _), _)| *at).filter(|at| *at <= until)
    }

    /// What those are doing who have something to deliver.
    fn doing(&self, now: Timestamp) -> Doing {
        let mut all = Doing::Idle;
        for (seat, doing) in &self.seats {
            let due = self.due.iter().any(|((at, _), (to, _))| *at <= now && to == seat);
            match doing {
                Doing::Delivers => return Doing::Delivers,
                Doing::Idle if due => return Doing::Delivers,
                Doing::Holds => all = Doing::Holds,
                Doing::Idle => {}
            }
        }
        all
    }
}

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
                let reply = desk.submit(&identity, review).await;
                let mut book = self.book();
                book.replies.push(reply);
                self.replied.send_replace(book.replies.len());
            }
        }
    }

    fn does(&self, seat: Seat, doing: Doing) {
        if let Some(now) = self.post().seats.get_mut(&seat) {
            *now = doing;
        }
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

    /// Returns once everything that is due was delivered.
    async fn quiet(&self) {
        // Whoever sleeps by a wall clock that was set looks again.
        self.ring();
        let mut bell = self.bell.subscribe();
        let mut turns = 0;
        loop {
            let doing = self.post().doing(self.clock.now());
            match doing {
                Doing::Idle => return,
                // The sender lives as long as `self`.
                Doing::Delivers => drop(bell.changed().await),
                Doing::Holds if turns >= TURNS => return,
                Doing::Holds => {
                    turns += 1;
                    tokio::task::yield_now().await;
                }
            }
        }
    }
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
        self.0.post().seats.remove(&self.1);
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

/// A lock that a panic of the test left behind is safe to enter: every change under it is complete.
pub(super) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
