//! How memory and time grow with the requests that wait, and with the ledger.
//!
//! ```sh
//! cargo bench -p approvals-growth -- pending 100000    # at most so many; 1000 is quick
//! cargo bench -p approvals-growth -- ledger 1000000    # at most so many records
//! ```
//!
//! Each prints a table, with the exponent of the fit in its last line, and draws it to `docs/plots/`. The disk is that of
//! `TMPDIR`; how much of it is needed is printed first, and without it nothing begins. `docs/performance.md` says what
//! was found.

mod agent;
#[path = "../shared/folder.rs"]
mod folder;
mod ledger;
mod pending;
mod plot;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail, ensure};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let bench = std::env::args().any(|word| word == "--bench");
    match words.as_slice() {
        ["point", store, pending] => pending::point(store, pending.parse()?),
        ["bare", pending] => pending::bare(pending.parse()?),
        ["pending", most] if bench => pending::grow(most.parse()?),
        ["ledger", most] if bench => ledger::grow(most.parse()?),
        [] if bench => pending::grow(1_000).and_then(|()| ledger::grow(10_000)),
        _ if !bench => {
            println!("nothing is measured in a test; run `cargo bench`");
            Ok(())
        }
        _ => bail!("say `pending` or `ledger`, and how many at the most"),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Ten, a hundred and so on.
fn decades(first: usize, most: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(Some(first), |number| number.checked_mul(10)).take_while(move |n| *n <= most)
}

/// Says how much disk is needed, and refuses where it is not there.
fn need_disk(bytes: u64) -> Result<()> {
    let disk = rustix::fs::statvfs(std::env::temp_dir())?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    println!("needs {} MiB of disk in TMPDIR, which has {} MiB", bytes >> 20, free >> 20);
    ensure!(bytes < free, "there is not enough of it; point TMPDIR at a larger disk, or ask for less");
    Ok(())
}

/// The exponent of the power law that fits best, by least squares over the logarithms.
fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> =
        points.iter().filter(|(_, y)| *y > 0.0).map(|(x, y)| (x.ln(), y.ln())).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / logs.len() as f64;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let over: f64 = logs.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    over / logs.iter().map(|point| (point.0 - x).powi(2)).sum::<f64>()
}

/// The exponent, or a dash where there was nothing to measure.
fn power(points: &[(f64, f64)]) -> String {
    match exponent(points) {
        exponent if exponent.is_nan() => "-".to_owned(),
        exponent => format!("n^{exponent:.2}"),
    }
}

/// A number of at least three digits.
fn digits(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value => format!("{value:.4}"),
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn plots() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plots")
}
