//! How measured times are told. A file that several benches include: they are built with few crates.

use std::time::Duration;

pub(crate) struct Spread {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Spread {
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        Self { p50: at(50), p99: at(99) }
    }

    /// How many times as long it takes as something else, by the medians.
    pub(crate) fn times(&self, other: &Self) -> f64 {
        self.p50.as_secs_f64() / other.p50.as_secs_f64()
    }
}
