//! The terminal itself, and the seam that stands for it in tests.

use std::io::{self, IsTerminal, PipeWriter, Write};
use std::os::fd::AsFd;
use std::sync::Arc;

use approvals_core::backend::BackendError;
use approvals_core::card::text::TextOptions;
use approvals_core::ledger::PresentFailure;
use nix::sys::termios::{FlushArg, tcflush};
use nix::unistd::{getpgrp, tcgetpgrp};

use super::console::Console;
use super::reader;

/// The fewest columns that a card keeps its left edge in.
const NARROWEST: usize = 40;

/// How many columns a card may take on a terminal: no more than it has, or it would break lines where it likes, and
/// text from outside would begin one (law 13). `None` if it is no terminal, or one that does not know.
pub fn columns(of: impl AsFd) -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(of).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// The most columns that a card takes; longer lines are hard to read.
const WIDEST: usize = 240;

/// The columns of the terminal that cards are printed on.
fn columns_here() -> Option<usize> {
    if io::stderr().is_terminal() { columns(io::stderr()) } else { columns(io::stdout()) }
}

/// How many columns a card takes, by what the environment asks for and what the terminal has.
pub(super) fn width(asked: Option<&str>, there: Option<usize>) -> usize {
    let asked: Option<usize> = asked.and_then(|columns| columns.parse().ok());
    asked.unwrap_or(WIDEST).min(there.unwrap_or(80)).clamp(NARROWEST, WIDEST)
}

/// What a console asks at.
pub(super) trait Tty: Send {
    /// Whether somebody can be asked, now.
    fn ready(&self) -> Result<(), BackendError>;
    /// How cards are rendered for it.
    fn style(&self) -> TextOptions;
    fn print(&mut self, text: &str) -> io::Result<()>;
    /// Throws away what was typed and not read yet.
    fn forget_typed(&mut self);
    /// Begins to bring what is typed to the console, unless it does already.
    fn attend(&mut self, console: &Arc<Console>) -> io::Result<()>;
    /// A question was opened or closed.
    fn question_changed(&mut self);
}

/// The terminal that this process was started at.
#[derive(Default)]
pub(super) struct ProcessTty {
    /// Wakes the reader, once there is one.
    bell: Option<PipeWriter>,
}

impl Tty for ProcessTty {
    fn ready(&self) -> Result<(), BackendError> {
        let no_tty = PresentFailure::NoTty;
        if !io::stdin().is_terminal() {
            let message = "stdin is no terminal, so nobody can be asked here; start the program at one";
            return Err(BackendError::permanent(no_tty, message));
        }
        if !io::stderr().is_terminal() && !io::stdout().is_terminal() {
            let message =
                "neither stderr nor stdout is a terminal to ask on; leave one of them at the terminal";
            return Err(BackendError::permanent(no_tty, message));
        }
        if columns_here().is_some_and(|columns| columns < NARROWEST) {
            let message = "the terminal is too narrow for a card; give it at least 40 columns";
            return Err(BackendError::temporary(no_tty, message));
        }
        if in_background() {
            let message =
                "the program runs in the background of its terminal; bring it to the front with `fg`";
            return Err(BackendError::temporary(no_tty, message));
        }
        Ok(())
    }

    fn style(&self) -> TextOptions {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let width = width(std::env::var("COLUMNS").ok().as_deref(), columns_here());
        TextOptions::default().width(width).color(!set("NO_COLOR") && !dumb)
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        // Stdout stays the program's, unless it is the only terminal there is.
        if io::stderr().is_terminal() {
            io::stderr().lock().write_all(text.as_bytes())
        } else if io::stdout().is_terminal() {
            let mut stdout = io::stdout().lock();
            stdout.write_all(text.as_bytes())?;
            stdout.flush()
        } else {
            // A card that went to a file would be one that nobody saw.
            Err(io::Error::other("the terminal is gone"))
        }
    }

    fn forget_typed(&mut self) {
        // From the background this would stop the process (SIGTTOU); what is typed then is another program's.
        if !in_background() {
            let _ = tcflush(io::stdin(), FlushArg::TCIFLUSH);
        }
    }

    fn attend(&mut self, console: &Arc<Console>) -> io::Result<()> {
        if self.bell.is_none() {
            self.bell = Some(reader::start(Arc::clone(console))?);
        }
        Ok(())
    }

    fn question_changed(&mut self) {
        if let Some(bell) = &mut self.bell {
            // It fails only if the reader is gone, and then nobody waits for it.
            let _ = bell.write_all(&[0]);
        }
    }
}

/// Whether another process group has the terminal: reading it now would stop this process (SIGTTIN). A terminal
/// that is not the controlling one has no such groups.
pub(super) fn in_background() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|front| front != getpgrp())
}
