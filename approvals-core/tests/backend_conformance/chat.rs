//! A sound backend for the service, and the ways in which it can be wrong.

use std::collections::HashSet;
use std::fmt;
use std::sync::Mutex;

use approvals_core::backend::{Backend, BackendError, Capabilities, Presented};
use approvals_core::card::text::{TextOptions, render};
use approvals_core::card::{Card, CardState, Shown};
use approvals_core::desk::{Desk, Review, Seen};
use approvals_core::id::Reference;
use approvals_core::ledger::{Answer, PresentFailure};
use approvals_core::people::{Assurance, Identity};
use approvals_core::request::Digest;
use async_trait::async_trait;

use crate::flaw::Flaw;
use crate::service::{Click, Message, No, SIGNING_SECRET, Service, TOKEN, WORKSPACE};

/// The longest message that the service takes, in characters before its escapes.
const LONGEST: usize = 40_000;

pub(crate) struct Chat {
    service: Service,
    flaw: Flaw,
    process: usize,
    /// The requests that this process has placed.
    known: Mutex<HashSet<String>>,
}

impl Chat {
    pub(crate) fn new(service: Service, flaw: Flaw) -> Self {
        let process = {
            let mut state = service.state();
            state.processes += 1;
            if flaw == Flaw::LosesCardsWithTheProcess {
                state.messages.clear();
            }
            state.processes
        };
        Self { service, flaw, process, known: Mutex::default() }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn write(&self, card: &Card) -> (String, Shown, Vec<Answer>) {
        let asks = card.state.label == "pending" && !self.drops_the_buttons(card)
            || self.flaw == Flaw::LeavesTheButtons(phase(card));
        let mut card = card.clone();
        if self.is(Flaw::NeverSaysHowItEnded) {
            card.state = CardState { label: "pending".to_owned(), lines: Vec::new() };
        }
        if self.is(Flaw::DropsTheResource) {
            card.resource = None;
        }
        let page = render(&card, &TextOptions::default().limit(LONGEST));
        let mut shown = page.shown;
        if self.is(Flaw::CutsInSilence) && !card.has_erased_values() {
            shown = Shown::Everything;
        }
        let mut text = match self.is(Flaw::PassesMarkupThrough) {
            true => page.text,
            false => page.text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
        };
        if self.is(Flaw::PassesTextThrough) {
            text += card.reason.as_deref().unwrap_or_default();
        }
        let told = card.answers.iter().map(|answer| format!("{} {}\n", answer.who, answer.answer));
        let text = format!("{}\n{}{text}", card.state.label, told.collect::<String>());
        let mut buttons = Vec::new();
        if asks && (shown == Shown::Everything || self.is(Flaw::OffersApprovalOfParts)) {
            buttons.push(Answer::Approve);
        }
        if asks && (shown == Shown::Everything || !self.is(Flaw::OffersNoDenialOfParts)) {
            buttons.push(Answer::Deny);
        }
        if self.is(Flaw::OffersDenialsAlone) {
            buttons.retain(|answer| *answer == Answer::Deny);
        }
        (text, shown, buttons)
    }

    fn drops_the_buttons(&self, card: &Card) -> bool {
        self.is(Flaw::StopsAskingAtTheFirstAnswer) && !card.answers.is_empty()
    }

    fn key(&self, card: &Card) -> String {
        let count = self.service.state().messages.len();
        let known = !self.known.lock().unwrap().insert(card.request.clone());
        match self.flaw {
            Flaw::PostsAgain => format!("{} {count}", card.request),
            Flaw::RemembersInThisProcessAlone => format!("{} {}", card.request, self.process),
            Flaw::PostsAgainInOneProcess if known => format!("{} {count}", card.request),
            _ => card.request.clone(),
        }
    }

    fn error(&self, no: No) -> BackendError {
        let why = match no {
            No::Refused => PresentFailure::Rejected,
            No::Away => PresentFailure::Unreachable,
        };
        let message = match self.is(Flaw::NamesItsTokenInErrors) {
            true => format!("the service says no to {TOKEN}"),
            false => "the service says no".to_owned(),
        };
        let temporary = match no {
            No::Refused => self.is(Flaw::TriesRefusalsAgain),
            No::Away => !self.is(Flaw::GivesUpInAnOutage),
        };
        match temporary {
            true => BackendError::temporary(why, message),
            false => BackendError::permanent(why, message),
        }
    }

    /// Who clicked, if that is proven.
    fn verify(&self, click: &Click) -> Option<Identity> {
        if click.signed_with != SIGNING_SECRET {
            return match self.flaw {
                Flaw::TakesUnsignedClicks => Some(Identity::new("chat", &click.user)),
                Flaw::RecordsUnsignedClicks => Some(Identity::new("chat", "unsigned")),
                _ => None,
            };
        }
        if click.workspace != WORKSPACE && !self.is(Flaw::TakesEveryWorkspace) {
            return Some(Identity::new("another chat", &click.user));
        }
        let user = match (self.flaw, click.user.as_str()) {
            (Flaw::MistakesPeople, "U1") => "U2",
            (Flaw::MistakesPeople, "U2") => "U1",
            (_, user) => user,
        };
        Some(Identity::new("chat", user))
    }

    fn placed(&self, request: &str) -> Option<Message> {
        self.service.state().messages.iter().find(|message| message.key == request).cloned()
    }

    fn review(&self, click: &Click) -> Option<Review> {
        let request = click.request.parse().ok()?;
        let message = self.placed(&click.request);
        let dropped = match self.flaw {
            Flaw::AnswersOwnCardsAlone => !self.known.lock().unwrap().contains(&click.request),
            Flaw::DropsLateClicks => message.is_some_and(|message| message.buttons.is_empty()),
            Flaw::DropsDenials => click.answer == Answer::Deny,
            Flaw::DropsStrangers => !["U1", "U2"].contains(&click.user.as_str()),
            _ => false,
        };
        if dropped {
            return None;
        }
        let digest = Digest::from_hex(&click.digest)?;
        let mut review = Review::approve(request, Seen::Digest(digest));
        review.answer = click.answer;
        review.comment = click.comment.clone().filter(|_| !self.is(Flaw::DropsComments));
        Some(review)
    }
}

/// The phase that a card shows.
pub(crate) fn phase(card: &Card) -> approvals_core::state::Phase {
    approvals_core::state::Phase::from_name(&card.state.label).unwrap()
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Chat");
        if self.is(Flaw::PrintsItsToken) {
            debug.field("token", &TOKEN);
        }
        debug.finish_non_exhaustive()
    }
}

#[async_trait]
impl Backend for Chat {
    fn name(&self) -> &str {
        "chat"
    }

    fn capabilities(&self) -> Capabilities {
        let assurance = match self.is(Flaw::ChangesItsAssurance) && self.process > 1 {
            true => Assurance::Sso,
            false => Assurance::Chat,
        };
        Capabilities { provider: "chat".into(), assurance, cards_outlive_process: true }
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        if self.is(Flaw::LogsItsToken) {
            tracing::debug!(token = TOKEN, "posting");
        }
        let (text, shown, buttons) = self.write(card);
        let key = self.key(card);
        let placed = self.service.post(Message { key, digest: card.digest.clone(), text, buttons });
        let place = placed.map_err(|no| self.error(no))?;
        Ok(Presented { reference: Reference::new(place.to_string()), shown })
    }

    async fn update(&self, card: &Card, reference: &Reference) -> Result<(), BackendError> {
        if self.is(Flaw::UpdatesOwnCardsAlone) && !self.known.lock().unwrap().contains(&card.request) {
            return Ok(());
        }
        let (text, _, buttons) = self.write(card);
        if let Ok(place) = reference.as_str().parse() {
            self.service.edit(place, text, buttons);
        }
        Ok(())
    }

    async fn listen(&self, desk: Desk) -> Result<(), BackendError> {
        let mut clicks = self.service.listen();
        let mut replayed = HashSet::new();
        while let Some((mut click, reply)) = clicks.recv().await {
            if self.is(Flaw::AnswersTheNewestCard) {
                let newest = self.service.state().messages.last().unwrap().clone();
                (click.request, click.digest) = (newest.key, newest.digest);
            }
            let again = !replayed.insert(format!("{click:?}"));
            if again && self.is(Flaw::GivesReplaysToSomebodyElse) {
                click.user = "U2".to_owned();
            }
            if self.is(Flaw::BelievesItsOwnDigest) {
                click.digest = self.placed(&click.request).unwrap().digest;
            }
            if let (Some(identity), Some(review)) = (self.verify(&click), self.review(&click)) {
                let _ = desk.submit(&identity, review).await;
            }
            let _ = reply.send(());
        }
        Ok(())
    }
}
