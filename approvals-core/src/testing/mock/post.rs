//! The answers that are under way to the desk, in virtual time.

use std::collections::{BTreeMap, HashMap};
use std::sync::PoisonError;
use std::time::Duration;

use crate::desk::Review;
use crate::id::RequestId;
use crate::people::Identity;
use crate::time::Timestamp;

/// One registration of the mock: what comes in by its cards goes out to its desk.
pub(super) type Seat = u64;

/// Something for the desk.
#[derive(Clone)]
pub(super) enum Letter {
    /// A review, as this identity or as whoever it takes.
    Review(Box<(Option<Identity>, Review)>),
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
    /// What each seat is doing; one that is not here has nothing to do yet.
    pub(super) seats: HashMap<Seat, Doing>,
}

/// Answers that go out in another order than their cards came.
struct Shuffled {
    order: Vec<usize>,
    cards: Vec<Vec<(Duration, Seat, Letter)>>,
}

/// What the listener of a seat is doing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    Idle,
    /// It delivers an answer.
    Delivers,
    /// It waits for the card to be on record.
    Holds,
    /// It listens no more.
    Ended,
}

impl Post {
    fn send(&mut self, now: Timestamp, (delay, seat, letter): (Duration, Seat, Letter)) {
        self.count += 1;
        // Not yet, perhaps, but it will: the listener starts with its approvals.
        self.seats.entry(seat).or_insert(Doing::Idle);
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
    pub(super) fn next(&mut self, seat: Seat, now: Timestamp) -> Result<Letter, Option<Timestamp>> {
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
    pub(super) fn next_due(&self, now: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let listens = |seat: &Seat| self.seats.get(seat).is_some_and(|doing| *doing != Doing::Ended);
        let due = self.due.iter().find(|((at, _), (seat, _))| *at > now && listens(seat));
        due.map(|((at, _), _)| *at).filter(|at| *at <= until)
    }

    /// Whether an answer to this request is still under way.
    pub(super) fn has_more_for(&self, request: RequestId) -> bool {
        let is_for = |letter: &Letter| match letter {
            Letter::Review(review) => review.1.request == request,
            Letter::CallOff(other) => *other == request,
        };
        let shuffled = self.shuffled.iter().flat_map(|shuffled| shuffled.cards.iter().flatten());
        self.due.values().any(|(_, letter)| is_for(letter))
            || self.late.iter().any(|(kept, ..)| *kept == request)
            || shuffled.into_iter().any(|(.., letter)| is_for(letter))
    }

    /// Whether anybody listens.
    pub(super) fn has_listener(&self) -> bool {
        self.seats.values().any(|doing| *doing != Doing::Ended)
    }

    /// What those are doing who have something to deliver.
    pub(super) fn doing(&self, now: Timestamp) -> Doing {
        let mut all = Doing::Idle;
        for (seat, doing) in &self.seats {
            let due = self.due.iter().any(|((at, _), (to, _))| *at <= now && to == seat);
            match doing {
                Doing::Delivers => return Doing::Delivers,
                Doing::Idle if due => return Doing::Delivers,
                Doing::Holds => all = Doing::Holds,
                Doing::Idle | Doing::Ended => {}
            }
        }
        all
    }
}

/// A lock that a panic of the test left behind is safe to enter: every change under it is complete.
pub(super) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
