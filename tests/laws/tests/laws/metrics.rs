//! What a recorder is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use approvals::state::Phase;
use metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder};
use metrics::{SharedString, Unit};

use crate::support::*;

/// Remembers what it is told, by name and labels.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<BTreeMap<String, f64>>>, Arc<Mutex<BTreeMap<String, String>>>);

struct Cell(Told, String);

impl Told {
    fn cell(&self, key: &Key) -> Arc<Cell> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        Arc::new(Cell(self.clone(), format!("{}{{{}}}", key.name(), labels.join(","))))
    }

    fn of(&self, key: &str) -> Option<f64> {
        self.0.lock().unwrap().get(key).copied()
    }

    fn describe(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        assert!(unit.is_some() && !text.is_empty(), "{}", key.as_str());
        self.1.lock().unwrap().insert(key.as_str().to_owned(), text.into_owned());
    }
}

impl Cell {
    fn change(&self, change: impl FnOnce(&mut f64)) {
        change(self.0.0.lock().unwrap().entry(self.1.clone()).or_default());
    }
}

impl CounterFn for Cell {
    fn increment(&self, by: u64) {
        self.change(|value| *value += by as f64);
    }

    fn absolute(&self, to: u64) {
        self.change(|value| *value = to as f64);
    }
}

impl GaugeFn for Cell {
    fn increment(&self, by: f64) {
        self.change(|value| *value += by);
    }

    fn decrement(&self, by: f64) {
        self.change(|value| *value -= by);
    }

    fn set(&self, to: f64) {
        self.change(|value| *value = to);
    }
}

impl HistogramFn for Cell {
    fn record(&self, seconds: f64) {
        self.change(|value| *value += seconds);
    }
}

impl Recorder for Told {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(key, unit, text);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(key, unit, text);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(key, unit, text);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.cell(key))
    }
}

/// A life whose thread tells this recorder.
fn life_told<F: Future>(told: &Told, work: F) -> F::Output {
    metrics::with_local_recorder(told, || life(work))
}

#[test]
fn a_recorder_is_told_what_stands_in_the_ledger_whoever_wrote_it() {
    let bench = Bench::new();
    // A life without metrics leaves a request open.
    let left = life(async {
        let approvals = bench.up().await;
        let _call = keyed(&bench, &approvals);
        let card = bench.card().await;
        settle().await;
        card
    });
    let told = Told::default();
    life_told(&told, async {
        let approvals = bench.builder().metrics().build().await.unwrap();
        settle().await;
        assert_eq!(told.of("approvals_pending{risk=high}"), Some(1.0));
        assert_eq!(told.of("approvals_requests_total{action=bench.pay,risk=high}"), None);
        bench.clock.advance(MINUTE);
        bench.approve(&left).await;
        approvals.scope(pay(bench.runs.clone(), "R-1", 5)).await.unwrap();
        approvals.scope(peek(bench.runs.clone(), "sda")).await.unwrap();
        settle().await;
        assert_eq!(bench.phase(request_of(&left)).await, Phase::Succeeded);
        for (key, value) in [
            ("approvals_pending{risk=high}", 0.0),
            ("approvals_executing{risk=high}", 0.0),
            ("approvals_unknown{risk=high}", 0.0),
            ("approvals_verdicts_total{action=bench.pay,risk=high,verdict=approved}", 1.0),
            ("approvals_time_to_decision_seconds{risk=high,verdict=approved}", 60.0),
            ("approvals_executions_total{action=bench.pay,risk=high,outcome=ok}", 1.0),
            ("approvals_allowed_total{action=bench.peek,risk=low}", 1.0),
        ] {
            assert_eq!(told.of(key), Some(value), "{key}");
        }
        let end = approvals.store().last().await.unwrap();
        assert_eq!(told.of("approvals_ledger_records{}"), Some(end.0 as f64));
        bench.ends(approvals).await;
    });
    let described = told.1.lock().unwrap();
    let named = told.0.lock().unwrap();
    for key in named.keys() {
        let name = key.split('{').next().unwrap();
        assert!(described.contains_key(name), "{name} is not described");
    }
    assert_eq!(described.len(), 14);
}

#[test]
fn a_store_that_fails_for_a_while_makes_no_figure_wrong() {
    let (bench, told) = (Bench::new(), Told::default());
    bench.mock.approve();
    life_told(&told, async {
        let approvals = bench.builder().metrics().build().await.unwrap();
        settle().await;
        let fired = bench.store.fault("records", 6, Does::Fail);
        for disk in ["sda", "sdb", "sdc"] {
            let call = tokio::spawn(approvals.scope(wipe(bench.runs.clone(), disk)));
            drive(&bench.clock, MINUTE / 60, call).await.unwrap();
        }
        for _ in 0..10 {
            settle().await;
            bench.clock.advance(MINUTE / 60);
        }
        settle().await;
        assert!(fired.times() > 0);
        assert_eq!(told.of("approvals_requests_total{action=bench.wipe,risk=high}"), Some(3.0));
        assert_eq!(told.of("approvals_executions_total{action=bench.wipe,risk=high,outcome=ok}"), Some(3.0));
        bench.ends(approvals).await;
    });
}
