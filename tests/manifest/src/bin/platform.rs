//! Says what becomes of its manifest, sets approvals up and calls a gate.

use std::error::Error;
use std::fmt::Debug;

use approvals::{Agent, ApprovalError, Approvals, People, Person, Principal, requires_approval};
use tracing::field::{Field, Visit};
use tracing::span;

#[requires_approval(risk = "low", action = "platform.read")]
async fn read() -> Result<(), ApprovalError> {
    println!("ran");
    Ok(())
}

/// Of the same name, which only a platform with a manifest notices.
#[requires_approval(risk = "low", action = "platform.read")]
#[expect(dead_code, reason = "its name is enough")]
async fn read_too() -> Result<(), ApprovalError> {
    Ok(())
}

/// Prints warnings, and nothing of what else is traced.
struct Warnings;

impl Visit for Warnings {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            println!("warning: {value:?}");
        }
    }
}

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Self);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    match approvals::manifest() {
        Ok(manifest) => println!("manifest: {} actions", manifest.entries().len()),
        Err(error) => println!("manifest: {error}"),
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    tracing::subscriber::with_default(Warnings, || runtime.block_on(run()))
}

async fn run() -> Result<(), Box<dyn Error>> {
    let agent = Agent::new("agent").owned_by(Principal::External("owner".into()));
    let people = People::new([Person::new("dana")])?;
    let approvals = Approvals::builder().agent(agent).directory(people).open_to_store().build().await?;
    approvals.scope(read()).await?;
    approvals.shutdown().await?;
    Ok(())
}
