//! Programs that follow the ledger live.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use approvals::id::Seq;
use approvals::ledger::{Event, Follow, Record};
use approvals::testing::MockBackend;
use approvals::{Approvals, Sqlite};

use crate::support::*;

fn seqs(records: &[Record]) -> Vec<u64> {
    records.iter().map(|record| record.seq.0).collect()
}

async fn some(follow: &mut Follow, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    for _ in 0..count {
        records.push(follow.next().await.unwrap());
    }
    records
}

#[tokio::test]
async fn a_follower_that_is_restarted_after_each_record_loses_none_and_sees_none_twice() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    for _ in 0..100 {
        approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap();
    }
    let end = approvals.store().last().await.unwrap();
    let (mut place, mut seen) = (Seq::START, Vec::new());
    while place < end {
        let mut follow = approvals.follow_after(place);
        // It reads ahead, which is not yet having seen.
        seen.push(follow.next().await.unwrap());
        place = follow.position();
    }
    assert_eq!(seqs(&seen), (1..=end.0).collect::<Vec<_>>());
    assert_eq!(seen, bench.store.records().await);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_wait_for_the_next_record_that_is_given_up_loses_nothing() {
    let bench = Bench::new();
    bench.store.slow_down();
    bench.mock.approve();
    let approvals = bench.up().await;
    let mut follow = approvals.follow_after(Seq::START);
    let mut seen = Vec::new();
    for _ in 0..10 {
        approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap();
        let end = approvals.store().last().await.unwrap();
        while follow.position() < end {
            // Dropped after a single poll: enough now and then, and never harmful.
            let next = pin!(follow.next());
            if let std::task::Poll::Ready(record) = next.poll(&mut Context::from_waker(Waker::noop())) {
                seen.push(record.unwrap());
            } else {
                settle().await;
            }
        }
    }
    assert_eq!(seen, bench.store.records().await[..seen.len()]);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn following_from_now_on_begins_with_what_is_written_next() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap();
    settle().await;
    let mut follow = approvals.follow().await.unwrap();
    let begun = follow.position();
    let waits = tokio::spawn(async move { follow.next().await.unwrap() });
    settle().await;
    assert!(!waits.is_finished());
    approvals.scope(wipe(bench.runs.clone(), "sdb")).await.unwrap();
    let record = waits.await.unwrap();
    assert_eq!(record.seq, begun.next());
    assert!(matches!(record.body.event, Event::Requested(_)));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_follower_that_never_reads_on_holds_nobody_up() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let mut slow = approvals.follow_after(Seq::START);
    let first = slow.next().await.unwrap();
    // More than it reads ahead.
    for _ in 0..200 {
        approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap();
    }
    assert_eq!(bench.runs.count(), 200);
    let end = approvals.store().last().await.unwrap();
    let mut seen = vec![first];
    seen.extend(some(&mut slow, end.0 as usize - 1).await);
    assert_eq!(seqs(&seen), (1..=end.0).collect::<Vec<_>>());
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_store_that_fails_is_told_and_the_follower_goes_on_where_it_was() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap();
    bench.ends(approvals).await;
    let mut follow = Follow::after(Arc::new(bench.store.clone()), Seq::START);
    let fired = bench.store.fault("records", 1, Does::Fail);
    assert!(follow.next().await.unwrap_err().is_retryable());
    assert_eq!((fired.times(), follow.position()), (1, Seq::START));
    assert_eq!(follow.next().await.unwrap().seq, Seq(1));
}

#[tokio::test]
async fn a_follower_sees_what_other_processes_write_to_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let (ours, theirs) = (Sqlite::open(&path).await.unwrap(), Sqlite::open(&path).await.unwrap());
    let mut follow = Follow::after(Arc::new(ours), Seq::START);
    let mock = MockBackend::new().approve();
    let approvals = Approvals::test_builder(&mock).store(theirs).build().await.unwrap();
    let runs = Runs::default();
    approvals.scope(wipe(runs.clone(), "sda")).await.unwrap();
    approvals.shutdown().await.unwrap();
    let end = approvals.store().last().await.unwrap();
    let seen = some(&mut follow, end.0 as usize).await;
    assert_eq!(seen.last().unwrap().body.event.name(), "down");
    assert_eq!(seqs(&seen), (1..=end.0).collect::<Vec<_>>());
}
