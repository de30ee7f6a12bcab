//! Many requests at once: what each of them takes, and how they go out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use approvals::ledger::Answer;
use approvals::transport::Transport;
use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use serde_json::Value;

use crate::agent::{Endpoint, World, quiet};
use crate::support::Answered;

const CROWD: usize = 300;

fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

#[tokio::test]
async fn a_request_that_waits_has_no_task_of_its_own_and_one_question_names_them_all() {
    let world = World::asking().await;
    let mut asked = vec![world.ask().await];
    world.passes(Duration::from_secs(5)).await;
    let before = tasks();
    for _ in 1..CROWD {
        asked.push(world.ask().await);
    }
    world.passes(Duration::from_secs(5)).await;
    // Those of the callers, who are tasks here.
    assert_eq!(tasks(), before + CROWD - 1);
    let questions = world.endpoint.with(|state| state.asked.clone());
    let named = |question: &Value| question["pending"].as_array().unwrap().len();
    assert_eq!(named(questions.last().unwrap()), CROWD);
    asked.iter().for_each(|asked| world.enqueue(&asked.sealed(Answer::Approve)));
    for asked in asked {
        asked.call.await.unwrap().unwrap();
    }
    assert_eq!(world.ran(), CROWD);
    let more = world.endpoint.with(|state| state.asked.len()) - questions.len();
    assert!(more <= 3, "{more} questions for one answer with all of them");
}

/// An endpoint that is slow, and counts how many messages are under way.
struct Slow {
    endpoint: Endpoint,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

#[async_trait]
impl Transport for Slow {
    async fn send(&self, request: Request<Bytes>) -> Answered {
        let now = self.now.fetch_add(1, SeqCst) + 1;
        self.most.fetch_max(now, SeqCst);
        quiet().await;
        self.now.fetch_sub(1, SeqCst);
        self.endpoint.send(request).await
    }
}

#[tokio::test]
async fn a_crowd_of_cards_goes_out_a_few_at_a_time_and_all_of_them_arrive() {
    let (endpoint, most) = (Endpoint::new(), Arc::new(AtomicUsize::new(0)));
    let slow = Slow { endpoint: endpoint.clone(), now: Arc::default(), most: Arc::clone(&most) };
    let world = World::at(endpoint, |webhook| webhook.transport(slow)).await;
    let calls: Vec<_> = (0..CROWD).map(|_| world.call()).collect();
    world.endpoint.until(|state| (state.cards.len() == CROWD).then_some(())).await;
    assert_eq!(most.load(SeqCst), 32);
    calls.iter().for_each(|call| call.abort());
}
