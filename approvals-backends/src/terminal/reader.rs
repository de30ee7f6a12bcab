//! The one thread that reads the keyboard, and only while a question is open.

use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::console::{Console, Question};
use super::tty::in_background;

/// The longest line that is taken in, in bytes; more of it cannot be an answer.
const LONGEST: usize = 8192;
/// How often to look whether the process is at the front of its terminal again.
const FRONT_AGAIN_MS: u8 = 250;

/// What came from the keyboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    /// A line, without its end.
    Line(String),
    /// Ctrl-D, or a terminal that is gone.
    End,
}

/// Starts the thread. Each byte written to the pipe makes it look again at which question is open.
///
/// It is detached: it may sit in a read when the process ends, which no runtime then waits for. A tokio stdin would
/// hold up the end of the runtime until somebody presses a key.
pub(super) fn start(console: Arc<Console>) -> io::Result<PipeWriter> {
    let (bell, ring) = io::pipe()?;
    thread::Builder::new().name("approvals-terminal".to_owned()).spawn(move || read(&console, bell))?;
    Ok(ring)
}

fn read(console: &Console, mut bell: PipeReader) {
    let mut line = Line::default();
    loop {
        let open = console.question().is_some();
        let background = open && in_background();
        let (rung, typed) = wait(&bell, open && !background, background);
        if rung {
            match bell.read(&mut [0; 64]) {
                Ok(0) => return,
                _ => continue,
            }
        }
        if !typed {
            continue;
        }
        // Asked between the wait and the read. A question opens only after the keyboard was flushed: what is read
        // under its number was typed after its card.
        let Some(question) = console.question() else { continue };
        let mut bytes = [0; 1024];
        match nix::unistd::read(io::stdin(), &mut bytes) {
            Ok(0) => {
                line = Line::default();
                console.typed(question, Typed::End);
            }
            Ok(count) => {
                for text in line.take(question, bytes.get(..count).unwrap_or_default()) {
                    console.typed(question, Typed::Line(text));
                }
            }
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(_) => console.typed(question, Typed::End),
        }
    }
}

/// Waits for the bell, and for the keyboard if it is wanted; says which of them has something.
fn wait(bell: &PipeReader, keyboard: bool, soon: bool) -> (bool, bool) {
    let stdin = io::stdin();
    let mut fds =
        [PollFd::new(bell.as_fd(), PollFlags::POLLIN), PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
    let watched = if keyboard { &mut fds[..] } else { fds.split_at_mut(1).0 };
    let timeout = if soon { PollTimeout::from(FRONT_AGAIN_MS) } else { PollTimeout::NONE };
    match poll(watched, timeout) {
        Ok(_) => {
            let mut any = watched.iter().map(|fd| fd.any().unwrap_or(true));
            (any.next().unwrap_or(false), any.next().unwrap_or(false))
        }
        Err(Errno::EINTR) => (false, false),
        // A system that cannot poll a terminal: the read itself waits.
        Err(_) => (!keyboard, keyboard),
    }
}

/// Bytes on their way to becoming lines.
#[derive(Default)]
pub(super) struct Line {
    bytes: Vec<u8>,
    question: Option<Question>,
    too_long: bool,
}

impl Line {
    /// The lines that end in these bytes. Bytes that were typed to an earlier question belong to no later line.
    pub(super) fn take(&mut self, question: Question, bytes: &[u8]) -> Vec<String> {
        if self.question != Some(question) {
            *self = Self { question: Some(question), ..Self::default() };
        }
        let mut lines = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' | b'\r' => {
                    let text = if self.too_long { String::new() } else { self.text() };
                    lines.push(text);
                    self.bytes.clear();
                    self.too_long = false;
                }
                _ if self.bytes.len() < LONGEST => self.bytes.push(*byte),
                _ => self.too_long = true,
            }
        }
        lines
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_in_pieces_is_one_line() {
        let mut line = Line::default();
        let question = Question::FIRST;
        assert!(line.take(question, b"app").is_empty());
        assert_eq!(line.take(question, b"rove\nde"), ["approve"]);
        assert_eq!(line.take(question, b"ny too much\n"), ["deny too much"]);
    }

    #[test]
    fn what_was_begun_under_one_question_does_not_answer_the_next() {
        let mut line = Line::default();
        line.take(Question::FIRST, b"app");
        assert_eq!(line.take(Question::FIRST.next(), b"rove\n"), ["rove"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_no_answer() {
        let mut line = Line::default();
        let mut bytes = vec![b' '; LONGEST];
        bytes.extend_from_slice(b"approve\n");
        assert_eq!(line.take(Question::FIRST, &bytes), [""]);
        assert_eq!(line.take(Question::FIRST, b"approve\n"), ["approve"]);
    }
}
