//! With the requests that wait: memory, a wake, a restart, and all of them expiring at once.

use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use approvals::conformance::sample::Sample;
use approvals::ledger::{Append, Memory, Store};
use approvals::{ApprovalError, Sqlite, SqliteOptions, requires_approval};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::agent::{Ahead, Board, agent};
use super::{Folder, decades, digits, exponent, millis, need_disk, plot, plots, runtime};

/// What a pending request takes of the disk at most, in both of its ledgers and with the write-ahead logs.
const DISK: u64 = 12 * 1024;
/// How many calls are begun before it is waited for their cards.
const WAVE: usize = 1_000;
/// How many requests are approved, one after the other, while the rest waits.
const WAKES: usize = 25;

const FIGURES: [&str; 5] =
    ["memory, bytes each", "a bare task, bytes each", "wake of one, ms", "restart, ms", "expiry of all, ms"];

/// When a body began, the last one.
static BEGAN: LazyLock<watch::Sender<Instant>> = LazyLock::new(|| watch::Sender::new(Instant::now()));

/// The argument is 64 bytes, and lives in the caller's future.
#[requires_approval(risk = "high", action = "growth.export", reason = "exports {rows} rows")]
async fn asked(rows: usize, dataset: String) -> Result<(), ApprovalError> {
    BEGAN.send_replace(Instant::now());
    Ok(())
}

/// Measures each number in a process of its own, whose memory nothing else has touched.
pub(crate) fn grow(most: usize) -> Result<()> {
    need_disk(most as u64 * DISK)?;
    for store in ["memory", "sqlite"] {
        let mut rows: Vec<(f64, [f64; 5])> = Vec::new();
        println!("\npending, on {store}\n| pending | {} |\n|{}", FIGURES.join(" | "), "---|".repeat(6));
        for pending in decades(10, most) {
            let number = pending.to_string();
            let point = Command::new(std::env::current_exe()?).args(["point", store, &number]).output()?;
            ensure!(point.status.success(), "{}", String::from_utf8_lossy(&point.stderr));
            let figures = String::from_utf8(point.stdout)?;
            let figures: Result<Vec<f64>, _> = figures.split_whitespace().map(str::parse).collect();
            let figures: [f64; 5] = figures?.try_into().ok().context("a point has five figures")?;
            println!("| {pending} | {} |", figures.map(digits).join(" | "));
            rows.push((pending as f64, figures));
        }
        let column = |index: usize| -> Vec<(f64, f64)> {
            rows.iter().filter_map(|(x, figures)| Some((*x, *figures.get(index)?))).collect()
        };
        let columns = [0, 1, 2, 3, 4].map(column);
        let grows = columns.each_ref().map(|points| format!("n^{:.2}", exponent(points)));
        println!("| exponent | {} |", grows.join(" | "));
        let lines: Vec<_> = FIGURES.into_iter().zip(columns).collect();
        let title = format!("requests that wait, on {store}");
        std::fs::write(plots().join(format!("pending-{store}.svg")), plot::draw(&title, "pending", &lines))?;
    }
    Ok(())
}

/// One number of pending requests. Prints the figures.
pub(crate) fn point(store: &str, pending: usize) -> Result<()> {
    let folder = Folder::make()?;
    let runtime = runtime()?;
    let figures = runtime.block_on(async {
        let clock = Ahead::new();
        let path = |name| folder.0.join(name);
        let options = || SqliteOptions::new().clock(clock.clone());
        match store {
            "memory" => {
                let (calls, samples) =
                    (Memory::with_clock(clock.clone())?, Memory::with_clock(clock.clone())?);
                measure(calls, samples, &clock, pending).await
            }
            _ => {
                let calls = Sqlite::open_with(path("calls.db"), options()).await?;
                let samples = Sqlite::open_with(path("samples.db"), options()).await?;
                measure(calls, samples, &clock, pending).await
            }
        }
    })?;
    println!("{}", figures.map(|figure| figure.to_string()).join(" "));
    // What still waits is dropped with its process, and not call by call.
    drop(folder);
    std::process::exit(0)
}

async fn measure<S: Store + Clone>(
    calls: S,
    samples: S,
    clock: &Arc<Ahead>,
    pending: usize,
) -> Result<[f64; 5]> {
    let (memory, bare, wake) = waiting(calls, clock, pending).await?;
    let (restart, expiry) = restarted(samples, clock, pending).await?;
    Ok([memory, bare, millis(wake), millis(restart), millis(expiry)])
}

/// Bytes of a call that waits and of a task that waits for a channel, and how long one call takes to wake.
async fn waiting(store: impl Store, clock: &Arc<Ahead>, pending: usize) -> Result<(f64, f64, Duration)> {
    let board = Board::default();
    let approvals = agent(store, clock.clone(), board.clone()).await?;
    // What is made once is made now, and is no part of what many cost.
    let first = approvals.spawn(asked(0, argument()));
    board.shows(1).await?;
    board.approve_one().await?;
    first.await??;

    let before = resident()?;
    let (held, bare) = bare(pending).await;
    let theirs = resident()?.saturating_sub(before);
    drop(bare);
    held.await?;

    let before = resident()?;
    let mut tasks = Vec::with_capacity(pending);
    while tasks.len() < pending + WAKES {
        for _ in 0..WAVE.min(pending + WAKES - tasks.len()) {
            tasks.push(approvals.spawn(asked(tasks.len(), argument())));
        }
        board.shows(1 + tasks.len()).await?;
    }
    settle().await;
    let ours = resident()?.saturating_sub(before);

    let mut wakes = Vec::new();
    let mut began = BEGAN.subscribe();
    while wakes.len() < WAKES {
        let begun = Instant::now();
        board.approve_one().await?;
        began.changed().await?;
        wakes.push(began.borrow_and_update().saturating_duration_since(begun));
    }
    wakes.sort_unstable();
    let wake = wakes.get(WAKES / 2).copied().unwrap_or_default();
    std::mem::forget((tasks, approvals));
    Ok((ours as f64 / (pending + WAKES) as f64, theirs as f64 / pending as f64, wake))
}

/// As many tasks that wait for a channel, with the same argument.
async fn bare(pending: usize) -> (JoinHandle<()>, Vec<oneshot::Sender<()>>) {
    let mut senders = Vec::with_capacity(pending);
    let mut tasks = JoinSet::new();
    for _ in 0..pending {
        let (send, receive) = oneshot::channel::<()>();
        let argument = argument();
        tasks.spawn(async move {
            let _ = receive.await;
            argument.len()
        });
        senders.push(send);
    }
    settle().await;
    (tokio::spawn(async move { while tasks.join_next().await.is_some() {} }), senders)
}

/// How long a start takes over so many requests that wait, and how long it takes until all of them have expired.
async fn restarted<S: Store + Clone>(
    store: S,
    clock: &Arc<Ahead>,
    pending: usize,
) -> Result<(Duration, Duration)> {
    let mut left = pending;
    while left > 0 {
        let wave = left.min(WAVE);
        let opens = (0..wave).map(|_| Sample::new().agent("bench").opens());
        all(&store, opens.collect()).await?;
        left -= wave;
    }
    let begun = Instant::now();
    let approvals = agent(store.clone(), clock.clone(), Board::default()).await?;
    let restart = begun.elapsed();
    // The keeper has heard of all of them.
    settle().await;
    let due = store.last().await?.0 + pending as u64;
    let begun = Instant::now();
    clock.by(Duration::from_secs(2 * 60 * 60));
    let mut last = store.last().await?;
    while last.0 < due {
        store.wait_past(last).await?;
        last = store.last().await?;
    }
    let expiry = begun.elapsed();
    std::mem::forget(approvals);
    Ok((restart, expiry))
}

/// Every append in a task of its own, until the last is answered.
pub(crate) async fn all<S: Store + Clone>(store: &S, appends: Vec<Append>) -> Result<()> {
    let mut tasks = JoinSet::new();
    for append in appends {
        let store = store.clone();
        tasks.spawn(async move { store.append(append).await });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

fn argument() -> String {
    "x".repeat(64)
}

/// Lets what was just woken come to rest.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

fn resident() -> Result<usize> {
    let status =
        std::fs::read_to_string("/proc/self/status").context("memory is read from /proc of Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).context("VmRSS is missing")?;
    Ok(kib.parse::<usize>()? * 1024)
}
