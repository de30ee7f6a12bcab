//! The table of waiters, compiled here once more so that a test can wait as a call waits, and wait wrongly.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use approvals_races_core::id::RequestId;
use approvals_races_core::ledger::{Append, CancelWhy, Env, Event, Memory, Store, Stream};
use shuttle::future::{block_on, spawn, yield_now};
use shuttle::rand::{Rng, thread_rng};
use tokio::sync::mpsc;

use crate::claims::{all_seen, clock};
use crate::explore::{explore, shows};
use crate::hub::Hub;
use crate::local::Offer;
use crate::requested::requested;
use crate::watched::Watched;

/// How a call waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// It is in the table before it looks.
    Soundly,
    /// It looks, and is in the table afterwards.
    LooksFirst,
}

/// A ledger with a request, and a table that follows it.
struct Scene {
    store: Watched,
    hub: Arc<Hub>,
    stream: Stream,
    follower: shuttle::future::JoinHandle<()>,
    _cards: mpsc::UnboundedReceiver<RequestId>,
}

impl Scene {
    async fn new() -> Self {
        let clock = clock();
        let store = Watched::over(Memory::with_clock(Arc::new(clock.clone())).unwrap());
        let (stream, opens) = requested(1);
        store.append(opens).await.unwrap();
        let (cards, _cards) = mpsc::unbounded_channel();
        let hub = Arc::new(Hub::new());
        let follower = spawn(Arc::clone(&hub).follow(Arc::new(store.clone()), Arc::new(clock), cards));
        Self { store, hub, stream, follower, _cards }
    }

    /// Returns once the request was called off.
    async fn wait(store: Watched, hub: Arc<Hub>, stream: Stream, waits: Waits) {
        let request = stream.request().unwrap();
        let over = async || store.history(stream).await.unwrap().len() > 1;
        if waits == Waits::LooksFirst && over().await {
            return;
        }
        let mut waiter = hub.waiter(request);
        if waits == Waits::Soundly && over().await {
            return;
        }
        while waiter.news().await.is_ok() && !over().await {}
    }

    async fn call_off(&self) {
        let event = Event::Cancelled { by: None, why: CancelWhy::Withdrawn };
        let append = Append {
            stream: self.stream,
            expected: Some(approvals_races_core::id::Version(1)),
            env: Env::Test,
            node: "host/agent".into(),
            events: vec![event.into()],
        };
        self.store.append(append).await.unwrap();
    }
}

fn a_while() -> usize {
    thread_rng().gen_range(0..12)
}

/// Waiters come and go, one while the follower sleeps, and the request is called off at some time.
async fn waits(how: Waits) {
    let scene = Scene::new().await;
    let wait = || {
        let (store, hub, stream) = (scene.store.clone(), Arc::clone(&scene.hub), scene.stream);
        let after = a_while();
        spawn(async move {
            for _ in 0..after {
                yield_now().await;
            }
            Scene::wait(store, hub, stream, how).await;
        })
    };
    let (one, other, leaver) = (wait(), wait(), wait());
    for _ in 0..a_while() {
        yield_now().await;
    }
    leaver.abort();
    scene.call_off().await;
    one.await.unwrap();
    other.await.unwrap();
    let _ = leaver.await;
    assert!(!scene.hub.has_waiters(), "somebody who has left still stands in the table");
    scene.follower.abort();
}

#[test]
fn whoever_waits_is_woken_by_what_came_after_they_looked() {
    explore(3_000, || block_on(waits(Waits::Soundly)));
}

#[test]
fn a_waiter_who_registers_after_the_look_is_found() {
    shows(2_000, &["deadlock"], || block_on(waits(Waits::LooksFirst)));
}

/// How an offer is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Soundly,
    /// A copy is left for the next one.
    LeavesACopy,
}

#[derive(Default)]
struct Seen {
    taken: AtomicUsize,
    withdrawn: AtomicUsize,
    refused: AtomicUsize,
}

/// Two wait, one of them leaves, and two desks offer a verdict each.
async fn offers(takes: Takes, seen: &Seen) {
    let hub = Arc::new(Hub::new());
    let (stream, _) = requested(1);
    let request = stream.request().unwrap();
    let taken = [Arc::<AtomicUsize>::default(), Arc::default()];
    let waiter = || {
        let hub = Arc::clone(&hub);
        spawn(async move {
            let mut waiter = hub.waiter(request);
            loop {
                if let Some(offer) = waiter.offer() {
                    offer.0.fetch_add(1, SeqCst);
                    yield_now().await;
                    if takes == Takes::LeavesACopy {
                        // Dropped at once, it would stand no longer.
                        std::mem::forget(hub.offer(request, offer));
                    }
                    return;
                }
                if waiter.news().await.is_err() {
                    return;
                }
            }
        })
    };
    let waiters = [waiter(), waiter()];
    let desk = |number: usize| {
        let (hub, taken) = (Arc::clone(&hub), Arc::clone(&taken[number]));
        let patience = a_while();
        spawn(async move {
            yield_now().await;
            let offered = hub.offer(request, Offer(Arc::clone(&taken)))?;
            for _ in 0..patience {
                yield_now().await;
            }
            let stands = offered.stands();
            drop(offered);
            let after = taken.load(SeqCst);
            yield_now().await;
            // What is withdrawn is gone.
            assert_eq!(taken.load(SeqCst), after, "an offer was taken after it was withdrawn");
            assert!(!stands || after == 1 || taken.load(SeqCst) == 0);
            Some(after)
        })
    };
    let desks = [desk(0), desk(1)];
    for _ in 0..a_while() {
        yield_now().await;
    }
    waiters[1].abort();
    for desk in desks {
        match desk.await.unwrap() {
            Some(0) => drop(seen.withdrawn.fetch_add(1, SeqCst)),
            Some(_) => drop(seen.taken.fetch_add(1, SeqCst)),
            None => drop(seen.refused.fetch_add(1, SeqCst)),
        }
    }
    hub.close();
    for waiter in waiters {
        let _ = waiter.await;
    }
    for taken in taken {
        assert!(taken.load(SeqCst) <= 1, "one offer was taken twice");
    }
}

#[test]
fn an_offer_is_taken_once_or_withdrawn_whole() {
    let seen = Arc::new(Seen::default());
    let shared = Arc::clone(&seen);
    explore(4_000, move || block_on(offers(Takes::Soundly, &shared)));
    all_seen([("taken", &seen.taken), ("withdrawn", &seen.withdrawn), ("nobody to take it", &seen.refused)]);
}

#[test]
fn an_offer_that_is_taken_twice_is_found() {
    let says = &["taken twice", "after it was withdrawn"];
    shows(2_000, says, || block_on(offers(Takes::LeavesACopy, &Seen::default())));
}
