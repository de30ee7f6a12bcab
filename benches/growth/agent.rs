//! The agent that is measured: its clock can be moved, and its backend keeps no more than it has to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use approvals::backend::{Backend, BackendError, Capabilities, Presented};
use approvals::card::Card;
use approvals::desk::{Desk, Review};
use approvals::id::{Reference, RequestId};
use approvals::ledger::Store;
use approvals::request::Digest;
use approvals::time::{Clock, Sleep, Timestamp};
use approvals::{Agent, Approvals, Assurance, Identity, People, Person};
use async_trait::async_trait;
use tokio::sync::watch;

/// The clock of the system, which can be set ahead: whoever sleeps until then wakes.
pub(crate) struct Ahead(watch::Sender<Duration>);

impl Ahead {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(Duration::ZERO)))
    }

    pub(crate) fn by(&self, time: Duration) {
        self.0.send_modify(|ahead| *ahead += time);
    }
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Timestamp::now().after(*self.0.borrow())
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let mut ahead = self.0.subscribe();
        let until = *ahead.borrow() + duration;
        Box::pin(async move {
            tokio::select! {
                () = tokio::time::sleep(duration) => {}
                _ = ahead.wait_for(|ahead| *ahead >= until) => {}
            }
        })
    }
}

/// How many of the cards that were shown last it remembers: more than are ever answered.
const CARDS: usize = 64;

/// Remembers what it showed last, and answers when it is told.
#[derive(Clone, Default)]
pub(crate) struct Board(Arc<Shown>);

#[derive(Default)]
struct Shown {
    cards: Mutex<VecDeque<(RequestId, Digest)>>,
    count: watch::Sender<usize>,
    desk: watch::Sender<Option<Desk>>,
}

impl Board {
    pub(crate) async fn shows(&self, cards: usize) -> Result<()> {
        self.0.count.subscribe().wait_for(|count| *count >= cards).await?;
        Ok(())
    }

    /// Says yes to the card that was shown last.
    pub(crate) async fn approve_one(&self) -> Result<()> {
        let card = self.0.cards.lock().unwrap_or_else(PoisonError::into_inner).pop_back();
        let (request, digest) = card.context("no card is left")?;
        self.approve(request, digest).await
    }

    pub(crate) async fn approve(&self, request: RequestId, digest: Digest) -> Result<()> {
        let desk = self.0.desk.subscribe().wait_for(Option::is_some).await?.clone();
        let desk = desk.context("nobody listens")?;
        desk.submit(&Identity::new("bench", "ann"), Review::approve(request, digest)).await?;
        Ok(())
    }
}

#[async_trait]
impl Backend for Board {
    fn name(&self) -> &str {
        "bench"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { provider: "bench".into(), assurance: Assurance::Sso, cards_outlive_process: false }
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        if let (Ok(request), Some(digest)) = (card.request.parse(), Digest::from_hex(&card.digest)) {
            let mut cards = self.0.cards.lock().unwrap_or_else(PoisonError::into_inner);
            if cards.len() == CARDS {
                cards.pop_front();
            }
            cards.push_back((request, digest));
        }
        self.0.count.send_modify(|count| *count += 1);
        Ok(Presented { reference: Reference::new("card"), shown: card.shown() })
    }

    async fn listen(&self, desk: Desk) -> Result<(), BackendError> {
        self.0.desk.send_replace(Some(desk));
        Ok(())
    }
}

pub(crate) async fn agent(store: impl Store, clock: Arc<Ahead>, board: Board) -> Result<Approvals> {
    let people = [Person::new("olga"), Person::new("ann").known_as("bench", "ann")];
    Approvals::builder()
        .agent(Agent::new("bench").owned_by("olga"))
        .directory(People::new(people)?)
        .store(store)
        .backend(board)
        .clock(clock)
        .build()
        .await
        .context("the set-up is refused")
}
