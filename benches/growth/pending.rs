//! With the requests that wait: memory, a wake, all of them expiring at once, and a restart.

use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use approvals::conformance::sample::Sample;
use approvals::id::{Seq, Version};
use approvals::ledger::{Append, Body, Event, Filter, Memory, NewEvent, Store, Stream};
use approvals::request::Requested;
use approvals::state::{Phase, State};
use approvals::{ApprovalError, ErrorKind, Sqlite, SqliteOptions, requires_approval};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::agent::{Ahead, Board, agent};
use super::folder::Folder;
use super::{decades, digits, millis, need_disk, plot, plots, power, runtime};

/// What a pending request takes of the disk at most, in both of its ledgers and with the write-ahead logs.
const DISK: u64 = 12 * 1024;
/// How many calls are begun before it is waited for their cards.
const WAVE: usize = 1_000;
/// How many requests are approved, one after the other, while the rest waits.
const WAKES: usize = 25;

/// What a pending request takes of the memory at most, with a ledger in it.
const MEMORY: u64 = 16 * 1024;

const FIGURES: [&str; 8] = [
    "memory, bytes each",
    "its ledger, bytes each",
    "a bare task, bytes each",
    "wake of one, ms",
    "expiry of all, ms",
    "more while they expire, bytes each",
    "restart, ms",
    "first decision after restart, ms",
];

type Figures = [f64; FIGURES.len()];

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
    need_memory(most as u64 * MEMORY)?;
    for store in ["memory", "sqlite"] {
        let mut rows: Vec<(f64, Figures)> = Vec::new();
        println!(
            "\npending, on {store}\n| pending | {} |\n|{}",
            FIGURES.join(" | "),
            "---|".repeat(1 + FIGURES.len())
        );
        for pending in decades(10, most) {
            let figures = alone(&["point", store, &pending.to_string()])?;
            let figures: Figures = figures.try_into().ok().context("a figure is missing")?;
            println!("| {pending} | {} |", figures.map(digits).join(" | "));
            rows.push((pending as f64, figures));
        }
        let column = |index: usize| -> Vec<(f64, f64)> {
            rows.iter().filter_map(|(x, figures)| Some((*x, *figures.get(index)?))).collect()
        };
        let columns: [_; FIGURES.len()] = std::array::from_fn(column);
        let grows = columns.each_ref().map(|points| power(points));
        println!("| exponent | {} |", grows.join(" | "));
        let lines: Vec<_> = FIGURES.into_iter().zip(columns).collect();
        let title = format!("requests that wait, on {store}");
        std::fs::write(plots().join(format!("pending-{store}.svg")), plot::draw(&title, "pending", &lines))?;
    }
    Ok(())
}

/// The figures that a process of its own prints.
fn alone(words: &[&str]) -> Result<Vec<f64>> {
    let process = Command::new(std::env::current_exe()?).args(words).output()?;
    ensure!(process.status.success(), "{}", String::from_utf8_lossy(&process.stderr));
    let figures = String::from_utf8(process.stdout)?;
    Ok(figures.split_whitespace().map(str::parse).collect::<Result<_, _>>()?)
}

/// One number of pending requests. Prints the figures.
pub(crate) fn point(store: &str, pending: usize) -> Result<()> {
    let folder = Folder::make()?;
    let runtime = runtime()?;
    let figures = runtime.block_on(async {
        let clock = Ahead::new();
        let path = |name| folder.path().join(name);
        let options = || SqliteOptions::new().clock(clock.clone());
        let mut figures = Vec::new();
        match store {
            "memory" => {
                let calls = Memory::with_clock(clock.clone())?;
                figures.extend(
                    waiting(calls.clone(), &clock, pending, Some(&Memory::with_clock(clock.clone())?))
                        .await?,
                );
                let samples = Memory::with_clock(clock.clone())?;
                fill(&samples, pending).await?;
                figures.extend(restarted(async || Ok(samples.clone()), &clock).await?);
            }
            _ => {
                let calls = Sqlite::open_with(path("calls.db"), options()).await?;
                figures.extend(waiting(calls, &clock, pending, None).await?);
                let samples = Sqlite::open_with(path("samples.db"), options()).await?;
                fill(&samples, pending).await?;
                samples.close().await;
                let open = async || Ok(Sqlite::open_with(path("samples.db"), options()).await?);
                figures.extend(restarted(open, &clock).await?);
            }
        }
        anyhow::Ok(figures)
    })?;
    let figures: Vec<String> = figures.iter().map(f64::to_string).collect();
    println!("{}", figures.join(" "));
    // What still waits is dropped with its process, and not call by call.
    drop(folder);
    std::process::exit(0)
}

/// Bytes of a call that waits, of its ledger in memory and of a task that waits for a channel; how long one call takes to
/// wake; how long all take to expire, and the bytes that takes beyond those of waiting.
async fn waiting<S: Store + Clone>(
    store: S,
    clock: &Arc<Ahead>,
    pending: usize,
    copy: Option<&S>,
) -> Result<[f64; 6]> {
    let board = Board::default();
    let approvals = agent(store.clone(), clock.clone(), board.clone()).await?;
    // What is made once is made now, and is no part of what many cost.
    let first = approvals.spawn(asked(0, argument()));
    board.shows(1).await?;
    board.approve_one().await?;
    first.await??;

    // Elsewhere: what the allocator keeps of them would be given to ours, which grow by so much less then.
    let bare = alone(&["bare", &pending.to_string()])?.pop().context("a figure is missing")?;

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

    let before = resident()?;
    if let Some(copy) = copy {
        rewrite(&store, copy).await?;
    }
    let ledger = resident()?.saturating_sub(before);

    // The most since now.
    std::fs::write("/proc/self/clear_refs", "5")?;
    let before = resident()?;
    let begun = Instant::now();
    clock.by(Duration::from_secs(2 * 60 * 60));
    let mut expired = 0;
    for task in tasks {
        expired += usize::from(task.await?.is_err_and(|error| error.kind() == ErrorKind::Expired));
    }
    let expiry = begun.elapsed();
    ensure!(expired == pending, "{expired} of {pending} expired");
    let more = memory("VmHWM")?.saturating_sub(before);
    let each = |bytes| bytes as f64 / (pending + WAKES) as f64;
    approvals.shutdown().await?;
    Ok([each(ours), each(ledger), bare, millis(wake), millis(expiry), each(more)])
}

/// Writes a ledger once more, for what it takes alone.
async fn rewrite<S: Store>(from: &S, to: &S) -> Result<()> {
    let mut seen = Seq::START;
    loop {
        let page = from.records(seen, 512).await?;
        let Some(last) = page.last() else { return Ok(()) };
        seen = last.seq;
        for record in page.into_iter().filter(|record| matches!(record.body.stream, Stream::Request(_))) {
            let (body, payload) =
                (Arc::unwrap_or_clone(record.body), record.payload.map(Arc::unwrap_or_clone));
            let event = match body.event {
                // Not the one that the first ledger has.
                Event::Requested(requested) => Event::Requested(Requested::clone(&requested).into()),
                event => event,
            };
            let event = NewEvent { event, payload, signature: None };
            let expected = (!event.event.is_note()).then(|| Version(body.version.0 - 1));
            let Body { stream, env, node, .. } = body;
            to.append(Append { stream, expected, env, node, events: vec![event] }).await?;
        }
    }
}

/// As many tasks that wait for a channel, with the same argument. Prints the bytes of each.
pub(crate) fn bare(pending: usize) -> Result<()> {
    runtime()?.block_on(async {
        let before = resident()?;
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
        println!("{}", resident()?.saturating_sub(before) as f64 / pending as f64);
        std::process::exit(0)
    })
}

/// Requests of an earlier process that wait.
async fn fill<S: Store + Clone>(store: &S, pending: usize) -> Result<()> {
    let mut left = pending;
    while left > 0 {
        let wave = left.min(WAVE);
        let opens = (0..wave).map(|_| Sample::new().agent("bench").opens());
        all(store, opens.collect()).await?;
        left -= wave;
    }
    Ok(())
}

/// How long the store and the agent take to start, and how long until the first decision is on record.
async fn restarted<S: Store>(open: impl AsyncFnOnce() -> Result<S>, clock: &Arc<Ahead>) -> Result<[f64; 2]> {
    let board = Board::default();
    let begun = Instant::now();
    let approvals = agent(open().await?, clock.clone(), board.clone()).await?;
    let restart = begun.elapsed();
    let filter = Filter::in_phases([Phase::Pending]);
    let page = approvals.store().list(&filter, None, 1).await?;
    let summary = page.summaries.first().context("nothing waits")?;
    board.approve(summary.id, summary.digest).await?;
    let decision = begun.elapsed();
    let state = State::fold(&approvals.store().history(summary.id.into()).await?)?;
    ensure!(state.phase() == Phase::Approved, "the first decision did not count");
    std::mem::forget(approvals);
    Ok([millis(restart), millis(decision)])
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
    memory("VmRSS")
}

fn memory(what: &str) -> Result<usize> {
    kibibytes("/proc/self/status", what)
}

/// Says how much memory is needed, and refuses where it is not there.
fn need_memory(bytes: u64) -> Result<()> {
    let free = kibibytes("/proc/meminfo", "MemAvailable")? as u64;
    println!("needs {} MiB of memory, of which {} MiB are free", bytes >> 20, free >> 20);
    ensure!(bytes < free, "there is not enough of it; ask for less");
    Ok(())
}

/// A line of the system's, in bytes.
fn kibibytes(file: &str, what: &str) -> Result<usize> {
    let lines = std::fs::read_to_string(file).context("memory is read from /proc of Linux")?;
    let line = lines.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.split_whitespace().next()).context("a line is missing")?;
    Ok(kib.parse::<usize>()? * 1024)
}
