//! Every scripted answer ends as the laws demand.

use approvals::ledger::IgnoredWhy;
use approvals::testing::{MockBackend, Who, action, any, no, yes};
use approvals::{Approvals, Context, ErrorKind, Identity, Risk, RiskPolicy};

use crate::support::*;

#[tokio::test]
async fn people_who_are_named_fill_a_quorum_in_turn() {
    let mock = MockBackend::new();
    mock.when(any()).approve_by(["ann", "bob"]);
    let policy = RiskPolicy::default().people(2, Risk::High);
    let approvals = Approvals::test_builder(&mock).policy(policy).build().await.unwrap();
    approvals.scope(refund(1, 5)).await.unwrap();
    let answers: Vec<_> =
        mock.replied(2).await.into_iter().map(|reply| reply.unwrap().person.unwrap()).collect();
    assert_eq!(answers.iter().map(|person| person.name()).collect::<Vec<_>>(), ["ann", "bob"]);
    let ledger = mock.ledger(&approvals).await;
    ledger
        .assert_sequence("refund", ["requested", "presented", "reviewed", "reviewed", "started", "finished"]);
}

#[tokio::test]
async fn a_no_is_told_with_its_comment() {
    let mock = MockBackend::new();
    mock.when(any()).deny_by("bob", "not on a Friday");
    let refusal = at_once(Approvals::test(&mock).scope(refund(1, 5))).await.unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Denied);
    assert!(
        refusal.to_string().contains("not on a Friday") && refusal.to_string().contains("bob"),
        "{refusal}"
    );
}

#[tokio::test]
async fn an_answer_that_arrives_twice_counts_once() {
    let mock = MockBackend::new();
    mock.when(any()).approve().twice();
    let approvals = Approvals::test(&mock);
    approvals.scope(refund(1, 5)).await.unwrap();
    assert_eq!(reasons(&mock.replied(2).await), [None, Some(IgnoredWhy::AnsweredBefore)]);
    mock.ledger(&approvals).await.assert_ignored("refund", [IgnoredWhy::AnsweredBefore]);
}

#[tokio::test]
async fn an_answer_after_the_verdict_changes_nothing() {
    let mock = MockBackend::new();
    mock.when(any()).answer([yes("ann"), yes("bob").late()]);
    let approvals = Approvals::test(&mock);
    assert_eq!(approvals.scope(refund(1, 5)).await.unwrap(), 5);
    assert_eq!(reasons(&mock.replied(2).await), [None, Some(IgnoredWhy::AlreadyDecided)]);
    mock.ledger(&approvals).await.assert_ignored("refund", [IgnoredWhy::AlreadyDecided]);
}

#[tokio::test]
async fn an_answer_after_the_deadline_comes_too_late() {
    let mock = MockBackend::new();
    mock.when(any()).approve().late();
    let approvals = Approvals::test(&mock);
    let call = approvals.spawn(refund(1, 5));
    mock.presented(1).await;
    mock.advance(HOUR).await;
    assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::Expired);
    assert_eq!(reasons(&mock.replied(1).await), [Some(IgnoredWhy::TooLate)]);
    mock.ledger(&approvals).await.assert_sequence("refund", ["requested", "presented", "expired", "ignored"]);
}

#[tokio::test]
async fn a_forged_identity_never_counts() {
    let mock = MockBackend::new().stranger("eve");
    mock.when(any()).answer([
        yes(Identity::new("slack", "ann")),
        yes(Who::Owner),
        yes(Who::Agent),
        yes(Who::Human),
        yes("eve"),
    ]);
    let approvals = Approvals::test(&mock);
    let call = tokio::spawn(approvals.acting(Context::for_human("kim"), refund(1, 5)));
    let forged = [
        IgnoredWhy::ForeignProvider,
        IgnoredWhy::Requester,
        IgnoredWhy::Requester,
        IgnoredWhy::Requester,
        IgnoredWhy::Unmapped,
    ];
    assert_eq!(reasons(&mock.replied(5).await), forged.map(Some));
    assert!(!call.is_finished());
    mock.ledger(&approvals).await.assert_ignored(&mock.cards()[0], forged);
    call.abort();
}

#[tokio::test]
async fn the_requesters_own_no_calls_the_request_off() {
    let mock = MockBackend::new();
    mock.when(any()).answer([no(Who::Owner)]);
    let refusal = at_once(Approvals::test(&mock).scope(refund(1, 5))).await.unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Cancelled);
}

#[tokio::test]
async fn a_yes_counts_for_what_was_seen_in_full_and_for_nothing_else() {
    let mock = MockBackend::new();
    mock.when(any()).answer([yes("ann").for_another_digest(), yes("bob").who_saw_part(9), yes("cleo")]);
    let approvals = Approvals::test(&mock);
    approvals.scope(refund(1, 5)).await.unwrap();
    let ledger = mock.ledger(&approvals).await;
    ledger.assert_ignored("refund", [IgnoredWhy::OtherDigest, IgnoredWhy::NotEverythingShown]);
}

#[tokio::test]
async fn a_card_that_was_shown_in_part_can_be_denied_and_not_approved() {
    let mock = MockBackend::new();
    mock.when(any()).answer([yes("ann"), no("bob")]).show_part(12);
    let refusal = at_once(Approvals::test(&mock).scope(refund(1, 5))).await.unwrap_err();
    assert!(refusal.is_denied());
    assert_eq!(reasons(&mock.replies()), [Some(IgnoredWhy::NotEverythingShown), None]);
}

#[tokio::test]
async fn answers_may_come_in_another_order_than_their_cards() {
    let mock = MockBackend::new().answer_in_order([2, 0, 1]);
    for (order, person) in [(0_u64, "ann"), (1, "bob"), (2, "cleo")] {
        mock.when(action("refund").arg_eq("order", order)).approve_by([person]);
    }
    let approvals = Approvals::test(&mock);
    let mut calls = Vec::new();
    for order in 0..3 {
        calls.push(approvals.spawn(refund(order, 5)));
        mock.presented(calls.len()).await;
        assert!(mock.replies().is_empty() || order == 2, "the answers wait for the last card");
    }
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap(), 5);
    }
    let people =
        mock.replied(3).await.into_iter().map(|reply| reply.unwrap().person.unwrap().id().to_string());
    assert_eq!(people.collect::<Vec<_>>(), ["cleo", "ann", "bob"]);
    assert!(failure(|| drop(mock.answer_in_order([0, 2]))).contains("[0, 2] is no order of cards"));
}
