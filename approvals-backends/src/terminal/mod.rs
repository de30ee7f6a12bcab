//! The terminal: asks whoever sits at the keyboard of this process.
//!
//! It needs a terminal to read from (stdin) and one to write on (stderr, or stdout where stderr goes elsewhere).
//! Without both, a card is not presented (`no_tty`); the request stays open where there is another way to answer.
//! Input from a pipe or a file never answers.
//!
//! | typed | means |
//! |---|---|
//! | `approve` | yes; up to risk medium also `yes` or `y` |
//! | `deny`, `no`, `n` | no; what follows on the line is the comment |
//! | `skip`, Ctrl-D | no answer from here; the request stays open |
//!
//! Anything else, an empty line included, is no answer, and the question is put again. So is what was typed before
//! the card stood there in full: it is thrown away.
//!
//! Stdin is read only while a question is open, by one thread of its own, so that the program keeps its input, and
//! a verdict from elsewhere frees the prompt. All terminals of a process share one queue: one question at a time.

mod console;
mod outcome;
mod prompt;
mod queue;
mod reader;
#[cfg(test)]
mod tests;
mod tty;
mod verify;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use approvals_core::backend::{Backend, BackendError, Capabilities, Presented};
use approvals_core::card::Card;
use approvals_core::desk::Desk;
use approvals_core::id::Reference;
use approvals_core::people::{Assurance, Identity};
use async_trait::async_trait;

use self::console::{Console, SeatId};
pub use self::tty::columns;
pub use self::verify::os_identity;

/// Asks at the terminal of this process. The module says what can be typed.
///
/// Reviews carry the identity of [`os_identity`], assurance `local`: an agent that can type into its own terminal
/// can answer. Its cards end with the process.
///
/// ```no_run
/// use approvals_backends::terminal::Terminal;
/// use approvals_core::handle::Approvals;
/// use approvals_core::people::{Agent, People, Person};
///
/// # async fn set_up() -> Result<(), Box<dyn std::error::Error>> {
/// let approvals = Approvals::builder()
///     .agent(Agent::new("cleaner").owned_by("dana"))
///     .directory(People::new([Person::new("dana"), Person::new("kim").known_as("os", "kim")])?)
///     .backend(Terminal::new())
///     .build()
///     .await?;
/// # Ok(())
/// # }
/// ```
pub struct Terminal {
    console: Arc<Console>,
    seat: SeatId,
    identity: Identity,
}

impl Terminal {
    /// The terminal of this process. Who sits there is asked of the operating system once, now.
    pub fn new() -> Self {
        Self::at(Console::of_process(), os_identity())
    }

    fn at(console: Arc<Console>, identity: Identity) -> Self {
        static SEATS: AtomicU64 = AtomicU64::new(0);
        Self { console, seat: SeatId(SEATS.fetch_add(1, Ordering::Relaxed)), identity }
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal").finish_non_exhaustive()
    }
}

#[async_trait]
impl Backend for Terminal {
    fn name(&self) -> &str {
        "terminal"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            provider: verify::PROVIDER.into(),
            assurance: Assurance::Local,
            cards_outlive_process: false,
        }
    }

    async fn check(&self) -> Result<(), BackendError> {
        self.console.ready()
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        let shown = self.console.present(self.seat, card)?;
        Ok(Presented { reference: Reference::new("tty"), shown })
    }

    async fn update(&self, card: &Card, _reference: &Reference) -> Result<(), BackendError> {
        self.console.update(self.seat, card);
        Ok(())
    }

    async fn listen(&self, desk: Desk) -> Result<(), BackendError> {
        let mut seated = self.console.sit(self.seat, self.identity.to_string())?;
        while let Some(review) = seated.next().await {
            let request = review.request;
            let reply = desk.submit(&self.identity, review).await;
            self.console.report(self.seat, request, reply);
        }
        Ok(())
    }
}
