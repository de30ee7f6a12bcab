//! A note that rides along: late at the most, and in nothing else another append.

use std::sync::Arc;

use crate::conformance::check::Checked;
use crate::conformance::sample::{self, Sample};
use crate::conformance::store::bench::{Bench, Handle, all, fold};
use crate::id::{Seq, Version};
use crate::ledger::{Append, Appended, StoreErrorKind};

pub(in crate::conformance) async fn a_note_that_rides_along_is_read_once_it_is_answered_and_stands_before_later_ones(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    store.append(sample.opens()).await?;
    for (place, person) in [(2, "ann"), (3, "ben")] {
        let along = ride(&bench, &store, sample.note(sample::viewed_by(person))).await?;
        same!((along.seq, along.version), (Seq(place), Version(1)), "the answer to a note that rides along");
        same!(store.history(sample.stream()).await?.len() as u64, place, "the length of the history then");
        same!(store.last().await?, Seq(place), "the last place then");
    }
    store.append(sample.at(1, [sample.approved_by("ann")])).await?;
    let names = |records: &[crate::ledger::Record]| -> Vec<(u64, &'static str)> {
        records.iter().map(|record| (record.seq.0, record.body.event.name())).collect()
    };
    let expected = [(1, "requested"), (2, "viewed"), (3, "viewed"), (4, "reviewed")];
    let history = store.history(sample.stream()).await?;
    same!(names(&history), expected, "the history");
    same!(names(&all(&store).await?), expected, "the ledger");
    fold(&history).map(drop)
}

pub(in crate::conformance) async fn a_note_that_rides_along_wakes_a_waiter(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    store.append(sample.opens()).await?;
    let last = store.last().await?;
    let waiter = {
        let (bench, store) = (Arc::clone(&bench), Arc::clone(&store));
        tokio::spawn(async move { bench.woken(&store, last).await })
    };
    tokio::task::yield_now().await;
    ride(&bench, &store, sample.note(sample::viewed_by("ann"))).await?;
    waiter.await?
}

/// A claim that waited for the record of a card would be a verdict with a delay.
pub(in crate::conformance) async fn no_append_waits_for_a_note_that_rides_along(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    store.append(sample.opens()).await?;
    let along = {
        let (bench, store, note) =
            (Arc::clone(&bench), Arc::clone(&store), sample.note(sample::viewed_by("ann")));
        tokio::spawn(async move { ride(&bench, &store, note).await })
    };
    tokio::task::yield_now().await;
    let append = store.append(sample.at(1, [sample.approved_by("ann")]));
    let verdict = bench.soon("an append beside a note that rides along did not end", append).await??;
    same!(verdict.version, Version(2), "the version after the append");
    along.await??;
    let mut written: Vec<_> = all(&store).await?.iter().map(|record| record.body.event.name()).collect();
    written.sort_unstable();
    same!(written, ["requested", "reviewed", "viewed"], "what is written, each once");
    fold(&store.history(sample.stream()).await?).map(drop)
}

pub(in crate::conformance) async fn what_rides_along_is_refused_where_an_append_is(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new().people(2);
    store.append(sample.opens()).await?;
    store.append(sample.at(1, [sample.approved_by("ann")])).await?;
    let unfit = [
        (sample.at(1, [sample.approved_by("ben")]), "a review at a stale version"),
        (sample.note(sample.approved_by("ben")), "a review without a version"),
    ];
    for (append, what) in unfit {
        let along = bench.soon("what is to be refused was not answered", store.append_along(append)).await?;
        same!(
            along.err().map(|error| error.kind().clone()),
            Some(StoreErrorKind::Conflict),
            "the error of {what}"
        );
        same!(store.last().await?, Seq(2), "the last place after it");
    }
    Ok(())
}

pub(in crate::conformance) async fn a_note_that_rode_along_is_there_after_reopening(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new();
    store.append(sample.opens()).await?;
    ride(&bench, &store, sample.note(sample::viewed_by("ann"))).await?;
    let store = bench.reopen(store).await?;
    let names: Vec<_> = all(&store).await?.iter().map(|record| record.body.event.name()).collect();
    same!(names, ["requested", "viewed"], "the ledger after reopening");
    Ok(())
}

/// Has a note ride along with nothing: a store keeps it back for a moment, and not for ever.
async fn ride(
    bench: &Bench,
    store: &Handle,
    note: Append,
) -> Result<Appended, crate::conformance::check::Failure> {
    Ok(bench.soon("a note that rides along was not answered", store.append_along(note)).await??)
}
