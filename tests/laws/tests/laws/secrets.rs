//! Law 12: no secret leaves.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use approvals::{Context, ErrorKind, Secret, requires_approval};
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::span;

use crate::support::*;

const CANARY: &str = "canary-5up3r-s3cr3t";
const NESTED: &str = "canary-n3st3d";
const FAILURE: &str = "canary-in-an-error";

#[derive(Serialize)]
struct Login {
    user: String,
    password: Secret<String>,
}

#[derive(Debug)]
struct BodyError(#[expect(dead_code, reason = "what must not leak")] &'static str);

impl From<approvals::ApprovalError> for BodyError {
    fn from(error: approvals::ApprovalError) -> Self {
        panic!("{error}");
    }
}

#[requires_approval(
    risk = "high",
    action = "secrets.log_in",
    reason = "as {login.user}",
    key = "{login.user}"
)]
async fn log_in(#[approval(secret)] token: String, login: Login) -> Result<usize, BodyError> {
    assert_eq!(login.password.expose(), NESTED);
    if token == CANARY { Err(BodyError(FAILURE)) } else { Ok(token.len()) }
}

#[requires_approval(risk = "high", action = "secrets.use", key = "{name}")]
async fn use_token(#[approval(secret)] token: String, name: &str) -> Res<usize> {
    Ok(token.len() + name.len())
}

fn login() -> Login {
    Login { user: "kim".to_owned(), password: Secret::new(NESTED.to_owned()) }
}

/// Collects everything that is traced, as text.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<String>>);

impl Visit for Collector {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0.lock().unwrap(), "{field}={value:?} ");
    }
}

impl tracing::Subscriber for Collector {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        span.record(&mut self.clone());
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// A life with secrets in it, and everything about it that somebody could look at.
async fn looked_at() -> String {
    let mut seen = String::new();
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let error = approvals.scope(log_in(CANARY.to_owned(), login())).await.unwrap_err();
    assert!(format!("{error:?}").contains(FAILURE), "the caller gets the error of the body unchanged");
    let outcome = approvals.scope(use_token(CANARY.to_owned(), "n")).await;
    assert_eq!(outcome.unwrap(), CANARY.len() + 1);
    // The second call has another secret under the same key, and every message about it is looked at.
    let error = at_once(approvals.scope(use_token("another".to_owned(), "n"))).await.unwrap_err();
    let _ = write!(seen, "{error} {error:?} {}", error.message_for_model());
    let _ = write!(seen, "{approvals:?} {:?} {:?}", login().password, bench.mock.replies());
    approvals.shutdown().await.unwrap();
    for card in bench.mock.cards().iter().chain(&bench.mock.updates()) {
        let page = approvals::card::text::render(card, &Default::default()).text;
        let _ = write!(seen, "{card:?} {page}");
    }
    seen.push_str(&bench.store.text().await);
    for record in bench.store.records().await {
        let _ = write!(seen, "{record:?}");
    }
    seen
}

#[test]
fn a_secret_is_in_no_card_record_payload_debug_error_or_log() {
    let traced = Collector::default();
    let seen = tracing::subscriber::with_default(traced.clone(), || {
        // Tests beside this one may be the first to come by a place that traces, and nobody listens to them.
        life(looked_at());
        tracing::callsite::rebuild_interest_cache();
        life(looked_at())
    });
    let traced = traced.0.lock().unwrap().clone();
    assert!(
        traced.contains("secrets.log_in") && traced.contains("claim ended"),
        "nothing was traced:\n{traced}"
    );
    assert!(seen.contains("secrets.log_in") && seen.contains("•••"));
    for (place, text) in [("what is shown or stored", &seen), ("the log", &traced)] {
        for secret in [CANARY, NESTED, FAILURE] {
            assert!(!text.contains(secret), "`{secret}` is in {place}:\n{text}");
        }
    }
}

#[tokio::test]
async fn a_secret_is_bound_all_the_same() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let call = tokio::spawn(approvals.scope(use_token("one".to_owned(), "n")));
    let card = bench.card().await;
    let outcome = at_once(approvals.scope(use_token("two".to_owned(), "n"))).await;
    refused(outcome, ErrorKind::KeyReused, &["other arguments"]);
    bench.approve(&card).await;
    assert_eq!(call.await.unwrap().unwrap(), 4);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn values_and_free_text_stand_in_no_log_and_no_bytes_but_in_the_payload_that_can_be_erased() {
    let traced = Collector::default();
    let _traced = tracing::subscriber::set_default(traced.clone());
    let bench = Bench::new();
    let approvals = bench.up().await;
    let context = Context::new().says("because-of-zebra").label("incident", "zebra-7").session("zebra-s");
    let call = tokio::spawn(approvals.acting(context, wipe(bench.runs.clone(), "zebra-disk")));
    let card = bench.card().await;
    bench.mock.submit("reviewer", no(&card).comment("zebra-comment")).await.unwrap();
    let error = refused(call.await.unwrap(), ErrorKind::Denied, &["zebra-comment"]);
    assert!(!error.message_for_model().contains("zebra"), "a model is told nothing that a person wrote");
    bench.ends(approvals).await;
    for record in bench.store.records().await {
        assert!(!String::from_utf8_lossy(&record.bytes).contains("zebra"), "{record:?}");
    }
    let traced = traced.0.lock().unwrap().clone();
    assert!(traced.contains("answer counted") && !traced.contains("zebra"), "{traced}");
    let all = bench.store.text().await;
    for kept in ["because-of-zebra", "zebra-7", "zebra-s", "zebra-disk", "zebra-comment"] {
        assert!(all.contains(kept), "{kept} is in no payload");
    }
}
