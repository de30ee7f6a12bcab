//! The backend under test, with a word about each of its replies to core.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::backend::{Backend, BackendError, Capabilities, Presented};
use crate::card::Card;
use crate::desk::Desk;
use crate::id::Reference;

/// A backend that prints.
pub(super) trait Printable: Backend + fmt::Debug {}

impl<B: Backend + fmt::Debug> Printable for B {}

/// What the backend replied.
#[derive(Debug, Clone)]
pub(super) enum Replied {
    /// To a card that was to be placed.
    Presented { request: String, error: Option<BackendError> },
    /// To news: of a card with so many answers, in this phase.
    Updated { request: String, answers: usize, phase: String },
}

impl Replied {
    /// Whether it is about placing the card of this request.
    pub(super) fn is_of(&self, request: &str) -> bool {
        matches!(self, Self::Presented { request: of, .. } if of == request)
    }
}

pub(super) type Replies = watch::Receiver<Vec<Replied>>;

pub(super) struct Watched {
    backend: Arc<dyn Printable>,
    replied: watch::Sender<Vec<Replied>>,
}

impl Watched {
    pub(super) fn new(backend: Arc<dyn Printable>) -> (Self, Replies) {
        let (replied, replies) = watch::channel(Vec::new());
        (Self { backend, replied }, replies)
    }

    fn note(&self, reply: Replied) {
        self.replied.send_modify(|replies| replies.push(reply));
    }
}

#[async_trait]
impl Backend for Watched {
    fn name(&self) -> &str {
        self.backend.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.backend.capabilities()
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        let presented = self.backend.present(card).await;
        self.note(Replied::Presented {
            request: card.request.clone(),
            error: presented.as_ref().err().cloned(),
        });
        presented
    }

    async fn update(&self, card: &Card, reference: &Reference) -> Result<(), BackendError> {
        let updated = self.backend.update(card, reference).await;
        let (request, phase) = (card.request.clone(), card.state.label.clone());
        self.note(Replied::Updated { request, answers: card.answers.len(), phase });
        updated
    }

    async fn listen(&self, desk: Desk) -> Result<(), BackendError> {
        self.backend.listen(desk).await
    }
}
