//! Law 10: what was asked is frozen, and at the claim policy and directory may only stop.

use approvals::ledger::CancelWhy;
use approvals::policy::SiteRuling;
use approvals::request::Quorum;
use approvals::state::Phase;
use approvals::{Approvals, ErrorKind};

use crate::support::*;

/// An approved request of a keyed call that nobody waits for at the moment.
async fn approved(bench: &Bench, approvals: &Approvals) -> approvals::id::RequestId {
    let card = parked(bench, approvals).await;
    assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
    request_of(&card)
}

async fn again(bench: &Bench, approvals: &Approvals) -> Res<u64> {
    at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 5))).await
}

#[tokio::test]
async fn a_policy_that_refuses_by_now_stops_the_claim() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let request = approved(&bench, &approvals).await;
    bench.policy.says(Says::Refuse);
    refused(
        again(&bench, &approvals).await,
        ErrorKind::Cancelled,
        &["stopped by policy", "frozen until Monday"],
    );
    let state = bench.store.state(request).await;
    assert_eq!(state.cancelled(), Some((CancelWhy::Policy, None)));
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn whoever_is_denied_while_policy_stops_the_claim_hears_of_the_denial() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let card = parked(&bench, &approvals).await;
    assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
    bench.policy.says(Says::Refuse);
    let hold = Hold::new();
    bench.store.fault("cancelled", 1, Does::Hold(hold.clone()));
    let call = keyed(&bench, &approvals);
    hold.reached(1).await;
    assert_eq!(counted(&bench.deny(&card).await), Phase::Denied);
    hold.open();
    refused(call.await.unwrap(), ErrorKind::Denied, &["denied"]);
    assert_eq!((bench.phase(request_of(&card)).await, bench.runs.count()), (Phase::Denied, 0));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_stop_that_a_store_cannot_record_is_not_tried_again_and_the_body_stays_shut() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let request = approved(&bench, &approvals).await;
    bench.policy.says(Says::Refuse);
    let fired = bench.store.fault("cancelled", usize::MAX, Does::Fail);
    refused(again(&bench, &approvals).await, ErrorKind::Store, &["the disk is broken"]);
    assert_eq!((fired.times(), bench.phase(request).await, bench.runs.count()), (1, Phase::Approved, 0));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_stop_that_is_outrun_at_each_of_64_turns_is_given_up_and_the_body_stays_shut() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let request = approved(&bench, &approvals).await;
    bench.policy.says(Says::Refuse);
    let fired = bench.store.fault("cancelled", usize::MAX, Does::Conflict);
    refused(again(&bench, &approvals).await, ErrorKind::Store, &["it has moved"]);
    assert_eq!((fired.times(), bench.phase(request).await, bench.runs.count()), (65, Phase::Approved, 0));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_policy_that_refuses_the_whole_site_by_now_stops_the_claim() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let request = approved(&bench, &approvals).await;
    bench.policy.site(SiteRuling::Refuse);
    refused(again(&bench, &approvals).await, ErrorKind::Cancelled, &["stopped by policy"]);
    assert_eq!(bench.phase(request).await, Phase::Cancelled);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_policy_that_errs_at_the_claim_keeps_the_body_shut_and_the_approval_for_later() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let request = approved(&bench, &approvals).await;
    bench.policy.says(Says::Fail);
    refused(again(&bench, &approvals).await, ErrorKind::Unavailable, &["the rules are gone"]);
    assert_eq!((bench.phase(request).await, bench.runs.count()), (Phase::Approved, 0));
    bench.policy.says(Says::Usual);
    assert_eq!(again(&bench, &approvals).await.unwrap(), 5);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_policy_that_asks_for_more_by_now_does_not_judge_the_approval_anew() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    approved(&bench, &approvals).await;
    bench.policy.asks(Quorum::people_from(3, ["board"]));
    assert_eq!(again(&bench, &approvals).await.unwrap(), 5);
    assert_eq!(bench.mock.cards().len(), 1);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_policy_that_asks_for_less_or_nothing_by_now_opens_nothing() {
    let bench = Bench::new();
    bench.policy.asks(Quorum::people(2));
    let approvals = bench.up().await;
    let call = keyed(&bench, &approvals);
    let card = bench.card().await;
    assert_eq!(counted(&bench.mock.submit("ann", yes(&card)).await.unwrap()), Phase::Pending);
    bench.policy.says(Says::Run);
    bench.policy.site(SiteRuling::Run);
    let other = keyed(&bench, &approvals);
    bench.clock.advance(MINUTE);
    settle().await;
    assert!(!call.is_finished() && !other.is_finished());
    assert_eq!(bench.runs.count(), 0);
    call.abort();
    other.abort();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn an_approver_who_is_gone_by_the_claim_stops_it() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let request = approved(&bench, &approvals).await;
    bench.people.remove("reviewer");
    refused(again(&bench, &approvals).await, ErrorKind::Cancelled, &["those who approved may no longer"]);
    let state = bench.store.state(request).await;
    assert_eq!(state.cancelled(), Some((CancelWhy::Directory, None)));
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn an_approver_who_lost_the_group_by_the_claim_stops_it() {
    let bench = Bench::new();
    bench.policy.asks(Quorum::people_from(1, ["sre"]));
    bench.people.groups("reviewer", &["sre"]);
    let approvals = bench.up().await;
    let request = approved(&bench, &approvals).await;
    bench.people.groups("reviewer", &["sales"]);
    refused(again(&bench, &approvals).await, ErrorKind::Cancelled, &["those who approved may no longer"]);
    assert_eq!((bench.phase(request).await, bench.runs.count()), (Phase::Cancelled, 0));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn an_approver_who_turns_out_to_be_the_owner_by_the_claim_stops_it() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    approved(&bench, &approvals).await;
    // `test-agent` is the agent: whoever is known by its name is the requester.
    bench.people.alias("test-agent", "reviewer");
    refused(again(&bench, &approvals).await, ErrorKind::Cancelled, &["those who approved may no longer"]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_directory_that_errs_at_the_claim_keeps_the_body_shut_and_the_approval_for_later() {
    let bench = Bench::new();
    bench.policy.says(Says::Late);
    let approvals = bench.up().await;
    let call = waiting(&bench, &approvals);
    let unkeyed = request_of(&bench.card().await);
    let hold = Hold::new();
    bench.store.fault("reviewed", 1, Does::Hold(hold.clone()));
    let review = submitting(&bench.mock, "reviewer", yes(&bench.card().await));
    hold.reached(1).await;
    bench.people.fail(true);
    hold.open();
    review.await.unwrap().unwrap();
    let error = call.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("the line is dead"), "{error}");
    assert_eq!(bench.runs.count(), 0);
    settle().await;
    assert_eq!(bench.phase(unkeyed).await, Phase::Cancelled);
    bench.people.fail(false);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_store_of_live_requests_does_not_take_a_verdict_from_a_test() {
    let bench = Bench::new();
    bench.mock.approve();
    let test = bench.up().await;
    test.scope(pay(bench.runs.clone(), "R-1", 5)).await.unwrap();
    let live = approvals::Approvals::builder()
        .agent(approvals::Agent::new("test-agent").owned_by("owner"))
        .store(bench.store.clone())
        .directory(bench.people.clone())
        .backend(approvals::testing::MockBackend::new().approve())
        .build()
        .await
        .unwrap();
    let outcome = at_once(live.scope(pay(bench.runs.clone(), "R-1", 5))).await;
    refused(outcome, ErrorKind::Store, &["tests and live requests do not mix"]);
    assert_eq!(bench.runs.count(), 1);
    live.shutdown().await.unwrap();
    bench.ends(test).await;
}
