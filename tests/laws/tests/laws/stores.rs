//! Mistakes of a store's author. Whatever a store does, the body stays shut and nothing hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use approvals::id::Seq;
use approvals::ledger::{Append, Appended, Event, Memory, Record, Store, StoreError, StoreErrorKind, Stream};
use approvals::testing::{ManualClock, MockBackend};
use approvals::time::Clock as _;
use approvals::{Approvals, ErrorKind};
use approvals_test_support::hand_on;
use async_trait::async_trait;

use super::support::{HOUR, MINUTE, Runs, drive, noon, pay, refused, settle, wipe};

/// What the author got wrong.
#[derive(Clone, Copy, PartialEq)]
enum Mistake {
    /// `wait_past` returns at once, always.
    Early,
    /// Moves are refused as conflicts, and histories show none: a reader that lags behind its writer for good.
    LagsBehind,
    /// Only the opening of requests is refused so.
    NeverOpens,
}

#[derive(Clone)]
struct Mistaken {
    memory: Memory,
    mistake: Mistake,
    moves: Arc<AtomicUsize>,
    on: Arc<AtomicBool>,
}

impl Mistaken {
    fn new(mistake: Mistake) -> Self {
        let on = Arc::new(AtomicBool::new(true));
        Self { memory: Memory::new().unwrap(), mistake, moves: Arc::default(), on }
    }
}

#[async_trait]
impl Store for Mistaken {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        let refused = append.events.iter().any(|new| match self.mistake {
            Mistake::Early => false,
            Mistake::LagsBehind => matches!(new.event, Event::Started { .. }),
            Mistake::NeverOpens => matches!(new.event, Event::Requested(_)),
        });
        if refused && self.on.load(SeqCst) {
            self.moves.fetch_add(1, SeqCst);
            return Err(StoreError::new(StoreErrorKind::Conflict, "moved"));
        }
        self.memory.append(append).await
    }

    async fn wait_past(&self, after: Seq) -> Result<(), StoreError> {
        match self.mistake {
            Mistake::Early => Ok(()),
            _ => self.memory.wait_past(after).await,
        }
    }

    hand_on!(approvals, memory: history, list, records, last, hold_node, key);
}

/// Runs on a runtime with one thread, beside the test, which does not hang if that thread does.
fn on_one_thread<F>(work: impl FnOnce() -> F + Send + 'static)
where
    F: Future<Output = ()>,
{
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work());
        let _ = done.send(());
    });
    ended.recv_timeout(Duration::from_secs(20)).expect("the only thread of the runtime is kept busy");
}

#[test]
fn a_store_that_wakes_too_early_starves_nobody() {
    on_one_thread(|| async {
        let mock = MockBackend::new().approve();
        let approvals = Approvals::test_builder(&mock).store(Mistaken::new(Mistake::Early));
        let approvals = approvals.build().await.unwrap();
        let runs = Runs::default();
        assert_eq!(approvals.scope(wipe(runs.clone(), "sda")).await.unwrap(), 3);
        assert_eq!(runs.count(), 1);
        approvals.shutdown().await.unwrap();
    });
}

#[test]
fn a_store_that_contradicts_itself_at_the_claim_keeps_the_body_shut_and_lets_the_caller_go() {
    on_one_thread(|| async {
        let mock = MockBackend::new().approve();
        let store = Mistaken::new(Mistake::LagsBehind);
        let builder = Approvals::test_builder(&mock).store(store.clone());
        // The claim is tried again after a while, and nobody here moves a clock.
        let approvals = builder.clock(Arc::new(approvals::time::SystemClock)).build().await.unwrap();
        let runs = Runs::default();
        refused(approvals.scope(wipe(runs.clone(), "sda")).await, ErrorKind::Store, &[]);
        assert_eq!(runs.count(), 0);
        assert!(store.moves.load(SeqCst) > 1);
        approvals.shutdown().await.unwrap();
    });
}

#[test]
fn a_store_that_contradicts_itself_at_the_ask_keeps_the_body_shut_and_lets_the_caller_go() {
    on_one_thread(|| async {
        let mock = MockBackend::new().approve();
        let store = Mistaken::new(Mistake::NeverOpens);
        let approvals = Approvals::test_builder(&mock).store(store.clone()).build().await.unwrap();
        let runs = Runs::default();
        refused(approvals.scope(pay(runs.clone(), "i1", 5)).await, ErrorKind::Store, &[]);
        assert_eq!(runs.count(), 0);
        assert!(store.moves.load(SeqCst) > 1);
        approvals.shutdown().await.unwrap();
    });
}

/// A ledger that is put back to before its first request.
#[derive(Clone)]
struct PutBack(Memory, Arc<AtomicBool>);

#[async_trait]
impl Store for PutBack {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        self.0.append(append).await
    }

    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError> {
        if self.1.load(SeqCst) { Ok(Vec::new()) } else { self.0.history(stream).await }
    }

    hand_on!(approvals, 0: list, records, last, wait_past, hold_node, key);
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_though_the_store_was_put_back_to_before_its_request() {
    let (mock, clock) = (MockBackend::new(), ManualClock::at(noon()));
    let store = PutBack(Memory::with_clock(Arc::new(clock.clone())).unwrap(), Arc::default());
    let builder = Approvals::test_builder(&mock).store(store.clone()).clock(Arc::new(clock.clone()));
    let approvals = builder.build().await.unwrap();
    let runs = Runs::default();
    let call = tokio::spawn(approvals.scope(wipe(runs.clone(), "sda")));
    mock.presented(1).await;
    settle().await;
    store.1.store(true, SeqCst);
    let begun = clock.now();
    refused(drive(&clock, MINUTE, call).await, ErrorKind::Store, &["has no request", "then call again"]);
    assert!(begun.until(clock.now()) <= HOUR + MINUTE);
    assert_eq!(runs.count(), 0);
    approvals.shutdown().await.unwrap();
}
