//! `#[approval(secret = …)]`: what an expression hides, and binds all the same.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use approvals::{ErrorKind, requires_approval};

use crate::support::*;

const CANARY: &str = "canary-0f-an0ther-crate";

/// Of another crate: neither text nor bytes.
struct Token {
    text: String,
    scope: u8,
}

impl Token {
    fn of(text: &str) -> Self {
        Self { text: text.to_owned(), scope: 7 }
    }
}

#[requires_approval(risk = "high", action = "hidden.use", key = "{name}")]
async fn use_token(name: &str, #[approval(secret = token.text)] token: Token) -> Res<usize> {
    Ok(name.len() + token.text.len() + usize::from(token.scope))
}

#[requires_approval(risk = "high", action = "hidden.count")]
async fn count(#[approval(secret = uses.fetch_add(1, SeqCst).to_be_bytes())] uses: &AtomicU64) -> Res<u64> {
    Ok(uses.load(SeqCst))
}

#[tokio::test]
async fn what_an_expression_hides_is_in_no_card_or_record_and_reaches_the_body() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let outcome = approvals.scope(use_token("n", Token::of(CANARY))).await;
    assert_eq!(outcome.unwrap(), CANARY.len() + 8);
    let card = bench.card().await;
    let page = approvals::card::text::render(&card, &Default::default()).text;
    assert!(page.contains("•••"), "{page}");
    bench.ends(approvals).await;
    for text in [page, format!("{card:?}"), bench.store.text().await] {
        assert!(!text.contains(CANARY), "{text}");
    }
}

#[tokio::test]
async fn what_an_expression_hides_is_bound_by_its_digest() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let call = tokio::spawn(approvals.scope(use_token("n", Token::of("one"))));
    let card = bench.card().await;
    let outcome = at_once(approvals.scope(use_token("n", Token::of("two")))).await;
    refused(outcome, ErrorKind::KeyReused, &["other arguments"]);
    bench.approve(&card).await;
    assert_eq!(call.await.unwrap().unwrap(), 11);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_hidden_expression_that_gives_something_else_each_time_is_told_before_anybody_is_asked() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let outcome = at_once(approvals.scope(async { count(&AtomicU64::new(0)).await })).await;
    refused(outcome, ErrorKind::Unstable, &["`uses`", "`secret = …`"]);
    assert_eq!(bench.mock.cards().len(), 0);
    bench.ends(approvals).await;
}
