//! The global sequence: the leaf index of the evidence, so every gap reads as a record that was taken out.

use std::sync::Arc;

use crate::conformance::check::{Boxed, Checked, Failure};
use crate::conformance::sample::{self, Sample};
use crate::conformance::store::bench::{Bench, Handle, all, refused, together};
use crate::id::Seq;
use crate::ledger::{Appended, StoreError};

/// How many records of different streams [`several`] writes.
const SEVERAL: u64 = 9;

pub(in crate::conformance) async fn the_sequence_is_gapless_from_one_across_streams(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let (a, b) = (Sample::new(), Sample::new());
    store.append(a.opens()).await?;
    // A refused append must not use up a number, as a database's own counter would.
    refused(&store, a.at(0, [a.approved_by("ann")]), "a stale review").await?;
    store.append(sample::process_up()).await?;
    refused(&store, b.at(0, [b.approved_by("ann")]), "a review of nothing").await?;
    store.append(b.opens()).await?;
    refused(&store, a.at(1, [sample::withdrawn(), sample::withdrawn()]), "a batch that ends twice").await?;
    store.append(sample::ran_freely()).await?;
    store.append(a.at(1, [a.approved_by("ann"), sample::started(sample::claim())])).await?;
    gapless(&store, 6).await
}

/// An append that was answered before another began stands before it, whatever their streams and times.
pub(in crate::conformance) async fn the_sequence_is_the_order_of_commits(bench: Arc<Bench>) -> Checked {
    let [first, second] = bench.open_two().await?;
    let mut committed = Vec::new();
    for round in 0..20 {
        let sample = Sample::new();
        let store = if round % 3 == 0 { &second } else { &first };
        store.append(sample.opens()).await?;
        committed.push(sample.stream());
    }
    let found: Vec<_> = all(&first).await?.iter().map(|record| record.body.stream).collect();
    same!(found, committed, "the streams in global order");
    Ok(())
}

pub(in crate::conformance) async fn the_sequence_is_gapless_under_many_writers(bench: Arc<Bench>) -> Checked {
    const WRITERS: usize = 6;
    const APPENDS: usize = 15;
    let [first, second] = bench.open_two().await?;
    let write = |store: Handle| -> Boxed<Result<Vec<(Appended, Sample)>, StoreError>> {
        Box::pin(async move {
            let mut written = Vec::new();
            for _ in 0..APPENDS {
                let sample = Sample::new();
                written.push((store.append(sample.opens()).await?, sample));
            }
            Ok(written)
        })
    };
    let writers = [&first, &second].into_iter().cycle().take(WRITERS).cloned().map(write);
    let writers = together(writers).await?;
    gapless(&first, (WRITERS * APPENDS) as u64).await?;
    let records = all(&second).await?;
    for written in writers {
        for (appended, sample) in written? {
            let found = records.iter().find(|record| record.seq == appended.seq);
            let stream = found.map(|record| record.body.stream);
            same!(stream, Some(sample.stream()), "the stream at place {}", appended.seq);
        }
    }
    Ok(())
}

pub(in crate::conformance) async fn the_last_place_is_that_of_the_last_record(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    same!(store.last().await?, Seq::START, "the last place of an empty ledger");
    let sample = Sample::new();
    for append in [sample.opens(), sample.note(sample::viewed_by("ann")), sample::process_up()] {
        store.append(append).await?;
        let last = all(&store).await?.last().map(|record| record.seq);
        same!(Some(store.last().await?), last, "the last place");
    }
    Ok(())
}

pub(in crate::conformance) async fn records_past_a_place_come_in_order_a_page_at_a_time(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    several(&store).await?;
    let whole = all(&store).await?;
    let mut paged = Vec::new();
    let mut after = Seq::START;
    for _ in 0..=SEVERAL {
        let page = store.records(after, 2).await?;
        ensure!(page.len() <= 2, "a page of at most 2 records holds {}", page.len());
        let Some(last) = page.last() else { break };
        after = last.seq;
        paged.extend(page);
    }
    same!(paged.len(), whole.len(), "the number of records, page by page");
    ensure!(paged == whole, "the records differ when they are read page by page");
    let rising = whole.windows(2).all(|pair| matches!(pair, [a, b] if a.seq < b.seq));
    ensure!(rising, "the records do not come in the order of the sequence");
    let past: Vec<_> =
        store.records(Seq(SEVERAL - 2), 100).await?.iter().map(|record| record.seq.0).collect();
    same!(past, [SEVERAL - 1, SEVERAL], "the places past the third last");
    same!(store.records(Seq(SEVERAL), 100).await?.len(), 0, "the number of records past the last");
    same!(store.records(Seq(u64::MAX >> 1), 100).await?.len(), 0, "the number of records past the end");
    same!(store.records(Seq::START, 0).await?.len(), 0, "the number of records in a page of none");
    Ok(())
}

/// Writes [`SEVERAL`] records into streams by turns.
async fn several(store: &Handle) -> Checked {
    let [a, b, c] = [Sample::new(), Sample::new(), Sample::new()];
    for append in [a.opens(), b.opens(), sample::process_up(), c.opens(), b.note(sample::viewed_by("ann"))] {
        store.append(append).await?;
    }
    store.append(a.at(1, [a.approved_by("ann"), sample::started(sample::claim())])).await?;
    store.append(sample::ran_freely()).await?;
    store.append(c.at(1, [sample::withdrawn()])).await?;
    Ok(())
}

pub(super) async fn gapless(store: &Handle, count: u64) -> Result<(), Failure> {
    let places: Vec<_> = all(store).await?.iter().map(|record| record.seq.0).collect();
    same!(places, (1..=count).collect::<Vec<_>>(), "the places of the ledger");
    Ok(())
}
