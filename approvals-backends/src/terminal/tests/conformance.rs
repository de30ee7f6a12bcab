//! The public conformance suite, run over the terminal: the whole backend at a screen and a keyboard that are played.

use std::sync::{Arc, Mutex, MutexGuard};

use approvals_core::conformance::SetupError;
use approvals_core::conformance::backend::{
    Abilities, Ability, Act, Acted, BackendUnderTest, Does, Fault, View, Who, backend_conformance,
};
use approvals_core::id::RequestId;
use approvals_core::people::Identity;

use super::fake::Fake;
use crate::terminal::Terminal;
use crate::terminal::console::Console;
use crate::terminal::reader::Typed;

struct AtAScreen;

/// The screen and the console of the process that lives.
struct Medium(Mutex<(Fake, Arc<Console>)>);

impl Medium {
    fn new() -> Self {
        let tty = Fake::default();
        Self(Mutex::new((tty.clone(), Console::new(tty))))
    }

    fn now(&self) -> MutexGuard<'_, (Fake, Arc<Console>)> {
        self.0.lock().unwrap()
    }
}

impl BackendUnderTest for AtAScreen {
    type Backend = Terminal;
    type Medium = Medium;

    fn abilities(&self) -> Abilities {
        // A line that was typed too late, or twice, is no answer: the question that it would answer is closed.
        [Ability::Answer, Ability::Comment, Ability::Refuse, Ability::Outage].into()
    }

    async fn medium(&self) -> Result<Medium, SetupError> {
        Ok(Medium::new())
    }

    async fn start(&self, medium: &Medium) -> Result<Terminal, SetupError> {
        let tty = Fake::default();
        let console = Console::new(tty.clone());
        *medium.now() = (tty, Arc::clone(&console));
        Ok(Terminal::at(console, self.identity(medium, Who::First)))
    }

    fn identity(&self, _: &Medium, _: Who) -> Identity {
        Identity::new("os", "kim")
    }

    async fn view(&self, medium: &Medium, request: RequestId) -> Result<View, SetupError> {
        let (tty, console) = medium.now().clone();
        let printed: Vec<_> = tty.log().into_iter().filter(|what| what != "flush").collect();
        let is_card_of = |text: &String, id: &str| {
            text.lines().any(|line| line.trim_start().starts_with("request ") && line.contains(id))
        };
        let cards: Vec<_> = (0..printed.len()).filter(|at| is_card_of(&printed[*at], "")).collect();
        let id = request.to_string();
        let of_it: Vec<_> = cards.iter().copied().filter(|at| is_card_of(&printed[*at], &id)).collect();
        // One question at a time: it is about the card that was printed last.
        let in_front = !of_it.is_empty() && of_it.last() == cards.last() && console.question().is_some();
        let asks = |choice: &str| in_front && printed.last().is_some_and(|prompt| prompt.contains(choice));
        Ok(View {
            messages: of_it.len(),
            text: of_it.first().map_or_else(String::new, |first| printed[*first..].concat()),
            can_approve: asks("[approve/"),
            can_deny: asks("deny/skip]"),
            live: Vec::new(),
        })
    }

    async fn act(&self, medium: &Medium, act: Act) -> Result<Acted, SetupError> {
        let view = self.view(medium, act.request).await?;
        let line = match act.does {
            Does::Approve if view.can_approve => "approve".to_owned(),
            Does::Deny if view.can_deny => "deny".to_owned(),
            Does::DenySaying(comment) if view.can_deny => format!("deny {comment}"),
            _ => return Ok(Acted::NotOffered),
        };
        let (tty, console) = medium.now().clone();
        let Some(question) = console.question() else { return Ok(Acted::NotOffered) };
        let mut printed = tty.printed();
        printed.mark_unchanged();
        tty.echo();
        console.typed(question, Typed::Line(line));
        // What became of the answer is the next thing that is said.
        printed.changed().await?;
        Ok(Acted::Delivered)
    }

    async fn fault(&self, medium: &Medium, fault: Option<Fault>) -> Result<(), SetupError> {
        let (tty, _) = medium.now().clone();
        match fault {
            None => tty.mend(),
            Some(Fault::Refuses) => tty.unplug(),
            Some(_) => tty.fail_writes(),
        }
        Ok(())
    }
}

backend_conformance!(AtAScreen);
