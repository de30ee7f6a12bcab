//! What a test does while its calls run: it moves time, answers by hand and looks.

use std::time::Duration;

use super::deliver::turn;
use super::{MockBackend, PROVIDER};
use crate::card::Card;
use crate::desk::{DeskError, Reply, Review};
use crate::people::{DirectoryError, Identity};
use crate::testing::ManualClock;

/// How many turns other tasks are given after time was moved.
const TURNS: usize = 64;

impl MockBackend {
    /// The mock's virtual time, for a store of yours that is to be stamped by it.
    pub fn clock(&self) -> ManualClock {
        self.inner.clock.clone()
    }

    /// Virtual time passes. Deadlines that it passes expire, delayed answers on the way are given at their time and
    /// judged before it goes on, and whoever waits wakes up. Nothing sleeps.
    ///
    /// Only what was there before can happen on the way: await [`presented`](Self::presented) first.
    pub async fn advance(&self, by: Duration) {
        self.inner.advance(by).await;
        for _ in 0..TURNS {
            turn().await;
        }
    }

    /// The cards that were presented, in order.
    pub fn cards(&self) -> Vec<Card> {
        self.inner.book().cards()
    }

    /// The cards that were brought up to date, in order.
    pub fn updates(&self) -> Vec<Card> {
        self.inner.book().updates.clone()
    }

    /// What became of the scripted answers, in order.
    pub fn replies(&self) -> Vec<Result<Reply, DeskError>> {
        self.inner.book().replies.clone()
    }

    /// Returns once so many cards were presented.
    pub async fn presented(&self, cards: usize) -> Vec<Card> {
        // The sender lives as long as `self`.
        let _ = self.inner.seen.subscribe().wait_for(|seen| *seen >= cards).await;
        self.cards()
    }

    /// Returns once so many scripted answers were judged.
    pub async fn replied(&self, answers: usize) -> Vec<Result<Reply, DeskError>> {
        // The sender lives as long as `self`.
        let _ = self.inner.replied.subscribe().wait_for(|replied| *replied >= answers).await;
        self.replies()
    }

    /// Submits a review as this person, now.
    ///
    /// # Errors
    /// Those of [`Desk::submit`](crate::desk::Desk::submit).
    pub async fn submit(&self, person: &str, review: Review) -> Result<Reply, DeskError> {
        self.submit_as(&Identity::new(PROVIDER, person), review).await
    }

    /// Submits a review as this identity, now.
    ///
    /// # Errors
    /// Those of [`Desk::submit`](crate::desk::Desk::submit).
    pub async fn submit_as(&self, identity: &Identity, review: Review) -> Result<Reply, DeskError> {
        let desk = {
            let mut desks = self.inner.desk.subscribe();
            match desks.wait_for(Option::is_some).await {
                Ok(desk) => desk.clone(),
                Err(_) => None,
            }
        };
        match desk {
            Some(desk) => desk.submit(identity, review).await,
            None => Err(DeskError::Directory(DirectoryError("the mock has no desk".to_owned()))),
        }
    }
}
