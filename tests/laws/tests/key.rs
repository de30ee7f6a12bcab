//! A denied call stays denied under its key, whatever policy says meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use approvals::desk::Review;
use approvals::ledger::{Append, Env, Event, Memory, Reconciliation, Stream};
use approvals::policy::{Policy, PolicyError, Ruling};
use approvals::request::{Commitment, Quorum, Requirement};
use approvals::testing::{MockBackend, ids};
use approvals::{ApprovalError, Approvals, Risk, requires_approval};
use approvals_test_support::at_once;
use async_trait::async_trait;

static WIPED: AtomicUsize = AtomicUsize::new(0);

#[requires_approval(risk = "high", reason = "wipes {disk}", key = "wipe-{disk}")]
async fn wipe(disk: &str) -> Result<(), ApprovalError> {
    WIPED.fetch_add(1, SeqCst);
    Ok(())
}

/// Lets every call run, after another process with the same key was denied while this one made up its mind.
struct SlowToRun {
    other: Approvals,
    turned: AtomicBool,
}

#[async_trait]
impl Policy for SlowToRun {
    fn version(&self) -> approvals::id::PolicyVersion {
        "slow".into()
    }

    async fn rule(&self, _: &approvals::Call) -> Result<Ruling, PolicyError> {
        if !self.turned.swap(true, SeqCst) {
            let denied = at_once(self.other.scope(wipe("sda"))).await;
            assert!(denied.is_err_and(|error| error.is_denied()));
        }
        Ok(Ruling::Run)
    }
}

#[tokio::test]
async fn a_call_that_was_denied_while_policy_ruled_does_not_run_freely() {
    let store = Memory::new().unwrap();
    let mock = MockBackend::new().deny("not that one");
    let first = Approvals::test_builder(&mock).store(store.clone()).node("first").build().await.unwrap();
    let policy = SlowToRun { other: first, turned: AtomicBool::new(false) };
    let second =
        Approvals::test_builder(&mock).store(store).node("second").policy(policy).build().await.unwrap();

    let outcome = at_once(second.scope(wipe("sda"))).await;

    assert!(outcome.is_err_and(|error| error.is_denied()));
    assert_eq!(WIPED.load(SeqCst), 0);
    let free = second.store().history(Stream::Allowed).await.unwrap();
    assert!(free.is_empty(), "nothing is recorded to have run");
}

/// Asks until it is told to let everything run.
struct Turning(Arc<AtomicBool>);

#[async_trait]
impl Policy for Turning {
    fn version(&self) -> approvals::id::PolicyVersion {
        "turning".into()
    }

    async fn rule(&self, _: &approvals::Call) -> Result<Ruling, PolicyError> {
        match self.0.load(SeqCst) {
            true => Ok(Ruling::Run),
            false => {
                Ok(Ruling::Ask(Requirement { quorum: Quorum::people(1), ..Requirement::at(Risk::High) }))
            }
        }
    }
}

static ENTERED: AtomicUsize = AtomicUsize::new(0);

#[requires_approval(risk = "high", reason = "formats {disk}", key = "format-{disk}")]
async fn format(disk: &str) -> Result<(), ApprovalError> {
    if ENTERED.fetch_add(1, SeqCst) == 0 {
        std::future::pending::<()>().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_no_that_came_after_the_claim_still_stands_when_the_body_turns_out_not_to_have_run() {
    let mock = MockBackend::new();
    let runs_freely = Arc::new(AtomicBool::new(false));
    let approvals =
        Approvals::test_builder(&mock).policy(Turning(Arc::clone(&runs_freely))).build().await.unwrap();
    let call = approvals.spawn(format("sdb"));
    let (request, digest) = ids(&mock.presented(1).await[0]).unwrap();
    mock.submit("ann", Review::approve(request, digest)).await.unwrap();
    while ENTERED.load(SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    mock.submit("bob", Review::deny(request, digest)).await.unwrap();
    let history = approvals.store().history(request.into()).await.unwrap();
    let event = Event::Reconciled {
        outcome: Reconciliation::DidNotRun,
        by: "zoe".into(),
        reason: Commitment::from_bytes([0; 32]),
    };
    let append = Append {
        stream: request.into(),
        expected: history.last().map(|record| record.body.version),
        env: Env::Test,
        node: approvals.node().clone(),
        events: vec![event.into()],
    };
    approvals.store().append(append).await.unwrap();
    call.abort();

    for (policy, free) in [("lets it run", true), ("asks", false)] {
        runs_freely.store(free, SeqCst);
        let outcome = at_once(approvals.scope(format("sdb"))).await;
        assert!(outcome.is_err_and(|error| error.is_denied()), "while policy {policy}");
    }
    assert_eq!(ENTERED.load(SeqCst), 1, "nothing was entered again");
}
