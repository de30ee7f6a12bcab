//! Many calls at once: each has its own request, its own verdict and its own end.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use approvals::card::Card;
use approvals::state::Phase;
use approvals::{ErrorKind, Risk};

use crate::support::*;

/// Polls all of them in one task, as `join_all` of the `futures` crate does.
struct All<F: Future>(Vec<Result<Pin<Box<F>>, F::Output>>);

impl<F: Future> All<F> {
    fn of(calls: impl IntoIterator<Item = F>) -> Self {
        Self(calls.into_iter().map(|call| Ok(Box::pin(call))).collect())
    }
}

impl<F: Future<Output: Unpin>> Future for All<F> {
    type Output = Vec<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        for call in &mut self.0 {
            if let Ok(future) = call
                && let Poll::Ready(output) = future.as_mut().poll(cx)
            {
                *call = Err(output);
            }
        }
        match self.0.iter().all(Result::is_err) {
            true => Poll::Ready(self.0.drain(..).filter_map(Result::err).collect()),
            false => Poll::Pending,
        }
    }
}

fn about(cards: &[Card], disk: &str) -> Card {
    let wanted = format!("\"{disk}\"");
    let shows = |card: &&Card| card.arguments.iter().any(|argument| argument.value.visible() == wanted);
    cards.iter().find(shows).unwrap().clone()
}

#[tokio::test]
async fn of_calls_that_are_joined_one_is_denied_one_runs_and_one_expires() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let runs = bench.runs.clone();
    let joined = {
        let runs = runs.clone();
        async move {
            tokio::join!(wipe(runs.clone(), "denied"), wipe(runs.clone(), "approved"), wipe(runs, "pending"))
        }
    };
    let joined = tokio::spawn(approvals.scope(joined));
    bench.nth_card(3).await;
    let cards = bench.mock.cards();
    bench.deny(&about(&cards, "denied")).await;
    bench.approve(&about(&cards, "approved")).await;
    settle().await;
    assert_eq!(runs.count(), 1, "the approved one does not wait for the others");
    let pending = request_of(&about(&cards, "pending"));
    assert_eq!(bench.phase(pending).await, Phase::Pending);
    let (denied, approved, expired) = drive(&bench.clock, 10 * MINUTE, joined).await;
    refused(denied, ErrorKind::Denied, &[]);
    assert_eq!(approved.unwrap(), "approved".len());
    refused(expired, ErrorKind::Expired, &[]);
    assert_eq!(runs.count(), 1);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_call_that_is_dropped_beside_others_takes_none_of_them_with_it() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let runs = bench.runs.clone();
    let mut dropped = Box::pin(approvals.scope(wipe(runs.clone(), "dropped")));
    let kept = tokio::spawn(approvals.scope(wipe(runs.clone(), "kept")));
    tokio::select! {
        biased;
        _ = &mut dropped => panic!("nobody answered"),
        _ = bench.nth_card(2) => {}
    }
    let cards = bench.mock.cards();
    drop(dropped);
    settle().await;
    assert_eq!(bench.phase(request_of(&about(&cards, "dropped"))).await, Phase::Cancelled);
    bench.approve(&about(&cards, "kept")).await;
    assert_eq!(kept.await.unwrap().unwrap(), 4);
    assert_eq!(runs.count(), 1);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn many_calls_in_one_task_are_as_many_requests_and_each_hears_its_own_verdict() {
    const MANY: usize = 24;
    let bench = Bench::new();
    let approvals = bench.up().await;
    let disks: Vec<String> = (0..MANY).map(|disk| format!("disk-{disk}")).collect();
    let all = {
        let (disks, runs) = (disks.clone(), bench.runs.clone());
        async move { All::of(disks.iter().map(|disk| wipe(runs.clone(), disk))).await }
    };
    let all = tokio::spawn(approvals.scope(all));
    bench.nth_card(MANY).await;
    let cards = bench.mock.cards();
    // Backwards, so that no order of the calls is that of the verdicts.
    for (number, disk) in disks.iter().enumerate().rev() {
        let card = about(&cards, disk);
        match number % 2 {
            0 => drop(bench.approve(&card).await),
            _ => drop(bench.deny(&card).await),
        }
    }
    for (number, outcome) in all.await.unwrap().into_iter().enumerate() {
        match number % 2 {
            0 => assert_eq!(outcome.unwrap(), disks[number].len()),
            _ => drop(refused(outcome, ErrorKind::Denied, &[])),
        }
    }
    assert_eq!(bench.runs.count(), MANY / 2);
    assert_eq!(bench.store.intact().await.len(), MANY);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn siblings_with_one_key_share_a_request_and_one_of_them_runs() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let runs = bench.runs.clone();
    let both = async move { tokio::join!(pay(runs.clone(), "R-1", 5), pay(runs, "R-1", 5)) };
    let both = tokio::spawn(approvals.scope(both));
    let card = bench.card().await;
    assert_eq!(card.risk, Risk::High.as_str());
    bench.approve(&card).await;
    let (one, two) = both.await.unwrap();
    let (ran, other) = if one.is_ok() { (one, two) } else { (two, one) };
    assert_eq!(ran.unwrap(), 5);
    let kind = other.unwrap_err().kind();
    assert!(matches!(kind, ErrorKind::Running | ErrorKind::AlreadyRan), "{kind}");
    assert_eq!((bench.runs.count(), bench.store.intact().await.len()), (1, 1));
    bench.ends(approvals).await;
}
