//! What comes from the keyboard, byte by byte, while cards come and go.

use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use approvals::backend::BackendError;
use approvals::card::corpus::benign;
use approvals::card::text::TextOptions;
use approvals::card::{Card, Shown};
use approvals::desk::{Outcome, Reply, Review};
use approvals::ledger::{Answer, IgnoredWhy};
use approvals::state::Phase;

use super::console::{Console, Question, SeatId, Seated};
use super::reader::{Line, Typed};
use super::tty::Tty;
use crate::input::{Input, text};
use crate::oracle::assert_visible;

/// The longest line that can be an answer, in bytes.
const LONGEST: usize = 8192;
/// The one terminal.
const SEAT: SeatId = SeatId(1);

/// A terminal that keeps what is printed.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<String>>>);

/// Stands for a flush of the keyboard.
const FLUSH: &str = "\u{0}";

impl Tty for Paper {
    fn ready(&self) -> Result<(), BackendError> {
        Ok(())
    }

    fn style(&self) -> TextOptions {
        TextOptions::default()
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        self.0.lock().unwrap().push(text.to_owned());
        Ok(())
    }

    fn forget_typed(&mut self) {
        self.0.lock().unwrap().push(FLUSH.to_owned());
    }

    fn attend(&mut self, _: &Arc<Console>) -> io::Result<()> {
        Ok(())
    }

    fn question_changed(&mut self) {}
}

/// A line for each step: `>` and what is typed in one read (`$` ends a line, `^` as a carriage return, `#` is a page of
/// spaces); `~` and what was typed to the question before; `+` a card, with its risk; `x` decided elsewhere; `n` somebody
/// else's yes; `r` and `R` what the desk says; `e` Ctrl-D.
pub fn run(data: &[u8]) {
    let mut line = Line::default();
    go(data, |question, _, bytes| line.take(question, bytes));
}

/// The same with another reader, which is given the number of the question.
pub fn check(data: &[u8], mut take: impl FnMut(usize, &[u8]) -> Vec<String>) {
    go(data, |_, number, bytes| take(number, bytes));
}

fn go(data: &[u8], mut take: impl FnMut(Question, usize, &[u8]) -> Vec<String>) {
    let (mut input, mut desk) = (Input(data), Desk::open());
    for _ in 0..48 {
        if input.is_over() {
            break;
        }
        let step = input.line();
        let (kind, rest) = step.split_first().unwrap_or((&b' ', &[]));
        match kind {
            b'>' => desk.read(false, &bytes(rest), &mut take),
            b'~' => desk.read(true, &bytes(rest), &mut take),
            b'+' => desk.present(rest),
            b'x' | b'n' => desk.news(*kind == b'x'),
            b'r' | b'R' => desk.report(*kind == b'r'),
            b'e' => desk.end(),
            _ => {}
        }
        desk.look();
    }
}

fn bytes(typed: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for byte in typed {
        match byte {
            b'$' => bytes.push(b'\n'),
            b'^' => bytes.push(b'\r'),
            b'#' => bytes.extend([b' '; 4096]),
            other => bytes.push(*other),
        }
    }
    bytes
}

/// Somebody at a terminal, and what they see, kept apart from the console.
struct Desk {
    console: Arc<Console>,
    paper: Paper,
    seated: Seated,
    cards: Vec<Card>,
    /// Every question that was open.
    questions: Vec<Question>,
    /// What was typed to the question of that number and is no line yet.
    begun: (usize, Vec<u8>),
    /// An answer that is with the desk.
    given: Option<Review>,
}

impl Desk {
    fn open() -> Self {
        let paper = Paper::default();
        let console = Console::new(paper.clone());
        let seated = console.sit(SEAT, "os/kim".to_owned()).unwrap();
        Self {
            console,
            paper,
            seated,
            cards: Vec::new(),
            questions: Vec::new(),
            begun: (usize::MAX, Vec::new()),
            given: None,
        }
    }

    fn present(&mut self, what: &[u8]) {
        let mut card = benign();
        let number = self.cards.len();
        card.request = format!("0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d{number:02x}");
        card.digest = format!("{number:02x}").repeat(32);
        card.risk = ["low", "high", "critical"][usize::from(what.first().copied().unwrap_or_default() % 3)]
            .to_owned();
        let shown = self.console.present(SEAT, &card).unwrap();
        assert_eq!(shown, Shown::Everything);
        self.cards.push(card);
    }

    /// The card that the last question on the paper is about.
    fn asked(&self) -> Option<&Card> {
        let paper = self.paper.0.lock().unwrap();
        let question = paper.iter().rev().find(|text| text.ends_with("] "))?;
        self.cards
            .iter()
            .find(|card| question.contains(&format!("approve or deny {}?", card.digest_prefix())))
    }

    /// One read of the keyboard, which belongs to the question that was open before it.
    fn read(
        &mut self,
        stale: bool,
        typed: &[u8],
        take: &mut impl FnMut(Question, usize, &[u8]) -> Vec<String>,
    ) {
        let Some(open) = self.console.question() else { return };
        if self.questions.last() != Some(&open) {
            self.questions.push(open);
        }
        let back = usize::from(stale && self.questions.len() > 1);
        let number = self.questions.len() - 1 - back;
        let question = self.questions[number];
        let lines = take(question, number, typed);
        assert_eq!(
            lines,
            self.lines(number, typed),
            "what was typed to one question is read as typed to another"
        );
        for line in lines {
            let before = (self.console.question(), self.asked().cloned(), self.given.is_some());
            self.console.typed(question, Typed::Line(line.clone()));
            let Some(review) = self.answer() else { continue };
            let (open, card, waits) = before;
            assert_eq!(open, Some(question), "an answer is to the question that is open");
            assert!(!waits, "one answer at a time");
            let card = card.unwrap();
            assert_eq!(
                review.request.to_string(),
                card.request,
                "an answer is to the card that is asked about"
            );
            let word = line.trim().to_ascii_lowercase();
            let yes = word == "approve" || (card.risk == "low" && ["y", "yes"].contains(&word.as_str()));
            assert_eq!(review.answer == Answer::Approve, yes, "{line:?}");
            self.given = Some(review);
        }
    }

    /// The lines that end in these bytes, read anew.
    fn lines(&mut self, number: usize, typed: &[u8]) -> Vec<String> {
        if self.begun.0 != number {
            self.begun = (number, Vec::new());
        }
        self.begun.1.extend_from_slice(typed);
        let ended =
            self.begun.1.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1);
        let whole: Vec<u8> = self.begun.1.drain(..ended).collect();
        let mut lines: Vec<_> = whole.split(|byte| matches!(byte, b'\n' | b'\r')).collect();
        lines.pop();
        lines.iter().map(|line| if line.len() > LONGEST { String::new() } else { text(line) }).collect()
    }

    fn answer(&mut self) -> Option<Review> {
        let mut next = std::pin::pin!(self.seated.next());
        match next.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(review) => review,
            Poll::Pending => None,
        }
    }

    fn end(&mut self) {
        if let Some(open) = self.console.question() {
            self.console.typed(open, Typed::End);
            assert!(self.answer().is_none(), "Ctrl-D is no answer");
        }
    }

    fn news(&mut self, over: bool) {
        let Some(mut card) = self.asked().cloned() else { return };
        if over {
            card.state.label = "denied".to_owned();
        } else {
            let (who, at) = ("lee".to_owned(), card.clocks.requested_at.clone());
            let comment = Some("fine\n\u{1b}[2J".to_owned());
            card.answers.push(approvals::card::CardAnswer {
                who,
                answer: "approved".to_owned(),
                at,
                comment,
            });
        }
        self.console.update(SEAT, &card);
    }

    fn report(&mut self, counted: bool) {
        let Some(review) = self.given.take() else { return };
        let outcome = match counted {
            true => Outcome::Counted { by: "kim".into(), phase: Phase::Pending },
            false => Outcome::Ignored(IgnoredWhy::AnsweredBefore),
        };
        self.console.report(SEAT, review.request, Ok(Reply { outcome, person: None }));
    }

    /// What was printed can be read, and what was typed before a question was thrown away.
    fn look(&self) {
        let mut paper = self.paper.0.lock().unwrap();
        for (place, text) in paper.iter().enumerate() {
            if text == FLUSH {
                continue;
            }
            text.lines().for_each(assert_visible);
            let flushed = place > 0 && paper[place - 1] == FLUSH;
            assert!(!text.ends_with("] ") || flushed, "a question is put to a keyboard that was flushed");
        }
        let last = paper.iter().rposition(|text| text.ends_with("] ")).unwrap_or(paper.len());
        paper.drain(..last.saturating_sub(1));
    }
}
