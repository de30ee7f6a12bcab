//! Wrong at the list.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Mutex;

use approvals_core::id::{RequestId, Seq};
use approvals_core::ledger::{
    Append, Appended, Cursor, Filter, Page, Record, Store as _, StoreError, Stream, Summary,
};
use async_trait::async_trait;

use super::{Asked, Flaw, Sound};

/// Every summary with the place of one record of its stream, as the list of the memory has them.
async fn placed<F>(sound: &Sound, by: F) -> Result<Vec<(Seq, Summary)>, StoreError>
where
    F: Fn(&[Record]) -> Option<&Record> + Send,
{
    let mut placed = Vec::new();
    for summary in sound.memory.list(&Filter::default(), None, usize::MAX).await?.summaries {
        let history = sound.memory.history(Stream::Request(summary.id)).await?;
        placed.push((by(&history).map_or(Seq::START, |record| record.seq), summary));
    }
    Ok(placed)
}

/// With the place where its request was opened, newest first.
async fn opened(sound: &Sound) -> Result<Vec<(Seq, Summary)>, StoreError> {
    placed(sound, |history| history.iter().find(|record| record.body.event.name() == "requested")).await
}

/// Newest first, by another record than the one that opened the request.
async fn reordered<F>(sound: &Sound, by: F) -> Result<Vec<(Seq, Summary)>, StoreError>
where
    F: Fn(&[Record]) -> Option<&Record> + Send,
{
    let mut ordered = placed(sound, by).await?;
    ordered.sort_by_key(|(seq, _)| Reverse(*seq));
    Ok(ordered)
}

/// One page of summaries that stand in their order, each with the place that a cursor names it by.
fn page(ordered: Vec<(Seq, Summary)>, Asked { filter, after, limit }: Asked<'_>) -> Page {
    let start = after.map_or(0, |after| {
        ordered.iter().position(|(seq, _)| *seq == after.0).map_or(ordered.len(), |found| found + 1)
    });
    let mut rest: Vec<_> = ordered.into_iter().skip(start).filter(|(_, s)| filter.admits(s)).collect();
    let more = rest.len() > limit;
    rest.truncate(limit);
    let next = rest.last().filter(|_| more).map(|(seq, _)| Cursor(*seq));
    Page { summaries: rest.into_iter().map(|(_, summary)| summary).collect(), next }
}

/// In the order of the table.
#[derive(Default)]
pub(crate) struct ListsOldestFirst;

#[async_trait]
impl Flaw for ListsOldestFirst {
    async fn list(&self, sound: &Sound, asked: Asked<'_>) -> Result<Page, StoreError> {
        let mut ordered = opened(sound).await?;
        ordered.reverse();
        Ok(page(ordered, asked))
    }
}

/// The cursor is how many were shown.
#[derive(Default)]
pub(crate) struct PagesByCount;

#[async_trait]
impl Flaw for PagesByCount {
    async fn list(&self, sound: &Sound, asked: Asked<'_>) -> Result<Page, StoreError> {
        let Asked { filter, after, limit } = asked;
        let shown = after.map_or(0, |Cursor(Seq(shown))| shown);
        let whole = sound.memory.list(filter, None, usize::MAX).await?.summaries;
        let end = shown.saturating_add(limit as u64);
        let next = (end < whole.len() as u64).then_some(Cursor(Seq(end)));
        Ok(Page { summaries: whole.into_iter().skip(shown as usize).take(limit).collect(), next })
    }
}

/// There is always a next page.
#[derive(Default)]
pub(crate) struct NeverEnds;

#[async_trait]
impl Flaw for NeverEnds {
    async fn list(&self, sound: &Sound, asked: Asked<'_>) -> Result<Page, StoreError> {
        let page = sound.list(asked).await?;
        Ok(Page { next: page.next.or(asked.after).or(Some(Cursor(Seq(1)))), ..page })
    }
}

/// By the last change, as inboxes of mail do.
#[derive(Default)]
pub(crate) struct OrdersByTheLastChange;

#[async_trait]
impl Flaw for OrdersByTheLastChange {
    async fn list(&self, sound: &Sound, asked: Asked<'_>) -> Result<Page, StoreError> {
        Ok(page(reordered(sound, <[Record]>::last).await?, asked))
    }
}

/// By the first record of the stream, also when that is a note about nothing.
#[derive(Default)]
pub(crate) struct OrdersByTheFirstRecord;

#[async_trait]
impl Flaw for OrdersByTheFirstRecord {
    async fn list(&self, sound: &Sound, asked: Asked<'_>) -> Result<Page, StoreError> {
        Ok(page(reordered(sound, <[Record]>::first).await?, asked))
    }
}

/// The filter looks at phases alone.
#[derive(Default)]
pub(crate) struct FiltersByPhaseOnly;

#[async_trait]
impl Flaw for FiltersByPhaseOnly {
    async fn list(&self, sound: &Sound, asked: Asked<'_>) -> Result<Page, StoreError> {
        let filter = Filter { agent: None, ..asked.filter.clone() };
        sound.list(Asked { filter: &filter, ..asked }).await
    }
}

/// The summary is brought up to date at every event but one that somebody forgot.
#[derive(Default)]
pub(crate) struct KeepsStaleSummaries(Mutex<BTreeMap<RequestId, Summary>>);

#[async_trait]
impl Flaw for KeepsStaleSummaries {
    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        let (stream, last) = (append.stream, append.events.last().map(|new| new.event.name()));
        let appended = sound.memory.append(append).await?;
        if let Some(id) = stream.request().filter(|_| last != Some("cancelled")) {
            let whole = sound.memory.list(&Filter::default(), None, usize::MAX).await?.summaries;
            let now = whole.into_iter().find(|summary| summary.id == id);
            self.0.lock().unwrap().extend(now.map(|summary| (id, summary)));
        }
        Ok(appended)
    }

    async fn list(&self, sound: &Sound, asked: Asked<'_>) -> Result<Page, StoreError> {
        let mut page = sound.list(asked).await?;
        for summary in &mut page.summaries {
            if let Some(stale) = self.0.lock().unwrap().get(&summary.id) {
                *summary = stale.clone();
            }
        }
        Ok(page)
    }
}

/// A defect that shows itself as a panic.
#[derive(Default)]
pub(crate) struct PanicsOnFilters;

#[async_trait]
impl Flaw for PanicsOnFilters {
    async fn list(&self, sound: &Sound, asked: Asked<'_>) -> Result<Page, StoreError> {
        assert!(asked.filter.agent.is_none(), "filters by agent are not implemented");
        sound.list(asked).await
    }
}
