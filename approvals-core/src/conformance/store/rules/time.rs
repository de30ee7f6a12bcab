//! Time is in the record, and the store puts it there: deadlines hold against slow and wrong clocks elsewhere.

use std::sync::Arc;
use std::time::Duration;

use crate::conformance::check::{Checked, Failure};
use crate::conformance::sample::{self, Sample};
use crate::conformance::store::bench::{Bench, Handle, illegal, listed, state};
use crate::ledger::Event;
use crate::state::{Illegal, Phase};
use crate::time::{Clock as _, Timestamp};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DECIDE: Duration = Duration::from_secs(3600);
const USE: Duration = Duration::from_secs(900);
/// The smallest step of a timestamp.
const MOMENT: Duration = Duration::from_micros(1);

pub(in crate::conformance) async fn records_are_stamped_by_the_clock_of_the_store(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new().people(3);
    let mut expected = vec![bench.clock.now(); 2];
    store.append(sample.opens()).await?;
    store.append(sample.at(1, [sample.approved_by("ann")])).await?;
    for (version, person) in [(2, "ben"), (3, "cleo")] {
        bench.clock.advance(Duration::from_micros(61_000_001));
        expected.push(bench.clock.now());
        store.append(sample.at(version, [sample.approved_by(person)])).await?;
    }
    same!(times(&store, &sample).await?, expected, "the times of the records");
    Ok(())
}

pub(in crate::conformance) async fn time_never_runs_backwards_within_a_request(bench: Arc<Bench>) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new().people(2).clocks(DECIDE, USE);
    let start = bench.clock.now();
    store.append(sample.opens()).await?;
    bench.clock.set(day_before(start));
    store.append(sample.note(sample::viewed_by("ann"))).await?;
    store.append(sample.at(1, [sample.approved_by("ann")])).await?;
    bench.clock.set(start.after(MOMENT));
    store.append(sample.at(2, [sample.approved_by("ben")])).await?;
    let expected = [start, start, start, start.after(MOMENT)];
    same!(times(&store, &sample).await?, expected, "the times after the clock jumped back a day");
    Ok(())
}

pub(in crate::conformance) async fn an_approval_counts_until_the_deadline_and_not_at_it(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    let sample = Sample::new().people(3).clocks(DECIDE, USE);
    let deadline = bench.clock.now().after(DECIDE);
    store.append(sample.opens()).await?;
    bench.clock.advance(DECIDE - MOMENT);
    store.append(sample.at(1, [sample.approved_by("ann")])).await?;
    for late in [MOMENT, DAY] {
        bench.clock.advance(late);
        let approval = sample.at(2, [sample.approved_by("ben")]);
        illegal(&store, approval, Illegal::TooLate { deadline }, "a late approval").await?;
    }
    // A no is never too late.
    store.append(sample.at(2, [sample.denied_by("ben")])).await?;
    Ok(())
}

pub(in crate::conformance) async fn a_claim_counts_until_the_deadline_and_not_at_it(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    for (wait, counts) in [(USE - MOMENT, true), (USE, false), (USE + DAY, false)] {
        let sample = Sample::new().clocks(DECIDE, USE);
        store.append(sample.opens()).await?;
        bench.clock.advance(Duration::from_secs(60));
        let deadline = bench.clock.now().after(USE);
        store.append(sample.at(1, [sample.approved_by("ann")])).await?;
        bench.clock.advance(wait);
        let claim = sample.at(2, [sample::started(sample::claim())]);
        if counts {
            store.append(claim).await?;
        } else {
            illegal(&store, claim, Illegal::TooLate { deadline }, "a late claim").await?;
        }
    }
    Ok(())
}

pub(in crate::conformance) async fn an_expiry_counts_at_the_deadline_and_not_before(
    bench: Arc<Bench>,
) -> Checked {
    let store = bench.open().await?;
    for approved in [false, true] {
        let sample = Sample::new().clocks(DECIDE, USE);
        store.append(sample.opens()).await?;
        let (mut version, mut life) = (1, DECIDE);
        if approved {
            store.append(sample.at(1, [sample.approved_by("ann")])).await?;
            (version, life) = (2, USE);
        }
        let deadline = bench.clock.now().after(life);
        bench.clock.advance(life - MOMENT);
        let expiry = sample.at(version, [Event::Expired {}]);
        illegal(&store, expiry.clone(), Illegal::TooEarly { deadline }, "an early expiry").await?;
        bench.clock.advance(MOMENT);
        store.append(expiry).await?;
        same!(state(&store, &sample).await?.phase(), Phase::Expired, "the phase after the expiry");
        let summary = listed(&store, &sample).await?;
        same!(summary.map(|s| s.phase), Some(Phase::Expired), "the phase in the summary");
    }
    Ok(())
}

pub(super) async fn times(store: &Handle, sample: &Sample) -> Result<Vec<Timestamp>, Failure> {
    let history = store.history(sample.stream()).await?;
    Ok(history.iter().map(|record| record.body.time).collect())
}

pub(super) fn day_before(time: Timestamp) -> Timestamp {
    let day = i64::try_from(DAY.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(time.as_micros().saturating_sub(day))
}
