//! A backend that answers by script.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::{Mutex as AsyncMutex, mpsc};

use crate::backend::{Backend, BackendError, Capabilities, Presented};
use crate::card::{Card, Shown};
use crate::desk::{Desk, DeskError, Reply, Review};
use crate::id::{GroupId, PersonId, Reference, RequestId};
use crate::ledger::Answer;
use crate::people::{Assurance, Directory, DirectoryError, Identity, Person};
use crate::request::Digest;

/// The provider whose identities the mock vouches for: every text is the identity of a person of that id.
pub const PROVIDER: &str = "mock";

/// A backend that answers by script, and remembers what it was shown. Clones are the same mock.
///
/// It says nothing until it is told: [`approve`](Self::approve), [`deny`](Self::deny). Its people are whoever it
/// names; it authenticates them with the highest assurance.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use approvals_core::{handle::Approvals, testing::MockBackend};
/// let mock = MockBackend::new().approve();
/// let approvals = Approvals::test(&mock);
/// # approvals.shutdown().await.unwrap();
/// # });
/// ```
#[derive(Clone)]
pub struct MockBackend(Arc<Inner>);

struct Inner {
    script: Mutex<Script>,
    cards: Mutex<Vec<Card>>,
    updates: Mutex<Vec<Card>>,
    replies: Mutex<Vec<Result<Reply, DeskError>>>,
    groups: Mutex<std::collections::BTreeMap<PersonId, BTreeSet<GroupId>>>,
    give: mpsc::UnboundedSender<(Identity, Review)>,
    take: AsyncMutex<mpsc::UnboundedReceiver<(Identity, Review)>>,
    desk: tokio::sync::watch::Sender<Option<Desk>>,
    seen: tokio::sync::watch::Sender<usize>,
}

#[derive(Default)]
struct Script {
    answers: Vec<(PersonId, Answer, Option<String>)>,
    shows: Option<Shown>,
    fails: Option<BackendError>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for MockBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl MockBackend {
    /// A mock that never answers.
    pub fn new() -> Self {
        let (give, take) = mpsc::unbounded_channel();
        Self(Arc::new(Inner {
            script: Mutex::default(),
            cards: Mutex::default(),
            updates: Mutex::default(),
            replies: Mutex::default(),
            groups: Mutex::default(),
            give,
            take: AsyncMutex::new(take),
            desk: tokio::sync::watch::Sender::new(None),
            seen: tokio::sync::watch::Sender::new(0),
        }))
    }

    /// From now on, `reviewer` approves every request.
    pub fn approve(&self) -> Self {
        self.approve_by(["reviewer"])
    }

    /// From now on, these people approve every request, one after the other.
    pub fn approve_by<P: Into<PersonId>>(&self, people: impl IntoIterator<Item = P>) -> Self {
        let yes = people.into_iter().map(|person| (person.into(), Answer::Approve, None)).collect();
        lock(&self.0.script).answers = yes;
        self.clone()
    }

    /// From now on, `reviewer` denies every request with this comment.
    pub fn deny(&self, comment: impl Into<String>) -> Self {
        self.deny_by("reviewer", comment)
    }

    /// From now on, this person denies every request with this comment.
    pub fn deny_by(&self, person: impl Into<PersonId>, comment: impl Into<String>) -> Self {
        lock(&self.0.script).answers = vec![(person.into(), Answer::Deny, Some(comment.into()))];
        self.clone()
    }

    /// From now on, nobody answers.
    pub fn never(&self) -> Self {
        lock(&self.0.script).answers.clear();
        self.clone()
    }

    /// From now on, cards are shown only in part.
    pub fn show_part(&self, hidden: usize) -> Self {
        lock(&self.0.script).shows = Some(Shown::Part { hidden });
        self.clone()
    }

    /// From now on, no card can be presented.
    pub fn fail(&self, error: BackendError) -> Self {
        lock(&self.0.script).fails = Some(error);
        self.clone()
    }

    /// Puts a person into groups.
    pub fn group<G: Into<GroupId>>(
        &self,
        person: impl Into<PersonId>,
        groups: impl IntoIterator<Item = G>,
    ) -> Self {
        let groups = groups.into_iter().map(Into::into);
        lock(&self.0.groups).entry(person.into()).or_default().extend(groups);
        self.clone()
    }

    /// The cards that were presented, in order.
    pub fn cards(&self) -> Vec<Card> {
        lock(&self.0.cards).clone()
    }

    /// The cards that were brought up to date, in order.
    pub fn updates(&self) -> Vec<Card> {
        lock(&self.0.updates).clone()
    }

    /// What became of the scripted answers, in order.
    pub fn replies(&self) -> Vec<Result<Reply, DeskError>> {
        lock(&self.0.replies).clone()
    }

    /// Returns once so many cards were presented.
    pub async fn presented(&self, cards: usize) -> Vec<Card> {
        // The sender lives as long as `self`.
        let _ = self.0.seen.subscribe().wait_for(|seen| *seen >= cards).await;
        self.cards()
    }

    /// Submits a review as this person, now.
    ///
    /// # Errors
    /// Those of [`Desk::submit`].
    pub async fn submit(&self, person: &str, review: Review) -> Result<Reply, DeskError> {
        self.submit_as(&Identity::new(PROVIDER, person), review).await
    }

    /// Submits a review as this identity, now.
    ///
    /// # Errors
    /// Those of [`Desk::submit`].
    pub async fn submit_as(&self, identity: &Identity, review: Review) -> Result<Reply, DeskError> {
        let desk = {
            let mut desks = self.0.desk.subscribe();
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

    /// The people that the mock may name: any, in the groups they were put into.
    pub fn people(&self) -> impl Directory + use<> {
        Anyone(self.clone())
    }
}

/// The request and digest of a card.
pub fn ids(card: &Card) -> Option<(RequestId, Digest)> {
    Some((card.request.parse().ok()?, Digest::from_hex(&card.digest)?))
}

#[async_trait]
impl Backend for MockBackend {
    fn name(&self) -> &str {
        "mock"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { provider: PROVIDER.into(), assurance: Assurance::Signed, cards_outlive_process: false }
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        let script = lock(&self.0.script);
        if let Some(error) = &script.fails {
            return Err(error.clone());
        }
        let shown = script.shows.unwrap_or_else(|| card.shown());
        let reference = {
            let mut cards = lock(&self.0.cards);
            cards.push(card.clone());
            self.0.seen.send_modify(|seen| *seen = cards.len());
            Reference::new(format!("card {}", cards.len()))
        };
        if let Some((request, digest)) = ids(card) {
            for (person, answer, comment) in &script.answers {
                let mut review = match answer {
                    Answer::Approve => Review::approve(request, digest),
                    Answer::Deny => Review::deny(request, digest),
                };
                review.comment.clone_from(comment);
                // The listener lives as long as the handle that presents.
                let _ = self.0.give.send((Identity::new(PROVIDER, person.as_str()), review.shown(shown)));
            }
        }
        Ok(Presented { reference, shown })
    }

    async fn update(&self, card: &Card, _: &Reference) -> Result<(), BackendError> {
        lock(&self.0.updates).push(card.clone());
        Ok(())
    }

    async fn listen(&self, desk: Desk) -> Result<(), BackendError> {
        self.0.desk.send_replace(Some(desk.clone()));
        let mut take = self.0.take.lock().await;
        while let Some((identity, review)) = take.recv().await {
            let reply = desk.submit(&identity, review).await;
            lock(&self.0.replies).push(reply);
        }
        Ok(())
    }
}

/// A directory in which everybody is somebody.
struct Anyone(MockBackend);

impl Anyone {
    fn find(&self, id: &str) -> Person {
        let person = Person::new(id).known_as(PROVIDER, id);
        let groups = lock(&self.0.0.groups).get(&PersonId::new(id)).cloned().unwrap_or_default();
        groups.into_iter().fold(person, Person::in_group)
    }
}

#[async_trait]
impl Directory for Anyone {
    async fn resolve(&self, identity: &Identity) -> Result<Option<Person>, DirectoryError> {
        let known = identity.provider().as_str() == PROVIDER;
        Ok(known.then(|| self.find(identity.subject())))
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, DirectoryError> {
        Ok(Some(self.find(id.as_str())))
    }
}
