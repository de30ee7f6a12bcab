//! How many instructions the parts of a call take: the same on a busy machine as on one that does nothing else.
//!
//! ```sh
//! cargo bench -p approvals-instructions
//! ```
//!
//! Needs `valgrind`, and says so where it is not there. Each part is run by callgrind so many times and so many more; what
//! the two runs differ by is its own, without what stands around it.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::process::Command;
use std::task::{Context, Poll, Waker};

use anyhow::{Context as _, Result, bail, ensure};
use approvals::capture::{Limits, capture_stable};
use approvals::conformance::sample::{Sample, claim, finished, started, viewed_by};
use approvals::desk::{Review, Reviewer, Way, WayKind, decide};
use approvals::id::Version;
use approvals::ledger::{Append, Memory, Record, Store as _, seal};
use approvals::request::Seed;
use approvals::state::State;
use approvals::time::Timestamp;
use approvals::{Agent, ApprovalError, Approvals, Assurance, People, Person, requires_approval};

/// How often a part is run in the shorter run, and how often more in the longer one.
const FEW: u64 = 50;
const MORE: u64 = 200;

const PARTS: [(&str, &str); 6] = [
    ("free", "a call that runs freely by its site, its record put into the buffer"),
    ("capture", "three arguments captured twice and committed to, and the digest of the request"),
    ("fold", "a history of six records folded"),
    ("decide", "a review judged"),
    ("seal", "a request judged and written down as canonical bytes"),
    ("claim", "an approved request claimed in memory"),
];

#[requires_approval(risk = "low", action = "instructions.count")]
async fn free(rows: u64) -> Result<u64, ApprovalError> {
    Ok(black_box(rows))
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [run, part, times] = arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice()
        && *run == "run"
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        return runtime.block_on(repeat(part, times.parse()?));
    }
    if !std::env::args().any(|word| word == "--bench") {
        println!("nothing is measured in a test; run `cargo bench`");
        return Ok(());
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("instructions: not counted, `valgrind` is not there; install it (`apt install valgrind`)");
        return Ok(());
    }
    println!("{:<84} {:>12}", "", "instructions");
    for (part, what) in PARTS {
        println!("{what:<84} {:>12}", (count(part, FEW + MORE)? - count(part, FEW)?) / MORE);
    }
    Ok(())
}

/// What callgrind counts over a whole run.
fn count(part: &str, times: u64) -> Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(std::env::current_exe()?);
    let run = valgrind.args(["run", part, &times.to_string()]).output()?;
    let told = String::from_utf8_lossy(&run.stderr);
    ensure!(run.status.success(), "{told}");
    let line =
        told.lines().find_map(|line| line.split_once("Collected :")).context("callgrind says nothing")?;
    Ok(line.1.trim().parse()?)
}

async fn repeat(part: &str, times: u64) -> Result<()> {
    match part {
        "free" => free_calls(times).await,
        "capture" => captures(times),
        "fold" => folds(times).await,
        "decide" => decisions(times).await,
        "seal" => seals(times),
        "claim" => claims(times).await,
        _ => bail!("`{part}` is no part"),
    }
}

/// Fewer calls than the buffer of their records has room for: nobody writes meanwhile.
async fn free_calls(times: u64) -> Result<()> {
    let approvals = Approvals::builder()
        .agent(Agent::new("bench").owned_by("olga"))
        .directory(People::new([Person::new("olga"), Person::new("ann")])?)
        .open_to_store()
        .build()
        .await?;
    approvals.install()?;
    for turn in 0..times {
        let polled = pin!(free(turn)).poll(&mut Context::from_waker(Waker::noop()));
        ensure!(matches!(polled, Poll::Ready(Ok(_))), "the call does not run by its site alone");
    }
    Ok(())
}

fn captures(times: u64) -> Result<()> {
    let (seed, limits) = (Seed::from_bytes([7; 32]), Limits::default());
    let (rows, name, parts) = (12_u64, "customers", ["eu-west", "eu-north"]);
    for _ in 0..times {
        let captured = [
            capture_stable(&rows, &limits)?,
            capture_stable(&name, &limits)?,
            capture_stable(&parts, &limits)?,
        ];
        for (field, value) in ["arguments.rows", "arguments.name", "arguments.parts"].iter().zip(&captured) {
            black_box(seed.commit(field, value));
        }
        black_box(Sample::new().digest());
    }
    Ok(())
}

async fn history(events: usize) -> Result<Vec<Record>> {
    let (store, sample) = (Memory::new()?, Sample::new());
    let claim = claim();
    store.append(sample.opens()).await?;
    let rest = [
        sample.note(viewed_by("ann")),
        sample.at(1, [sample.approved_by("ann")]),
        sample.note(viewed_by("ben")),
        sample.at(2, [started(claim)]),
        sample.at(3, [finished(claim)]),
    ];
    for append in rest.into_iter().take(events - 1) {
        store.append(append).await?;
    }
    Ok(store.history(sample.stream()).await?)
}

async fn folds(times: u64) -> Result<()> {
    let history = history(6).await?;
    for _ in 0..times {
        black_box(State::fold(black_box(&history))?);
    }
    Ok(())
}

async fn decisions(times: u64) -> Result<()> {
    let history = history(1).await?;
    let state = State::fold(&history)?;
    let opened = state.opened().context("nothing was opened")?;
    let review = Review::approve(opened.id, opened.digest);
    let reviewer = Reviewer {
        person: Some(Person::new("ann")),
        way: Way {
            id: "terminal".into(),
            provider: "os".into(),
            assurance: Assurance::Local,
            kind: WayKind::Surface,
        },
        provider: "os".into(),
    };
    let now = Timestamp::now();
    for _ in 0..times {
        black_box(decide(black_box(&state), &reviewer, &review, now));
    }
    Ok(())
}

fn seals(times: u64) -> Result<()> {
    let (opens, now) = (Sample::new().opens(), Timestamp::now());
    for _ in 0..times {
        black_box(seal(&[], Append::clone(&opens), now)?);
    }
    Ok(())
}

async fn claims(times: u64) -> Result<()> {
    let store = Memory::new()?;
    // As many stand there in the short run as in the long one.
    let samples: Vec<Sample> = (0..FEW + MORE).map(|_| Sample::new()).collect();
    for sample in &samples {
        store.append(sample.opens()).await?;
        store.append(sample.at(1, [sample.approved_by("ann")])).await?;
    }
    for sample in samples.iter().take(usize::try_from(times)?) {
        let appended = store.append(sample.at(2, [started(claim())])).await?;
        ensure!(appended.version == Version(3), "it was not claimed");
    }
    Ok(())
}
