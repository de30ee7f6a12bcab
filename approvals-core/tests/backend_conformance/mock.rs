//! The mock, judged by the line that outsiders use.
//!
//! It has no medium but the test: people see what it was given, rendered as text, and answer through it. It notes
//! each time that a card is presented, so that tests can count them; people would see one card per request.

use std::sync::Mutex;

use approvals_core::backend::{Backend, BackendError, Capabilities, Presented};
use approvals_core::card::text::{TextOptions, render};
use approvals_core::card::{Card, Shown};
use approvals_core::conformance::SetupError;
use approvals_core::conformance::backend::{
    Abilities, Ability, Act, Acted, BackendUnderTest, Does, Fault, View, Who, backend_conformance,
};
use approvals_core::desk::{Desk, Review};
use approvals_core::id::{Reference, RequestId};
use approvals_core::ledger::{Answer, PresentFailure};
use approvals_core::people::Identity;
use approvals_core::request::Digest;
use approvals_core::testing::{MockBackend, PROVIDER};
use async_trait::async_trait;

/// The mock with a `Debug` that says nothing.
pub(crate) struct Mock(MockBackend);

impl std::fmt::Debug for Mock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mock")
    }
}

#[async_trait]
impl Backend for Mock {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        self.0.present(card).await
    }

    async fn update(&self, card: &Card, reference: &Reference) -> Result<(), BackendError> {
        self.0.update(card, reference).await
    }

    async fn listen(&self, desk: Desk) -> Result<(), BackendError> {
        self.0.listen(desk).await
    }
}

struct TheMock;

/// The mock of the process that lives, and its last answer.
#[derive(Default)]
struct Medium {
    mock: Mutex<MockBackend>,
    last: Mutex<Option<(Identity, Review)>>,
}

impl Medium {
    fn mock(&self) -> MockBackend {
        self.mock.lock().unwrap().clone()
    }
}

impl BackendUnderTest for TheMock {
    type Backend = Mock;
    type Medium = Medium;

    fn abilities(&self) -> Abilities {
        use Ability::*;
        [Answer, SecondPerson, Comment, Late, Repeat, Stranger, Foreign, Tamper, Refuse].into()
    }

    async fn medium(&self) -> Result<Medium, SetupError> {
        Ok(Medium::default())
    }

    async fn start(&self, medium: &Medium) -> Result<Mock, SetupError> {
        let mock = MockBackend::new();
        *medium.mock.lock().unwrap() = mock.clone();
        Ok(Mock(mock))
    }

    fn identity(&self, _: &Medium, who: Who) -> Identity {
        Identity::new(PROVIDER, format!("{who:?}"))
    }

    async fn view(&self, medium: &Medium, request: RequestId) -> Result<View, SetupError> {
        let (mock, request) = (medium.mock(), request.to_string());
        let of = |cards: Vec<Card>| cards.into_iter().filter(|c| c.request == request).collect::<Vec<_>>();
        let (placed, news) = (of(mock.cards()), of(mock.updates()));
        let Some(card) = news.last().or(placed.last()) else { return Ok(View::default()) };
        let page = render(card, &TextOptions::default());
        let open = card.state.label == "pending";
        let can_approve = open && page.shown == Shown::Everything;
        Ok(View { messages: 1, text: page.text, can_approve, can_deny: open, live: Vec::new() })
    }

    async fn act(&self, medium: &Medium, act: Act) -> Result<Acted, SetupError> {
        let view = self.view(medium, act.request).await?;
        let mut identity = self.identity(medium, act.who);
        let mut review = Review::approve(act.request, act.digest);
        match act.does {
            Does::Approve if !view.can_approve => return Ok(Acted::NotOffered),
            Does::Deny | Does::DenySaying(_) if !view.can_deny => return Ok(Acted::NotOffered),
            Does::Approve | Does::ApproveLate => {}
            Does::Deny => review.answer = Answer::Deny,
            Does::DenySaying(comment) => review = Review::deny(act.request, act.digest).comment(comment),
            Does::Again => {
                let last = medium.last.lock().unwrap().clone();
                (identity, review) = last.ok_or("nobody has answered")?;
            }
            Does::ApproveAsStranger => identity = Identity::new(PROVIDER, "nobody"),
            Does::ApproveAsForeigner => identity = Identity::new("another", identity.subject()),
            Does::ApproveOtherDigest => {
                review = Review::approve(act.request, Digest::from_bytes([0; 32]));
            }
            other => return Err(format!("`{other:?}` cannot be done here").into()),
        }
        *medium.last.lock().unwrap() = Some((identity.clone(), review.clone()));
        medium.mock().submit_as(&identity, review).await?;
        Ok(Acted::Delivered)
    }

    async fn fault(&self, medium: &Medium, fault: Option<Fault>) -> Result<(), SetupError> {
        if fault == Some(Fault::Refuses) {
            medium.mock().fail(BackendError::permanent(PresentFailure::Rejected, "no"));
        }
        Ok(())
    }
}

backend_conformance!(TheMock);
