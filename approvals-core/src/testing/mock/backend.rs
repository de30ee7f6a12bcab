//! The mock as a backend.

use std::panic::resume_unwind;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use async_trait::async_trait;

use super::book::{Came, Taken};
use super::post::{Letter, Seat};
use super::script::{Plan, Presents};
use super::{Inner, MockBackend, PROVIDER, ids};
use crate::backend::{Backend, BackendError, Capabilities, Presented};
use crate::card::{Card, Shown};
use crate::desk::Desk;
use crate::id::{Reference, RequestId};
use crate::ledger::PresentFailure;
use crate::people::Assurance;
use crate::time::Clock as _;

#[async_trait]
impl Backend for MockBackend {
    fn name(&self) -> &str {
        "mock"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { provider: PROVIDER.into(), assurance: Assurance::Signed, cards_outlive_process: false }
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        let presented = self.inner.present(self.seat, card);
        match presented {
            Ok((presented, Presents::Well)) => Ok(presented),
            Ok((_, Presents::ThenHangs)) => std::future::pending().await,
            // Past the hook for panics: this one is no news to whoever wrote the test.
            Ok((_, Presents::ThenPanics | Presents::Fails(_))) => resume_unwind(Box::new("scripted")),
            Err(error) => Err(error),
        }
    }

    async fn update(&self, card: &Card, _: &Reference) -> Result<(), BackendError> {
        {
            let mut book = self.inner.book();
            book.updates.push(card.clone());
            if card.state.label != "pending" {
                book.waiting.remove(&card.request);
            }
        }
        if let Some((request, _)) = ids(card).filter(|_| card.state.label != "pending") {
            self.inner.post().release(self.inner.clock.now(), request);
            self.inner.ring();
        }
        Ok(())
    }

    async fn listen(&self, desk: Desk) -> Result<(), BackendError> {
        self.leave_the_test();
        self.inner.desk.send_replace(Some(desk.clone()));
        self.inner.deliver(self.seat, &desk).await;
        Ok(())
    }
}

impl MockBackend {
    /// A handle that was given to approvals is no longer one of the test's, unless the test kept no other.
    fn leave_the_test(&self) {
        if self.counted.load(SeqCst)
            && self.inner.handles.fetch_update(SeqCst, SeqCst, |n| (n > 1).then(|| n - 1)).is_ok()
        {
            self.counted.store(false, SeqCst);
        }
    }
}

impl Inner {
    fn present(&self, seat: Seat, card: &Card) -> Result<(Presented, Presents), BackendError> {
        if let Some(error) = self.book().fails.clone() {
            return Err(error);
        }
        let (taken, plan) = self.choose(card);
        let answers = plan.and_then(|plan| {
            let shown = plan.shows.or(self.book().shows).unwrap_or_else(|| card.shown());
            Ok((letters(&plan, card, shown, seat)?, plan, shown))
        });
        let (answers, plan, shown) = match answers {
            Ok(answers) => answers,
            Err(why) => return Err(self.fault(seat, card, taken, why)),
        };
        if let Presents::Fails(error) = &plan.presents {
            let error = error.clone();
            self.note(card, taken, plan, false);
            return Err(error);
        }
        let now = self.clock.now();
        {
            let mut post = self.post();
            post.take(now, answers.soon);
            if let Some((request, _)) = ids(card) {
                for (delay, seat, letter) in answers.late {
                    post.keep(request, delay, seat, letter);
                }
            }
        }
        let presents = plan.presents.clone();
        let number = self.note(card, taken, plan, true);
        self.ring();
        Ok((Presented { reference: Reference::new(format!("card {number}")), shown }, presents))
    }

    /// Notes that a card came; how many people have seen by now.
    fn note(&self, card: &Card, taken: Taken, plan: Plan, shown: bool) -> usize {
        let mut book = self.book();
        let rules = book.rules.len();
        book.came.push(Came { card: card.clone(), taken, plan, rules, shown });
        let seen = book.came.iter().filter(|came| came.shown).count();
        self.seen.send_replace(seen);
        seen
    }

    /// The test is wrong about this card: it fails by name, and the call ends so that it can.
    fn fault(&self, seat: Seat, card: &Card, taken: Taken, why: String) -> BackendError {
        let why = match taken {
            Taken::Nobody => why,
            taken => format!("{} {why}", self.book().title(taken)),
        };
        self.note(card, Taken::Nobody, Plan::default(), false);
        self.book().faults.push(why.clone());
        if let Some((request, _)) = ids(card) {
            self.call_off(seat, request);
        }
        BackendError::permanent(PresentFailure::Other, why)
    }

    /// The test is wrong about this request, whose caller must not wait for ever.
    pub(super) fn call_off(&self, seat: Seat, request: RequestId) {
        self.post().take_now(self.clock.now(), seat, Letter::CallOff(request));
        self.ring();
    }
}

/// What is to be delivered for a card.
struct Letters {
    soon: Vec<(Duration, Seat, Letter)>,
    late: Vec<(Duration, Seat, Letter)>,
}

fn letters(plan: &Plan, card: &Card, shown: Shown, seat: Seat) -> Result<Letters, String> {
    let mut letters = Letters { soon: Vec::new(), late: Vec::new() };
    let Some((request, digest)) = ids(card) else { return Ok(letters) };
    for answer in &plan.answers {
        let into = if answer.is_late() { &mut letters.late } else { &mut letters.soon };
        for review in answer.reviews(card, request, digest, shown)? {
            into.push((answer.delay(), seat, Letter::Review(Box::new(review))));
        }
    }
    Ok(letters)
}
