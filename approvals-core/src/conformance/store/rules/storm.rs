//! Many writers, random events, legal and illegal: whatever is answered, the ledger stays sound.

use std::sync::Arc;

use super::order::gapless;
use crate::conformance::check::{Boxed, Checked, Failure};
use crate::conformance::sample::{self, Sample};
use crate::conformance::store::bench::{Bench, Handle, all, fold, listed, together};
use crate::id::{ClaimId, Version};
use crate::ledger::{Append, Appended, Event, StoreErrorKind, Summary};
use crate::state::State;

const WRITERS: u64 = 8;
const APPENDS: usize = 30;

/// An append that was answered with `Ok`, and the last of its events.
type Answered = (Append, Appended);

pub(in crate::conformance) async fn a_storm_of_random_events_breaks_nothing(bench: Arc<Bench>) -> Checked {
    let stores = bench.open_two().await?;
    let samples: Arc<[Sample; 3]> =
        Arc::new([Sample::new(), Sample::new().people(2), Sample::new().people(3).rerunnable()]);
    let writers = stores.iter().cycle().zip(0..WRITERS).map(|(store, seed)| -> Boxed<_> {
        Box::pin(write(Arc::clone(store), Arc::clone(&samples), Chances(seed)))
    });
    let mut answered: Vec<Answered> = Vec::new();
    for written in together(writers).await? {
        answered.extend(written?);
    }
    let [store, _] = &stores;
    let events: usize = answered.iter().map(|(append, _)| append.events.len()).sum();
    gapless(store, events as u64).await?;
    everything_answered_is_there(store, &answered).await?;
    for sample in samples.iter() {
        let history = store.history(sample.stream()).await?;
        let state = fold(&history)?;
        same!(listed(store, sample).await?, Summary::of(&state), "the summary after the storm");
        let moved = history.iter().filter(|record| !record.body.event.is_note()).count();
        same!(state.version().0, moved as u64, "the version after the storm");
    }
    Ok(())
}

async fn everything_answered_is_there(store: &Handle, answered: &[Answered]) -> Checked {
    let ledger = all(store).await?;
    for (append, appended) in answered {
        let found = ledger.iter().find(|record| record.seq == appended.seq);
        let found = found.map(|record| (record.body.stream, record.body.version, &record.body.event));
        let written = append.events.last().map(|new| (append.stream, appended.version, &new.event));
        same!(found, written, "the record at the acknowledged place {}", appended.seq);
    }
    Ok(())
}

async fn write(
    store: Handle,
    samples: Arc<[Sample; 3]>,
    mut chances: Chances,
) -> Result<Vec<Answered>, Failure> {
    let mut answered = Vec::new();
    for _ in 0..APPENDS {
        let Some(sample) = samples.get(chances.below(3)) else { continue };
        let state = fold(&store.history(sample.stream()).await?)?;
        let append = any_append(sample, &state, &mut chances);
        match store.append(append.clone()).await {
            Ok(appended) => answered.push((append, appended)),
            Err(error) => {
                let kind = error.kind();
                let known = matches!(kind, StoreErrorKind::Conflict | StoreErrorKind::Illegal(_));
                ensure!(known, "under load an append failed with {kind:?}: {error}");
            }
        }
    }
    Ok(answered)
}

/// Something that could be tried: most of it sensible, some of it stale or illegal.
fn any_append(sample: &Sample, state: &State, chances: &mut Chances) -> Append {
    if state.opened().is_none() || chances.one_in(12) {
        return sample.opens();
    }
    if chances.one_in(4) {
        return sample.note(sample::viewed_by(chances.person()));
    }
    let stale = u64::from(chances.one_in(8));
    let version = Version(state.version().0.saturating_sub(stale));
    let mut events = Vec::new();
    if chances.one_in(2) {
        events.push(sample::viewed_by(chances.person()));
    }
    events.push(any_event(sample, state, chances));
    if chances.one_in(4) {
        events.push(any_event(sample, state, chances));
    }
    sample.at(version.0, events)
}

fn any_event(sample: &Sample, state: &State, chances: &mut Chances) -> Event {
    let held = state.claim().map_or_else(sample::claim, |claim| claim.id);
    let claim = if chances.one_in(8) { sample::claim() } else { held };
    match chances.below(16) {
        0..=7 => sample.approved_by(chances.person()),
        8 => sample.denied_by(chances.person()),
        9..=11 => sample::started(fresh(chances, claim)),
        12 => sample::lost(claim),
        13 => sample::finished(claim),
        14 => Event::Expired {},
        _ => sample.reconciled_by(chances.person()),
    }
}

/// Mostly a new attempt, sometimes the old one again.
fn fresh(chances: &mut Chances, old: ClaimId) -> ClaimId {
    if chances.one_in(4) { old } else { sample::claim() }
}

/// Chance that repeats itself: splitmix64.
struct Chances(u64);

impl Chances {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or(0)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn person(&mut self) -> &'static str {
        // Olga owns the agent, so that her answers are refused.
        ["ann", "ben", "cleo", "dov", "eve", "olga"].get(self.below(6)).copied().unwrap_or("ann")
    }
}
