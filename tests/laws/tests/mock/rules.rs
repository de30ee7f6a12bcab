//! Which rule a card goes to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use approvals::backend::BackendError;
use approvals::ledger::PresentFailure;
use approvals::testing::{Matcher, MockBackend, action, any};
use approvals::{Approvals, Context, ErrorKind, Principal, Risk};

use crate::support::*;

#[tokio::test]
async fn the_first_rule_that_is_for_a_card_takes_it() {
    let mock = MockBackend::new();
    mock.when(action("refund").arg("cents", |cents: u64| cents > 5_000)).deny("too large").expect(1);
    mock.when(action("refund")).approve().expect(1);
    mock.when(any()).deny("anything else").expect(1);
    let approvals = Approvals::test(&mock);
    assert!(at_once(approvals.scope(refund(1, 9_000))).await.unwrap_err().to_string().contains("too large"));
    assert_eq!(approvals.scope(refund(2, 1_200)).await.unwrap(), 1_200);
    assert!(
        at_once(approvals.scope(close("Basel"))).await.unwrap_err().to_string().contains("anything else")
    );
}

/// Whether a matcher is for a call of `close("Basel")` at risk critical, for kim in session run-42.
async fn fits(matcher: Matcher) -> bool {
    let mock = MockBackend::new();
    mock.when(matcher).approve();
    mock.when(any()).deny("other");
    let approvals = Approvals::test(&mock);
    let context = Context::for_human("kim").session("run-42");
    match approvals.acting(context, close("Basel")).await {
        Ok(_) => true,
        Err(refusal) if refusal.is_denied() => false,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_matcher_is_for_what_all_its_conditions_say() {
    for (fitting, other) in [
        (any(), action("shop.pay")),
        (action("shop.close"), action("close")),
        (any().risk(Risk::Critical), any().risk(Risk::High)),
        (any().risk_at_least(Risk::Low), action("shop.close").risk(Risk::Medium)),
        (any().agent("test-agent"), any().agent("other-agent")),
        (any().owner("owner"), any().owner("kim")),
        (any().on_behalf_of("kim"), any().on_behalf_of(Principal::External("kim".to_owned()))),
        (any().session("run-42"), any().session("run-43")),
        (any().label("city", "Basel"), any().label("city", "Bern")),
        (any().arg_eq("city", "Basel"), any().arg_eq("city", "Bern")),
        (
            any().arg("city", |city: String| city.starts_with('B')),
            any().arg("city", |city: String| city == "b"),
        ),
        (any().that("it has one argument", |card| card.arguments.len() == 1), any().that("no", |_| false)),
        (action("shop.close").agent("test-agent").arg_eq("city", "Basel"), any().arg_eq("street", "Basel")),
    ] {
        let (yes, no) = (format!("{fitting:?}"), format!("{other:?}"));
        assert!(fits(fitting).await, "{yes}");
        assert!(!fits(other).await, "{no}");
    }
}

#[tokio::test]
async fn a_number_beyond_those_of_json_is_read_as_the_number_that_it_is() {
    let mock = MockBackend::new().strict();
    mock.when(action("refund").arg("cents", |cents: u64| cents == u64::MAX).arg_eq("order", u64::MAX))
        .approve();
    let approvals = Approvals::test(&mock);
    assert_eq!(approvals.scope(refund(u64::MAX, u64::MAX)).await.unwrap(), u64::MAX);
}

#[tokio::test]
async fn closures_meet_only_the_cards_that_everything_else_is_true_of() {
    let mock = MockBackend::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&asked);
    // The argument of another action has another type, and that is no fault of this rule.
    mock.when(action("refund").arg("order", |order: u64| order == 7).arg("cents", move |_: u64| {
        counts.fetch_add(1, SeqCst);
        true
    }))
    .approve();
    mock.when(action("shop.close").arg("city", |_: String| true).on_behalf_of("kim")).deny("not kim's");
    mock.when(any()).approve();
    let approvals = Approvals::test(&mock);
    approvals.scope(close("Basel")).await.unwrap();
    assert_eq!(asked.load(SeqCst), 0);
    approvals.scope(refund(7, 5)).await.unwrap();
    assert_eq!(asked.load(SeqCst), 1);
}

#[tokio::test]
async fn a_rule_for_its_first_cards_leaves_the_later_ones_to_the_next() {
    let mock = MockBackend::new();
    let first = mock.when(action("refund")).deny("once more, please").only(1).expect(1);
    mock.when(action("refund")).approve().expect(2..);
    let approvals = Approvals::test(&mock);
    assert!(at_once(approvals.scope(refund(1, 5))).await.unwrap_err().is_denied());
    approvals.scope(refund(1, 5)).await.unwrap();
    approvals.scope(refund(1, 5)).await.unwrap();
    assert_eq!(first.requests(), 1);
}

#[tokio::test]
async fn a_request_that_is_presented_again_counts_once() {
    let mock = MockBackend::new();
    let no_route = BackendError::temporary(PresentFailure::Unreachable, "no route");
    let failing = mock.when(action("refund")).fail(no_route).only(3).expect(1);
    mock.when(action("refund")).approve().expect(1);
    let approvals = Approvals::test(&mock);
    let call = approvals.spawn(refund(1, 5));
    while !call.is_finished() {
        mock.advance(MINUTE).await;
    }
    assert_eq!(call.await.unwrap().unwrap(), 5);
    assert_eq!((failing.requests(), mock.cards().len()), (1, 1));
}

#[tokio::test]
async fn nobody_answers_a_card_that_no_rule_is_for() {
    let mock = MockBackend::new();
    mock.when(action("shop.pay")).approve().expect(0);
    let approvals = Approvals::test(&mock);
    let call = approvals.spawn(refund(1, 5));
    mock.presented(1).await;
    mock.advance(HOUR - MINUTE).await;
    assert!(!call.is_finished() && mock.replies().is_empty());
    mock.advance(MINUTE).await;
    assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::Expired);
}

#[tokio::test]
async fn what_the_mock_does_by_default_is_for_cards_without_a_rule() {
    let mock = MockBackend::new().approve();
    mock.when(action("refund")).deny("no refunds");
    let approvals = Approvals::test(&mock);
    assert!(at_once(approvals.scope(refund(1, 5))).await.unwrap_err().is_denied());
    approvals.scope(close("Basel")).await.unwrap();
    mock.deny("closed");
    assert!(at_once(approvals.scope(close("Basel"))).await.unwrap_err().is_denied());
}
