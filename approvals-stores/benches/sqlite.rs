//! What the store costs beside bare SQLite with the same bytes on the same disk.
//!
//! ```sh
//! cargo bench -p approvals-stores --features sqlite --bench sqlite [-- --quick]
//! ```
//!
//! The disk is that of `TMPDIR`. Only the ratios mean anything: each figure stands beside a reference that was measured
//! in turn with it. `docs/performance.md` says how to read them.

mod support;

use std::time::{Duration, Instant};

use approvals_core::conformance::sample::{Sample, claim, process_up, started};
use approvals_core::id::Seq;
use approvals_core::ledger::{Append, Filter, Store as _, StoreError};
use approvals_core::state::Phase;
use approvals_stores::Sqlite;
use support::{BEAT, Bare, Group, Result, busy_since, fresh, heading, nap, print, processor_time, rows};
use tokio::task::JoinSet;

fn main() -> Result<()> {
    let given = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    if !given("--bench") || given("--test") {
        println!("nothing is measured in a test; run `cargo bench`");
        return Ok(());
    }
    let size = if given("--quick") { Size::QUICK } else { Size::FULL };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        heading();
        one_commit(size).await?;
        three_commits(size).await?;
        all_at_once(size, "1,000 appends at once", Sample::new).await?;
        all_at_once(size, "1,000 keyed at once", || Sample::new().keyed()).await?;
        wakes(size).await?;
        opening(size).await?;
        waiting(size).await
    })
}

/// How much is measured.
#[derive(Clone, Copy)]
struct Size {
    rounds: u64,
    crowds: usize,
    wakes: u64,
    pending: usize,
    openings: usize,
    watched: Duration,
}

impl Size {
    const FULL: Self = Self {
        rounds: 2_000,
        crowds: 15,
        wakes: 200,
        pending: 100_000,
        openings: 15,
        watched: Duration::from_secs(10),
    };
    const QUICK: Self = Self {
        rounds: 200,
        crowds: 3,
        wakes: 20,
        pending: 2_000,
        openings: 3,
        watched: Duration::from_secs(5),
    };
}

async fn one_commit(size: Size) -> Result<()> {
    let (folder, store) = fresh().await?;
    let bare = Bare::open(&folder.path().join("bare.db"))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        let sample = Sample::new();
        let append = sample.opens();
        let begun = Instant::now();
        store.append(append).await?;
        ours.push(begun.elapsed());
        let rows = rows(store.history(sample.stream()).await?)?;
        theirs.push(bare.commit_each(&rows)?);
    }
    print("one append", ours, "one bare commit", theirs, "≤ 1.5");
    Ok(())
}

async fn three_commits(size: Size) -> Result<()> {
    let (folder, store) = fresh().await?;
    let bare = Bare::open(&folder.path().join("bare.db"))?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        let sample = Sample::new();
        let trip =
            [sample.opens(), sample.at(1, [sample.approved_by("ann")]), sample.at(2, [started(claim())])];
        let begun = Instant::now();
        for append in trip {
            store.append(append).await?;
        }
        ours.push(begun.elapsed());
        let rows = rows(store.history(sample.stream()).await?)?;
        theirs.push(bare.commit_each(&rows)?);
    }
    print("requested, reviewed, started", ours, "three bare commits", theirs, "≤ 1.5");
    Ok(())
}

async fn all_at_once(size: Size, what: &str, sample: impl Fn() -> Sample) -> Result<()> {
    let (folder, store) = fresh().await?;
    let group = Group::start(Bare::open(&folder.path().join("bare.db"))?)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (mut ours_busy, mut theirs_busy) = (Vec::new(), Vec::new());
    for _ in 0..size.crowds {
        let samples: Vec<_> = (0..1_000).map(|_| sample()).collect();
        let appends: Vec<_> = samples.iter().map(Sample::opens).collect();
        let before = processor_time();
        ours.push(crowd(&store, appends).await?);
        ours_busy.extend(busy_since(before));
        let mut all = Vec::with_capacity(samples.len());
        for sample in &samples {
            all.extend(rows(store.history(sample.stream()).await?)?);
        }
        let before = processor_time();
        theirs.push(group.commit_all(all).await?);
        theirs_busy.extend(busy_since(before));
    }
    print(what, ours, "bare group commit", theirs, "≤ 2.5");
    // On a machine that others use too, a tenfold wait may be a threefold work.
    print("the same, processor's time", ours_busy, "bare group commit", theirs_busy, "");
    Ok(())
}

/// How soon a waiter has returned: on one handle since the append began, beside the append itself; on another handle
/// since the commit was answered.
async fn wakes(size: Size) -> Result<()> {
    let (folder, store) = fresh().await?;
    let other = Sqlite::open(folder.path().join("ours.db")).await?;
    let (mut same, mut answered) = (Vec::new(), Vec::new());
    let (mut across, mut naps) = (Vec::new(), Vec::new());
    for round in 0..size.wakes {
        let wake = wake(&store, &store, Duration::ZERO).await?;
        same.push(wake.woken - wake.begun);
        answered.push(wake.committed - wake.begun);
        // Spread over the beat, or each commit would come right after a look.
        let pause = BEAT + Duration::from_micros(round * 7_919 % 20_000);
        let wake = self::wake(&store, &other, pause).await?;
        across.push(wake.woken.saturating_duration_since(wake.committed));
        naps.push(nap().await);
    }
    print("append to wake, one handle", same, "append to answer", answered, "1 ms later");
    print("commit to wake, two handles", across, "a sleep of 20 ms", naps, "p99 50 ms");
    other.close().await;
    Ok(())
}

/// When an append was handed over, was answered, and had woken who waited for it.
struct Wake {
    begun: Instant,
    committed: Instant,
    woken: Instant,
}

async fn wake(waiting: &Sqlite, writing: &Sqlite, pause: Duration) -> Result<Wake> {
    let seen = waiting.last().await?;
    let wait = async {
        waiting.wait_past(seen).await?;
        Ok(Instant::now())
    };
    let write = async {
        tokio::time::sleep(pause).await;
        let begun = Instant::now();
        writing.append(process_up()).await?;
        Ok::<_, StoreError>((begun, Instant::now()))
    };
    let (woken, (begun, committed)) = tokio::try_join!(wait, write)?;
    Ok(Wake { begun, committed, woken })
}

/// From nothing to the first answer of a person in a ledger that is full of open requests.
async fn opening(size: Size) -> Result<()> {
    let (folder, store) = fresh().await?;
    let samples: Vec<_> = (0..size.pending).map(|_| Sample::new()).collect();
    for part in samples.chunks(1_000) {
        crowd(&store, part.iter().map(Sample::opens).collect()).await?;
    }
    store.close().await;
    let bare = folder.path().join("bare.db");
    drop(Bare::open(&bare)?);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for sample in samples.iter().step_by(size.pending / size.openings).take(size.openings) {
        let begun = Instant::now();
        let store = Sqlite::open(folder.path().join("ours.db")).await?;
        store.list(&Filter::in_phases([Phase::Pending]), None, 50).await?;
        store.history(sample.stream()).await?;
        store.append(sample.at(1, [sample.approved_by("ann")])).await?;
        ours.push(begun.elapsed());
        let rows = rows(store.history(sample.stream()).await?)?;
        store.close().await;
        let begun = Instant::now();
        Bare::open(&bare)?.commit_each(rows.get(1..).unwrap_or_default())?;
        theirs.push(begun.elapsed());
    }
    let what = format!("open, {} pending, decide", size.pending);
    print(&what, ours, "bare open, one commit", theirs, "1 s");
    Ok(())
}

/// The processor's time while one waiter waits and nothing happens.
async fn waiting(size: Size) -> Result<()> {
    let (_folder, store) = fresh().await?;
    let Some(waited) = busy_while(&store, Some(Seq(1_000)), size.watched).await? else {
        println!("processor's time while one waits: not measured, it is read from /proc of Linux");
        return Ok(());
    };
    let idle = busy_while(&store, None, size.watched).await?.unwrap_or_default();
    let share = |busy: Duration| 100.0 * busy.as_secs_f64() / size.watched.as_secs_f64();
    println!(
        "one waiter for {:?}: {:.3} % of a core; nobody waits: {:.3} %; budget 0.5 %",
        size.watched,
        share(waited),
        share(idle)
    );
    Ok(())
}

async fn busy_while(store: &Sqlite, after: Option<Seq>, time: Duration) -> Result<Option<Duration>> {
    let Some(before) = processor_time() else { return Ok(None) };
    match after {
        Some(after) => drop(tokio::time::timeout(time, store.wait_past(after)).await),
        None => tokio::time::sleep(time).await,
    }
    Ok(busy_since(Some(before)))
}

/// Every append in a task of its own, until the last is answered.
async fn crowd(store: &Sqlite, appends: Vec<Append>) -> Result<Duration> {
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for append in appends {
        let store = store.clone();
        tasks.spawn(async move { store.append(append).await });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(begun.elapsed())
}
