//! What the gate allocates around a call that policy lets run by its site alone, beside a bare async call.
//!
//! ```sh
//! cargo bench -p approvals-allocations
//! ```
//!
//! Counted on the thread of the calls, which writes no record meanwhile: what stands in the figures is what a caller
//! waits for. The writer's own allocations come later and elsewhere. What the gate takes without its record is timed as
//! well: nothing is allocated on that way, so that the allocator that counts is no part of it. `docs/performance.md` says
//! what was found.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use allocation_counter::{AllocationInfo, measure};
use anyhow::{Result, ensure};
use approvals::testing::unrecorded;
use approvals::{ActionSite, Agent, ApprovalError, Approvals, People, Person, Risk, requires_approval};

/// Fewer than the buffer of records has room for.
const CALLS: u64 = 512;
/// How often so many are timed.
const BURSTS: usize = 2_000;

/// A site of its own: whatever the attribute makes of one leaves a record.
static SITE: ActionSite = ActionSite::new("allocations.unrecorded", file!(), line!()).risk(Risk::Low);

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

/// What the attribute makes of the call above, but for its record.
async fn free_without_its_record(rows: u64) -> Result<u64, ApprovalError> {
    match unrecorded(&SITE, async { Ok(black_box(rows)) }).await {
        Some(ended) => ended,
        // Does not count as a call that ran.
        None => std::future::pending().await,
    }
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
    print("the gate without its record", &counted(free_without_its_record)?);
    print("risk low, installed handle", &counted(free)?);
    settle().await;
    print("the same with a text beside", &counted(|rows| free_with_a_name(rows, "customers"))?);
    settle().await;
    let scoped = approvals.scope(async { counted(free) }).await?;
    print("risk low, through a scope", &scoped);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..BURSTS {
        theirs.push(timed(bare)?);
        ours.push(timed(free_without_its_record)?);
    }
    println!(
        "the gate without its record: {:.1} ns, a bare async call {:.1} ns; budget 50 ns more, and no allocation",
        nanos(ours),
        nanos(theirs)
    );
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

/// What so many calls take.
fn timed<F>(call: impl Fn(u64) -> F) -> Result<Duration>
where
    F: Future<Output = Result<u64, ApprovalError>>,
{
    let mut cx = Context::from_waker(Waker::noop());
    let begun = Instant::now();
    let ran = (0..CALLS).all(|rows| matches!(pin!(call(rows)).poll(&mut cx), Poll::Ready(Ok(_))));
    let took = begun.elapsed();
    ensure!(ran, "the call does not run by its site alone");
    Ok(took)
}

/// One call of the burst in the middle.
fn nanos(mut bursts: Vec<Duration>) -> f64 {
    bursts.sort_unstable();
    let middle = bursts.get(bursts.len() / 2).copied().unwrap_or_default();
    middle.as_secs_f64() * 1e9 / CALLS as f64
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
