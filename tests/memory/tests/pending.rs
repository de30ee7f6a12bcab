//! Ten thousand calls that wait for people keep so much memory and no more, however large their arguments are.
//!
//! Everything runs on one thread, where each byte is counted. The ledger keeps what is hashed and not the arguments
//! themselves, which a store keeps on its disk; the arguments of all calls are one text, the test's own.

#![cfg(test)]

use std::sync::Arc;

use allocation_counter::measure;
use approvals::ledger::{Append, Appended, Memory, Store, StoreError};
use approvals::{Agent, ApprovalError, Approvals, Call, People, Person, Risk, async_trait};
use approvals_test_support::hand_on;
use tokio::runtime::{Builder, Runtime};

const CALLS: usize = 10_000;
const SMALL: usize = 64;
const LARGE: usize = 64 * 1024;

/// What a call that waits may keep, in bytes: its task, its request in the ledger, its place among those who wait.
const BOUND: u64 = 6 * 1024;
/// What of that may come from its arguments being a thousand times as large.
const GROWTH: u64 = 256;

/// A ledger in memory that keeps no arguments.
#[derive(Clone)]
struct Slim(Memory);

#[async_trait]
impl Store for Slim {
    async fn append(&self, mut append: Append) -> Result<Appended, StoreError> {
        append.events.iter_mut().for_each(|new| new.payload = None);
        self.0.append(append).await
    }

    hand_on!(approvals, 0: history, list, records, last, wait_past, hold_node, key);
}

async fn build(store: &Slim) -> Approvals {
    let people = People::new([Person::new("olga"), Person::new("ann")]).unwrap();
    let builder = Approvals::builder().agent(Agent::new("bench").owned_by("olga")).directory(people);
    builder.store(store.clone()).open_to_store().max_arguments(2 * LARGE).build().await.unwrap()
}

/// What each of so many calls keeps while it waits, in bytes. One that is `greedy` keeps a copy of its argument.
fn kept(calls: usize, argument: usize, greedy: bool) -> u64 {
    let runtime: Runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let store = Slim(Memory::new().unwrap());
    let approvals = runtime.block_on(build(&store));
    let text: Arc<str> = "x".repeat(argument).into();
    let counted = measure(|| {
        runtime.block_on(async {
            let before = store.last().await.unwrap();
            for _ in 0..calls {
                let (approvals, text) = (approvals.clone(), Arc::clone(&text));
                tokio::spawn(async move {
                    let copy = greedy.then(|| text.to_string());
                    let call = Call::new("memory.send").risk(Risk::High).arg("text", &*text);
                    let ended = approvals.gate(call).run(|| async { Ok::<_, ApprovalError>(()) }).await;
                    drop(copy);
                    ended
                });
            }
            while store.last().await.unwrap().0 < before.0 + calls as u64 {
                tokio::task::yield_now().await;
            }
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
        });
    });
    let each = u64::try_from(counted.bytes_current).expect("they keep something") / calls as u64;
    println!("{calls} calls with {argument} bytes each keep {each} bytes each");
    each
}

#[test]
fn ten_thousand_calls_that_wait_keep_a_bounded_part_of_memory_however_large_their_arguments_are() {
    let (small, large) = (kept(CALLS / 10, SMALL, false), kept(CALLS, LARGE, false));
    assert!(large <= BOUND, "{large} bytes each");
    assert!(large <= small + GROWTH, "{large} bytes each with large arguments, {small} with small ones");
}

#[test]
fn a_call_that_keeps_its_arguments_is_noticed() {
    assert!(kept(100, LARGE, true) > LARGE as u64);
}
