//! Figures of the ledger for a metrics recorder: one follower that folds the records and emits.
//!
//! They are those of the ledger, whichever process wrote it. `docs/metrics.md` says what each one means.

mod count;
mod names;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use metrics::{Label, Unit};

use self::count::{Meter, Reading, Value};
use self::names::{ALL, Kind};
use crate::ledger::{Env, Filter, Follow, Store, StoreError};
use crate::state::Phase;
use crate::time::Clock;

/// How long until a store that fails is asked again.
const AGAIN: Duration = Duration::from_secs(1);
/// How many requests are listed at a time.
const PAGE: usize = 256;

/// Follows the ledger and emits its figures, for ever.
pub(crate) async fn run(store: Arc<dyn Store>, clock: Arc<dyn Clock>, env: Env) {
    describe();
    let mut told = false;
    let (mut meter, mut follow) = loop {
        match begin(&store, env).await {
            Ok(begun) => break begun,
            Err(error) => pause(&mut told, &error, &*clock).await,
        }
    };
    meter.gauges().iter().for_each(emit);
    loop {
        match step(&*store, &mut meter, &mut follow).await {
            Ok(readings) => {
                told = false;
                readings.iter().for_each(emit);
            }
            Err(error) => pause(&mut told, &error, &*clock).await,
        }
    }
}

async fn pause(told: &mut bool, error: &StoreError, clock: &dyn Clock) {
    // Once until it works again: a store that is down must not fill the log as well.
    if !std::mem::replace(told, true) {
        tracing::warn!(%error, "the metrics stand still until the store can be read; do what the error says");
    }
    clock.sleep(AGAIN).await;
}

/// What is open now, and a follower from there on.
async fn begin(store: &Arc<dyn Store>, env: Env) -> Result<(Meter, Follow), StoreError> {
    // The end is taken before the list: what comes between the two is followed, and what it ends is looked up then.
    let end = store.last().await?;
    let mut meter = Meter::new(env);
    let open = Filter::in_phases([Phase::Pending, Phase::Approved, Phase::Executing, Phase::Unknown]);
    let mut after = None;
    loop {
        let page = store.list(&open, after, PAGE).await?;
        for summary in page.summaries {
            let history = store.history(summary.id.into()).await?;
            meter.learn(history.iter().filter(|record| record.seq <= end));
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok((meter, Follow::after(Arc::clone(store), end))),
        }
    }
}

async fn step(store: &dyn Store, meter: &mut Meter, follow: &mut Follow) -> Result<Vec<Reading>, StoreError> {
    let record = follow.next().await?;
    if let Some(request) = meter.misses(&record) {
        // It ended while the meter began. One that cannot be read is not counted, as it cannot be decided.
        if let Ok(history) = store.history(request.into()).await {
            meter.learn(history.iter().filter(|earlier| earlier.seq < record.seq));
        }
    }
    Ok(meter.observe(&record))
}

fn describe() {
    for metric in &ALL {
        let unit = if metric.unit == "seconds" { Unit::Seconds } else { Unit::Count };
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, unit, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, unit, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, unit, metric.help),
        }
    }
}

fn emit(reading: &Reading) {
    let name = reading.metric.name;
    let labels: Vec<Label> =
        reading.labels().map(|(label, value)| Label::new(label, value.to_owned())).collect();
    match reading.value {
        Value::Add(by) => metrics::counter!(name, labels).increment(by),
        Value::Set(to) => metrics::gauge!(name, labels).set(to),
        Value::Took(seconds) => metrics::histogram!(name, labels).record(seconds),
    }
}
