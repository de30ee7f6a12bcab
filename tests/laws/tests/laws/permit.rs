//! Laws 1 and 6: no body without a permit, and unknown is closed.

use std::sync::Arc;

use approvals::id::{Chance, NoChance};
use approvals::people::Principal;
use approvals::policy::SiteRuling;
use approvals::request::{Quorum, Requirement};
use approvals::state::Phase;
use approvals::{Agent, Assurance, Context, ErrorKind, Risk};

use crate::support::*;

#[tokio::test]
async fn an_approved_call_runs_once_and_gives_its_value_back() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    assert_eq!(approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap(), 3);
    assert_eq!(bench.runs.count(), 1);
    let request = request_of(&bench.card().await);
    assert_eq!(bench.store.story(request).await, ["requested", "reviewed", "started", "finished"]);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn with_nothing_installed_the_body_stays_shut() {
    let runs = Runs::default();
    let error =
        refused(at_once(wipe(runs.clone(), "sda")).await, ErrorKind::NotInstalled, &["approvals.install()"]);
    assert!(error.is_unavailable() && error.request().is_none());
    assert_eq!(runs.count(), 0);
}

#[tokio::test]
async fn a_denied_call_never_runs() {
    let bench = Bench::new();
    bench.mock.deny("too large");
    let approvals = bench.up().await;
    let outcome = at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await;
    let error = refused(outcome, ErrorKind::Denied, &["denied by `reviewer`", "too large"]);
    assert!(error.is_denied() && !error.is_unavailable());
    assert_eq!(bench.phase(error.request().unwrap()).await, Phase::Denied);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_call_that_nobody_decides_in_time_never_runs() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    let outcome = drive(&bench.clock, 10 * MINUTE, call).await;
    refused(outcome, ErrorKind::Expired, &["ask anew"]);
    assert_eq!(bench.phase(request_of(&card)).await, Phase::Expired);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_call_that_its_owner_calls_off_never_runs() {
    let bench = Bench::new();
    bench.mock.deny_by("owner", "not today");
    let approvals = bench.up().await;
    let outcome = at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await;
    let error = refused(outcome, ErrorKind::Cancelled, &["the requester said no", "`owner`"]);
    assert_eq!(bench.phase(error.request().unwrap()).await, Phase::Cancelled);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_policy_that_refuses_or_errs_keeps_the_body_shut_and_asks_nobody() {
    for (says, site, kind, word) in [
        (Says::Refuse, None, ErrorKind::Refused, "frozen until Monday"),
        (Says::Run, Some(SiteRuling::Refuse), ErrorKind::Refused, "policy refuses this action"),
        (Says::Fail, None, ErrorKind::Unavailable, "the rules are gone"),
    ] {
        let bench = Bench::new();
        bench.mock.approve();
        bench.policy.says(says);
        site.into_iter().for_each(|ruling| bench.policy.site(ruling));
        let approvals = bench.up().await;
        refused(at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await, kind, &[word]);
        refused(at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 5))).await, kind, &[word]);
        refused(at_once(approvals.scope(peek(bench.runs.clone(), "sda"))).await, kind, &[word]);
        assert_eq!(bench.runs.count(), 0);
        assert!(bench.store.intact().await.is_empty() && bench.mock.cards().is_empty());
        bench.ends(approvals).await;
    }
}

#[tokio::test]
async fn a_requirement_that_cannot_stand_keeps_the_body_shut() {
    let usual = || Requirement::at(Risk::High);
    let cases = [
        (Requirement { quorum: Quorum::people(0), ..usual() }, "ask for at least one person"),
        (Requirement { quorum: Quorum::Any(Vec::new()), ..usual() }, "ask for at least one person"),
        (Requirement { quorum: Quorum::people(33), ..usual() }, "ask for fewer"),
        (Requirement { decide_within: 60 * DAY, ..usual() }, "choose such a time"),
        (Requirement { use_within: MINUTE / 1000, ..usual() }, "choose such a time"),
    ];
    for (requirement, remedy) in cases {
        let bench = Bench::new();
        bench.mock.approve();
        bench.policy.says(Says::Ask(requirement));
        let approvals = bench.up().await;
        let outcome = at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await;
        refused(outcome, ErrorKind::Invalid, &[remedy]);
        assert_eq!(bench.runs.count(), 0);
        bench.ends(approvals).await;
    }
}

#[tokio::test]
async fn a_policy_cannot_lower_the_declared_risk() {
    let bench = Bench::new();
    bench.policy.says(Says::Ask(Requirement::at(Risk::Low)));
    let approvals = bench.up().await;
    let call = tokio::spawn(approvals.scope(erase("sda")));
    assert_eq!(bench.card().await.risk, "high");
    bench.policy.says(Says::Ask(Requirement::at(Risk::Critical)));
    let raised = tokio::spawn(approvals.scope(erase("sdb")));
    assert_eq!(bench.nth_card(2).await.risk, "critical");
    call.abort();
    raised.abort();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn an_agent_that_acts_for_people_must_say_for_whom() {
    let bench = Bench::new();
    bench.mock.approve();
    let agent = Agent::new("test-agent").owned_by("owner").acts_for_people();
    let approvals = bench.builder().agent(agent).build().await.unwrap();
    for outcome in [
        at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await,
        at_once(approvals.scope(peek(bench.runs.clone(), "sda"))).await,
        at_once(approvals.acting(Context::new().session("s"), wipe(bench.runs.clone(), "sda"))).await,
    ] {
        let error = refused(outcome, ErrorKind::Unattributed, &["approvals.acting(Context::for_human("]);
        assert!(error.message_for_model().contains("has to be mended by a person"));
    }
    assert_eq!(bench.runs.count(), 0);
    let for_kim = approvals.acting(Context::for_human("kim"), wipe(bench.runs.clone(), "sda"));
    assert_eq!(for_kim.await.unwrap(), 3);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_requester_who_does_not_resolve_cannot_be_excluded_and_so_cannot_ask() {
    let bench = Bench::new();
    bench.mock.approve();
    bench.people.only(&["owner", "reviewer", "kim"]);
    bench.people.alias("kim@example.com", "kim");
    let approvals = bench.up().await;
    let asks =
        |human: Principal| approvals.acting(Context::for_human(human), wipe(bench.runs.clone(), "sda"));
    let unknown = ["`ghost`", "human that the agent acts for", "add them there", "`External`"];
    refused(at_once(asks("ghost".into())).await, ErrorKind::Unmapped, &unknown);
    for known in ["kim", "kim@example.com"] {
        let outcome = asks(Principal::External(known.to_owned())).await;
        refused(
            outcome,
            ErrorKind::Unmapped,
            &["named external", "`kim` in the directory", "name that person"],
        );
    }
    bench.people.remove("owner");
    refused(at_once(asks("kim".into())).await, ErrorKind::Unmapped, &["the owner, `owner`"]);
    bench.people.fail(true);
    refused(at_once(asks("kim".into())).await, ErrorKind::Unavailable, &["the line is dead"]);
    assert_eq!(bench.runs.count(), 0);
    assert!(bench.store.intact().await.is_empty());
    bench.ends(approvals).await;
}

#[tokio::test]
async fn an_external_owner_who_is_somebody_after_all_cannot_ask() {
    let bench = Bench::new();
    bench.mock.approve();
    bench.people.alias("o@example.com", "owner");
    bench.people.only(&["owner", "reviewer"]);
    let agent = Agent::new("test-agent").owned_by(Principal::External("o@example.com".into()));
    let approvals = bench.builder().agent(agent).build().await.unwrap();
    let outcome = at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await;
    refused(outcome, ErrorKind::Unmapped, &["the directory", "name that person"]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn what_nobody_could_ever_approve_is_refused_at_once() {
    let bench = Bench::new();
    bench.mock.approve();
    bench.people.only(&["owner", "ann", "bob"]);
    bench.people.groups("ann", &["sre", "security"]);
    bench.people.groups("bob", &["ops"]);
    let approvals = bench.up().await;
    let each = Quorum::All(vec![Quorum::people_from(1, ["sre"]), Quorum::people_from(1, ["security"])]);
    for quorum in [Quorum::people(3), Quorum::people_from(1, ["dba"]), each] {
        bench.policy.asks(quorum.clone());
        let outcome = at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await;
        refused(outcome, ErrorKind::Unavailable, &[&quorum.to_string(), "add people"]);
    }
    bench.people.fail(true);
    let outcome = at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await;
    refused(outcome, ErrorKind::Unavailable, &["the line is dead"]);
    assert!(bench.store.intact().await.is_empty());
    bench.ends(approvals).await;
}

#[tokio::test]
async fn an_assurance_that_no_way_in_has_is_refused_at_once() {
    let bench = Bench::new();
    let approvals = approvals::Approvals::builder()
        .agent(Agent::new("test-agent").owned_by("owner"))
        .directory(bench.people.clone())
        .policy(bench.policy.clone())
        .backend_as(bench.mock.clone(), "chat", "mock", Assurance::Chat)
        .build()
        .await
        .unwrap();
    bench.policy.says(Says::Ask(Requirement::at(Risk::Critical)));
    let outcome = at_once(approvals.scope(erase("sda"))).await;
    refused(outcome, ErrorKind::Unavailable, &["`sso`", "`chat`", "register a stronger one"]);
    assert!(bench.mock.cards().is_empty());
    approvals.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_ledger_that_cannot_be_written_keeps_the_body_shut() {
    for event in ["requested", "reviewed", "started"] {
        let bench = Bench::new();
        bench.mock.approve();
        let approvals = bench.up().await;
        let fired = bench.store.fault(event, usize::MAX, Does::Fail);
        let call = waiting(&bench, &approvals);
        let outcome = drive(&bench.clock, MINUTE / 6, call).await;
        let kind = if event == "reviewed" { ErrorKind::Expired } else { ErrorKind::Store };
        refused(outcome, kind, &[]);
        assert!(fired.times() > 0, "{event} was never written");
        assert_eq!(bench.runs.count(), 0, "{event}");
        bench.store.heal();
        bench.ends(approvals).await;
    }
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_keeps_the_body_shut() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let fired = bench.store.fault("history", usize::MAX, Does::Fail);
    refused(
        at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 5))).await,
        ErrorKind::Store,
        &["mend it"],
    );
    refused(at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await, ErrorKind::Store, &["mend it"]);
    assert!(fired.times() > 1);
    assert_eq!(bench.runs.count(), 0);
    bench.store.heal();
    bench.clock.advance(MINUTE);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_ledger_that_goes_blind_while_a_call_waits_ends_the_call_shut() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    settle().await;
    let fired = bench.store.fault("history", usize::MAX, Does::Fail);
    bench.clock.advance(HOUR);
    refused(call.await.unwrap(), ErrorKind::Store, &["mend it"]);
    assert!(fired.times() > 0);
    bench.store.heal();
    bench.clock.advance(MINUTE);
    bench.ends(approvals).await;
    assert!(bench.phase(request_of(&card)).await.is_terminal());
    assert_eq!(bench.runs.count(), 0);
}

struct NoDice;

impl Chance for NoDice {
    fn fill(&self, _: &mut [u8]) -> Result<(), NoChance> {
        Err(NoChance)
    }
}

#[tokio::test]
async fn without_randomness_nothing_is_asked_and_nothing_runs() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.builder().chance(Arc::new(NoDice)).build().await.unwrap();
    let outcome = at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await;
    refused(outcome, ErrorKind::Unavailable, &["random"]);
    let outcome = at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 5))).await;
    refused(outcome, ErrorKind::Unavailable, &["random"]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}
