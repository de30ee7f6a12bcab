//! Spans above and below: the attribute nearest to `fn` is outermost when the function runs.
//!
//! A program of its own, with one test: what a thread without a subscriber does first decides, for all threads, whether
//! a line is told.

#![cfg(test)]

use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex};

use approvals::testing::MockBackend;
use approvals::{ApprovalError, Approvals, requires_approval};
use async_trait::async_trait;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata};

type Res<T> = Result<T, ApprovalError>;

#[tracing::instrument(name = "theirs")]
#[requires_approval(risk = "high")]
async fn traced_above(rows: u8) -> Res<u8> {
    tracing::info!("in the body");
    Ok(rows)
}

#[requires_approval(risk = "high")]
#[tracing::instrument(name = "theirs", err(Debug))]
async fn traced_below(rows: u8) -> Res<u8> {
    tracing::info!("in the body");
    Ok(rows)
}

#[async_trait]
trait Tool {
    async fn above(&self, rows: u8) -> Res<u8>;
    async fn below(&self, rows: u8) -> Res<u8>;
}

struct Tools;

#[async_trait]
impl Tool for Tools {
    #[tracing::instrument(name = "theirs", skip(self))]
    #[requires_approval(risk = "high", action = "traced.above", skip(self) = "a handle")]
    async fn above(&self, rows: u8) -> Res<u8> {
        tracing::info!("in the body");
        Ok(rows)
    }

    #[requires_approval(risk = "high", action = "traced.below", skip(self) = "a handle")]
    #[tracing::instrument(name = "theirs", skip(self))]
    async fn below(&self, rows: u8) -> Res<u8> {
        tracing::info!("in the body");
        Ok(rows)
    }
}

/// Writes down when the span `theirs` begins, and which lines fall into it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    told: Vec<String>,
    theirs: Vec<u64>,
    spans: u64,
    inside: usize,
}

impl Log {
    fn told(&self) -> Vec<String> {
        self.0.lock().unwrap().told.clone()
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut lines = self.0.lock().unwrap();
        lines.spans += 1;
        let id = lines.spans;
        if span.metadata().name() == "theirs" {
            lines.theirs.push(id);
            lines.told.push("their span".to_owned());
        }
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        if ["the call waits for people", "in the body"].contains(&message.0.as_str()) {
            let mut lines = self.0.lock().unwrap();
            let place = if lines.inside > 0 { "inside" } else { "outside" };
            lines.told.push(format!("{place}: {}", message.0));
        }
    }

    fn enter(&self, span: &Id) {
        let mut lines = self.0.lock().unwrap();
        lines.inside += usize::from(lines.theirs.contains(&span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        let mut lines = self.0.lock().unwrap();
        lines.inside -= usize::from(lines.theirs.contains(&span.into_u64()));
    }
}

impl Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

async fn traced(call: impl Future<Output = Res<u8>>) -> Vec<String> {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let approvals = Approvals::test(&MockBackend::new().approve());
    assert_eq!(approvals.scope(call).await.unwrap(), 7);
    approvals.shutdown().await.unwrap();
    log.told()
}

#[tokio::test]
async fn a_span_above_begins_after_the_approval_and_a_span_below_covers_the_wait() {
    let above = ["outside: the call waits for people", "their span", "inside: in the body"];
    let below = ["their span", "inside: the call waits for people", "inside: in the body"];
    assert_eq!(traced(traced_above(7)).await, above);
    assert_eq!(traced(traced_below(7)).await, below);
    assert_eq!(traced(Tools.above(7)).await, above);
    assert_eq!(traced(Tools.below(7)).await, below);
}
