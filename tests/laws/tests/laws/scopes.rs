//! Which handle a call uses, and what stands on its card.

use approvals::testing::MockBackend;
use approvals::{Approvals, Context, ErrorKind};

use crate::support::*;

#[tokio::test]
async fn a_task_that_is_spawned_leaves_the_scope_and_one_of_the_handle_keeps_it() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let runs = bench.runs.clone();
    let (left, kept) = approvals
        .acting(Context::for_human("kim"), async {
            let left = tokio::spawn(wipe(runs.clone(), "sda")).await.unwrap();
            let kept = approvals.spawn(wipe(runs.clone(), "sdb")).await.unwrap();
            (left, kept)
        })
        .await;
    refused(left, ErrorKind::NotInstalled, &["`tokio::spawn` leaves a scope", "`approvals.spawn`"]);
    assert_eq!(kept.unwrap(), 3);
    assert_eq!(bench.card().await.requester.on_behalf_of.as_deref(), Some("kim"));
    assert_eq!(bench.runs.count(), 1);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_scope_inside_keeps_the_context_around_it() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let call = async { approvals.scope(wipe(bench.runs.clone(), "sda")).await };
    approvals.acting(Context::for_human("kim").label("incident", "INC-7"), call).await.unwrap();
    let card = bench.card().await;
    assert_eq!(card.requester.on_behalf_of.as_deref(), Some("kim"));
    assert_eq!(card.labels[0].1, "INC-7");
    bench.ends(approvals).await;
}

#[tokio::test]
async fn tests_side_by_side_do_not_meet() {
    let (one, two) = (MockBackend::new().approve(), MockBackend::new().deny("no"));
    let (yes, no) = (Approvals::test(&one), Approvals::test(&two));
    let runs = Runs::default();
    let (ran, denied) =
        tokio::join!(yes.scope(wipe(runs.clone(), "sda")), no.scope(wipe(runs.clone(), "sda")));
    assert_eq!(ran.unwrap(), 3);
    refused(denied, ErrorKind::Denied, &[]);
    assert_eq!(runs.count(), 1);
    yes.shutdown().await.unwrap();
    no.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_author_s_label_wins_over_the_context_s() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let context = Context::new().label("disk", "harmless").label("incident", "INC-7");
    let call = tokio::spawn(approvals.acting(context, labelled("sda")));
    let labels = bench.card().await.labels;
    assert_eq!(labels, [("disk", "sda"), ("incident", "INC-7")].map(|(a, b)| (a.to_owned(), b.to_owned())));
    call.abort();
    bench.ends(approvals).await;
}

#[approvals::requires_approval(risk = "high", action = "scopes.labelled", labels(disk = disk))]
async fn labelled(disk: &str) -> Res<usize> {
    Ok(disk.len())
}

#[tokio::test]
async fn a_context_inside_another_adds_to_it_and_never_loses_the_human() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let call = {
        let (approvals, runs) = (approvals.clone(), bench.runs.clone());
        let around = Context::for_human("kim").session("run-42").label("incident", "INC-7");
        let inside = Context::new().says("safe").label("step", "2").label("incident", "INC-8");
        tokio::spawn(
            approvals
                .clone()
                .acting(around, async move { approvals.acting(inside, wipe(runs, "sda")).await }),
        )
    };
    let card = bench.card().await;
    assert_eq!(card.requester.on_behalf_of.as_deref(), Some("kim"));
    assert_eq!(card.agent_says.as_deref(), Some("safe"));
    assert_eq!(card.notes, [("session".to_owned(), "run-42".to_owned())]);
    let labels = [("incident", "INC-8"), ("step", "2")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(card.labels, labels);
    // Law 4: a lost human could approve their own action.
    let reply = bench.mock.submit("kim", yes(&card)).await.unwrap();
    assert_eq!(ignored(&reply), approvals::ledger::IgnoredWhy::Requester);
    call.abort();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_gated_call_inside_a_gated_body_is_asked_about_by_itself() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let call = tokio::spawn(approvals.acting(Context::for_human("kim"), outer(bench.runs.clone())));
    bench.approve(&bench.card().await).await;
    let inner = bench.nth_card(2).await;
    assert_eq!((inner.action.as_str(), inner.requester.on_behalf_of.as_deref()), ("bench.wipe", Some("kim")));
    assert_eq!(bench.runs.count(), 0);
    bench.approve(&inner).await;
    assert_eq!(call.await.unwrap().unwrap(), 3);
    bench.ends(approvals).await;
}

#[approvals::requires_approval(risk = "high", action = "scopes.outer")]
async fn outer(#[approval(skip = "counts the runs")] runs: Runs) -> Res<usize> {
    wipe(runs, "sda").await
}
