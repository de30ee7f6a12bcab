//! From a call to the first line of its body over SQLite, beside bare SQLite with as many commits of the same bytes.
//!
//! ```sh
//! cargo bench -p approvals-stores --features sqlite --bench trips [-- --quick --crowd]
//! ```
//!
//! The disk is that of `TMPDIR`. Only the ratios mean anything: each figure stands beside a reference that was measured
//! in turn with it. `docs/performance.md` says how to read them.

mod support;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use approvals_core::action::Risk;
use approvals_core::async_trait;
use approvals_core::backend::{Backend, BackendError, Capabilities, Presented};
use approvals_core::call::Call;
use approvals_core::card::Card;
use approvals_core::desk::{Desk, Review, Way, WayKind};
use approvals_core::error::ApprovalError;
use approvals_core::handle::Approvals;
use approvals_core::id::{NodeName, Reference, RequestId, Seq};
use approvals_core::ledger::{
    Append, Appended, Cursor, Event, Filter, Known, NodeHold, Page, Record, Store, StoreError, Stream,
};
use approvals_core::people::{Agent, Assurance, Identity, People, Person};
use approvals_core::request::{Digest, StoreKey};
use approvals_core::state::Phase;
use approvals_stores::Sqlite;
use support::{BEAT, Bare, Group, Result, Row, busy_since, fresh, heading, nap, print, processor_time, rows};
use tokio::sync::{Mutex as Turns, mpsc, oneshot};
use tokio::task::JoinSet;

/// How many calls are made at once.
const CROWD: u64 = 1_000;

fn main() -> Result<()> {
    let given = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    if !given("--bench") || given("--test") {
        println!("nothing is measured in a test; run `cargo bench`");
        return Ok(());
    }
    let (trips, crowds) = if given("--quick") { (50, 2) } else { (500, 10) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        tokio::spawn(async move {
            heading();
            if !given("--crowd") {
                decided_here(trips).await?;
                decided_elsewhere(trips).await?;
            }
            all_at_once(crowds).await
        })
        .await?
    })
}

/// Decided in the process that waits: two commits, and a body right after the second.
async fn decided_here(trips: u64) -> Result<()> {
    let (folder, store) = fresh().await?;
    let bare = Bare::open(&folder.path().join("bare.db"))?;
    let store = Watched::over(store);
    let approvals = agent(store.clone(), YesMan::new()).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (mut starts, mut wakes) = (Vec::new(), Vec::new());
    for number in 0..trips {
        let begun = Instant::now();
        let body = call(&approvals, number).await?;
        ours.push(body.saturating_duration_since(begun));
        starts.push(body.saturating_duration_since(store.decided()));
        let commits = commits(&store, newest(&store).await?).await?;
        theirs.push(bare.commit_each(&commits)?);
        wakes.push(wake().await?);
    }
    print("a trip", ours, "two bare commits", theirs, "≤ 1.5");
    print("committed to body, one process", starts, "a oneshot, two tasks", wakes, "p99 1 ms");
    approvals.shutdown().await?;
    Ok(())
}

/// Decided over a handle of its own, as another process would: what is timed begins with its answer on the disk.
async fn decided_elsewhere(trips: u64) -> Result<()> {
    let (folder, store) = fresh().await?;
    let theirs = Watched::over(Sqlite::open(folder.path().join("ours.db")).await?);
    let approvals = agent(store.clone(), YesMan::silent()).await?;
    let desk = Desk::new(Arc::new(theirs.clone()), Arc::new(people()?), way(), "elsewhere");
    let (mut starts, mut naps) = (Vec::new(), Vec::new());
    for number in 0..trips {
        let decide = async {
            let summary = loop {
                let seen = store.last().await?;
                let page = store.list(&Filter::in_phases([Phase::Pending]), None, 1).await?;
                match page.summaries.into_iter().next() {
                    Some(summary) => break summary,
                    None => store.wait_past(seen).await?,
                }
            };
            // Spread over the beat, or each answer would come right after a look.
            tokio::time::sleep(BEAT + Duration::from_micros(number * 7_919 % 20_000)).await;
            desk.submit(&ann(), Review::approve(summary.id, summary.digest)).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        };
        let waited = async { Ok(call(&approvals, number).await?) };
        let (body, ()) = tokio::try_join!(waited, decide)?;
        starts.push(body.saturating_duration_since(theirs.decided()));
        naps.push(nap().await);
    }
    print("committed to body, two handles", starts, "a sleep of 20 ms", naps, "p99 50 ms");
    approvals.shutdown().await?;
    Ok(())
}

/// Until the last body has begun; whoever answers does not wait for one answer before the next.
async fn all_at_once(crowds: u64) -> Result<()> {
    let (folder, store) = fresh().await?;
    let group = Group::start(Bare::open(&folder.path().join("bare.db"))?)?;
    let approvals = agent(store.clone(), YesMan::new()).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (mut ours_busy, mut theirs_busy) = (Vec::new(), Vec::new());
    for crowd in 0..crowds {
        let (before, begun) = (processor_time(), Instant::now());
        let mut calls = JoinSet::new();
        for number in 0..CROWD {
            let approvals = approvals.clone();
            calls.spawn(async move { call(&approvals, crowd * CROWD + number).await });
        }
        let mut last = begun;
        while let Some(body) = calls.join_next().await {
            last = last.max(body??);
        }
        ours.push(last - begun);
        ours_busy.extend(busy_since(before));
        let (mut asked, mut decided) = (Vec::new(), Vec::new());
        for request in newest_of(&store, usize::try_from(CROWD)?).await? {
            let [first, second] = commits(&store, request).await?;
            asked.push(first);
            decided.push(second);
        }
        let before = processor_time();
        theirs.push(group.commit_all(asked).await? + group.commit_all(decided).await?);
        theirs_busy.extend(busy_since(before));
    }
    print("1,000 trips at once", ours, "bare group commit, twice", theirs, "≤ 2.5");
    print("the same, processor's time", ours_busy, "bare group commit, twice", theirs_busy, "");
    approvals.shutdown().await?;
    Ok(())
}

/// The time at which the body starts.
async fn call(approvals: &Approvals, rows: u64) -> std::result::Result<Instant, ApprovalError> {
    let call = Call::new("bench.export").risk(Risk::High).arg("rows", &rows);
    approvals.gate(call).run(|| async { Ok(Instant::now()) }).await
}

async fn newest(store: &dyn Store) -> Result<RequestId> {
    newest_of(store, 1).await?.pop().ok_or_else(|| "no request is on record".into())
}

async fn newest_of(store: &dyn Store, most: usize) -> Result<Vec<RequestId>> {
    let (mut found, mut after) = (Vec::new(), None);
    while found.len() < most {
        let page = store.list(&Filter::default(), after.take(), most - found.len()).await?;
        found.extend(page.summaries.iter().map(|summary| summary.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(found)
}

/// What a trip commits before its body: the request, and verdict and claim together.
async fn commits(store: &dyn Store, request: RequestId) -> Result<[Row; 2]> {
    let mut history = store.history(request.into()).await?;
    history.retain(|record| {
        matches!(record.body.event, Event::Requested(_) | Event::Reviewed(_) | Event::Started { .. })
    });
    let mut rows = rows(history)?.into_iter();
    let (Some(asked), Some(mut decided)) = (rows.next(), rows.next()) else {
        return Err("a trip has left too little".into());
    };
    decided.bytes.extend(rows.flat_map(|row| row.bytes));
    Ok([asked, decided])
}

async fn wake() -> Result<Duration> {
    let (send, receive) = oneshot::channel();
    let task = tokio::spawn(async move {
        let _ = send.send(Instant::now());
    });
    let sent = receive.await?;
    let woken = Instant::now();
    task.await?;
    Ok(woken.saturating_duration_since(sent))
}

async fn agent(store: impl Store, yes_man: YesMan) -> Result<Approvals> {
    let agent = Agent::new("bench").owned_by("olga");
    let builder = Approvals::builder().agent(agent).directory(people()?).store(store).backend(yes_man);
    Ok(builder.build().await?)
}

fn people() -> Result<People> {
    Ok(People::new([Person::new("olga"), Person::new("ann").known_as("bench", "ann")])?)
}

fn ann() -> Identity {
    Identity::new("bench", "ann")
}

fn way() -> Way {
    Way {
        id: "elsewhere".into(),
        provider: "bench".into(),
        assurance: Assurance::Sso,
        kind: WayKind::Backend,
    }
}

/// A backend whose one person says yes to every card, or leaves the answer to somebody else.
struct YesMan {
    shown: Option<mpsc::UnboundedSender<Review>>,
    answers: Turns<mpsc::UnboundedReceiver<Review>>,
}

impl YesMan {
    fn new() -> Self {
        let (shown, answers) = mpsc::unbounded_channel();
        Self { shown: Some(shown), answers: Turns::new(answers) }
    }

    fn silent() -> Self {
        Self { shown: None, ..Self::new() }
    }
}

#[async_trait]
impl Backend for YesMan {
    fn name(&self) -> &str {
        "bench"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { provider: "bench".into(), assurance: Assurance::Sso, cards_outlive_process: false }
    }

    async fn present(&self, card: &Card) -> std::result::Result<Presented, BackendError> {
        if let (Ok(request), Some(digest)) = (card.request.parse(), Digest::from_hex(&card.digest))
            && let Some(shown) = &self.shown
        {
            let _ = shown.send(Review::approve(request, digest));
        }
        Ok(Presented { reference: Reference::new("card"), shown: card.shown() })
    }

    async fn listen(&self, desk: Desk) -> std::result::Result<(), BackendError> {
        while let Some(review) = self.answers.lock().await.recv().await {
            let desk = desk.clone();
            tokio::spawn(async move {
                if let Err(error) = desk.submit(&ann(), review).await {
                    eprintln!("not counted: {error}");
                }
            });
        }
        Ok(())
    }
}

/// A store that remembers when an answer was on the disk.
#[derive(Clone)]
struct Watched {
    store: Sqlite,
    decided: Arc<Mutex<Instant>>,
}

impl Watched {
    fn over(store: Sqlite) -> Self {
        Self { store, decided: Arc::new(Mutex::new(Instant::now())) }
    }

    fn decided(&self) -> Instant {
        *self.decided.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Answer<T> = std::result::Result<T, StoreError>;

#[deny(clippy::missing_trait_methods, reason = "a default would be timed in its place")]
#[async_trait]
impl Store for Watched {
    async fn append(&self, append: Append) -> Answer<Appended> {
        let decides = append.events.iter().any(|new| matches!(new.event, Event::Reviewed(_)));
        let appended = self.store.append(append).await?;
        if decides {
            *self.decided.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
        Ok(appended)
    }

    async fn append_along(&self, append: Append) -> Answer<Appended> {
        self.store.append_along(append).await
    }

    async fn history(&self, stream: Stream) -> Answer<Vec<Record>> {
        self.store.history(stream).await
    }

    async fn history_past(&self, stream: Stream, known: &Known) -> Answer<Option<Vec<Record>>> {
        self.store.history_past(stream, known).await
    }

    async fn list(&self, filter: &Filter, after: Option<Cursor>, limit: usize) -> Answer<Page> {
        self.store.list(filter, after, limit).await
    }

    async fn records(&self, after: Seq, limit: usize) -> Answer<Vec<Record>> {
        self.store.records(after, limit).await
    }

    async fn last(&self) -> Answer<Seq> {
        self.store.last().await
    }

    async fn wait_past(&self, after: Seq) -> Answer<()> {
        self.store.wait_past(after).await
    }

    async fn hold_node(&self, node: &NodeName) -> Answer<Option<NodeHold>> {
        self.store.hold_node(node).await
    }

    fn key(&self) -> &StoreKey {
        self.store.key()
    }
}
