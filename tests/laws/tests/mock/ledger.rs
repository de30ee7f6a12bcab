//! What a test says of the ledger.

use approvals::ledger::{Env, IgnoredWhy};
use approvals::testing::{MockBackend, Who, any, yes};
use approvals::{Approvals, Context, Risk, RiskPolicy};

use crate::support::*;

#[tokio::test]
async fn a_sequence_is_that_of_a_request_or_of_everything_of_an_action() {
    let mock = MockBackend::new().approve();
    let approvals = Approvals::test(&mock);
    approvals.scope(refund(1, 5)).await.unwrap();
    approvals.scope(close("Basel")).await.unwrap();
    approvals.shutdown().await.unwrap();
    let ledger = mock.ledger(&approvals).await;
    let once = ["requested", "presented", "reviewed", "started", "finished"];
    ledger.assert_sequence("refund", once);
    ledger.assert_sequence(&mock.cards()[1], once);
    ledger.assert_sequence("shop.close", once);
    assert_eq!(ledger.about("shop.close").last().unwrap().body.event.name(), "updated");
    assert!(ledger.records().iter().all(|record| record.body.env == Env::Test));
    assert_eq!(ledger.about("nothing"), Vec::<&approvals::ledger::Record>::new());
}

#[tokio::test]
async fn calls_that_ran_freely_or_were_refused_are_of_their_action_too() {
    let mock = MockBackend::new();
    let policy = RiskPolicy::ask_from(Risk::Critical).refuse_from(Risk::Critical);
    let approvals = Approvals::test_builder(&mock).policy(policy).build().await.unwrap();
    approvals.scope(refund(1, 5)).await.unwrap();
    at_once(approvals.scope(close("Basel"))).await.unwrap_err();
    let ledger = mock.ledger(&approvals).await;
    ledger.assert_sequence("refund", ["allowed"]);
    ledger.assert_sequence("shop.close", ["refused"]);
}

#[tokio::test]
async fn a_sequence_that_is_another_is_told_side_by_side() {
    let mock = MockBackend::new();
    mock.when(any()).answer([yes(Who::Owner), yes("ann")]);
    let approvals = Approvals::test(&mock);
    approvals.scope(refund(1, 5)).await.unwrap();
    let ledger = mock.ledger(&approvals).await;
    let expected = ["requested", "presented", "reviewed", "expired", "finished"];
    assert_eq!(
        failure(|| ledger.assert_sequence("refund", expected)),
        "\
this happened to `refund` (-: expected and missing, +: recorded and not expected)
    requested
    presented: mock
  - reviewed
  - expired
  + ignored: approve by owner, requester
  + reviewed: approve by ann
  + started
    finished: ok
"
    );
    assert_eq!(
        failure(|| ledger.assert_sequence("refunds", ["requested"])),
        "\
this happened to `refunds` (-: expected and missing, +: recorded and not expected)
  - requested
nothing is on record about it; there is: `mock::support::refund`
"
    );
}

#[tokio::test]
async fn answers_that_did_not_count_are_told_with_their_reasons() {
    let mock = MockBackend::new();
    mock.when(any()).answer([yes(Who::Owner), yes("ann")]);
    let approvals = Approvals::test(&mock);
    approvals.scope(refund(1, 5)).await.unwrap();
    let ledger = mock.ledger(&approvals).await;
    ledger.assert_ignored("refund", [IgnoredWhy::Requester]);
    assert_eq!(
        failure(|| ledger.assert_ignored("refund", [IgnoredWhy::TooLate])),
        "\
this was ignored of `refund` (-: expected and missing, +: recorded and not expected)
  - too_late
  + requester: approve by owner
"
    );
}

#[tokio::test]
async fn a_secret_is_found_wherever_it_stands_and_not_told_again() {
    let mock = MockBackend::new().approve();
    let approvals = Approvals::test(&mock);
    let says = "the password is hunt\"er2";
    approvals.acting(Context::new().says(says), login("kim", "hunt\"er2")).await.unwrap();
    approvals.shutdown().await.unwrap();
    let ledger = mock.ledger(&approvals).await;
    ledger.assert_no_secret("hunter2");
    let told = failure(|| ledger.assert_no_secret("hunt\"er2"));
    assert!(told.contains("(`requested` of ") && told.contains("): in its payload"), "{told}");
    assert!(told.contains("card 1 of `shop.login`: in its agent_says"), "{told}");
    assert!(told.contains("update 1 of `shop.login`: in its agent_says"), "{told}");
    assert!(!told.contains("hunt"), "{told}");
    assert!(failure(|| ledger.assert_no_secret("")).contains("name the secret"));
}

#[tokio::test]
async fn a_secret_argument_stands_nowhere() {
    let mock = MockBackend::new().approve();
    let approvals = Approvals::test(&mock);
    approvals.scope(login("kim", "hunter2")).await.unwrap();
    approvals.shutdown().await.unwrap();
    let ledger = mock.ledger(&approvals).await;
    ledger.assert_no_secret("hunter2");
    failure(|| ledger.assert_no_secret("kim"));
}
