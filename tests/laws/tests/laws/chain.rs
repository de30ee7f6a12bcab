//! The chain: a card and a record tell which gated bodies a call is made in.

use std::future::{Future, pending};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::task::{Context as Waking, Waker};

use approvals::ledger::Event;
use approvals::request::{Chain, Outer};
use approvals::{Approvals, Call, Context, ErrorKind, Risk, requires_approval};

use crate::support::*;

type Work<'a> = Pin<Box<dyn Future<Output = Res<()>> + Send + 'a>>;

/// A body around whatever it is given.
#[requires_approval(risk = "high", action = "chain.outer")]
async fn outer(#[approval(skip = "the work inside")] work: Work<'_>) -> Res<()> {
    work.await
}

#[requires_approval(risk = "high", action = "chain.middle")]
async fn middle(#[approval(skip = "the work inside")] work: Work<'_>) -> Res<()> {
    work.await
}

#[requires_approval(risk = "low", action = "chain.free")]
async fn free(#[approval(skip = "the work inside")] work: Work<'_>) -> Res<()> {
    work.await
}

#[requires_approval(risk = "high", action = "chain.inner")]
async fn inner(name: &str) -> Res<()> {
    let _ = name;
    Ok(())
}

#[requires_approval(risk = "high", action = "chain.keyed", key = "{name}")]
async fn keyed(name: &str) -> Res<()> {
    let _ = name;
    Ok(())
}

/// What the newest card says of where its call is made.
fn chain_of(bench: &Bench) -> Vec<String> {
    bench.mock.cards().pop().unwrap().chain
}

fn id(bench: &Bench, card: usize) -> String {
    bench.mock.cards()[card].request.clone()
}

async fn up() -> (Bench, Approvals) {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    (bench, approvals)
}

#[tokio::test]
async fn a_call_in_a_gated_body_shows_the_bodies_around_it_outermost_first() {
    let (bench, approvals) = up().await;
    let inside = Box::pin(async { middle(Box::pin(inner("x"))).await });
    approvals.scope(outer(inside)).await.unwrap();
    assert!(bench.mock.cards()[0].chain.is_empty(), "nothing is around the outermost call");
    let outermost = format!("chain.outer ({})", id(&bench, 0));
    assert_eq!(bench.mock.cards()[1].chain, std::slice::from_ref(&outermost));
    assert_eq!(chain_of(&bench), [outermost, format!("chain.middle ({})", id(&bench, 1))]);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn the_chain_stands_on_the_record_among_the_terms_and_so_in_the_digest() {
    let (bench, approvals) = up().await;
    approvals.scope(outer(Box::pin(inner("x")))).await.unwrap();
    let (around, inner) = (request_of(&bench.mock.cards()[0]), request_of(&bench.mock.cards()[1]));
    let records = bench.store.of(inner.into()).await;
    let Event::Requested(requested) = &records[0].body.event else { panic!("{:?}", records[0]) };
    let expected = [Outer { action: "chain.outer".to_owned(), request: Some(around) }];
    assert_eq!(requested.terms.inside.bodies(), expected);
    let mut elsewhere = requested.as_ref().clone();
    elsewhere.terms.inside = Chain::default();
    assert_ne!(requested.digest().unwrap(), elsewhere.digest().unwrap());
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_body_that_runs_freely_is_in_the_chain_without_a_request() {
    let (bench, approvals) = up().await;
    approvals.scope(free(Box::pin(inner("x")))).await.unwrap();
    assert_eq!(chain_of(&bench), ["chain.free (runs freely)"]);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn calls_side_by_side_in_a_body_share_what_is_around_them_and_are_not_around_each_other() {
    let (bench, approvals) = up().await;
    let both = Box::pin(async {
        let (one, two) = tokio::join!(middle(Box::pin(inner("one"))), inner("two"));
        one.and(two)
    });
    approvals.scope(outer(both)).await.unwrap();
    let around = format!("chain.outer ({})", id(&bench, 0));
    let cards = bench.mock.cards();
    for card in cards.iter().skip(1) {
        let own = card.arguments[0].value.visible();
        let expected: &[String] = match own.as_str() {
            "\"one\"" => {
                let middle = cards.iter().find(|card| card.action == "chain.middle").unwrap();
                &[around.clone(), format!("chain.middle ({})", middle.request)]
            }
            _ => std::slice::from_ref(&around),
        };
        assert_eq!(card.chain, expected, "{}", card.action);
    }
    assert_eq!(cards.len(), 4);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_task_of_the_handle_stays_inside_and_a_bare_one_leaves() {
    let (bench, approvals) = up().await;
    let (kept, left) = (approvals.clone(), approvals.clone());
    let work = Box::pin(async move {
        kept.spawn(inner("kept")).await.unwrap()?;
        tokio::spawn(left.scope(inner("left"))).await.unwrap()
    });
    approvals.scope(outer(work)).await.unwrap();
    assert_eq!(bench.mock.cards()[1].chain, [format!("chain.outer ({})", id(&bench, 0))]);
    assert!(bench.mock.cards()[2].chain.is_empty());
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_task_stays_inside_when_the_body_that_spawned_it_is_over() {
    let (bench, approvals) = up().await;
    let hold = Hold::new();
    let (gives, takes) = tokio::sync::oneshot::channel();
    let work = {
        let (approvals, hold) = (approvals.clone(), hold.clone());
        Box::pin(async move {
            let task = approvals.spawn(async move {
                hold.pass().await;
                inner("late").await
            });
            drop(gives.send(task));
            Ok(())
        })
    };
    approvals.scope(outer(work)).await.unwrap();
    hold.open();
    takes.await.unwrap().await.unwrap().unwrap();
    assert_eq!(chain_of(&bench), [format!("chain.outer ({})", id(&bench, 0))]);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_body_is_not_around_what_runs_between_its_polls_nor_after_its_end() {
    let (bench, approvals) = up().await;
    let mut waits = pin!(approvals.scope(outer(Box::pin(pending()))));
    while bench.store.intact().await.is_empty()
        || bench.phase(bench.store.intact().await[0]).await != approvals::state::Phase::Executing
    {
        assert!(waits.as_mut().poll(&mut Waking::from_waker(Waker::noop())).is_pending());
        settle().await;
    }
    approvals.scope(inner("between")).await.unwrap();
    assert!(chain_of(&bench).is_empty());
    approvals.scope(outer(Box::pin(async { Ok(()) }))).await.unwrap();
    approvals.scope(inner("after")).await.unwrap();
    assert!(chain_of(&bench).is_empty());
}

#[tokio::test]
async fn a_body_that_panicked_is_around_nothing_any_more() {
    let (bench, approvals) = up().await;
    let work: Work<'_> = Box::pin(async { panic!("in the body") });
    let mut call = pin!(approvals.scope(outer(work)));
    let panicked = std::future::poll_fn(|cx| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx)));
        polled.map_or(std::task::Poll::Ready(true), |poll| poll.map(|_| false))
    });
    assert!(panicked.await);
    approvals.scope(inner("after")).await.unwrap();
    assert!(chain_of(&bench).is_empty());
    bench.ends(approvals).await;
}

#[tokio::test]
async fn the_same_key_finds_its_request_from_another_body() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let opened = tokio::spawn(approvals.scope(keyed("R-1")));
    let card = bench.card().await;
    opened.abort();
    bench.approve(&card).await;
    approvals.scope(free(Box::pin(keyed("R-1")))).await.unwrap();
    assert_eq!(bench.mock.cards().len(), 1, "nobody was asked twice");
    assert!(bench.card().await.chain.is_empty(), "where it was asked first stays on the card");
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_context_inside_a_body_keeps_the_chain_and_a_call_without_the_attribute_is_in_it() {
    let (bench, approvals) = up().await;
    let by_hand = approvals
        .gate(Call::new("chain.by-hand").risk(Risk::Low))
        .run(|| async { approvals.acting(Context::for_human("kim"), inner("x")).await });
    approvals.scope(outer(Box::pin(by_hand))).await.unwrap();
    let around = format!("chain.outer ({})", id(&bench, 0));
    assert_eq!(chain_of(&bench), [around, "chain.by-hand (runs freely)".to_owned()]);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn an_inner_call_that_is_denied_leaves_the_outer_body_to_decide() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let work = Box::pin(async {
        refused(inner("x").await, ErrorKind::Denied, &[]);
        Ok(())
    });
    let call = tokio::spawn(approvals.scope(outer(work)));
    bench.approve(&bench.card().await).await;
    bench.deny(&bench.nth_card(2).await).await;
    call.await.unwrap().unwrap();
    assert_eq!(bench.phase(request_of(&bench.mock.cards()[0])).await.as_str(), "succeeded");
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_chain_has_a_bound_and_says_what_it_leaves_out() {
    fn deep(depth: usize) -> Work<'static> {
        match depth {
            0 => Box::pin(inner("x")),
            depth => Box::pin(async move { free(deep(depth - 1)).await }),
        }
    }
    let (bench, approvals) = up().await;
    approvals.scope(deep(20)).await.unwrap();
    let chain = chain_of(&bench);
    assert_eq!(chain.len(), 17);
    assert_eq!(chain[8], "(4 more between these)");
    bench.ends(approvals).await;
}
