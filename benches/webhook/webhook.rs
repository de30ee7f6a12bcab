//! What a verdict through the webhook costs beside a bare HTTP round trip, and what many pending requests cost.
//!
//! ```sh
//! cargo bench -p approvals-webhook-bench [-- --quick]
//! ```
//!
//! Everything is on loopback without TLS; the disk is that of `TMPDIR`. Each time stands beside a bare round trip of the
//! same client to the same kind of server, measured in turn with it. `docs/performance.md` says how to read them.

mod crowd;
mod endpoint;
#[path = "../shared/folder.rs"]
mod folder;
#[path = "../shared/spread.rs"]
mod spread;
mod trips;

use std::time::Instant;

use anyhow::{Context as _, Result};
use approvals::backend::Backend;
use approvals::ledger::Store;
use approvals::webhook::{Webhook, WebhookBuilder};
use approvals::{Agent, ApprovalError, Approvals, People, Person, requires_approval};

/// What the agent signs with.
const OURS: &str = "whsk_AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
/// What the endpoint signs with.
const THEIRS: &str = "whsk_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// Gives the time at which its body starts.
#[requires_approval(risk = "high", action = "bench.export", reason = "exports {rows} rows of {dataset}")]
async fn asked(dataset: &'static str, rows: usize) -> Result<Instant, ApprovalError> {
    Ok(Instant::now())
}

fn main() -> Result<()> {
    let given = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    if given(crowd::ENDPOINT) {
        return runtime()?.block_on(endpoint::alone());
    }
    if !given("--bench") || given("--test") {
        println!("nothing is measured in a test; run `cargo bench`");
        return Ok(());
    }
    let quick = given("--quick");
    runtime()?.block_on(async { tokio::spawn(trips::measure(if quick { 200 } else { 2_000 })).await? })?;
    println!();
    runtime()?.block_on(async { tokio::spawn(crowd::measure(quick)).await? })
}

/// An agent over a ledger, with one backend.
async fn agent(store: impl Store, backend: impl Backend) -> Result<Approvals> {
    let people = [Person::new("olga"), Person::new("ann").known_as("bench", "ann")];
    Approvals::builder()
        .agent(Agent::new("bench").owned_by("olga"))
        .directory(People::new(people)?)
        .store(store)
        .backend(backend)
        .build()
        .await
        .context("the set-up is refused")
}

/// A backend for the endpoint of this bench.
fn webhook(at: &str) -> Result<WebhookBuilder> {
    let theirs: approvals::webhook::signature::SigningKey = THEIRS.parse()?;
    Ok(Webhook::builder(format!("{at}/cards"))
        .provider("bench")
        .sign_with(OURS.parse()?)
        .verify_with(theirs.verifying()))
}
