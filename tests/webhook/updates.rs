//! What people see at the endpoint once a request has moved on, also where they could not be told at once.

use std::time::Duration;

use approvals::id::RequestId;
use approvals::ledger::Answer;

use crate::agent::{World, quiet};

fn label(world: &World, request: RequestId) -> String {
    world.endpoint.with(|state| state.cards[&request].state.label.clone())
}

fn updates(world: &World) -> usize {
    world.endpoint.with(|state| state.messages.iter().filter(|(_, kind)| kind == "approval.updated").count())
}

/// A request that was denied while the endpoint answers updates so; `None`: not at all.
async fn denied_unheard(answer: Option<u16>) -> (World, RequestId) {
    let world = World::called_back().await;
    let asked = world.ask().await;
    world.fault("approval.updated", answer);
    assert_eq!(world.post(&asked.sealed(Answer::Deny)).await.0, 200);
    asked.call.await.unwrap().unwrap_err();
    (world, asked.request)
}

#[tokio::test]
async fn a_card_whose_end_could_not_be_told_is_told_once_the_endpoint_works_again() {
    for outage in [Some(503), Some(429), None] {
        let (world, request) = denied_unheard(outage).await;
        world.passes(Duration::from_secs(5)).await;
        assert_eq!(label(&world, request), "pending", "the outage fired");
        assert!((2..=8).contains(&updates(&world)), "{} messages in five seconds", updates(&world));
        world.endpoint.with(|state| state.faults.clear());
        world.passes(Duration::from_secs(10)).await;
        assert_eq!(label(&world, request), "denied");
        // The same message each time, so that an endpoint that heard of it shows it once.
        let ids = world.endpoint.with(|state| state.messages.clone());
        let ids: Vec<_> =
            ids.iter().filter(|(_, kind)| kind == "approval.updated").map(|(id, _)| id).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(world.ledger.count(request, "updated").await, 1);
        let sent = updates(&world);
        world.passes(Duration::from_secs(60)).await;
        assert_eq!(updates(&world), sent, "and nobody is told twice");
    }
}

#[tokio::test]
async fn an_update_that_is_refused_for_good_is_not_sent_again() {
    let (world, _) = denied_unheard(Some(400)).await;
    world.passes(Duration::from_secs(60)).await;
    assert_eq!(updates(&world), 1);
}

#[tokio::test]
async fn an_endpoint_that_never_takes_an_update_is_left_alone_after_two_hours() {
    let (world, _) = denied_unheard(Some(503)).await;
    let mut sent = Vec::new();
    for _ in 0..4 * 60 {
        world.advance(Duration::from_secs(60));
        quiet().await;
        sent.push(updates(&world));
    }
    assert!((15..=20).contains(&sent[150]), "{sent:?}");
    assert_eq!(sent[150], sent[239], "after two and a half hours nothing is sent any more");
}

#[tokio::test]
async fn a_card_that_a_process_could_not_tell_how_it_ended_is_told_by_the_next_one() {
    let (world, request) = denied_unheard(Some(503)).await;
    world.approvals.shutdown().await.unwrap();
    assert_eq!(label(&world, request), "pending");
    world.endpoint.with(|state| state.faults.clear());
    let World { endpoint, ledger, clock, .. } = world;
    for _ in 0..2 {
        let next = World::again(endpoint.clone(), ledger.clone(), clock.clone(), |webhook| webhook).await;
        quiet().await;
        assert_eq!(label(&next, request), "denied");
        assert_eq!(ledger.count(request, "updated").await, 1, "the one after that has nothing to tell");
        next.approvals.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn what_ended_long_ago_is_told_to_nobody_at_a_start() {
    let (world, _) = denied_unheard(Some(503)).await;
    world.approvals.shutdown().await.unwrap();
    world.endpoint.with(|state| state.faults.clear());
    let World { endpoint, ledger, clock, .. } = world;
    let before = endpoint.with(|state| state.messages.len());
    clock.advance(Duration::from_secs(25 * 60 * 60));
    let next = World::again(endpoint, ledger, clock, |webhook| webhook).await;
    quiet().await;
    assert_eq!(next.endpoint.with(|state| state.messages.len()), before);
}

#[test]
fn a_card_of_a_call_that_died_with_its_process_says_so_after_the_next_start() {
    let process = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // What is left at the end of a runtime is cut off, as by a kill.
    let (endpoint, ledger, clock, request) = process().block_on(async {
        let world = World::called_back().await;
        let request = world.ask().await.request;
        (world.endpoint, world.ledger, world.clock, request)
    });
    process().block_on(async {
        let next = World::again(endpoint, ledger, clock, |webhook| webhook).await;
        assert_eq!(label(&next, request), "pending");
        quiet().await;
        assert_eq!(label(&next, request), "cancelled");
    });
}
