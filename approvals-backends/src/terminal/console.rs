//! The console: the one queue of this process, shared by its terminals, its reader and the desk's answers.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use approvals_core::backend::BackendError;
use approvals_core::card::{Card, Shown};
use approvals_core::desk::{DeskError, Reply, Review};
use approvals_core::id::RequestId;
use approvals_core::ledger::PresentFailure;
use tokio::sync::mpsc;

use super::queue::Queue;
use super::reader::Typed;
use super::tty::{ProcessTty, Tty};

/// One terminal backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct SeatId(pub(super) u64);

/// The number of a question; no two questions of a console have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Question(NonZeroU64);

impl Question {
    pub(super) const FIRST: Self = Self(NonZeroU64::MIN);

    pub(super) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Which question is open. The reader asks without the lock, which is held while a card is written.
#[derive(Clone, Default)]
pub(super) struct OpenQuestion(Arc<AtomicU64>);

impl OpenQuestion {
    fn get(&self) -> Option<Question> {
        NonZeroU64::new(self.0.load(Ordering::SeqCst)).map(Question)
    }

    pub(super) fn set(&self, question: Option<Question>) {
        self.0.store(question.map_or(0, |question| question.0.get()), Ordering::SeqCst);
    }
}

pub(super) struct Console {
    open: OpenQuestion,
    queue: Mutex<Queue>,
}

impl Console {
    /// The one of this process: two would take each other's input, and a line that was meant for one would answer
    /// the other.
    pub(super) fn of_process() -> Arc<Self> {
        static CONSOLE: OnceLock<Arc<Console>> = OnceLock::new();
        Arc::clone(CONSOLE.get_or_init(|| Self::new(ProcessTty::default())))
    }

    pub(super) fn new(tty: impl Tty + 'static) -> Arc<Self> {
        let open = OpenQuestion::default();
        let queue = Mutex::new(Queue::new(Box::new(tty), open.clone()));
        Arc::new(Self { open, queue })
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The question that is open.
    pub(super) fn question(&self) -> Option<Question> {
        self.open.get()
    }

    /// Takes a place for the answers to the cards of a terminal.
    pub(super) fn sit(self: &Arc<Self>, seat: SeatId, identity: String) -> Result<Seated, BackendError> {
        let reviews = self.lock().sit(seat, identity)?;
        Ok(Seated { console: Arc::clone(self), seat, reviews })
    }

    /// Whether somebody could be asked, now.
    pub(super) fn ready(&self) -> Result<(), BackendError> {
        self.lock().tty.ready()
    }

    /// Queues a card. It is shown when those before it are answered, and once its terminal listens.
    pub(super) fn present(self: &Arc<Self>, seat: SeatId, card: &Card) -> Result<Shown, BackendError> {
        let request = id_of(card)?;
        let mut queue = self.lock();
        if let Some(shown) = queue.shows(seat, request) {
            return Ok(shown);
        }
        queue.tty.ready()?;
        queue.tty.attend(self).map_err(|error| {
            let message = format!("the keyboard cannot be read: {error}; raise the process's limits");
            BackendError::temporary(PresentFailure::Other, message)
        })?;
        queue.add(seat, request, card)
    }

    /// Takes news of a request.
    pub(super) fn update(&self, seat: SeatId, card: &Card) {
        if let Ok(request) = id_of(card) {
            self.lock().update(seat, request, card);
        }
    }

    /// Takes what was typed when this question was open.
    pub(super) fn typed(&self, question: Question, typed: Typed) {
        self.lock().typed(question, typed);
    }

    /// Takes what became of an answer.
    pub(super) fn report(&self, seat: SeatId, request: RequestId, reply: Result<Reply, DeskError>) {
        self.lock().report(seat, request, reply);
    }
}

/// The place of one terminal at the console, given up when it is dropped.
pub(super) struct Seated {
    console: Arc<Console>,
    seat: SeatId,
    reviews: mpsc::UnboundedReceiver<Review>,
}

impl Seated {
    /// The next answer to a card of this terminal.
    pub(super) async fn next(&mut self) -> Option<Review> {
        self.reviews.recv().await
    }

    #[cfg(test)]
    pub(super) fn try_next(&mut self) -> Option<Review> {
        self.reviews.try_recv().ok()
    }
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.console.lock().leave(self.seat);
    }
}

fn id_of(card: &Card) -> Result<RequestId, BackendError> {
    card.request.parse().map_err(|_| {
        let message = "the card's request has no readable id; present cards that core made";
        BackendError::permanent(PresentFailure::Other, message)
    })
}
