//! `approvals = …`: the handle that an author names.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use approvals::testing::MockBackend;
use approvals::{Approvals, Context, ErrorKind, requires_approval};

use crate::support::*;

struct Ops {
    approvals: Arc<Approvals>,
    asked_for: AtomicUsize,
}

impl Ops {
    fn over(approvals: &Approvals) -> Self {
        Self { approvals: Arc::new(approvals.clone()), asked_for: AtomicUsize::new(0) }
    }

    fn handle(&self) -> Arc<Approvals> {
        self.asked_for.fetch_add(1, SeqCst);
        self.approvals.clone()
    }

    #[requires_approval(risk = "high", action = "handles.wipe", skip(self) = "a handle", approvals = self.approvals)]
    async fn wipe(&self, disk: &str) -> Res<usize> {
        Ok(disk.len())
    }

    #[requires_approval(risk = "high", action = "handles.once", skip(self) = "a handle", approvals = self.handle())]
    async fn once(&self, #[approval(skip = "counts the runs")] runs: Runs) -> Res<usize> {
        runs.enter().await;
        Ok(self.asked_for.load(SeqCst))
    }
}

#[requires_approval(risk = "low", action = "handles.peek", approvals = handle)]
async fn peek(#[approval(skip = "the handle")] handle: &Approvals, disk: &str) -> Res<usize> {
    let _ = handle;
    Ok(disk.len())
}

#[tokio::test]
async fn the_named_handle_serves_without_a_scope_and_wins_over_one() {
    let (named, scoped) = (MockBackend::new().approve(), MockBackend::new().deny("no"));
    let (ours, other) = (Approvals::test(&named), Approvals::test(&scoped));
    let ops = Ops::over(&ours);
    assert_eq!(ops.wipe("sda").await.unwrap(), 3);
    assert_eq!(other.scope(ops.wipe("sdb")).await.unwrap(), 3);
    assert_eq!((named.cards().len(), scoped.cards().len()), (2, 0));
    ours.shutdown().await.unwrap();
    other.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_context_of_the_scope_stays_with_the_named_handle() {
    let (named, scoped) = (MockBackend::new().approve(), MockBackend::new().deny("no"));
    let (ours, other) = (Approvals::test(&named), Approvals::test(&scoped));
    let ops = Ops::over(&ours);
    let context = Context::for_human("kim").label("incident", "INC-7");
    assert_eq!(other.acting(context, ops.wipe("sda")).await.unwrap(), 3);
    let card = named.cards().remove(0);
    assert_eq!(card.requester.on_behalf_of.as_deref(), Some("kim"));
    assert_eq!(card.labels, [("incident".to_owned(), "INC-7".to_owned())]);
    ours.shutdown().await.unwrap();
    other.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_named_handle_is_looked_up_once_per_call_and_before_anybody_is_asked() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let ops = Arc::new(Ops::over(&approvals));
    let call = tokio::spawn({
        let (ops, runs) = (ops.clone(), bench.runs.clone());
        async move { ops.once(runs).await }
    });
    let card = bench.card().await;
    assert_eq!(ops.asked_for.load(SeqCst), 1);
    bench.approve(&card).await;
    assert_eq!(call.await.unwrap().unwrap(), 1);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_named_handle_that_is_shut_down_lets_nothing_run() {
    let mock = MockBackend::new().approve();
    let approvals = Approvals::test(&mock);
    assert_eq!(peek(&approvals, "sda").await.unwrap(), 3);
    approvals.shutdown().await.unwrap();
    refused(at_once(peek(&approvals, "sda")).await, ErrorKind::Unavailable, &[]);
}
