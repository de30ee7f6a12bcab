//! What the gate allocates around a call that policy lets run by its site alone, beside a bare async call.
//!
//! ```sh
//! cargo bench -p approvals-allocations
//! ```
//!
//! Counted on the thread of the calls, which writes no record meanwhile: what stands in the figures is what a caller
//! waits for. The writer's own allocations come later and elsewhere. `docs/performance.md` says what was found.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use allocation_counter::{AllocationInfo, measure};
use anyhow::{Result, ensure};
use approvals::{Agent, ApprovalError, Approvals, People, Person, requires_approval};

/// Fewer than the buffer of records has room for.
const CALLS: u64 = 512;

async fn bare(rows: u64) -> Result<u64, ApprovalError> {
    Ok(black_box(rows))
}

#[requires_approval(risk = "low", action = "allocations.count")]
async fn free(rows: u64) -> Result<u64, ApprovalError> {
    Ok(black_box(rows))
}

#[requires_approval(risk = "low", action = "allocations.name")]
async fn free_with_a_name(rows: u64, name: &str) -> Result<u64, ApprovalError> {
    black_box(name);
    Ok(black_box(rows))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let approvals = Approvals::builder()
        .agent(Agent::new("bench").owned_by("olga"))
        .directory(People::new([Person::new("olga"), Person::new("ann")])?)
        .open_to_store()
        .build()
        .await?;
    approvals.install()?;
    println!("{:<38} {:>14} {:>14}", "", "allocations", "bytes");
    print("a bare async call", &counted(bare)?);
    print("risk low, installed handle", &counted(free)?);
    settle().await;
    print("the same with a text beside", &counted(|rows| free_with_a_name(rows, "customers"))?);
    settle().await;
    let scoped = approvals.scope(async { counted(free) }).await?;
    print("risk low, through a scope", &scoped);
    approvals.shutdown().await?;
    Ok(())
}

/// What so many calls allocate, each of them over at its first poll.
fn counted<F>(call: impl Fn(u64) -> F) -> Result<AllocationInfo>
where
    F: Future<Output = Result<u64, ApprovalError>>,
{
    let run = |rows| {
        let call = pin!(call(rows));
        matches!(call.poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(_)))
    };
    // What is made once, at the first call, is no cost of a call.
    ensure!(run(0), "the call does not run by its site alone");
    let mut ran = true;
    let info = measure(|| ran = (0..CALLS).all(run));
    ensure!(ran, "a call waited for room");
    Ok(info)
}

/// Lets the records be written, so that the next calls find room.
async fn settle() {
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
}

fn print(what: &str, info: &AllocationInfo) {
    let each = |total: u64| format!("{:.2}", total as f64 / CALLS as f64);
    println!("{what:<38} {:>14} {:>14}", each(info.count_total), each(info.bytes_total));
}
