//! From a verdict at the endpoint to the first line of the body.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use approvals::id::Seq;
use approvals::ledger::{Event, Memory, Store};
use approvals::transport::{Reqwest, Transport as _};
use approvals::webhook::Webhook;
use approvals::{Approvals, Sqlite};
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use http::Request;
use tokio::sync::watch;

use super::endpoint::{Endpoint, Sealed, serve};
use super::folder::Folder;
use super::spread::Spread;
use super::{agent, asked, webhook};

pub(crate) async fn measure(trips: usize) -> Result<()> {
    println!(
        "{:<26} {:>10} {:>10}   {:<26} {:>10} {:>10} {:>7}",
        "", "p50", "p99", "beside", "p50", "p99", "p50 ×"
    );
    called_back("called back, in memory", Memory::new()?, trips).await?;
    let folder = Folder::make()?;
    called_back("called back, on SQLite", Sqlite::open(folder.path().join("trips.db")).await?, trips / 4)
        .await?;
    asked_for(trips).await
}

/// The endpoint posts a decision to the agent.
async fn called_back(what: &str, store: impl Store + Clone, trips: usize) -> Result<()> {
    let endpoint = Endpoint::new()?;
    let webhook = webhook(&serve(endpoint.router()).await?)?.build()?;
    let at = serve(webhook.router().merge(Router::new().route("/bare", post(bare)))).await?;
    let (approvals, mut ledger) = (agent(store.clone(), webhook).await?, Follower::of(store));
    let client = Reqwest::new()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for turn in 0..trips {
        let call = call(&approvals, turn);
        ledger.presented(turn).await?;
        let sealed = endpoint.seal(&endpoint.card(turn).context("no card came")?)?;
        let decision = delivery(&format!("{at}/"), &sealed)?;
        let begun = Instant::now();
        let answer = client.send(decision).await?;
        ensure!(answer.status() == 200, "the decision was answered with {}", answer.status());
        ours.push(call.await??.saturating_duration_since(begun));

        let decision = delivery(&format!("{at}/bare"), &sealed)?;
        let begun = Instant::now();
        ensure!(client.send(decision).await?.body().len() == COUNTED.len(), "another answer");
        theirs.push(begun.elapsed());
    }
    print(what, ours, "a bare POST and its answer", theirs);
    Ok(approvals.shutdown().await?)
}

/// The agent has a question there, which is answered.
async fn asked_for(trips: usize) -> Result<()> {
    let (endpoint, release) = (Endpoint::new()?, watch::Sender::new((0, 0)));
    let bare = Router::new().route("/held", post(held)).with_state(release.clone());
    let at = serve(endpoint.router().merge(bare)).await?;
    let webhook: Webhook = webhook(&at)?.ask_at(format!("{at}/asks")).build()?;
    let store = Memory::new()?;
    let (approvals, mut ledger) = (agent(store.clone(), webhook).await?, Follower::of(store));
    let client = Reqwest::new()?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for turn in 0..trips {
        let call = call(&approvals, turn);
        ledger.presented(turn).await?;
        // Not the one that the question before made way for.
        endpoint.until(|counts| counts.held == 1 && counts.newest == counts.cards).await?;
        let begun = Instant::now();
        endpoint.counts.send_modify(|counts| counts.decided += 1);
        ours.push(call.await??.saturating_duration_since(begun));

        let sender = client.clone();
        let question = Request::post(format!("{at}/held")).body(Bytes::new())?;
        let question =
            tokio::spawn(async move { sender.send(question).await.map(|answer| (answer, Instant::now())) });
        release.subscribe().wait_for(|(waiting, _)| *waiting > turn).await?;
        let begun = Instant::now();
        release.send_modify(|(_, released)| *released += 1);
        let (answer, arrived) = question.await??;
        ensure!(answer.body().len() == HELD, "another answer");
        theirs.push(arrived.saturating_duration_since(begun));
    }
    print("asked for, in memory", ours, "a bare answer that waited", theirs);
    Ok(approvals.shutdown().await?)
}

/// What the agent says to a decision that counts.
const COUNTED: &str = r#"{"code":"counted","person":"ann","state":"approved"}"#;

async fn bare(body: Bytes) -> &'static str {
    drop(body);
    COUNTED
}

/// About the bytes of an answer with one decision.
const HELD: usize = 760;

async fn held(State(release): State<watch::Sender<(usize, usize)>>) -> Vec<u8> {
    let mut turn = 0;
    release.send_modify(|(waiting, _)| {
        turn = *waiting;
        *waiting += 1;
    });
    // The sender lives in the state of this handler.
    let _ = release.subscribe().wait_for(|(_, released)| *released > turn).await;
    vec![b' '; HELD]
}

type Call = tokio::task::JoinHandle<Result<Instant, approvals::ApprovalError>>;

fn call(approvals: &Approvals, turn: usize) -> Call {
    let approvals = approvals.clone();
    tokio::spawn(async move { approvals.scope(asked("customers", turn)).await })
}

/// How far the ledger was read, and how many cards are on record up to there.
struct Follower<S> {
    store: S,
    seen: Seq,
    presented: usize,
}

impl<S: Store> Follower<S> {
    fn of(store: S) -> Self {
        Self { store, seen: Seq::START, presented: 0 }
    }

    /// Returns once the card of this turn is on record: what is timed begins with the verdict.
    async fn presented(&mut self, turn: usize) -> Result<()> {
        while self.presented <= turn {
            self.store.wait_past(self.seen).await?;
            for record in self.store.records(self.seen, 64).await? {
                self.seen = record.seq;
                self.presented += usize::from(matches!(record.body.event, Event::Presented { .. }));
            }
        }
        Ok(())
    }
}

fn delivery(url: &str, sealed: &Sealed) -> Result<Request<Bytes>> {
    Ok(Request::post(url)
        .header("content-type", "application/json")
        .header("webhook-id", &sealed.id)
        .header("webhook-timestamp", sealed.timestamp)
        .header("webhook-signature", &sealed.signature)
        .body(Bytes::from(sealed.body.clone()))?)
}

fn print(what: &str, ours: Vec<Duration>, beside: &str, theirs: Vec<Duration>) {
    let (ours, theirs) = (Spread::of(ours), Spread::of(theirs));
    let times = ours.times(&theirs);
    println!(
        "{what:<26} {:>10} {:>10}   {beside:<26} {:>10} {:>10} {times:>7.1}",
        micros(ours.p50),
        micros(ours.p99),
        micros(theirs.p50),
        micros(theirs.p99)
    );
}

fn micros(time: Duration) -> String {
    format!("{:.0} µs", time.as_secs_f64() * 1e6)
}
