//! Tests run beside each other, and calls within each other.

use approvals::Approvals;
use approvals::testing::{MockBackend, action, any};

use crate::support::*;

#[test]
fn mocks_on_many_threads_do_not_meet() {
    let tests: Vec<_> = (0..8_u64)
        .map(|number| {
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async move {
                    let mock = MockBackend::new().strict();
                    mock.when(action("refund").arg_eq("order", number)).approve().expect(20);
                    let approvals = Approvals::test(&mock);
                    for _ in 0..20 {
                        assert_eq!(approvals.scope(refund(number, 5)).await.unwrap(), 5);
                    }
                    mock.verify();
                });
            })
        })
        .collect();
    tests.into_iter().for_each(|test| test.join().unwrap());
}

#[tokio::test]
async fn a_call_within_a_call_goes_to_its_own_rule() {
    let mock = MockBackend::new();
    mock.when(action("shop.settle")).approve_by(["ann"]).expect(1);
    mock.when(action("refund")).deny_by("bob", "not that one").expect(1);
    let refusal = Approvals::test(&mock).scope(settle_order(7)).await.unwrap_err();
    assert!(refusal.is_denied());
    assert!(refusal.action().ends_with("refund"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spawned_calls_each_get_the_answer_to_their_own_card() {
    let mock = MockBackend::new();
    mock.when(any().arg("order", |order: u64| order.is_multiple_of(2))).approve().expect(16);
    mock.when(any()).deny("odd").expect(16);
    let approvals = Approvals::test(&mock);
    let calls: Vec<_> = (0..32_u64).map(|order| (order, approvals.spawn(refund(order, 5)))).collect();
    for (order, call) in calls {
        assert_eq!(call.await.unwrap().is_ok(), order.is_multiple_of(2), "{order}");
    }
    let ledger = mock.ledger(&approvals).await;
    for card in &mock.cards() {
        let names: Vec<_> = ledger.about(card).iter().map(|record| record.body.event.name()).collect();
        assert_eq!(
            names[..3],
            ["requested", "presented", "reviewed"],
            "nobody answers a card that stands nowhere"
        );
    }
}

#[tokio::test]
async fn two_ledgers_behind_one_mock_each_get_their_own_answers() {
    let mock = MockBackend::new().approve();
    let (one, two) = (Approvals::test(&mock), Approvals::test(&mock));
    let (first, second) = tokio::join!(one.scope(refund(1, 5)), two.scope(refund(2, 6)));
    assert_eq!((first.unwrap(), second.unwrap()), (5, 6));
    assert_eq!(reasons(&mock.replies()), [None, None]);
}
