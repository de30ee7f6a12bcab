//! What code asks for by `reviewers`, `from_any` and `from_each`: policy may only add to it.

use approvals::__private::{Argument, Gate, Text, Turn, show};
use approvals::ledger::{Event, IgnoredWhy};
use approvals::policy::SiteRuling;
use approvals::request::Quorum;
use approvals::state::Phase;
use approvals::{ActionSite, Approvals, ErrorKind, Risk, RiskPolicy, requires_approval};
use tokio::task::JoinHandle;

use crate::support::*;

#[requires_approval(risk = "high", action = "reviewers.two", reviewers = 2)]
async fn two(#[approval(skip = "counts the runs")] runs: Runs) -> Res<()> {
    runs.enter().await;
    Ok(())
}

#[requires_approval(risk = "high", action = "reviewers.sre", from_any("sre"))]
async fn by_sre(#[approval(skip = "counts the runs")] runs: Runs) -> Res<()> {
    runs.enter().await;
    Ok(())
}

#[requires_approval(risk = "high", action = "reviewers.each", from_each("sre", "legal"), reviewers = 3)]
async fn by_each(#[approval(skip = "counts the runs")] runs: Runs) -> Res<()> {
    runs.enter().await;
    Ok(())
}

#[requires_approval(risk = "low", action = "reviewers.low", reviewers = 1)]
async fn low(#[approval(skip = "counts the runs")] runs: Runs) -> Res<()> {
    runs.enter().await;
    Ok(())
}

fn spawn(approvals: &Approvals, call: impl Future<Output = Res<()>> + Send + 'static) -> JoinHandle<Res<()>> {
    tokio::spawn(approvals.scope(call))
}

#[tokio::test]
async fn a_policy_that_says_run_still_asks_whom_the_code_asks_for() {
    for site in [None, Some(SiteRuling::Run)] {
        let bench = Bench::new();
        bench.policy.says(Says::Run);
        if let Some(site) = site {
            bench.policy.site(site);
        }
        let approvals = bench.up().await;
        let call = spawn(&approvals, two(bench.runs.clone()));
        let card = bench.card().await;
        assert_eq!(card.who_may_decide, ["2 people"]);
        assert_eq!(counted(&bench.mock.submit("ann", yes(&card)).await.unwrap()), Phase::Pending);
        assert_eq!(bench.runs.count(), 0);
        assert_eq!(counted(&bench.mock.submit("ben", yes(&card)).await.unwrap()), Phase::Approved);
        call.await.unwrap().unwrap();
        assert_eq!(bench.runs.count(), 1);
        bench.ends(approvals).await;
    }
}

#[tokio::test]
async fn low_risk_with_reviewers_never_takes_the_fast_path() {
    let bench = Bench::new();
    let approvals = bench.builder().policy(RiskPolicy::ask_from(Risk::Critical)).build().await.unwrap();
    let call = spawn(&approvals, low(bench.runs.clone()));
    let card = bench.card().await;
    assert_eq!(bench.runs.count(), 0);
    bench.approve(&card).await;
    call.await.unwrap().unwrap();
    let free = bench.store.records().await;
    assert!(!free.iter().any(|record| matches!(record.body.event, Event::Allowed(_))), "{free:#?}");
    bench.ends(approvals).await;
}

#[tokio::test]
async fn the_same_person_fills_a_place_of_policy_and_one_of_the_code() {
    let bench = Bench::new();
    bench.policy.asks(Quorum::people(2));
    bench.people.groups("ann", &["sre"]);
    let approvals = bench.up().await;
    let call = spawn(&approvals, by_sre(bench.runs.clone()));
    let card = bench.card().await;
    assert_eq!(card.who_may_decide, ["2 people", "1 person from sre"], "the card says both");
    assert_eq!(counted(&bench.mock.submit("ben", yes(&card)).await.unwrap()), Phase::Pending);
    assert_eq!(counted(&bench.mock.submit("ann", yes(&card)).await.unwrap()), Phase::Approved);
    call.await.unwrap().unwrap();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn people_enough_for_policy_are_not_enough_without_the_group_of_the_code() {
    let bench = Bench::new();
    bench.policy.asks(Quorum::people(2));
    bench.people.groups("ann", &["sre"]);
    let approvals = bench.up().await;
    let call = spawn(&approvals, by_sre(bench.runs.clone()));
    let card = bench.card().await;
    for person in ["ben", "cas", "dan"] {
        assert_eq!(counted(&bench.mock.submit(person, yes(&card)).await.unwrap()), Phase::Pending);
    }
    assert_eq!(bench.runs.count(), 0);
    bench.mock.submit("ann", yes(&card)).await.unwrap();
    call.await.unwrap().unwrap();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_policy_that_asks_for_fewer_lowers_nothing() {
    let bench = Bench::new();
    let policy = RiskPolicy::ask_from(Risk::Low).people(1, Risk::Low);
    let approvals = bench.builder().policy(policy).build().await.unwrap();
    let call = spawn(&approvals, two(bench.runs.clone()));
    let card = bench.card().await;
    assert_eq!(card.who_may_decide, ["2 people"], "the one is among the two");
    assert_eq!(counted(&bench.mock.submit("ann", yes(&card)).await.unwrap()), Phase::Pending);
    assert_eq!(ignored(&bench.mock.submit("ann", yes(&card)).await.unwrap()), IgnoredWhy::AnsweredBefore);
    bench.mock.submit("ben", yes(&card)).await.unwrap();
    call.await.unwrap().unwrap();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn each_group_sends_a_person_of_its_own_and_the_rest_may_come_from_anywhere() {
    let bench = Bench::new();
    bench.people.groups("ann", &["sre", "legal"]);
    bench.people.groups("lea", &["legal"]);
    let approvals = bench.up().await;
    let call = spawn(&approvals, by_each(bench.runs.clone()));
    let card = bench.card().await;
    assert_eq!(card.who_may_decide, ["1 person from sre and 1 person from legal and 1 person"]);
    for person in ["ann", "ben", "cas"] {
        assert_eq!(counted(&bench.mock.submit(person, yes(&card)).await.unwrap()), Phase::Pending);
    }
    assert_eq!(counted(&bench.mock.submit("lea", yes(&card)).await.unwrap()), Phase::Approved);
    call.await.unwrap().unwrap();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_single_operator_stands_in_for_one_person_and_not_for_two() {
    let bench = Bench::new();
    bench.people.only(&["owner"]);
    let approvals = bench.builder().single_operator().build().await.unwrap();
    let outcome = at_once(approvals.scope(two(bench.runs.clone()))).await;
    refused(outcome, ErrorKind::Unavailable, &["it takes 2 people", "a single operator decides neither"]);
    let outcome = at_once(approvals.scope(by_sre(bench.runs.clone()))).await;
    refused(outcome, ErrorKind::Unavailable, &["1 person from sre", "so add people"]);
    let call = spawn(&approvals, low(bench.runs.clone()));
    let card = bench.card().await;
    assert!(card.requester.single_operator, "one is what a single operator is");
    bench.mock.submit("owner", yes(&card)).await.unwrap();
    call.await.unwrap().unwrap();
    assert_eq!(bench.runs.count(), 1);
    bench.ends(approvals).await;
}

#[requires_approval(risk = "high", action = "reviewers.released", key = "{invoice}")]
async fn released(invoice: &str) -> Res<()> {
    let _ = invoice;
    Ok(())
}

/// The same action in the next release, which asks for more people. By hand, since two actions of one name cannot be
/// linked into one program.
async fn released_next(invoice: &str) -> Res<()> {
    static SITE: ActionSite = ActionSite::new("reviewers.released", file!(), line!())
        .risk(Risk::High)
        .keyed("{invoice}")
        .arguments(&[Argument::shown("invoice")])
        .reviewers(2);
    let mut gate = Gate::at(&SITE);
    loop {
        match gate.turn(&|| Risk::High, &[&show(&invoice)], &[Text::key(&|f| f.write_str(invoice))]) {
            Turn::Wait(step) => step.await,
            Turn::Stop(refusal) => return Err(refusal),
            _ => panic!("it ran under the approval of the release before"),
        }
    }
}

#[tokio::test]
async fn a_key_whose_code_asks_for_more_people_since_is_another_call() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let call = spawn(&approvals, released("R-1"));
    let card = bench.card().await;
    refused(at_once(approvals.scope(released_next("R-1"))).await, ErrorKind::KeyReused, &["name in the key"]);
    bench.approve(&card).await;
    call.await.unwrap().unwrap();
    refused(at_once(approvals.scope(released_next("R-1"))).await, ErrorKind::KeyReused, &[]);
    bench.ends(approvals).await;
}

#[requires_approval(risk = "high", action = "reviewers.keyed", key = "{invoice}", from_any("sre"))]
async fn keyed(invoice: &str, #[approval(skip = "counts the runs")] runs: Runs) -> Res<()> {
    let _ = invoice;
    runs.enter().await;
    Ok(())
}

#[tokio::test]
async fn an_approver_who_has_left_the_group_of_the_code_by_the_claim_stops_it() {
    let bench = Bench::new();
    bench.people.groups("ann", &["sre"]);
    let approvals = bench.up().await;
    let waiting = spawn(&approvals, keyed("R-1", bench.runs.clone()));
    let card = bench.card().await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    assert_eq!(counted(&bench.mock.submit("ann", yes(&card)).await.unwrap()), Phase::Approved);
    // Policy would still be content with anyone.
    bench.people.groups("ann", &[]);
    let again = at_once(approvals.scope(keyed("R-1", bench.runs.clone()))).await;
    refused(again, ErrorKind::Cancelled, &["those who approved may no longer"]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[test]
fn the_most_reviewers_that_can_be_written_are_the_most_that_a_request_may_ask_for() {
    assert_eq!(Quorum::MAX_PEOPLE, 32, "`approvals-macros` refuses `reviewers` beyond 32");
}
