//! Callers that leave at the worst moment: their requests are withdrawn or parked, whatever is half done by then.

use approvals::backend::{Backend, BackendError, Capabilities, Presented};
use approvals::card::Card;
use approvals::id::{Reference, RequestId, Seq};
use approvals::ledger::{CancelWhy, Follow, IgnoredWhy, NotRunWhy};
use approvals::request::StoreKey;
use approvals::state::Phase;
use approvals::testing::{ManualClock, MockBackend};
use approvals::{Approvals, Assurance, ErrorKind, Sqlite, SqliteOptions};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

use crate::support::*;

/// A bench over each store, with what has to outlive it.
async fn benches() -> [(Bench, Option<tempfile::TempDir>); 2] {
    let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::at(noon()));
    let options = SqliteOptions::new().clock(Arc::new(clock.clone())).key(StoreKey::from_bytes([7; 32]));
    let file = Sqlite::open_with(folder.path().join("a.db"), options).await.unwrap();
    [(Bench::new(), None), (Bench::over(Faulty::over(file), clock), Some(folder))]
}

fn calls(bench: &Bench, approvals: &Approvals, keyed: bool) -> JoinHandle<Res<()>> {
    let runs = bench.runs.clone();
    tokio::spawn(approvals.scope(async move {
        match keyed {
            true => pay(runs, "R-1", 5).await.map(drop),
            false => wipe(runs, "sda").await.map(drop),
        }
    }))
}

/// The caller is dropped where it stands.
async fn leaves(call: JoinHandle<Res<()>>) {
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
}

/// Returns the request that was opened as the ledger's first, once it came to this phase.
async fn comes_to(bench: &Bench, phase: Phase) -> RequestId {
    let mut follow = Follow::after(Arc::new(bench.store.clone()), Seq::START);
    let reached = async {
        loop {
            let record = follow.next().await.unwrap();
            if let Some(request) = record.body.stream.request()
                && bench.phase(request).await == phase
            {
                return request;
            }
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(20), reached).await;
    reached.unwrap_or_else(|_| panic!("no request ever came to be {phase}"))
}

#[tokio::test]
async fn a_caller_that_leaves_while_a_yes_is_being_written_withdraws_or_parks() {
    for keyed in [false, true] {
        for (bench, _folder) in benches().await {
            bench.policy.says(Says::Late);
            let approvals = bench.up().await;
            let hold = Hold::new();
            bench.store.fault("reviewed", 1, Does::Hold(hold.clone()));
            let call = calls(&bench, &approvals, keyed);
            let card = bench.card().await;
            let answer = submitting(&bench.mock, "reviewer", yes(&card));
            hold.reached(1).await;
            leaves(call).await;
            if keyed {
                hold.open();
                assert_eq!(counted(&answer.await.unwrap().unwrap()), Phase::Approved);
                // Whoever holds the key next has the verdict, and nobody is asked again.
                calls(&bench, &approvals, keyed).await.unwrap().unwrap();
                assert_eq!((bench.runs.count(), bench.mock.cards().len()), (1, 1));
            } else {
                let request = comes_to(&bench, Phase::Cancelled).await;
                hold.open();
                assert_eq!(ignored(&answer.await.unwrap().unwrap()), IgnoredWhy::AlreadyDecided);
                assert_eq!(bench.store.story(request).await, ["requested", "cancelled", "ignored"]);
                assert_eq!(bench.runs.count(), 0);
            }
            bench.ends(approvals).await;
        }
    }
}

#[tokio::test]
async fn a_caller_that_leaves_while_a_no_is_being_written_leaves_nothing_that_could_run() {
    for keyed in [false, true] {
        for (bench, _folder) in benches().await {
            let approvals = bench.up().await;
            let hold = Hold::new();
            bench.store.fault("reviewed", 1, Does::Hold(hold.clone()));
            let call = calls(&bench, &approvals, keyed);
            let card = bench.card().await;
            let answer = submitting(&bench.mock, "reviewer", no(&card));
            hold.reached(1).await;
            leaves(call).await;
            if keyed {
                hold.open();
                assert_eq!(counted(&answer.await.unwrap().unwrap()), Phase::Denied);
                refused(calls(&bench, &approvals, keyed).await.unwrap(), ErrorKind::Denied, &[]);
            } else {
                comes_to(&bench, Phase::Cancelled).await;
                hold.open();
                ignored(&answer.await.unwrap().unwrap());
            }
            assert_eq!((bench.runs.count(), bench.mock.cards().len()), (0, 1));
            bench.ends(approvals).await;
        }
    }
}

#[tokio::test]
async fn a_caller_that_leaves_while_its_claim_is_being_written_has_claimed_and_not_run() {
    for keyed in [false, true] {
        for (bench, _folder) in benches().await {
            bench.policy.says(Says::Late);
            bench.mock.approve();
            let approvals = bench.up().await;
            let hold = Hold::new();
            bench.store.fault("started", 1, Does::Hold(hold.clone()));
            let call = calls(&bench, &approvals, keyed);
            hold.reached(1).await;
            leaves(call).await;
            if !keyed {
                comes_to(&bench, Phase::Cancelled).await;
            }
            hold.open();
            let request = comes_to(&bench, Phase::Cancelled).await;
            let (story, state) = (bench.store.story(request).await, bench.store.state(request).await);
            if keyed {
                assert_eq!(story, ["requested", "reviewed", "started", "finished"]);
                assert_eq!(state.not_run(), Some(NotRunWhy::CallerGone));
            } else {
                // Withdrawn before the claim could be written.
                assert_eq!(story, ["requested", "reviewed", "cancelled"]);
                assert_eq!(state.cancelled(), Some((CancelWhy::Withdrawn, None)));
            }
            assert_eq!(bench.runs.count(), 0);
            // A claim is never handed back: the next call asks anew.
            calls(&bench, &approvals, keyed).await.unwrap().unwrap();
            assert_eq!((bench.runs.count(), bench.mock.cards().len()), (1, 2));
            bench.ends(approvals).await;
        }
    }
}

#[tokio::test]
async fn a_no_beats_the_claim_of_a_caller_that_leaves() {
    for keyed in [false, true] {
        for (bench, _folder) in benches().await {
            bench.policy.says(Says::Late);
            let approvals = bench.up().await;
            let hold = Hold::new();
            bench.store.fault("started", 1, Does::Hold(hold.clone()));
            let call = calls(&bench, &approvals, keyed);
            let card = bench.card().await;
            bench.approve(&card).await;
            hold.reached(1).await;
            let denied = bench.deny(&card).await;
            assert_eq!(counted(&denied), Phase::Denied);
            leaves(call).await;
            hold.open();
            bench.ends(approvals).await;
            assert_eq!(bench.store.story(request_of(&card)).await, ["requested", "reviewed", "reviewed"]);
            assert_eq!(bench.runs.count(), 0);
        }
    }
}

#[tokio::test]
async fn a_caller_that_leaves_while_its_request_is_being_opened_withdraws_it_or_has_people_asked() {
    for keyed in [false, true] {
        for (bench, _folder) in benches().await {
            let approvals = bench.up().await;
            let hold = Hold::new();
            bench.store.fault("requested", 1, Does::Hold(hold.clone()));
            let call = calls(&bench, &approvals, keyed);
            hold.reached(1).await;
            leaves(call).await;
            hold.open();
            if keyed {
                // Parked is not forgotten: the verdict may come before the next call.
                let card = bench.card().await;
                assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
                calls(&bench, &approvals, keyed).await.unwrap().unwrap();
                assert_eq!((bench.runs.count(), bench.mock.cards().len()), (1, 1));
            } else {
                comes_to(&bench, Phase::Cancelled).await;
                settle().await;
                assert_eq!((bench.runs.count(), bench.mock.cards().len()), (0, 0));
            }
            bench.ends(approvals).await;
        }
    }
}

/// A backend that takes its time to place a card.
struct Slow(MockBackend, Hold);

#[async_trait]
impl Backend for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { provider: "slow".into(), assurance: Assurance::Chat, cards_outlive_process: false }
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        self.1.pass().await;
        self.0.present(card).await
    }

    async fn update(&self, card: &Card, reference: &Reference) -> Result<(), BackendError> {
        self.0.update(card, reference).await
    }
}

#[tokio::test]
async fn a_card_that_is_placed_after_its_caller_left_is_taken_back_or_stays() {
    for keyed in [false, true] {
        for (bench, _folder) in benches().await {
            let (hold, placed) = (Hold::new(), MockBackend::new());
            let approvals =
                bench.builder().backend(Slow(placed.clone(), hold.clone())).build().await.unwrap();
            let call = calls(&bench, &approvals, keyed);
            hold.reached(1).await;
            leaves(call).await;
            if !keyed {
                comes_to(&bench, Phase::Cancelled).await;
                settle().await;
            }
            hold.open();
            placed.presented(1).await;
            bench.ends(approvals).await;
            let labels: Vec<_> =
                placed.updates().iter().map(|card| card.state.label.to_lowercase()).collect();
            match keyed {
                true => assert!(labels.is_empty(), "{labels:?}"),
                false => assert!(labels.last().is_some_and(|last| last.contains("cancelled")), "{labels:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_card_that_is_placed_after_the_verdict_shows_it() {
    for (bench, _folder) in benches().await {
        let (hold, placed) = (Hold::new(), MockBackend::new());
        let approvals = bench.builder().backend(Slow(placed.clone(), hold.clone())).build().await.unwrap();
        let call = calls(&bench, &approvals, false);
        let card = bench.card().await;
        hold.reached(1).await;
        bench.approve(&card).await;
        call.await.unwrap().unwrap();
        comes_to(&bench, Phase::Succeeded).await;
        settle().await;
        hold.open();
        placed.presented(1).await;
        bench.ends(approvals).await;
        let labels: Vec<_> = placed.updates().iter().map(|card| card.state.label.clone()).collect();
        assert!(!labels.is_empty(), "the slow card says that it waits, for ever");
    }
}

/// How often the store was read, once nobody reads it any more; the threads of a store take their own time to that.
async fn comes_to_rest(bench: &Bench) -> Option<usize> {
    let (mut reads, mut still) = (bench.store.reads(), 0);
    for _ in 0..100_000 {
        settle().await;
        let now = bench.store.reads();
        still = if now == reads { still + 1 } else { 0 };
        reads = now;
        if still == 100 {
            return Some(reads);
        }
    }
    None
}

#[tokio::test]
async fn a_loop_over_pending_gets_its_verdict_asks_once_and_does_not_spin() {
    for (bench, _folder) in benches().await {
        let approvals = bench.up().await;
        for turn in 1..=20 {
            let (runs, begun) = (bench.runs.clone(), bench.store.reads());
            let call = tokio::spawn(approvals.scope(patient(runs, "sync")));
            bench.card().await;
            // The keeper, and the call's patience.
            bench.clock.until_asleep(2).await;
            // Time stands still: whoever waits comes to do nothing.
            let reads = comes_to_rest(&bench).await.unwrap_or_else(|| panic!("turn {turn} reads on and on"));
            assert!(!call.is_finished() && reads - begun < 20, "{} reads in turn {turn}", reads - begun);
            bench.clock.advance(Duration::from_secs(30));
            let error = refused(call.await.unwrap(), ErrorKind::Pending, &["the same key"]);
            assert!(error.is_pending());
        }
        let card = bench.card().await;
        bench.approve(&card).await;
        assert_eq!(approvals.scope(patient(bench.runs.clone(), "sync")).await.unwrap(), 4);
        assert_eq!((bench.runs.count(), bench.mock.cards().len()), (1, 1));
        bench.ends(approvals).await;
    }
}
