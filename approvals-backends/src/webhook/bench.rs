//! An agent that asks at the endpoint that is played, with its ledger.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use approvals_core::action::Risk;
use approvals_core::call::Call;
use approvals_core::error::ApprovalError;
use approvals_core::handle::Approvals;
use approvals_core::id::RequestId;
use approvals_core::ledger::{
    Append, Appended, Event, Ignored, Memory, Record, Reviewed, Store, StoreError, Stream,
};
use approvals_core::people::{Agent, Assurance, People, Person};
use approvals_core::policy::RiskPolicy;
use approvals_core::testing::ManualClock;
use approvals_core::time::Timestamp;
use approvals_test_support::hand_on;
use async_trait::async_trait;
use tokio::task::JoinHandle;

use super::fake::{Endpoint, SHARED, Standing, key};
use super::{Webhook, WebhookBuilder};

pub(super) struct Bench {
    pub(super) approvals: Approvals,
    pub(super) webhook: Webhook,
    pub(super) endpoint: Endpoint,
    pub(super) store: Memory,
    /// Has the store never answer for the next review.
    pub(super) loses_a_review: Arc<AtomicBool>,
    /// The clock of core; the backend has the one that it was set up with.
    pub(super) clock: ManualClock,
}

/// A call that waits for people.
pub(super) struct Asked {
    pub(super) request: RequestId,
    pub(super) card: Standing,
    pub(super) call: JoinHandle<Result<(), ApprovalError>>,
}

/// A store that may lose the answer to a review.
struct Loses(Memory, Arc<AtomicBool>);

#[async_trait]
impl Store for Loses {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        let is_review = append.events.iter().any(|new| matches!(new.event, Event::Reviewed(_)));
        if is_review && self.1.swap(false, SeqCst) {
            std::future::pending().await
        }
        self.0.append(append).await
    }

    hand_on!(approvals_core, 0: history, list, records, last, wait_past, hold_node, key);
}

impl Bench {
    /// Where one person is enough.
    pub(super) async fn with(set_up: impl FnOnce(WebhookBuilder) -> WebhookBuilder) -> Self {
        Self::of(1, Assurance::Local, set_up).await
    }

    /// Where so many people are needed, and this assurance.
    pub(super) async fn of(
        people: u32,
        assurance: Assurance,
        set_up: impl FnOnce(WebhookBuilder) -> WebhookBuilder,
    ) -> Self {
        let endpoint = Endpoint::default();
        let builder = endpoint.backend().verify_with(key(SHARED).verifying()).assurance(Assurance::Signed);
        let webhook = set_up(builder).build().unwrap();
        let clock = ManualClock::at(Timestamp::now());
        let store = Memory::with_clock(Arc::new(clock.clone())).unwrap();
        let loses_a_review = Arc::<AtomicBool>::default();
        let directory = People::new([
            Person::new("dana").known_as("acme", "u-dana"),
            Person::new("ann").known_as("acme", "u-1"),
            Person::new("ben").known_as("acme", "u-2"),
        ]);
        let approvals = Approvals::builder()
            .agent(Agent::new("bot").owned_by("dana"))
            .directory(directory.unwrap())
            .policy(
                RiskPolicy::ask_from(Risk::Medium)
                    .people(people, Risk::High)
                    .assurance(assurance, Risk::High),
            )
            .store(Loses(store.clone(), Arc::clone(&loses_a_review)))
            .clock(Arc::new(clock.clone()))
            .backend(webhook.clone())
            .build()
            .await
            .unwrap();
        // Until it listens.
        while webhook.0.inbox.desk().is_none() {
            tokio::task::yield_now().await;
        }
        Self { approvals, webhook, endpoint, store, loses_a_review, clock }
    }

    /// Calls, and returns once the card stands at the endpoint.
    pub(super) async fn ask(&self) -> Asked {
        let before: Vec<_> = self.endpoint.state().cards.keys().copied().collect();
        let approvals = self.approvals.clone();
        let call = tokio::spawn(async move {
            approvals
                .gate(Call::new("refund").risk(Risk::High).arg("cents", &500))
                .run(|| async { Ok(()) })
                .await
        });
        let new = |(request, card): (&RequestId, &Standing)| {
            (!before.contains(request)).then(|| (*request, card.clone()))
        };
        let (request, card) = self.endpoint.until(|state| state.cards.iter().find_map(new)).await;
        Asked { request, card, call }
    }

    pub(super) async fn history(&self, stream: impl Into<Stream>) -> Vec<Event> {
        let event = |record: Record| record.body.event.clone();
        self.store.history(stream.into()).await.unwrap().into_iter().map(event).collect()
    }

    /// The answers to a request that counted.
    pub(super) async fn reviews(&self, request: RequestId) -> Vec<Reviewed> {
        let reviewed = |event| match event {
            Event::Reviewed(reviewed) => Some(reviewed),
            _ => None,
        };
        self.history(request).await.into_iter().filter_map(reviewed).collect()
    }

    /// The answers to a request that did not.
    pub(super) async fn ignored(&self, request: RequestId) -> Vec<Ignored> {
        let ignored = |event| match event {
            Event::Ignored(ignored) => Some(ignored),
            _ => None,
        };
        self.history(request).await.into_iter().filter_map(ignored).collect()
    }

    /// How many strangers are on record, a record each.
    pub(super) async fn strangers(&self) -> Vec<u64> {
        let count = |event| match event {
            Event::Unauthenticated { count, .. } => Some(count),
            _ => None,
        };
        self.history(Stream::System).await.into_iter().filter_map(count).collect()
    }
}

/// Everything that can run now has run.
pub(super) async fn quiet() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}
