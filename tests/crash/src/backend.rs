//! A crowd of people who answer each call as its number says, at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use approvals::Identity;
use approvals::backend::{Backend, BackendError, Capabilities, Presented};
use approvals::card::{Card, Shown};
use approvals::desk::{Desk, Review, Seen};
use approvals::id::{Reference, RequestId};
use approvals::ledger::{Answer, PresentFailure};
use approvals::people::Assurance;
use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use crate::orders::Kind;
use crate::say::Said;

/// Whose identities it vouches for.
pub(crate) const PROVIDER: &str = "crowd";
/// How often an answer that could not be recorded is given again.
const TRIES: usize = 8;

/// Who is waiting for a sign to leave, by the name of the call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signs(Arc<Mutex<BTreeMap<String, oneshot::Sender<()>>>>);

impl Signs {
    /// Waits for the sign of a call.
    pub(crate) fn wait(&self, call: &str) -> oneshot::Receiver<()> {
        let (give, take) = oneshot::channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(call.to_owned(), give);
        take
    }

    /// Gives it.
    pub(crate) fn give(&self, call: &str) {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(call);
        if let Some(waiting) = waiting {
            let _ = waiting.send(());
        }
    }
}

struct Asked {
    request: RequestId,
    seen: Seen,
    call: String,
}

/// The backend that asks the crowd.
pub(crate) struct Crowd {
    asks: mpsc::UnboundedSender<Asked>,
    asked: Mutex<Option<mpsc::UnboundedReceiver<Asked>>>,
    signs: Signs,
}

impl Crowd {
    pub(crate) fn new(signs: Signs) -> Self {
        let (asks, asked) = mpsc::unbounded_channel();
        Self { asks, asked: Mutex::new(Some(asked)), signs }
    }
}

#[async_trait]
impl Backend for Crowd {
    fn name(&self) -> &str {
        PROVIDER
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { provider: PROVIDER.into(), assurance: Assurance::Local, cards_outlive_process: false }
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        let odd = || BackendError::permanent(PresentFailure::Other, "the card names no call");
        let request: RequestId = card.request.parse().map_err(|_| odd())?;
        let call = card.resource.clone().ok_or_else(odd)?;
        let _ = self.asks.send(Asked { request, seen: Seen::Prefix(card.digest.clone()), call });
        Ok(Presented { reference: Reference::new(&*card.request), shown: Shown::Everything })
    }

    async fn listen(&self, desk: Desk) -> Result<(), BackendError> {
        let Some(mut asked) = self.asked.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Ok(());
        };
        while let Some(asked) = asked.recv().await {
            let (desk, signs) = (desk.clone(), self.signs.clone());
            tokio::spawn(async move { answer(&desk, &asked, &signs).await });
        }
        Ok(())
    }
}

async fn answer(desk: &Desk, asked: &Asked, signs: &Signs) {
    use Answer::{Approve, Deny};
    let answers: &[(&str, Answer)] = match Kind::named(&asked.call) {
        None | Some(Kind::Expires) => &[],
        Some(Kind::Leaves) => return signs.give(&asked.call),
        Some(Kind::One | Kind::Rerunnable | Kind::Unkeyed | Kind::Fails | Kind::Dropped) => {
            &[("kim", Approve)]
        }
        Some(Kind::Two) => &[("kim", Approve), ("lee", Approve)],
        Some(Kind::Denied) => &[("kim", Deny)],
        Some(Kind::TakenBack) => &[("kim", Approve), ("lee", Deny)],
    };
    for (who, answer) in answers {
        let review = Review { answer: *answer, ..Review::approve(asked.request, asked.seen.clone()) };
        let mut tries = 0;
        while let Err(error) = desk.submit(&Identity::new(PROVIDER, *who), review.clone()).await {
            Said::Failed { kind: "Desk".to_owned(), message: error.to_string() }.aloud();
            tries += 1;
            if tries == TRIES {
                return signs.give(&asked.call);
            }
            tokio::task::yield_now().await;
        }
    }
}
