//! Law 7: what was answered `Ok` is there after a restart.

use std::sync::Arc;
use std::sync::{Mutex, PoisonError};

use tokio::task::JoinHandle;

use super::handles::mark;
use super::order::gapless;
use super::time::{day_before, times};
use crate::conformance::check::Checked;
use crate::conformance::sample::{self, Sample};
use crate::conformance::store::bench::{Bench, Handle, all, fold, state};
use crate::id::{Seq, Version};
use crate::ledger::{Appended, Filter};
use crate::state::Phase;
use crate::time::Clock as _;

pub(in crate::conformance) async fn everything_is_there_after_reopening(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    let [a, b] = [Sample::new().argument("note", "Grüße"), Sample::new()];
    for append in [a.opens(), sample::process_up(), b.opens(), b.note(sample::viewed_by("ann"))] {
        store.append(append).await?;
    }
    store.append(a.at(1, [a.approved_by("ann"), sample::started(sample::claim())])).await?;
    let before = all(&store).await?;
    let store = bench.reopen(store).await?;
    let after = all(&store).await?;
    same!(after.len(), before.len(), "the number of records after reopening");
    ensure!(after == before, "the records after reopening differ from those before");
    same!(state(&store, &a).await?.phase(), Phase::Executing, "the phase after reopening");
    Ok(())
}

/// Cut off in the middle of many writes, as by a crash: nothing that was answered may be missing.
pub(in crate::conformance) async fn what_was_acknowledged_is_there_after_reopening(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let answered: Arc<Mutex<Vec<(Sample, Appended)>>> = Arc::default();
    let writer = |store: Handle| {
        let answered = Arc::clone(&answered);
        tokio::spawn(async move {
            loop {
                let sample = Sample::new();
                let Ok(appended) = store.append(sample.opens()).await else { return };
                answered.lock().unwrap_or_else(PoisonError::into_inner).push((sample, appended));
                tokio::task::yield_now().await;
            }
        })
    };
    let writers: Vec<_> = (0..4).map(|_| writer(Arc::clone(&store))).collect();
    while answered.lock().unwrap_or_else(PoisonError::into_inner).len() < 50 {
        ensure!(!writers.iter().all(JoinHandle::is_finished), "an append of a fresh request failed");
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.abort();
        // Ends by the abort, and then its handle is gone as well.
        let _ = writer.await;
    }
    let store = bench.reopen(store).await?;
    let ledger = all(&store).await?;
    let answered = answered.lock().unwrap_or_else(PoisonError::into_inner);
    for (sample, appended) in answered.iter() {
        let found = ledger.iter().find(|record| record.seq == appended.seq);
        let stream = found.map(|record| record.body.stream);
        same!(stream, Some(sample.stream()), "the stream at the acknowledged place {}", appended.seq);
    }
    Ok(())
}

pub(in crate::conformance) async fn the_sequence_goes_on_after_reopening(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new().people(2);
    store.append(sample.opens()).await?;
    store.append(sample::process_up()).await?;
    let store = bench.reopen(store).await?;
    same!(store.last().await?, Seq(2), "the last place after reopening");
    let next = store.append(sample.at(1, [sample.approved_by("ann")])).await?;
    same!((next.seq, next.version), (Seq(3), Version(2)), "the first append after reopening");
    gapless(&store, 3).await
}

pub(in crate::conformance) async fn the_list_is_there_after_reopening(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    let samples = [Sample::new(), Sample::new(), Sample::new().agent("other")];
    for sample in &samples {
        store.append(sample.opens()).await?;
    }
    let [denied, ..] = &samples;
    store.append(denied.at(1, [denied.denied_by("ann")])).await?;
    let before = store.list(&Filter::default(), None, 100).await?;
    let store = bench.reopen(store).await?;
    same!(store.list(&Filter::default(), None, 100).await?, before, "the list after reopening");
    Ok(())
}

/// Another key would make every request with a secret argument look like another call.
pub(in crate::conformance) async fn the_key_is_the_same_after_reopening(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    let before = mark(store.key());
    let store = bench.reopen(store).await?;
    ensure!(mark(store.key()) == before, "the key after reopening is another one");
    Ok(())
}

/// The floor of a request's time is its last record, not what the process remembers.
pub(in crate::conformance) async fn time_does_not_run_backwards_after_reopening(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    let start = bench.clock.now();
    store.append(sample.opens()).await?;
    bench.clock.set(day_before(start));
    let store = bench.reopen(store).await?;
    store.append(sample.at(1, [sample.approved_by("ann")])).await?;
    same!(times(&store, &sample).await?, [start, start], "the times after a restart with a wrong clock");
    fold(&store.history(sample.stream()).await?).map(drop)
}
