//! With the ledger: an append, a page of the list, a replay of everything, and the file.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use approvals::Sqlite;
use approvals::conformance::sample::{Sample, claim, finished, started};
use approvals::id::Seq;
use approvals::ledger::{Filter, Store as _, Stream};
use approvals::state::{Phase, State, apply};

use super::folder::Folder;
use super::pending::all;
use super::{decades, digits, millis, need_disk, plot, plots, power, runtime};

/// What a record takes of the disk at most, with indices, in a ledger that is larger than its write-ahead log.
const DISK: u64 = 1024;
/// What the write-ahead log takes at most.
const LOG: u64 = 64 << 20;
/// What opens, is approved, is claimed and ends: the records of a request.
const RECORDS: usize = 4;
const WAVE: usize = 500;

const FIGURES: [&str; 5] =
    ["one append, ms", "a page of 50, ms", "replay of all, ms", "replay, records/s", "files, bytes a record"];

pub(crate) fn grow(most: usize) -> Result<()> {
    need_disk(LOG + most as u64 * DISK)?;
    println!("\nledger, on sqlite\n| records | {} |\n|{}", FIGURES.join(" | "), "---|".repeat(6));
    let rows = runtime()?.block_on(measure(most))?;
    let column = |index: usize| -> Vec<(f64, f64)> {
        rows.iter().filter_map(|(x, figures)| Some((*x, *figures.get(index)?))).collect()
    };
    let columns = [0, 1, 2, 3, 4].map(column);
    println!("| exponent | {} |", columns.each_ref().map(|points| power(points)).join(" | "));
    let lines: Vec<_> = FIGURES.into_iter().zip(columns).collect();
    std::fs::write(plots().join("ledger.svg"), plot::draw("the ledger, on SQLite", "records", &lines))?;
    Ok(())
}

async fn measure(most: usize) -> Result<Vec<(f64, [f64; 5])>> {
    let folder = Folder::make()?;
    let path = folder.path().join("ledger.db");
    let store = Sqlite::open(&path).await?;
    let (mut rows, mut written) = (Vec::new(), 0);
    for records in decades(1_000, most) {
        while written < records {
            let samples: Vec<Sample> = (0..WAVE).map(|_| Sample::new()).collect();
            all(&store, samples.iter().map(Sample::opens).collect()).await?;
            let rest = samples.iter().map(|sample| {
                let claim = claim();
                let yes = sample.approved_by("ann");
                sample.at(1, [yes, started(claim), finished(claim)])
            });
            all(&store, rest.collect()).await?;
            written += WAVE * RECORDS;
        }
        let mut appends = Vec::new();
        let mut lists = Vec::new();
        for _ in 0..100 {
            let append = Sample::new().opens();
            let begun = Instant::now();
            store.append(append).await?;
            appends.push(begun.elapsed());
            let begun = Instant::now();
            store.list(&Filter::in_phases([Phase::Pending]), None, 50).await?;
            lists.push(begun.elapsed());
        }
        let (count, replay) = replayed(&store).await?;
        // With the write-ahead log, which holds all there is at first.
        let files = std::fs::read_dir(folder.path())?.map(|file| Ok(file?.metadata()?.len()));
        let bytes: u64 = files.sum::<std::io::Result<u64>>()?;
        let figures = [
            millis(median(appends)),
            millis(median(lists)),
            millis(replay),
            count as f64 / replay.as_secs_f64(),
            bytes as f64 / count as f64,
        ];
        println!("| {records} | {} |", figures.map(digits).join(" | "));
        rows.push((count as f64, figures));
    }
    store.close().await;
    Ok(rows)
}

/// Reads everything and folds every request: how many records, in how long.
async fn replayed(store: &Sqlite) -> Result<(u64, Duration)> {
    let begun = Instant::now();
    let mut open: HashMap<Stream, State> = HashMap::new();
    let (mut seen, mut count) = (Seq::START, 0);
    loop {
        let page = store.records(seen, 512).await?;
        let Some(last) = page.last() else { return Ok((count, begun.elapsed())) };
        seen = last.seq;
        for record in page {
            count += 1;
            let state = open.remove(&record.body.stream).unwrap_or_default();
            let state = apply(&state, &record.body)?;
            if !state.phase().is_terminal() {
                open.insert(record.body.stream, state);
            }
        }
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
