//! Sets a gate up and obeys.

use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use approvals::people::{Agent, People, Person};
use approvals::{Approvals, Sqlite, SqliteOptions};

use crate::backend::{Crowd, PROVIDER, Signs};
use crate::clock::Brisk;
use crate::orders::{Orders, Part};
use crate::probe::{probe, stubborn};
use crate::say::Said;
use crate::trip::{Wire, Words};
use crate::witness::Witness;
use crate::work::Work;

/// Obeys orders, given as JSON.
///
/// # Errors
/// If the orders cannot be read, or there is no runtime. What the store says is said aloud, and is no error here.
pub fn obey(orders: &str) -> anyhow::Result<()> {
    let orders: Orders =
        serde_json::from_str(orders).context("no orders; the tests of this package give them")?;
    let words = Words::listen();
    match orders.part.clone() {
        Part::Probe { synchronous } => probe(&orders.store, &synchronous),
        Part::Stubborn => stubborn(&orders.store),
        Part::Work { from, until, beside } => {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(async {
                let work = match set_up(&orders, words).await {
                    Ok(work) => work,
                    Err(error) => return failed(&error),
                };
                work.calls(from, until, beside).await;
                match work.approvals.shutdown().await {
                    Ok(()) => Said::Down.aloud(),
                    Err(error) => failed(&error.into()),
                }
                work.store.close().await;
            });
            Ok(())
        }
    }
}

fn failed(error: &anyhow::Error) {
    Said::Failed { kind: "Start".to_owned(), message: error.to_string() }.aloud();
}

async fn set_up(orders: &Orders, words: Words) -> anyhow::Result<Work> {
    let clock = Arc::new(Brisk::at(orders.minute));
    let store = Sqlite::open_with(&orders.store, SqliteOptions::new().clock(clock.clone())).await?;
    let wire = Arc::new(Wire::new(orders.trip.clone()));
    let signs = Signs::default();
    let held = orders.holds.then(|| words.clone());
    let witness = Witness {
        inner: store.clone(),
        wire: Arc::clone(&wire),
        words: held.clone(),
        defect: orders.defect,
        withheld: Mutex::default(),
    };
    let reviewer = |name: &str| Person::new(name).known_as(PROVIDER, name);
    let approvals = Approvals::builder()
        .agent(Agent::new("worker").owned_by("dana"))
        .directory(People::new([Person::new("dana"), reviewer("kim"), reviewer("lee")])?)
        .store(witness)
        .backend(Crowd::new(signs.clone()))
        .clock(clock)
        .node(orders.node.as_str())
        .build()
        .await?;
    words.wait(&Said::Up).await;
    Ok(Work {
        approvals,
        store,
        effects: orders.effects.clone(),
        wire,
        signs,
        words: held,
        node: orders.node.clone(),
        minute: orders.minute,
    })
}
