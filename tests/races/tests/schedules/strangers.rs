//! Strangers who come while whoever records them decides that there is nothing left to see to.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals_races_core::async_trait;
use approvals_races_core::backend::{Backend, BackendError, Capabilities, Presented};
use approvals_races_core::card::{Card, Shown};
use approvals_races_core::desk::Desk;
use approvals_races_core::handle::Approvals;
use approvals_races_core::id::Reference;
use approvals_races_core::ledger::{Event, Memory, Store, Stream};
use approvals_races_core::people::Assurance;
use approvals_races_core::testing::{ManualClock, MockBackend};
use shuttle::future::{block_on, spawn, yield_now};
use shuttle::rand::{Rng, thread_rng};

use crate::claims::{all_seen, clock};
use crate::explore::explore;

const MINUTE: Duration = Duration::from_secs(60);

/// A backend that hands out the desk which it is given.
#[derive(Clone, Default)]
struct Doorway(Arc<Mutex<Option<Desk>>>);

#[async_trait]
impl Backend for Doorway {
    fn name(&self) -> &str {
        "doorway"
    }

    fn capabilities(&self) -> Capabilities {
        let (provider, assurance) = ("doorway".into(), Assurance::Chat);
        Capabilities { provider, assurance, cards_outlive_process: false }
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        Ok(Presented { reference: Reference::new(&*card.request), shown: Shown::Everything })
    }

    async fn listen(&self, desk: Desk) -> Result<(), BackendError> {
        *self.0.lock().unwrap() = Some(desk);
        Ok(())
    }
}

impl Doorway {
    async fn desk(&self) -> Desk {
        loop {
            if let Some(desk) = self.0.lock().unwrap().take() {
                return desk;
            }
            yield_now().await;
        }
    }
}

async fn on_record(store: &Memory) -> u64 {
    let count = |event: &Event| match event {
        Event::Unauthenticated { count, .. } => *count,
        _ => 0,
    };
    store.history(Stream::System).await.unwrap().iter().map(|record| count(&record.body.event)).sum()
}

/// How many minutes pass until all of them are on record.
async fn minutes_until(strangers: u64, store: &Memory, clock: &ManualClock) -> usize {
    for minutes in 0..5 {
        for _ in 0..200 {
            if on_record(store).await == strangers {
                return minutes;
            }
            yield_now().await;
        }
        clock.advance(MINUTE);
    }
    panic!("a stranger is in no record");
}

async fn one_who_comes_at_the_end_of_a_minute(seen: &Seen) {
    let clock = clock();
    let store = Memory::with_clock(Arc::new(clock.clone())).unwrap();
    let doorway = Doorway::default();
    let builder = Approvals::test_builder(&MockBackend::with_clock(clock.clone())).store(store.clone());
    let approvals = builder.backend(doorway.clone()).build().await.unwrap();
    let desk = doorway.desk().await;
    desk.unauthenticated(1);
    assert_eq!(minutes_until(1, &store, &clock).await, 0);
    let late = desk.clone();
    let stranger = spawn(async move {
        for _ in 0..thread_rng().gen_range(0..12) {
            yield_now().await;
        }
        late.unauthenticated(1);
    });
    clock.advance(MINUTE);
    stranger.await.unwrap();
    match minutes_until(2, &store, &clock).await {
        0 => &seen.at_once,
        _ => &seen.a_minute_later,
    }
    .fetch_add(1, SeqCst);
    approvals.shutdown().await.unwrap();
    // Whoever records them finds the desk gone, and ends.
    drop((desk, approvals));
    clock.advance(MINUTE);
}

#[derive(Default)]
struct Seen {
    at_once: AtomicUsize,
    a_minute_later: AtomicUsize,
}

#[test]
fn a_stranger_who_comes_when_nobody_records_them_any_more_is_recorded_all_the_same() {
    let seen = Arc::new(Seen::default());
    let shared = Arc::clone(&seen);
    explore(1_000, move || block_on(one_who_comes_at_the_end_of_a_minute(&shared)));
    all_seen([
        ("recorded at once", &seen.at_once),
        ("came between two looks, and is recorded a minute later", &seen.a_minute_later),
    ]);
}
