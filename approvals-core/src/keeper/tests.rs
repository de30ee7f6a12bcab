//! However a request ends and whatever its backends do, it leaves no row behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use approvals_test_support::{at_once, hand_on};
use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Order;
use crate::action::Risk;
use crate::backend::{Backend, BackendError, Capabilities, Presented};
use crate::call::Call;
use crate::card::{Card, Shown};
use crate::desk::Review;
use crate::error::ApprovalError;
use crate::handle::Approvals;
use crate::id::Reference;
use crate::ledger::{
    Append, Appended, Event, Filter, Memory, NewEvent, PresentFailure, Store, StoreError, StoreErrorKind,
};
use crate::people::Assurance;
use crate::state::Phase;
use crate::testing::{ManualClock, MockBackend, PROVIDER, ids};
use crate::time::Clock as _;

const HOUR: Duration = Duration::from_secs(3600);

/// How a call comes to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ending {
    Ran,
    Denied,
    Expired,
    /// The caller goes away while it waits.
    Dropped,
    /// Its body fails.
    Failed,
    /// The caller goes away in the body.
    CutOff,
    /// The caller goes away, and people answer for the key.
    DeniedLater,
    ApprovedAndUnused,
}

const ENDINGS: [(Ending, bool); 13] = [
    (Ending::Ran, false),
    (Ending::Ran, true),
    (Ending::Denied, false),
    (Ending::Denied, true),
    (Ending::Expired, false),
    (Ending::Expired, true),
    (Ending::Dropped, false),
    (Ending::Dropped, true),
    (Ending::Failed, false),
    (Ending::CutOff, false),
    (Ending::CutOff, true),
    (Ending::DeniedLater, true),
    (Ending::ApprovedAndUnused, true),
];

/// What the backend beside the one that people answer at does.
#[derive(Debug, Clone, Copy)]
enum Does {
    Work,
    Hang,
    Panic,
    FailForGood,
    FailForNow,
    /// Fails so often, and then works.
    FailAtFirst(usize),
    /// Takes ten seconds.
    Dawdle,
}

/// A backend whose cards outlive the process, and that goes wrong over new cards or over old ones.
struct Beside {
    presents: Does,
    updates: Does,
    failed: AtomicUsize,
    clock: ManualClock,
}

/// A ledger that does not take the first records of a backend's cards.
struct Forgets(Memory, AtomicUsize);

#[async_trait]
impl Store for Forgets {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        let beside =
            |new: &NewEvent| matches!(&new.event, Event::Presented { way, .. } if way.as_str() == "beside");
        if append.events.iter().any(beside) && self.1.fetch_add(1, SeqCst) < ENDINGS.len() {
            return Err(StoreError::new(StoreErrorKind::Other, "no room, as part of the test"));
        }
        self.0.append(append).await
    }

    hand_on!(crate, 0: history, list, records, last, wait_past, hold_node, key);
}

impl Beside {
    async fn act(&self, does: Does) -> Result<(), BackendError> {
        match does {
            Does::Work => Ok(()),
            Does::Hang => std::future::pending().await,
            Does::Dawdle => {
                self.clock.sleep(Duration::from_secs(10)).await;
                Ok(())
            }
            Does::Panic => panic!("in a backend, as part of the test"),
            Does::FailForGood => Err(BackendError::permanent(PresentFailure::Rejected, "gone")),
            Does::FailAtFirst(times) if self.failed.fetch_add(1, SeqCst) >= times => Ok(()),
            Does::FailForNow | Does::FailAtFirst(_) => {
                Err(BackendError::temporary(PresentFailure::Unreachable, "no route"))
            }
        }
    }
}

#[async_trait]
impl Backend for Beside {
    fn name(&self) -> &str {
        "beside"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { provider: PROVIDER.into(), assurance: Assurance::Chat, cards_outlive_process: true }
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        self.act(self.presents).await?;
        Ok(Presented { reference: Reference::new(&*card.request), shown: Shown::Everything })
    }

    async fn update(&self, _: &Card, _: &Reference) -> Result<(), BackendError> {
        self.act(self.updates).await
    }
}

async fn settle() {
    for _ in 0..300 {
        tokio::task::yield_now().await;
    }
}

type Called = JoinHandle<Result<(), ApprovalError>>;

fn call(approvals: &Approvals, number: usize, ending: Ending, keyed: bool) -> Called {
    let approvals = approvals.clone();
    tokio::spawn(async move {
        let call = Call::new("left.over").risk(Risk::High).arg("number", &number);
        let call = if keyed { call.key(number) } else { call };
        let body = async move || match ending {
            Ending::CutOff => std::future::pending().await,
            Ending::Failed => Err("the body's own".to_owned()),
            _ => Ok(()),
        };
        let ended = approvals.gate(call).run(async || body().await.map_err(Failed::Body)).await;
        match ended {
            Err(Failed::Gate(error)) => Err(error),
            Ok(()) | Err(Failed::Body(_)) => Ok(()),
        }
    })
}

enum Failed {
    Gate(ApprovalError),
    Body(#[expect(dead_code, reason = "an error has something in it")] String),
}

impl From<ApprovalError> for Failed {
    fn from(error: ApprovalError) -> Self {
        Self::Gate(error)
    }
}

/// Brings a call to its end, but for what takes time.
async fn bring(mock: &MockBackend, card: &Card, ending: Ending, call: &Called) {
    let (request, digest) = ids(card).unwrap();
    if matches!(ending, Ending::Dropped | Ending::DeniedLater | Ending::ApprovedAndUnused) {
        call.abort();
        settle().await;
    }
    let review = match ending {
        Ending::Expired | Ending::Dropped => return,
        Ending::Denied | Ending::DeniedLater => Review::deny(request, digest),
        Ending::Ran | Ending::Failed | Ending::CutOff | Ending::ApprovedAndUnused => {
            Review::approve(request, digest)
        }
    };
    mock.submit("reviewer", review).await.unwrap();
    settle().await;
    if ending == Ending::CutOff {
        call.abort();
    }
}

async fn rows(approvals: &Approvals) -> Vec<(&'static str, usize)> {
    let local = approvals.local();
    let (count, counted) = oneshot::channel();
    assert!(local.parts.keeper.send(Order::Count(count)).is_ok());
    [local.rows(), counted.await.unwrap()].concat()
}

#[tokio::test]
async fn however_a_request_ends_and_whatever_its_backends_do_no_table_keeps_a_row_of_it() {
    use Does::{Dawdle, FailAtFirst, FailForGood, FailForNow, Hang, Panic, Work};
    let ways = [
        (Work, Work),
        (Work, Hang),
        (Work, Panic),
        (Work, FailForGood),
        (Work, FailForNow),
        (Work, FailAtFirst(30)),
        (Hang, Work),
        (Panic, Work),
        (FailForGood, Work),
        (FailForNow, Work),
        (FailAtFirst(30), FailForNow),
        (Dawdle, Dawdle),
    ];
    for (presents, updates) in ways {
        let mock = MockBackend::new();
        let beside = Beside { presents, updates, failed: AtomicUsize::default(), clock: mock.clock() };
        let store = Forgets(Memory::with_clock(Arc::new(mock.clock())).unwrap(), AtomicUsize::default());
        let approvals = Approvals::test_builder(&mock).store(store).backend(beside).build().await.unwrap();
        let mut calls = Vec::new();
        for (number, (ending, keyed)) in ENDINGS.into_iter().enumerate() {
            let call = call(&approvals, number, ending, keyed);
            let card = at_once(mock.presented(number + 1)).await.remove(number);
            settle().await;
            assert_ne!(rows(&approvals).await, none(&approvals).await, "it waits");
            bring(&mock, &card, ending, &call).await;
            calls.push(call);
        }
        // Every deadline, and every try of a card that cannot be told.
        for _ in 0..8 * 60 {
            mock.clock().advance(HOUR / 60);
            settle().await;
        }
        for (call, ending) in calls.into_iter().zip(ENDINGS) {
            assert!(call.is_finished(), "{ending:?}");
            drop(call.await);
        }
        let open = Filter::in_phases([Phase::Pending, Phase::Approved, Phase::Executing]);
        assert_eq!(approvals.store().list(&open, None, 1).await.unwrap().summaries, []);
        assert_eq!(rows(&approvals).await, none(&approvals).await, "{presents:?}, {updates:?}");
        at_once(approvals.shutdown()).await.unwrap();
    }
}

/// The same tables, empty.
async fn none(approvals: &Approvals) -> Vec<(&'static str, usize)> {
    rows(approvals).await.into_iter().map(|(table, _)| (table, 0)).collect()
}
