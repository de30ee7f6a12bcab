//! The list: what people see of the ledger without replaying it.

use std::sync::Arc;

use crate::conformance::check::{Checked, Failure};
use crate::conformance::sample::{self, Sample};
use crate::conformance::store::bench::{Bench, Handle, fold, listed};
use crate::id::RequestId;
use crate::ledger::{Append, Cursor, Event, Filter, Ignored, IgnoredWhat, IgnoredWhy, Summary};
use crate::state::Phase;

pub(in crate::conformance) async fn requests_are_listed_newest_first_a_page_at_a_time(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    same!(pages(&store, &Filter::default(), 3).await?, vec![vec![]], "the pages of an empty ledger");
    let samples = open(&store, 7).await?;
    let newest: Vec<_> = samples.iter().rev().map(Sample::id).collect();
    for limit in [1, 3, 7, 100] {
        let expected: Vec<_> = newest.chunks(limit).map(<[_]>::to_vec).collect();
        same!(pages(&store, &Filter::default(), limit).await?, expected, "the pages of {limit}");
    }
    Ok(())
}

/// A page starts where the last one ended, not so many requests from the top.
pub(in crate::conformance) async fn a_request_that_comes_between_two_pages_shifts_nothing(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let samples = open(&store, 5).await?;
    let first = store.list(&Filter::default(), None, 2).await?;
    open(&store, 3).await?;
    let rest = store.list(&Filter::default(), first.next, 100).await?;
    let found: Vec<_> = first.summaries.iter().chain(&rest.summaries).map(|summary| summary.id).collect();
    let expected: Vec<_> = samples.iter().rev().map(Sample::id).collect();
    same!(found, expected, "the requests of two pages");
    Ok(())
}

/// Or a request would be shown twice or never to whoever turns the pages.
pub(in crate::conformance) async fn an_event_does_not_move_a_request_in_the_list(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let samples = open(&store, 3).await?;
    if let [oldest, middle, _] = samples.as_slice() {
        store.append(oldest.at(1, [oldest.approved_by("ann")])).await?;
        store.append(middle.note(sample::viewed_by("ann"))).await?;
    }
    let expected: Vec<_> = samples.iter().rev().map(Sample::id).collect();
    same!(pages(&store, &Filter::default(), 10).await?, vec![expected], "the list after events");
    Ok(())
}

pub(in crate::conformance) async fn a_filter_admits_by_phase_and_by_agent(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    let samples = ["a", "b", "a", "b", "a", "b"].map(|agent| Sample::new().agent(agent));
    for (i, sample) in samples.iter().enumerate() {
        store.append(sample.opens()).await?;
        match i {
            0 | 1 => drop(store.append(sample.at(1, [sample.denied_by("ann")])).await?),
            2 | 3 => drop(store.append(sample.at(1, [sample.approved_by("ann")])).await?),
            _ => {}
        }
    }
    let picked = |which: &[usize]| -> Vec<RequestId> {
        which.iter().filter_map(|i| samples.get(*i)).map(Sample::id).collect()
    };
    let of = |agent: &str, filter: Filter| Filter { agent: Some(agent.into()), ..filter };
    let decided = || Filter::in_phases([Phase::Denied, Phase::Approved]);
    let cases = [
        (Filter::in_phases([Phase::Pending]), picked(&[5, 4])),
        (decided(), picked(&[3, 2, 1, 0])),
        (Filter::in_phases([Phase::Unknown]), vec![]),
        (of("a", Filter::default()), picked(&[4, 2, 0])),
        (of("b", decided()), picked(&[3, 1])),
        (of("c", Filter::default()), vec![]),
    ];
    for (filter, expected) in cases {
        for limit in [1, 100] {
            let found = pages(&store, &filter, limit).await?.concat();
            same!(found, expected, "what {filter:?} admits, {limit} at a time");
        }
    }
    Ok(())
}

/// Whole lives of requests; after every step the list says what the fold of the history says.
pub(in crate::conformance) async fn a_summary_is_the_fold_of_its_history_after_every_event(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let (first, second, third) = (sample::claim(), sample::claim(), sample::claim());
    let long = Sample::new().people(2).rerunnable();
    live(
        &store,
        &long,
        vec![
            long.approved_by("ann"),
            sample::viewed_by("ben"),
            long.approved_by("ben"),
            sample::started(first),
            sample::lost(first),
            sample::started(second),
            sample::finished(second),
        ],
    )
    .await?;
    let denied = Sample::new();
    live(&store, &denied, vec![denied.approved_by("ann"), denied.denied_by("ann")]).await?;
    let gone = Sample::new();
    live(&store, &gone, vec![sample::withdrawn()]).await?;
    let known = Sample::new();
    let end = known.reconciled_by("ann");
    live(&store, &known, vec![known.approved_by("ann"), sample::started(third), sample::lost(third), end])
        .await
}

async fn live(store: &Handle, sample: &Sample, events: Vec<Event>) -> Checked {
    let mut version = store.append(sample.opens()).await?.version;
    agrees(store, sample, "requested").await?;
    for event in events {
        let name = event.name();
        version = store.append(sample.at(version.0, [event])).await?.version;
        agrees(store, sample, name).await?;
    }
    Ok(())
}

async fn agrees(store: &Handle, sample: &Sample, after: &str) -> Checked {
    let state = fold(&store.history(sample.stream()).await?)?;
    same!(listed(store, sample).await?, Summary::of(&state), "the summary after `{after}`");
    Ok(())
}

/// The desk records reviews of requests that nobody made; that must not put them into anybody's inbox.
pub(in crate::conformance) async fn a_note_about_an_unknown_request_lists_nothing(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let [unknown, later] = [Sample::new(), Sample::new()];
    let (what, why) = (IgnoredWhat::Approve, IgnoredWhy::UnknownRequest);
    let ignored = Event::Ignored(Ignored { what, why, by: None, way: None, identity: None });
    store.append(unknown.note(ignored)).await?;
    same!(pages(&store, &Filter::default(), 10).await?, vec![vec![]], "the list after a note about nothing");
    same!(store.history(unknown.stream()).await?.len(), 1, "the number of records about nothing");
    // It stands where it was opened, not where the first note about it came.
    store.append(later.opens()).await?;
    store.append(Append { expected: Some(crate::id::Version(0)), ..unknown.opens() }).await?;
    let expected = vec![vec![unknown.id(), later.id()]];
    same!(pages(&store, &Filter::default(), 10).await?, expected, "the list once it was opened");
    Ok(())
}

/// Opens so many requests.
async fn open(store: &Handle, count: usize) -> Result<Vec<Sample>, Failure> {
    let samples: Vec<_> = (0..count).map(|_| Sample::new()).collect();
    for sample in &samples {
        store.append(sample.opens()).await?;
    }
    Ok(samples)
}

/// Turns the pages from the newest to the end.
async fn pages(store: &Handle, filter: &Filter, limit: usize) -> Result<Vec<Vec<RequestId>>, Failure> {
    let mut pages = Vec::new();
    let mut cursor: Option<Cursor> = None;
    for _ in 0..100 {
        let page = store.list(filter, cursor, limit).await?;
        ensure!(page.summaries.len() <= limit, "a page of {limit} holds {}", page.summaries.len());
        pages.push(page.summaries.iter().map(|summary| summary.id).collect());
        cursor = page.next;
        if cursor.is_none() {
            return Ok(pages);
        }
    }
    Err(Failure("the pages of the list have no end".to_owned()))
}
