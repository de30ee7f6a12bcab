//! What a failing test is told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use approvals::testing::{MockBackend, Who, action, any, yes};
use approvals::{Approvals, Context, ErrorKind};

use crate::support::*;

/// Where the rules of a test stand, by their distance from a line of it.
fn at(line: u32) -> String {
    format!("tests/laws/tests/mock/failures.rs:{line}")
}

/// The text without the columns behind the lines, which formatting moves.
fn told(text: &str) -> String {
    let place = |line: &str| match line.strip_prefix("  at ") {
        Some(place) => format!("  at {}", place.rsplit_once(':').unwrap().0),
        None => line.to_owned(),
    };
    text.lines().map(place).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn an_expectation_that_nothing_met_is_told_with_what_came_and_what_nearly_matched() {
    let mock = MockBackend::new();
    let line = line!();
    mock.when(action("refund").arg("cents", |cents: u64| cents > 5_000))
        .deny("too large")
        .expect(1)
        .named("large refunds");
    mock.when(action("refund").on_behalf_of("lee")).approve();
    mock.when(action("refund")).approve();
    let approvals = Approvals::test(&mock);
    approvals.acting(Context::for_human("kim"), refund(7, 1_200)).await.unwrap();
    let call = approvals.spawn(close("Basel"));
    mock.presented(2).await;
    let expected = format!(
        "\
the mock was not called as this test says

rule `large refunds` expects 1 request, and none came
  when action(\"refund\").arg(\"cents\", |u64|): deny by reviewer (\"too large\")
  at {}

what came:
  1. mock::support::refund, risk high, by agent `test-agent` of `owner`, for `kim`
     | order = 7
     | cents = 1200
     answered by rule 3: approve by whoever it takes
     nearly rule `large refunds`: the closure for `cents` says no to 1200
  2. shop.close, risk critical, by agent `test-agent` of `owner`
     | city = \"Basel\"
     nobody answered: no rule is for it
     not rule `large refunds`: the action is `shop.close`, not `refund`
     not rule 2: the action is `shop.close`, not `refund`
     not rule 3: the action is `shop.close`, not `refund`",
        at(line + 1)
    );
    assert_eq!(told(&failure(|| mock.verify())), expected);
    call.abort();
}

#[tokio::test]
async fn an_expectation_that_too_many_met_is_told() {
    let mock = MockBackend::new();
    let line = line!();
    mock.when(any()).approve().expect(..=1);
    mock.when(action("refund")).deny("no").expect(1..);
    let approvals = Approvals::test(&mock);
    for order in [7, 8] {
        approvals.scope(refund(order, 5)).await.unwrap();
    }
    let expected = format!(
        "\
the mock was not called as this test says

rule 1 expects at most 1 request, and 2 came
  when any(): approve by whoever it takes
  at {}

rule 2 expects at least 1 request, and none came
  when action(\"refund\"): deny by reviewer (\"no\")
  at {}

what came:
  1. mock::support::refund, risk high, by agent `test-agent` of `owner`
     | order = 7
     | cents = 5
     answered by rule 1: approve by whoever it takes
     nearly rule 2: it fits, and an earlier rule took the card
  2. mock::support::refund, risk high, by agent `test-agent` of `owner`
     | order = 8
     | cents = 5
     answered by rule 1: approve by whoever it takes
     nearly rule 2: it fits, and an earlier rule took the card",
        at(line + 1),
        at(line + 2)
    );
    assert_eq!(told(&failure(|| mock.verify())), expected);
}

#[tokio::test]
async fn an_argument_of_another_type_fails_the_test_by_name_and_ends_the_call() {
    let mock = MockBackend::new();
    let line = line!();
    mock.when(action("shop.pay").arg("cents", |cents: String| cents.is_empty())).approve().named("free");
    let approvals = Approvals::test(&mock);
    // Keyed, so that core would present it again for an hour.
    let refusal = at_once(approvals.scope(pay("R-1", 5))).await.unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Unavailable);
    let expected = format!(
        "\
the mock was not called as this test says

rule `free` cannot look at `shop.pay`: argument `cents`, 5, cannot be read as `String`
  when action(\"shop.pay\").arg(\"cents\", |String|)
  at {}

what came:
  1. shop.pay, risk medium, by agent `test-agent` of `owner`
     | invoice = \"R-1\"
     | cents = 5
     called off, because the test is wrong about it",
        at(line + 1)
    );
    assert_eq!(told(&failure(|| mock.verify())), expected);
}

#[tokio::test]
async fn whatever_a_matcher_cannot_look_at_fails_the_test_by_name() {
    let loud = |_: u64| -> bool { panic!("in a closure") };
    for (matcher, says) in [
        (
            action("shop.login").arg("pasword", |_: String| true),
            "there is no argument `pasword`; there are `user`, `password`",
        ),
        (
            action("shop.login").arg("password", |_: String| true),
            "argument `password` is not shown to anybody",
        ),
        (any().arg_eq("password", "hunter2"), "argument `password` is not shown to anybody"),
        (any().arg("user", |_: u64| true), "argument `user`, \"kim\", cannot be read as `u64`"),
        (any().that("it is loud", move |_| loud(1)), "the closure for `it is loud` panicked"),
        (
            any().arg("user", |_: String| panic!("in a closure")),
            "argument `user`, \"kim\", made the closure panic",
        ),
    ] {
        let mock = MockBackend::new();
        mock.when(matcher).approve();
        let refusal = at_once(Approvals::test(&mock).scope(login("kim", "hunter2"))).await.unwrap_err();
        assert_eq!(refusal.kind(), ErrorKind::Unavailable);
        let told = failure(|| mock.verify());
        assert!(told.contains("rule 1 cannot look at `shop.login`: ") && told.contains(says), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[tokio::test]
async fn a_strict_mock_fails_the_test_over_a_card_without_a_rule() {
    let mock = MockBackend::new().strict();
    let refusal = at_once(Approvals::test(&mock).scope(refund(1, 5))).await.unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Unavailable);
    let told = failure(|| mock.verify());
    assert!(
        told.contains("no rule is for this card of `mock::support::refund`, and the mock is strict"),
        "{told}"
    );
}

#[tokio::test]
async fn a_script_that_does_not_fit_the_call_fails_the_test_by_name() {
    let mock = MockBackend::new();
    mock.when(any()).answer([yes(Who::Human)]).named("the human");
    at_once(Approvals::test(&mock).scope(refund(1, 5))).await.unwrap_err();
    let told = failure(|| mock.verify());
    assert!(
        told.contains(
            "rule `the human` answers as the human that the agent acts for, and this call names none"
        ),
        "{told}"
    );
}

#[tokio::test]
async fn a_secret_is_in_no_failure_and_hidden_characters_are_visible() {
    let mock = MockBackend::new();
    mock.when(any()).approve().expect(0);
    Approvals::test(&mock).scope(login("kim\u{202e}\n  2. fake", "hunter2")).await.unwrap();
    let told = failure(|| mock.verify());
    assert!(told.contains("password = ••• (secret"), "{told}");
    assert!(
        !told.contains("hunter2") && !told.contains('\u{202e}') && !told.contains("\n  2. fake"),
        "{told}"
    );
}

#[test]
fn the_last_handle_of_a_test_checks_what_was_expected() {
    let mock = MockBackend::new();
    mock.when(any()).approve().expect(1);
    let other = mock.clone();
    drop(mock);
    let expected = "rule 1 expects 1 request, and none came\n";
    let told = failure(|| drop(other));
    assert!(told.contains(expected) && told.ends_with("no card came\n"), "{told}");
}

#[tokio::test]
async fn approvals_that_live_on_do_not_keep_a_test_from_failing() {
    let mock = MockBackend::new();
    mock.when(any()).approve().expect(1);
    let approvals = Approvals::test(&mock);
    let by_hand =
        Approvals::test_builder(&mock).backend_as(mock.clone(), "second", "mock", approvals::Assurance::Chat);
    let by_hand = by_hand.build().await.unwrap();
    tokio::task::yield_now().await;
    assert!(failure(|| drop(mock)).contains("rule 1 expects 1 request"));
    approvals.shutdown().await.unwrap();
    by_hand.shutdown().await.unwrap();
}

#[test]
fn a_test_that_fails_by_itself_fails_once() {
    // A second panic while the first unwinds would abort the process, and this test with it.
    let asked = Arc::new(AtomicUsize::new(0));
    let told = catch_unwind(AssertUnwindSafe(|| {
        let mock = MockBackend::new();
        let counts = Arc::clone(&asked);
        let counted = move |_: &_| counts.fetch_add(1, SeqCst) > 9;
        mock.when(any().that("it was asked often", counted)).approve().expect(1);
        mock.when(any()).approve();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { Approvals::test(&mock).scope(close("Basel")).await }).unwrap();
        panic!("the test's own failure");
    }));
    assert_eq!(asked.load(SeqCst), 1, "no closure is called while the test unwinds");
    assert_eq!(*told.unwrap_err().downcast::<&str>().unwrap(), "the test's own failure");
}

#[test]
fn a_failure_is_told_once() {
    let mock = MockBackend::new();
    mock.when(any()).approve().expect(1);
    failure(|| mock.verify());
    mock.verify();
    assert!(catch_unwind(AssertUnwindSafe(|| drop(mock))).is_ok());
}

#[tokio::test]
async fn a_test_that_is_as_it_says_passes() {
    let mock = MockBackend::new();
    mock.when(any()).approve().expect(2..4);
    let approvals = Approvals::test(&mock);
    approvals.scope(refund(1, 5)).await.unwrap();
    approvals.scope(refund(2, 5)).await.unwrap();
    mock.verify();
}
