//! Strangers are counted, on a clock that stands still until it is moved.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals_test_support::hand_on;
use async_trait::async_trait;
use tracing::field::{Field, Visit};

use crate::authority::Patience;
use crate::desk::{Desk, Way, WayKind};
use crate::id::{Seq, SystemChance};
use crate::ledger::{
    Append, Appended, Env, Event, Memory, Record, Store, StoreError, StoreErrorKind, Stream,
};
use crate::people::{Assurance, People, Person};
use crate::testing::ManualClock;
use crate::time::Timestamp;

/// A store in memory that can be full, or never answer for the next append.
struct Shelf(Memory, AtomicBool, AtomicBool);

#[async_trait]
impl Store for Shelf {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        if self.2.swap(false, Ordering::SeqCst) {
            std::future::pending().await
        }
        match self.1.load(Ordering::SeqCst) {
            true => Err(StoreError::new(StoreErrorKind::Full, "no room is left")),
            false => self.0.append(append).await,
        }
    }

    hand_on!(crate, 0: history, list, records, last, wait_past, hold_node, key);
}

fn desk() -> (Desk, ManualClock, Arc<Shelf>) {
    let clock = ManualClock::at(Timestamp::from_micros(1_900_000_000_000_000));
    let memory = Memory::with_clock(Arc::new(clock.clone())).unwrap();
    let store = Arc::new(Shelf(memory, AtomicBool::default(), AtomicBool::default()));
    let desk = Desk {
        store: Arc::clone(&store) as Arc<dyn Store>,
        directory: Arc::new(People::new([Person::new("ann")]).unwrap()),
        clock: Arc::new(clock.clone()),
        chance: Arc::new(SystemChance),
        node: "host/agent".into(),
        env: Env::Test,
        way: Way {
            id: "webhook".into(),
            provider: "acme".into(),
            assurance: Assurance::Sso,
            kind: WayKind::Backend,
        },
        strangers: Arc::default(),
        here: None,
        patience: None,
    };
    (desk, clock, store)
}

async fn counts(store: &Shelf) -> Vec<u64> {
    let count = |record: Record| match &record.body.event {
        Event::Unauthenticated { way, count } if *way == "webhook".into() => Some(*count),
        _ => None,
    };
    store.history(Stream::System).await.unwrap().into_iter().filter_map(count).collect()
}

async fn a_minute(clock: &ManualClock) {
    soon(clock.until_asleep(1)).await;
    clock.advance(Duration::from_secs(60));
}

/// What has to come, by the real clock: only a test that fails waits so long.
async fn soon<F: Future>(comes: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), comes).await.expect("it never comes")
}

/// Everything that can run now has run.
async fn quiet() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_first_stranger_is_recorded_at_once_and_a_flood_as_one_number_a_minute() {
    let (desk, clock, store) = desk();
    desk.unauthenticated(1);
    soon(store.wait_past(Seq::START)).await.unwrap();
    assert_eq!(counts(&store).await, [1]);
    for _ in 0..10_000 {
        desk.clone().unauthenticated(1);
    }
    soon(clock.until_asleep(1)).await;
    clock.advance(Duration::from_secs(59));
    quiet().await;
    assert_eq!(counts(&store).await, [1], "a second of the minute is left");
    clock.advance(Duration::from_secs(1));
    soon(store.wait_past(Seq(1))).await.unwrap();
    assert_eq!(counts(&store).await, [1, 10_000]);
}

#[tokio::test]
async fn after_a_quiet_minute_the_next_stranger_is_recorded_at_once_again() {
    let (desk, clock, store) = desk();
    desk.unauthenticated(2);
    a_minute(&clock).await;
    quiet().await;
    desk.unauthenticated(3);
    soon(store.wait_past(Seq(1))).await.unwrap();
    assert_eq!(counts(&store).await, [2, 3]);
}

#[tokio::test]
async fn nothing_is_recorded_of_nothing() {
    let (desk, _, store) = desk();
    desk.unauthenticated(0);
    quiet().await;
    assert_eq!(counts(&store).await, Vec::<u64>::new());
}

#[tokio::test]
async fn a_store_that_fails_gets_the_number_later() {
    let (desk, clock, store) = desk();
    store.1.store(true, Ordering::SeqCst);
    desk.unauthenticated(5);
    soon(clock.until_asleep(1)).await;
    desk.unauthenticated(2);
    store.1.store(false, Ordering::SeqCst);
    clock.advance(Duration::from_secs(60));
    soon(store.wait_past(Seq::START)).await.unwrap();
    assert_eq!(counts(&store).await, [7]);
}

#[tokio::test]
async fn a_number_that_a_store_never_answers_for_is_recorded_with_the_next() {
    let (mut desk, clock, store) = desk();
    let (keeper, _orders) = tokio::sync::mpsc::unbounded_channel();
    let runtime = tokio::runtime::Handle::current();
    desk.patience = Some(Patience::new(Arc::new(clock.clone()), runtime, &keeper));
    store.2.store(true, Ordering::SeqCst);
    desk.unauthenticated(5);
    // As long as it is waited for.
    for seconds in [61, 1] {
        soon(clock.until_asleep(1)).await;
        clock.advance(Duration::from_secs(seconds));
        quiet().await;
    }
    desk.unauthenticated(2);
    a_minute(&clock).await;
    soon(store.wait_past(Seq::START)).await.unwrap();
    assert_eq!(counts(&store).await, [7]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_brings_no_second_record_within_the_minute() {
    let (desk, clock, store) = desk();
    desk.unauthenticated(1);
    soon(store.wait_past(Seq::START)).await.unwrap();
    soon(clock.until_asleep(1)).await;
    clock.set(Timestamp::EPOCH);
    desk.unauthenticated(1);
    quiet().await;
    assert_eq!(counts(&store).await, [1]);
}

#[tokio::test]
async fn counting_keeps_neither_the_desk_nor_the_store_alive() {
    let (desk, clock, store) = desk();
    desk.unauthenticated(1);
    soon(clock.until_asleep(1)).await;
    let (strangers, weak) = (Arc::downgrade(&desk.strangers), Arc::downgrade(&store));
    drop((desk, store));
    assert!(strangers.upgrade().is_none() && weak.upgrade().is_none());
    clock.advance(Duration::from_secs(60));
    quiet().await;
}

/// The counts that are warned of.
#[derive(Clone, Default)]
struct Warned(Arc<Mutex<Vec<u64>>>);

impl Visit for Warned {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "count" {
            self.0.lock().unwrap().push(value);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl tracing::Subscriber for Warned {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn what_is_in_no_record_when_the_process_stops_is_warned_of_and_nothing_is_not() {
    let warned = Warned::default();
    tracing::subscriber::with_default(warned.clone(), || {
        for counts in [&[2, 1][..], &[0], &[]] {
            let (desk, ..) = desk();
            // Outside of a runtime nobody records it.
            counts.iter().for_each(|count| desk.unauthenticated(*count));
        }
    });
    assert_eq!(*warned.0.lock().unwrap(), [3]);
}

#[test]
fn a_desk_of_less_assurance_is_never_one_of_more() {
    let (desk, ..) = desk();
    assert_eq!(desk.at_most(Assurance::Chat).way().assurance, Assurance::Chat);
    assert_eq!(desk.at_most(Assurance::Signed).way().assurance, Assurance::Sso);
    assert_eq!(desk.at_most(Assurance::Chat).at_most(Assurance::Signed).way().assurance, Assurance::Chat);
}

#[test]
fn a_desk_prints_its_way_in_and_nothing_of_what_it_keeps() {
    let (desk, ..) = desk();
    let printed = format!("{desk:?}");
    assert!(printed.starts_with("Desk { way: Way { id: ") && printed.ends_with("}, .. }"), "{printed}");
}
