//! The queue: which card is asked about, what an answer means for it, and what is said.

use std::collections::{HashMap, VecDeque};

use approvals_core::backend::BackendError;
use approvals_core::card::text::render;
use approvals_core::card::{Card, Shown, visible};
use approvals_core::desk::{DeskError, Outcome, Reply, Review, Seen};
use approvals_core::id::RequestId;
use approvals_core::ledger::{Answer, IgnoredWhy, PresentFailure};
use tokio::sync::mpsc;

use super::console::{OpenQuestion, Question, SeatId};
use super::outcome::{self, Verdict};
use super::prompt;
use super::reader::Typed;
use super::tty::Tty;
use super::words::{Said, understand};

pub(super) struct Queue {
    pub(super) tty: Box<dyn Tty>,
    open: OpenQuestion,
    last: Option<Question>,
    /// Who listens; `None` once they stopped.
    seats: HashMap<SeatId, Option<Seat>>,
    waiting: VecDeque<Entry>,
    front: Option<Front>,
    /// Answered or set aside, and not over: what becomes of them is still told.
    placed: Vec<Entry>,
    /// The cursor stands behind a question.
    at_prompt: bool,
}

struct Seat {
    reviews: mpsc::UnboundedSender<Review>,
    identity: String,
}

struct Entry {
    seat: SeatId,
    request: RequestId,
    card: Card,
    shown: Shown,
    told: Option<Verdict>,
}

impl Entry {
    fn is(&self, seat: SeatId, request: RequestId) -> bool {
        self.seat == seat && self.request == request
    }
}

/// The card that is asked about.
struct Front {
    entry: Entry,
    stage: Stage,
}

enum Stage {
    Asked,
    /// An answer is with the desk. News of the request waits, or the outcome of this very answer would be told as
    /// somebody else's.
    Answering(Answer, Option<Box<Card>>),
}

impl Queue {
    pub(super) fn new(tty: Box<dyn Tty>, open: OpenQuestion) -> Self {
        Self {
            tty,
            open,
            last: None,
            seats: HashMap::new(),
            waiting: VecDeque::new(),
            front: None,
            placed: Vec::new(),
            at_prompt: false,
        }
    }

    /// Takes a place; its answers come out of the channel.
    pub(super) fn sit(
        &mut self,
        seat: SeatId,
        identity: String,
    ) -> Result<mpsc::UnboundedReceiver<Review>, BackendError> {
        if self.seats.contains_key(&seat) {
            let message = "this terminal listens already; register it once";
            return Err(BackendError::permanent(PresentFailure::Other, message));
        }
        let (sender, reviews) = mpsc::unbounded_channel();
        self.seats.insert(seat, Some(Seat { reviews: sender, identity }));
        self.next();
        Ok(reviews)
    }

    /// How much of a card is shown that stands here already.
    pub(super) fn shows(&self, seat: SeatId, request: RequestId) -> Option<Shown> {
        let front = self.front.as_ref().map(|front| &front.entry);
        let mut entries = self.waiting.iter().chain(front).chain(&self.placed);
        entries.find(|entry| entry.is(seat, request)).map(|entry| entry.shown)
    }

    /// Puts a card behind the others.
    pub(super) fn add(
        &mut self,
        seat: SeatId,
        request: RequestId,
        card: &Card,
    ) -> Result<Shown, BackendError> {
        if let Some(None) = self.seats.get(&seat) {
            let message = "this terminal no longer listens; its approvals were shut down";
            return Err(BackendError::permanent(PresentFailure::Other, message));
        }
        let shown = render(card, &self.tty.style()).shown;
        self.waiting.push_back(Entry { seat, request, card: card.clone(), shown, told: None });
        self.next();
        self.shows(seat, request).ok_or_else(|| {
            let message = "the card could not be written to the terminal";
            BackendError::temporary(PresentFailure::NoTty, message)
        })
    }

    /// Shows the next card, unless one is asked about.
    fn next(&mut self) {
        while self.front.is_none() {
            let listens = |entry: &Entry| matches!(self.seats.get(&entry.seat), Some(Some(_)));
            let Some(at) = self.waiting.iter().position(listens) else { return };
            let Some(mut entry) = self.waiting.remove(at) else { return };
            let card = render(&entry.card, &self.tty.style());
            entry.shown = card.shown;
            // What was not written was not shown, and nobody is asked about it.
            if self.print(&format!("\n{}", card.text)) {
                if card.shown != Shown::Everything {
                    self.say(&prompt::not_from_here(&entry.card));
                }
                self.front = Some(Front { entry, stage: Stage::Asked });
                self.ask();
            }
        }
    }

    /// Opens a question about the card in front.
    fn ask(&mut self) {
        let Some(Front { entry, stage: Stage::Asked }) = &self.front else { return };
        let question = prompt::question(&entry.card, entry.shown, self.waiting.len());
        // First flush, then count: what the reader takes under the new number was typed after the flush.
        self.tty.forget_typed();
        let number = self.last.map_or(Question::FIRST, Question::next);
        self.last = Some(number);
        self.open.set(Some(number));
        if self.print(&question) {
            self.at_prompt = true;
            self.tty.question_changed();
        } else {
            self.close();
            self.front = None;
        }
    }

    fn close(&mut self) {
        self.open.set(None);
        self.tty.question_changed();
    }

    /// A line of the console's own.
    fn say(&mut self, text: &str) {
        let width = self.tty.style().width;
        self.print(&prompt::lines(text, width));
    }

    /// Whether it could be written.
    fn print(&mut self, text: &str) -> bool {
        let start = if std::mem::take(&mut self.at_prompt) { "\n" } else { "" };
        let printed = self.tty.print(&format!("{start}{text}"));
        if let Err(error) = &printed {
            tracing::warn!(%error, "the terminal cannot be written to; answer from another one with `approvals approve` or `approvals deny`");
        }
        printed.is_ok()
    }

    /// Takes what was typed when this question was open.
    pub(super) fn typed(&mut self, question: Question, typed: Typed) {
        if matches!(typed, Typed::Line(_)) {
            // The terminal showed the line end too.
            self.at_prompt = false;
        }
        let Some(Front { entry, stage: Stage::Asked }) = &self.front else { return };
        if self.last != Some(question) {
            self.say("that was typed before this question, so it does not answer it");
            return self.ask();
        }
        let line = match typed {
            Typed::Line(line) => line,
            Typed::End => return self.set_aside(),
        };
        match understand(&line, &entry.card, entry.shown) {
            Said::Approve => self.answer(Answer::Approve, None),
            Said::Deny(comment) => self.answer(Answer::Deny, comment),
            Said::Skip => self.set_aside(),
            Said::TooShort => self.again("this risk takes the whole word: approve"),
            Said::NotFromHere => self.again(&prompt::not_from_here(&entry.card)),
            Said::Unclear => self.again("type approve, deny, deny and a comment, or skip"),
        }
    }

    fn again(&mut self, why: &str) {
        self.say(why);
        self.ask();
    }

    fn set_aside(&mut self) {
        self.close();
        self.say("no answer from here; the request stays open");
        self.placed.extend(self.front.take().map(|front| front.entry));
        self.next();
    }

    fn answer(&mut self, answer: Answer, comment: Option<String>) {
        self.close();
        let Some(front) = &mut self.front else { return };
        let seen = Seen::Prefix(front.entry.card.digest.clone());
        let mut review = Review::approve(front.entry.request, seen).shown(front.entry.shown);
        review.answer = answer;
        review.comment = comment;
        front.stage = Stage::Answering(answer, None);
        if let Some(Some(seat)) = self.seats.get(&front.entry.seat) {
            // A terminal that stopped listening has left, and its cards with it.
            let _ = seat.reviews.send(review);
        }
    }

    /// Takes what became of an answer.
    pub(super) fn report(&mut self, seat: SeatId, request: RequestId, reply: Result<Reply, DeskError>) {
        let Some(Front { mut entry, stage }) = self.front.take_if(|front| front.entry.is(seat, request))
        else {
            return;
        };
        let Stage::Answering(answer, news) = stage else {
            self.front = Some(Front { entry, stage });
            return;
        };
        let identity = match self.seats.get(&seat) {
            Some(Some(seat)) => seat.identity.as_str(),
            _ => "",
        };
        let line = prompt::answered(answer, &reply, identity);
        self.say(&line);
        let still_open = news.as_ref().is_none_or(|card| Verdict::of(card).is_none());
        match reply.map(|reply| reply.outcome) {
            Ok(Outcome::Counted { phase, .. }) => {
                entry.card.state.label = phase.to_string();
                entry.told = Verdict::of(&entry.card);
                if (answer, entry.told) == (Answer::Approve, Some(Verdict::Denied)) {
                    // Somebody else's no, and who it was is told by the news of it.
                    entry.told = None;
                }
                if entry.told.is_none() || !outcome::is_over(&entry.card) {
                    self.placed.push(entry);
                }
            }
            Ok(Outcome::Ignored(
                IgnoredWhy::AlreadyDecided | IgnoredWhy::TooLate | IgnoredWhy::UnknownRequest,
            )) => self.placed.push(entry),
            outcome if still_open => {
                if let Some(card) = news {
                    entry.card = *card;
                }
                // The store may be in trouble for long: what else waits is asked about meanwhile.
                if outcome.is_err() && !self.waiting.is_empty() {
                    self.waiting.push_back(entry);
                    return self.next();
                }
                self.front = Some(Front { entry, stage: Stage::Asked });
                return self.ask();
            }
            _ => self.placed.push(entry),
        }
        if let Some(card) = news {
            self.update(seat, request, &card);
        }
        self.next();
    }

    /// Takes news of a request.
    pub(super) fn update(&mut self, seat: SeatId, request: RequestId, card: &Card) {
        let verdict = Verdict::of(card);
        if let Some(at) = self.waiting.iter().position(|entry| entry.is(seat, request)) {
            match (verdict, self.waiting.get_mut(at)) {
                (None, Some(entry)) => entry.card = card.clone(),
                // It was never shown, so there is nothing to take back.
                _ => drop(self.waiting.remove(at)),
            }
        } else if let Some(at) = self.placed.iter().position(|entry| entry.is(seat, request)) {
            self.update_placed(at, card, verdict);
        } else if let Some(front) = self.front.as_mut().filter(|front| front.entry.is(seat, request)) {
            match (&mut front.stage, verdict) {
                (Stage::Answering(_, news), _) => *news = Some(Box::new(card.clone())),
                (Stage::Asked, Some(verdict)) => {
                    self.close();
                    self.say(&format!("decided elsewhere: {}", outcome::describe(card, verdict)));
                    if let Some(Front { mut entry, .. }) = self.front.take()
                        && !outcome::is_over(card)
                    {
                        entry.told = Some(verdict);
                        self.placed.push(entry);
                    }
                    self.next();
                }
                (Stage::Asked, None) => {
                    let lines = outcome::news(&front.entry.card, card);
                    front.entry.card = card.clone();
                    for line in &lines {
                        self.say(line);
                    }
                    if !lines.is_empty() {
                        self.ask();
                    }
                }
            }
        }
    }

    fn update_placed(&mut self, at: usize, card: &Card, verdict: Option<Verdict>) {
        let Some(entry) = self.placed.get_mut(at) else { return };
        let told = entry.told;
        entry.told = verdict.or(told);
        if outcome::is_over(card) {
            self.placed.remove(at);
        }
        let Some(verdict) = verdict.filter(|verdict| told != Some(*verdict)) else { return };
        let what = outcome::describe(card, verdict);
        let elsewhere = match (told, verdict) {
            // What ends an approval after it was given is told, but nobody decided it.
            (Some(_), Verdict::Expired | Verdict::Cancelled) => "",
            _ => "decided elsewhere: ",
        };
        self.say(&format!("{}: {elsewhere}{what}", visible(card.digest_prefix())));
        self.ask();
    }

    /// Takes back the cards of a terminal that stopped listening.
    pub(super) fn leave(&mut self, seat: SeatId) {
        self.seats.insert(seat, None);
        self.waiting.retain(|entry| entry.seat != seat);
        self.placed.retain(|entry| entry.seat != seat);
        if self.front.take_if(|front| front.entry.seat == seat).is_some() {
            self.close();
            if self.at_prompt {
                self.say("no longer asked here");
            }
        }
        self.next();
    }
}
