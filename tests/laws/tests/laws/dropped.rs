//! Law 8, await by await: wherever a caller goes away, its request ends where the table says.

use std::collections::BTreeSet;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use approvals::state::Phase;
use approvals::{Approvals, Call, Risk};

use crate::support::*;

/// Polls a call so many times, each time after everything else has come to rest, and then drops it.
async fn polled<F: Future>(approvals: &Approvals, call: F, times: usize) -> bool {
    let mut call = pin!(approvals.scope(call));
    for _ in 0..times {
        if call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return true;
        }
        // Not to rest but one step on, so that the drop meets every half-done write.
        tokio::task::yield_now().await;
    }
    false
}

struct TwoSteps(Runs);

impl TwoSteps {
    #[approvals::requires_approval(risk = "high", action = "dropped.unkeyed", skip(self) = "counts the runs")]
    async fn unkeyed(&self) -> Res<()> {
        self.0.enter().await;
        tokio::task::yield_now().await;
        Ok(())
    }

    #[approvals::requires_approval(
        risk = "high",
        action = "dropped.keyed",
        skip(self) = "counts the runs",
        key = "one"
    )]
    async fn keyed(&self) -> Res<()> {
        self.0.enter().await;
        tokio::task::yield_now().await;
        Ok(())
    }
}

/// The same two steps without the attribute.
async fn by_hand(approvals: &Approvals, runs: &Runs, key: Option<&'static str>) -> Res<()> {
    let call = Call::new("dropped.by-hand").risk(Risk::High).skip("runs", "counts the runs");
    let call = match key {
        Some(key) => call.key(key),
        None => call,
    };
    let body = || async {
        runs.enter().await;
        tokio::task::yield_now().await;
        Ok(())
    };
    approvals.gate(call).run(body).await
}

async fn ends_of(keyed: bool, attribute: bool) -> BTreeSet<&'static str> {
    let mut ends = BTreeSet::new();
    for times in 0.. {
        assert!(times < 10_000, "the call never ends");
        let bench = Bench::new();
        bench.mock.approve();
        bench.store.slow_down();
        let approvals = bench.up().await;
        let body = TwoSteps(bench.runs.clone());
        let key = keyed.then_some("one");
        let done = match (attribute, keyed) {
            (true, true) => polled(&approvals, body.keyed(), times).await,
            (true, false) => polled(&approvals, body.unkeyed(), times).await,
            (false, _) => polled(&approvals, by_hand(&approvals, &bench.runs, key), times).await,
        };
        bench.ends(approvals).await;
        let phase = match bench.store.intact().await.as_slice() {
            [] => Phase::None,
            [request] => bench.phase(*request).await,
            more => panic!("asked {} times", more.len()),
        };
        let ran = bench.runs.count();
        match phase {
            Phase::None | Phase::Cancelled => assert_eq!(ran, 0, "after {times} polls"),
            Phase::Pending | Phase::Approved => {
                assert!(keyed && ran == 0, "{phase} after {times} polls of an unkeyed call");
            }
            Phase::Unknown | Phase::Succeeded => assert_eq!(ran, 1, "after {times} polls"),
            other => panic!("{other} after {times} polls"),
        }
        ends.insert(phase.as_str());
        if done {
            assert_eq!(phase, Phase::Succeeded);
            return ends;
        }
    }
    unreachable!()
}

#[tokio::test]
async fn a_call_without_a_key_that_is_dropped_anywhere_is_withdrawn_not_run_or_unknown() {
    for attribute in [true, false] {
        let ends = ends_of(false, attribute).await;
        for seen in ["none", "cancelled", "unknown", "succeeded"] {
            assert!(ends.contains(seen), "no drop led to `{seen}`: {ends:?}");
        }
    }
}

#[tokio::test]
async fn a_keyed_call_that_is_dropped_anywhere_is_parked_not_run_or_unknown() {
    for attribute in [true, false] {
        let ends = ends_of(true, attribute).await;
        for seen in ["none", "approved", "cancelled", "unknown", "succeeded"] {
            assert!(ends.contains(seen), "no drop led to `{seen}`: {ends:?}");
        }
    }
}

/// Held by a body; gone, it knows what was on record of it by then.
struct Leaves {
    store: Faulty,
    by_then: Arc<Mutex<Vec<&'static str>>>,
}

impl Drop for Leaves {
    fn drop(&mut self) {
        *self.by_then.lock().unwrap() = self.store.appends().concat();
    }
}

#[approvals::requires_approval(risk = "high", action = "dropped.guarded")]
async fn guarded(
    #[approval(skip = "what the body holds")] leaves: Leaves,
    #[approval(skip = "counts the runs")] runs: Runs,
    ends: bool,
) -> Res<()> {
    runs.enter().await;
    if !ends {
        pending::<()>().await;
    }
    drop(leaves);
    Ok(())
}

async fn guarded_by_hand(approvals: &Approvals, leaves: Leaves, runs: Runs, ends: bool) -> Res<()> {
    let call = Call::new("dropped.guarded-by-hand").risk(Risk::High).arg("ends", &ends);
    let body = || async move {
        runs.enter().await;
        if !ends {
            pending::<()>().await;
        }
        drop(leaves);
        Ok(())
    };
    approvals.gate(call).run(body).await
}

#[tokio::test]
async fn what_a_body_holds_is_gone_before_its_end_is_on_record() {
    for (attribute, ends, end) in
        [(true, true, "finished"), (true, false, "lost"), (false, true, "finished"), (false, false, "lost")]
    {
        let bench = Bench::new();
        bench.mock.approve();
        let approvals = bench.up().await;
        let by_then = Arc::default();
        let leaves = Leaves { store: bench.store.clone(), by_then: Arc::clone(&by_then) };
        let runs = bench.runs.clone();
        {
            let mut call = pin!(approvals.scope(async {
                match attribute {
                    true => guarded(leaves, runs, ends).await,
                    false => guarded_by_hand(&approvals, leaves, runs, ends).await,
                }
            }));
            let mut turns = 0..10_000;
            while bench.runs.count() == 0 {
                assert!(turns.next().is_some(), "the body never begins");
                let done = call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
                assert_eq!(done, ends && bench.runs.count() == 1);
                tokio::task::yield_now().await;
            }
        }
        let by_then = std::mem::take(&mut *by_then.lock().unwrap());
        assert!(by_then.contains(&"started") && !by_then.contains(&end), "{end}: {by_then:?}");
        assert!(bench.store.appends().concat().contains(&end));
        bench.ends(approvals).await;
    }
}
