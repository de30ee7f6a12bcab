//! Records of cards that wait for company.

use std::sync::Arc;

use approvals::backend::{Backend, BackendError, Capabilities, Presented};
use approvals::card::{Card, Shown};
use approvals::desk::{self, Desk, Review, WayKind};
use approvals::id::{Reference, RequestId, Seq};
use approvals::ledger::{Append, Appended, Event, Filter, Memory, Store, StoreError};
use approvals::request::Digest;
use approvals::state::Phase;
use approvals::testing::{ManualClock, PROVIDER};
use approvals::time::{Clock, SystemClock};
use approvals::{Approvals, Assurance, Identity, Person};
use approvals_test_support::hand_on;
use async_trait::async_trait;

use crate::support::*;

/// A store that keeps back what is in no hurry.
struct Riding(Memory, Hold);

#[async_trait]
impl Store for Riding {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        self.0.append(append).await
    }

    async fn append_along(&self, append: Append) -> Result<Appended, StoreError> {
        self.1.pass().await;
        self.0.append(append).await
    }

    hand_on!(approvals, 0: history, list, records, last, wait_past, hold_node, key);
}

/// Says that it showed so much.
struct Shows(Shown);

#[async_trait]
impl Backend for Shows {
    fn name(&self) -> &str {
        "shows"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { provider: PROVIDER.into(), assurance: Assurance::Chat, cards_outlive_process: true }
    }

    async fn present(&self, _: &Card) -> Result<Presented, BackendError> {
        Ok(Presented { reference: Reference::new("1"), shown: self.0 })
    }

    async fn update(&self, _: &Card, _: &Reference) -> Result<(), BackendError> {
        Ok(())
    }
}

#[tokio::test]
async fn a_card_that_shows_a_part_is_on_record_at_once_beside_one_whose_record_waits_for_company() {
    let (memory, hold) = (Memory::new().unwrap(), Hold::new());
    let ways =
        [("first", Shown::Everything), ("second", Shown::Part { hidden: 1 }), ("third", Shown::Everything)];
    let people = approvals::People::new([Person::new("olga"), Person::new("ann")]).unwrap();
    let mut builder = Approvals::builder()
        .agent(approvals::Agent::new("bench").owned_by("olga"))
        .directory(people)
        .store(Riding(memory.clone(), hold.clone()));
    for (name, shown) in ways {
        builder = builder.backend_as(Shows(shown), name, PROVIDER, Assurance::Chat);
    }
    let approvals = builder.build().await.unwrap();
    let runs = Runs::default();
    let call = tokio::spawn(approvals.scope(wipe(runs.clone(), "sda")));
    hold.reached(2).await;
    settle().await;
    let presented = async || {
        let records = memory.records(Seq::START, usize::MAX).await.unwrap();
        records
            .iter()
            .filter_map(|record| match &record.body.event {
                Event::Presented { way, .. } => Some(way.to_string()),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(presented().await, ["second"]);
    hold.open();
    settle().await;
    assert_eq!(presented().await.len(), 3);
    call.abort();
    approvals.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_call_is_decided_claimed_and_ended_while_the_records_of_its_cards_wait_for_company() {
    // The desk of another process has the system's.
    let now = SystemClock.now();
    let (clock, hold) = (ManualClock::at(now), Hold::new());
    let memory = Memory::with_clock(Arc::new(clock.clone())).unwrap();
    let people = || {
        let ann = Person::new("ann").known_as(PROVIDER, "ann");
        approvals::People::new([Person::new("olga"), ann]).unwrap()
    };
    let approvals = Approvals::builder()
        .agent(approvals::Agent::new("bench").owned_by("olga"))
        .directory(people())
        .clock(Arc::new(clock.clone()))
        .store(Riding(memory.clone(), hold.clone()))
        .backend(Shows(Shown::Everything))
        .build()
        .await
        .unwrap();
    let runs = Runs::default();
    for (number, review) in [(1, Review::approve as fn(RequestId, Digest) -> Review), (2, Review::deny)] {
        let call = tokio::spawn(approvals.scope(wipe(runs.clone(), "sda")));
        hold.reached(number).await;
        let listed = memory.list(&Filter::in_phases([Phase::Pending]), None, 1).await.unwrap();
        let asked = &listed.summaries[0];
        let (id, provider, kind) = ("shows".into(), PROVIDER.into(), WayKind::Backend);
        let way = desk::Way { id, provider, assurance: Assurance::Chat, kind };
        let desk = Desk::new(Arc::new(memory.clone()), Arc::new(people()), way, "elsewhere");
        let reply =
            desk.submit(&Identity::new(PROVIDER, "ann"), review(asked.id, asked.digest)).await.unwrap();
        counted(&reply);
        settle().await;
        assert!(call.is_finished(), "it waits for the record of a card");
        assert_eq!(call.await.unwrap().is_ok(), number == 1);
        let names = memory.history(asked.id.into()).await.unwrap();
        let names: Vec<_> = names.iter().map(|record| record.body.event.name()).collect();
        let expected: &[&str] = if number == 1 {
            &["requested", "reviewed", "started", "finished"]
        } else {
            &["requested", "reviewed"]
        };
        assert_eq!(names, expected);
        assert_eq!(clock.now(), now, "no time has passed");
    }
    assert_eq!(runs.count(), 1);
    hold.open();
    approvals.shutdown().await.unwrap();
}
