//! Law 14: a verdict wakes its waiter. Waits are bounded, but nothing here waits for a clock.

use std::sync::Arc;
use std::task::Poll;

use crate::conformance::check::{Boxed, Checked};
use crate::conformance::sample::{self, Sample};
use crate::conformance::store::bench::{Bench, Handle, together};
use crate::id::Seq;

pub(in crate::conformance) async fn a_wait_past_an_earlier_record_returns_at_once(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    store.append(sample.opens()).await?;
    store.append(sample.note(sample::viewed_by("ann"))).await?;
    for after in [Seq::START, Seq(1)] {
        bench.soon("a wait past an earlier record did not end", store.wait_past(after)).await??;
    }
    Ok(())
}

pub(in crate::conformance) async fn an_append_wakes_every_waiter(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    store.append(sample.opens()).await?;
    let last = store.last().await?;
    let waiters: Vec<_> = (0..64).map(|_| waiter(&bench, &store, last)).collect();
    // Some callers give up; that must not cost the others their wake-up.
    for dropped in waiters.iter().step_by(5) {
        dropped.abort();
    }
    settle().await;
    store.append(sample.at(1, [sample.approved_by("ann")])).await?;
    for (i, waiter) in waiters.into_iter().enumerate() {
        if i % 5 != 0 {
            waiter.await??;
        }
    }
    Ok(())
}

/// A backend that could not present, a card that was viewed: whoever follows the ledger hears of notes too.
pub(in crate::conformance) async fn a_note_wakes_a_waiter(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    store.append(sample.opens()).await?;
    for append in [sample.note(sample::viewed_by("ann")), sample::process_up(), sample::ran_freely()] {
        let waiter = waiter(&bench, &store, store.last().await?);
        settle().await;
        store.append(append).await?;
        waiter.await??;
    }
    Ok(())
}

/// The classic: the waiter looks, the record comes, the waiter lies down.
pub(in crate::conformance) async fn no_wake_up_is_missed_when_an_append_races_a_wait(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    store.append(sample.opens()).await?;
    for round in 0..48 {
        let last = store.last().await?;
        let waiter = waiter(&bench, &store, last);
        // One step further into the wait each round, before the append comes. Tokio lets the waiter overtake whoever
        // yields and not whoever steps back, so that between the two every place in the wait is met.
        for _ in 0..round % 12 {
            if round < 24 { step_back().await } else { tokio::task::yield_now().await }
        }
        store.append(sample.note(sample::viewed_by("ann"))).await?;
        waiter.await??;
    }
    for _ in 0..24 {
        let last = store.last().await?;
        let wait = {
            let (bench, store) = (Arc::clone(&bench), Arc::clone(&store));
            Box::pin(async move { bench.woken(&store, last).await })
        };
        let append: Boxed<Checked> = {
            let (store, note) = (Arc::clone(&store), sample.note(sample::viewed_by("ann")));
            Box::pin(async move { Ok(store.append(note).await.map(drop)?) })
        };
        for ended in together([append, wait]).await? {
            ended?;
        }
    }
    Ok(())
}

pub(in crate::conformance) async fn an_append_through_another_handle_wakes_a_waiter(
    bench: Arc<Bench>,
) -> Checked {
    let [near, far] = bench.open_two().await?;
    let sample = Sample::new();
    near.append(sample.opens()).await?;
    for round in 0..6 {
        let (writer, reader) = if round % 2 == 0 { (&far, &near) } else { (&near, &far) };
        let waiter = waiter(&bench, reader, reader.last().await?);
        settle().await;
        writer.append(sample.note(sample::viewed_by("ann"))).await?;
        waiter.await??;
    }
    Ok(())
}

fn waiter(bench: &Arc<Bench>, store: &Handle, after: Seq) -> tokio::task::JoinHandle<Checked> {
    let (bench, store) = (Arc::clone(bench), Arc::clone(store));
    tokio::spawn(async move { bench.woken(&store, after).await })
}

/// To the end of the queue, and no further.
async fn step_back() {
    let mut stepped = false;
    std::future::poll_fn(|task| {
        if std::mem::replace(&mut stepped, true) {
            return Poll::Ready(());
        }
        task.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Lets every waiter go as far as it can.
async fn settle() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}
