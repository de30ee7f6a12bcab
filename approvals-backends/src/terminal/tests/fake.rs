//! A terminal that keeps what is printed, and a desk of which the test is the person.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use approvals_core::backend::BackendError;
use approvals_core::card::corpus::benign;
use approvals_core::card::text::TextOptions;
use approvals_core::card::{Card, CardAnswer, Shown};
use approvals_core::desk::{Reply, Review};
use approvals_core::ledger::{PresentFailure, StoreError, StoreErrorKind};
use tokio::sync::watch;

use crate::terminal::console::{Console, SeatId, Seated};
use crate::terminal::reader::Typed;
use crate::terminal::tty::Tty;

#[derive(Clone, Default)]
pub(super) struct Fake {
    log: Arc<Mutex<Vec<String>>>,
    unplugged: Arc<AtomicBool>,
    fails: Arc<AtomicBool>,
    printed: watch::Sender<usize>,
}

impl Fake {
    /// What was printed, a text each, and `flush` for each flush of the keyboard.
    pub(super) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    pub(super) fn screen(&self) -> String {
        self.log().into_iter().filter(|what| what != "flush").collect()
    }

    /// How often something was printed, and when that changes.
    pub(super) fn printed(&self) -> watch::Receiver<usize> {
        self.printed.subscribe()
    }

    pub(super) fn unplug(&self) {
        self.unplugged.store(true, Ordering::SeqCst);
    }

    pub(super) fn fail_writes(&self) {
        self.fails.store(true, Ordering::SeqCst);
    }

    pub(super) fn mend(&self) {
        self.unplugged.store(false, Ordering::SeqCst);
        self.fails.store(false, Ordering::SeqCst);
    }

    /// The keyboard's own echo of a line end.
    pub(super) fn echo(&self) {
        self.log.lock().unwrap().push("\n".to_owned());
    }
}

impl Tty for Fake {
    fn ready(&self) -> Result<(), BackendError> {
        match self.unplugged.load(Ordering::SeqCst) {
            true => Err(BackendError::permanent(PresentFailure::NoTty, "no terminal")),
            false => Ok(()),
        }
    }

    fn style(&self) -> TextOptions {
        TextOptions::default()
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("gone"));
        }
        self.log.lock().unwrap().push(text.to_owned());
        self.printed.send_modify(|printed| *printed += 1);
        Ok(())
    }

    fn forget_typed(&mut self) {
        self.log.lock().unwrap().push("flush".to_owned());
    }

    fn attend(&mut self, _console: &Arc<Console>) -> io::Result<()> {
        Ok(())
    }

    fn question_changed(&mut self) {}
}

/// A terminal backend at a console, without the backend.
pub(super) struct Desk {
    pub(super) console: Arc<Console>,
    pub(super) seat: SeatId,
    pub(super) tty: Fake,
    seated: Option<Seated>,
}

impl Desk {
    pub(super) fn open() -> Self {
        let mut desk = Self::standing();
        desk.sit();
        desk
    }

    /// One that does not listen yet.
    pub(super) fn standing() -> Self {
        let tty = Fake::default();
        Self::at(Console::new(tty.clone()), tty)
    }

    /// Another one at the same terminal, listening.
    pub(super) fn beside(&self) -> Self {
        let mut desk = Self::at(Arc::clone(&self.console), self.tty.clone());
        desk.sit();
        desk
    }

    fn at(console: Arc<Console>, tty: Fake) -> Self {
        static SEATS: AtomicU64 = AtomicU64::new(0);
        Self { console, seat: SeatId(SEATS.fetch_add(1, Ordering::SeqCst)), tty, seated: None }
    }

    pub(super) fn sit(&mut self) {
        self.seated = Some(self.console.sit(self.seat, "os/kim".into()).unwrap());
    }

    pub(super) fn screen(&self) -> String {
        self.tty.screen()
    }

    pub(super) fn present(&self, card: &Card) -> Result<Shown, BackendError> {
        self.console.present(self.seat, card)
    }

    pub(super) fn update(&self, card: &Card) {
        self.console.update(self.seat, card);
    }

    pub(super) fn report(&self, review: &Review, reply: Reply) {
        self.console.report(self.seat, review.request, Ok(reply));
    }

    /// The answer could not be recorded.
    pub(super) fn fail(&self, review: &Review) {
        let error = StoreError::new(StoreErrorKind::Full, "no room is left");
        self.console.report(self.seat, review.request, Err(error.into()));
    }

    /// Types a line to the question that is open.
    pub(super) fn line(&self, line: &str) {
        self.typed(Typed::Line(line.to_owned()));
    }

    pub(super) fn typed(&self, typed: Typed) {
        let question = self.console.question().expect("a question is open");
        // The keyboard's own echo of the line end.
        if matches!(typed, Typed::Line(_)) {
            self.tty.echo();
        }
        self.console.typed(question, typed);
    }

    /// The answer that is on its way to the desk, if there is one.
    pub(super) fn review(&mut self) -> Option<Review> {
        self.seated.as_mut().and_then(Seated::try_next)
    }
}

/// The benign card as the request of that number.
pub(super) fn card(number: u8) -> Card {
    let mut card = benign();
    card.request = format!("0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d{number:02x}");
    card
}

/// The card after one more answer, in the phase of that name.
pub(super) fn with_answer(
    mut card: Card,
    label: &str,
    who: &str,
    answer: &str,
    comment: Option<&str>,
) -> Card {
    card.state.label = label.into();
    let at = card.clocks.requested_at.clone();
    card.answers.push(CardAnswer {
        who: who.into(),
        answer: answer.into(),
        at,
        comment: comment.map(Into::into),
    });
    card
}
