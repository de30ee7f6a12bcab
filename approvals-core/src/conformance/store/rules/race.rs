//! Several who write at the same time: of those who expect the same version, exactly one wins.

use std::sync::Arc;

use crate::conformance::check::{Checked, Failure};
use crate::conformance::sample::{self, Sample};
use crate::conformance::store::bench::{Bench, Handle, race, state};
use crate::ledger::{Append, StoreErrorKind};
use crate::state::Phase;

/// How often a race is run, each time on a fresh request.
const ROUNDS: usize = 12;
/// How many run it.
const RACERS: usize = 8;

const PEOPLE: [&str; RACERS] = ["ann", "ben", "cleo", "dov", "eve", "finn", "gus", "hana"];

/// Law 9: the append at version 0 is the uniqueness check of a key.
pub(in crate::conformance) async fn one_of_many_first_appends_for_one_request_wins(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    first_appends(&[store]).await
}

pub(in crate::conformance) async fn one_of_many_first_appends_through_two_handles_wins(
    bench: Arc<Bench>,
) -> Checked {
    first_appends(&bench.open_two().await?).await
}

async fn first_appends(stores: &[Handle]) -> Checked {
    for _ in 0..ROUNDS {
        let sample = Sample::new();
        one_wins(stores, vec![sample.opens(); RACERS]).await?;
        one_record_moves(stores, &sample, 1).await?;
    }
    Ok(())
}

/// The lost update: two people answer at once, and one answer vanishes or both are counted on one version.
pub(in crate::conformance) async fn one_of_many_reviews_at_one_version_counts(bench: Arc<Bench>) -> Checked {
    let stores = [bench.open().await?];
    for _ in 0..ROUNDS {
        let sample = Sample::new().people(20);
        store_first(&stores, sample.opens()).await?;
        one_wins(&stores, PEOPLE.map(|person| sample.at(1, [sample.approved_by(person)])).to_vec()).await?;
        one_record_moves(&stores, &sample, 2).await?;
    }
    Ok(())
}

pub(in crate::conformance) async fn one_of_many_claims_wins(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    claims(&[store]).await
}

pub(in crate::conformance) async fn one_of_many_claims_through_two_handles_wins(
    bench: Arc<Bench>,
) -> Checked {
    claims(&bench.open_two().await?).await
}

async fn claims(stores: &[Handle]) -> Checked {
    for _ in 0..ROUNDS {
        let sample = Sample::new();
        store_first(stores, sample.opens()).await?;
        store_first(stores, sample.at(1, [sample.approved_by("ann")])).await?;
        let claims = PEOPLE.map(|_| sample.at(2, [sample::started(sample::claim())]));
        one_wins(stores, claims.to_vec()).await?;
        one_record_moves(stores, &sample, 3).await?;
    }
    Ok(())
}

/// Law 3: whoever is second has to look again, and then sees the other.
pub(in crate::conformance) async fn a_denial_and_a_claim_at_one_version_do_not_both_win(
    bench: Arc<Bench>,
) -> Checked {
    let stores = [bench.open().await?];
    for _ in 0..ROUNDS {
        let sample = Sample::new();
        store_first(&stores, sample.opens()).await?;
        store_first(&stores, sample.at(1, [sample.approved_by("ann")])).await?;
        let denial = sample.at(2, [sample.denied_by("ben")]);
        let claim = sample.at(2, [sample::started(sample::claim())]);
        one_wins(&stores, vec![denial, claim]).await?;
        let phase = state(first(&stores)?, &sample).await?.phase();
        ensure!(matches!(phase, Phase::Denied | Phase::Executing), "the request is {phase}");
    }
    Ok(())
}

async fn one_wins(stores: &[Handle], appends: Vec<Append>) -> Checked {
    let (won, lost): (Vec<_>, Vec<_>) = race(stores, appends).await?.into_iter().partition(Result::is_ok);
    same!(won.len(), 1, "the number of those who won");
    for error in lost.into_iter().filter_map(Result::err) {
        same!(error.kind(), &StoreErrorKind::Conflict, "the error of one who lost");
    }
    Ok(())
}

async fn one_record_moves(stores: &[Handle], sample: &Sample, version: u64) -> Checked {
    for store in stores {
        let history = store.history(sample.stream()).await?;
        same!(history.len() as u64, version, "the number of records after the race");
        same!(state(store, sample).await?.version().0, version, "the version after the race");
    }
    Ok(())
}

async fn store_first(stores: &[Handle], append: Append) -> Checked {
    first(stores)?.append(append).await?;
    Ok(())
}

fn first(stores: &[Handle]) -> Result<&Handle, Failure> {
    stores.first().ok_or_else(|| Failure("no handle to race on".to_owned()))
}
