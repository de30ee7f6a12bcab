//! Laws 3 and 4: terminal is terminal, a denial wins, and the requester never counts.

use approvals::desk::Review;
use approvals::id::RequestId;
use approvals::ledger::{Event, IgnoredWhy};
use approvals::people::Principal;
use approvals::request::{Quorum, Requirement};
use approvals::state::Phase;
use approvals::testing::PROVIDER;
use approvals::{Context, ErrorKind, Identity, Risk};

use crate::support::*;

#[tokio::test]
async fn a_denial_wins_until_the_permit_is_consumed() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let card = parked(&bench, &approvals).await;
    assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
    assert_eq!(counted(&bench.mock.submit("late", no(&card)).await.unwrap()), Phase::Denied);
    let outcome = at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 5))).await;
    refused(outcome, ErrorKind::Denied, &["`late`"]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_denial_that_overtakes_the_claim_wins() {
    let bench = Bench::new();
    bench.policy.says(Says::Late);
    let approvals = bench.up().await;
    let hold = Hold::new();
    bench.store.fault("started", 1, Does::Hold(hold.clone()));
    let (call, card) = asked(&bench, &approvals).await;
    bench.approve(&card).await;
    hold.reached(1).await;
    assert_eq!(counted(&bench.mock.submit("late", no(&card)).await.unwrap()), Phase::Denied);
    hold.open();
    refused(call.await.unwrap(), ErrorKind::Denied, &["`late`"]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_yes_may_become_a_no_and_a_no_never_a_yes() {
    let bench = Bench::new();
    bench.policy.asks(Quorum::people(2));
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    assert_eq!(counted(&bench.mock.submit("ann", yes(&card)).await.unwrap()), Phase::Pending);
    assert_eq!(counted(&bench.mock.submit("ann", no(&card)).await.unwrap()), Phase::Denied);
    for late in [yes(&card), no(&card)] {
        let reply = bench.mock.submit("ann", late).await.unwrap();
        assert_eq!(ignored(&reply), IgnoredWhy::AnsweredBefore);
    }
    let reply = bench.mock.submit("bob", yes(&card)).await.unwrap();
    assert_eq!(ignored(&reply), IgnoredWhy::AlreadyDecided);
    refused(call.await.unwrap(), ErrorKind::Denied, &["`ann`"]);
    assert_eq!(bench.store.story(request_of(&card)).await[3..], ["ignored"; 3]);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn two_people_means_two_different_people() {
    let bench = Bench::new();
    bench.policy.asks(Quorum::people(2));
    bench.people.alias("ann@work", "ann");
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    assert_eq!(counted(&bench.mock.submit("ann", yes(&card)).await.unwrap()), Phase::Pending);
    for alias in ["ann", "ann@work"] {
        let reply = bench.mock.submit(alias, yes(&card)).await.unwrap();
        assert_eq!(ignored(&reply), IgnoredWhy::AnsweredBefore);
    }
    settle().await;
    assert!(!call.is_finished());
    assert_eq!(counted(&bench.mock.submit("bob", yes(&card)).await.unwrap()), Phase::Approved);
    call.await.unwrap().unwrap();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn one_person_in_two_groups_fills_one_slot() {
    let bench = Bench::new();
    let each = Quorum::All(vec![Quorum::people_from(1, ["sre"]), Quorum::people_from(1, ["security"])]);
    bench.policy.asks(each);
    bench.people.groups("ann", &["sre", "security"]);
    bench.people.groups("bob", &["sre"]);
    bench.people.groups("eve", &["sales"]);
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    assert_eq!(counted(&bench.mock.submit("ann", yes(&card)).await.unwrap()), Phase::Pending);
    for outsider in [yes(&card), no(&card)] {
        let reply = bench.mock.submit("eve", outsider).await.unwrap();
        assert_eq!(ignored(&reply), IgnoredWhy::NotAReviewer);
    }
    assert_eq!(counted(&bench.mock.submit("bob", yes(&card)).await.unwrap()), Phase::Approved);
    call.await.unwrap().unwrap();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn the_requester_never_counts_under_any_alias() {
    let bench = Bench::new();
    bench.people.alias("olly", "owner");
    bench.people.alias("kimmy", "kim");
    bench.people.alias("test-agent", "the-bot");
    let approvals = bench.up().await;
    let call = approvals.acting(Context::for_human("kim"), wipe(bench.runs.clone(), "sda"));
    let call = tokio::spawn(call);
    let card = bench.card().await;
    for requester in ["owner", "olly", "kim", "kimmy", "test-agent", "the-bot"] {
        let reply = bench.mock.submit(requester, yes(&card)).await.unwrap();
        assert_eq!(ignored(&reply), IgnoredWhy::Requester, "{requester}");
    }
    let request = request_of(&card);
    let by: Vec<String> = bench
        .store
        .of(request.into())
        .await
        .iter()
        .filter_map(|record| match &record.body.event {
            Event::Ignored(ignored) if ignored.why == IgnoredWhy::Requester => ignored.by.clone(),
            _ => None,
        })
        .map(|by| by.to_string())
        .collect();
    assert_eq!(by, ["owner", "owner", "kim", "kim", "the-bot", "the-bot"]);
    assert!(!call.is_finished());
    assert_eq!(counted(&bench.approve(&card).await), Phase::Approved);
    call.await.unwrap().unwrap();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn an_external_human_who_joins_the_directory_later_still_never_counts() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    bench.people.only(&["owner", "reviewer"]);
    let human = Principal::External("kim@example.com".into());
    let call = approvals.acting(Context::for_human(human), wipe(bench.runs.clone(), "sda"));
    let call = tokio::spawn(call);
    let card = bench.card().await;
    bench.people.only(&["owner", "reviewer", "kim"]);
    bench.people.alias("kim@example.com", "kim");
    let reply = bench.mock.submit("kim", yes(&card)).await.unwrap();
    assert_eq!(ignored(&reply), IgnoredWhy::Requester);
    call.abort();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn an_owner_who_is_renamed_while_the_request_waits_cannot_let_it_run() {
    let bench = Bench::new();
    bench.people.only(&["owner", "reviewer"]);
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    // The same human, under a new id: nobody can tell any more whom the record excludes.
    bench.people.only(&["dana", "reviewer"]);
    bench.people.alias("owner", "dana");
    let _ = bench.mock.submit("owner", yes(&card)).await.unwrap();
    refused(call.await.unwrap(), ErrorKind::Unmapped, &["the owner, `owner`", "add them there"]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn an_owner_may_call_off_an_approved_request_and_it_never_runs() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let card = parked(&bench, &approvals).await;
    bench.approve(&card).await;
    assert_eq!(counted(&bench.mock.submit("owner", no(&card)).await.unwrap()), Phase::Cancelled);
    settle().await;
    assert_eq!(bench.phase(request_of(&card)).await, Phase::Cancelled);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_single_operator_decides_alone_and_every_card_and_record_says_so() {
    let bench = Bench::new();
    bench.people.only(&["owner"]);
    let approvals = bench.builder().single_operator().build().await.unwrap();
    let (call, card) = asked(&bench, &approvals).await;
    assert!(card.requester.single_operator);
    let page = approvals::card::text::render(&card, &Default::default()).text;
    assert!(page.contains("SINGLE OPERATOR"), "{page}");
    assert_eq!(counted(&bench.mock.submit("owner", yes(&card)).await.unwrap()), Phase::Approved);
    call.await.unwrap().unwrap();
    let state = bench.store.state(request_of(&card)).await;
    assert!(state.opened().unwrap().requirement().single_operator);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_single_operator_is_refused_for_what_is_critical() {
    let bench = Bench::new();
    bench.people.only(&["owner"]);
    bench.policy.says(Says::Ask(Requirement::at(Risk::Critical)));
    let approvals = bench.builder().single_operator().build().await.unwrap();
    let outcome = at_once(approvals.scope(erase("sda"))).await;
    refused(outcome, ErrorKind::Unavailable, &["add people"]);
    bench.people.only(&["owner", "ann"]);
    let call = tokio::spawn(approvals.scope(erase("sda")));
    let card = bench.card().await;
    assert!(!card.requester.single_operator);
    let reply = bench.mock.submit("owner", yes(&card)).await.unwrap();
    assert_eq!(ignored(&reply), IgnoredWhy::Requester);
    call.abort();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn what_does_not_count_is_answered_with_a_remedy_and_recorded_one_by_one() {
    let bench = Bench::new();
    bench.people.only(&["owner", "reviewer"]);
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    let request = request_of(&card);
    let stranger = RequestId::from_uuid("0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5e".parse().unwrap());
    let digest = approvals::request::Digest::from_bytes([9; 32]);
    let mock = Identity::new(PROVIDER, "reviewer");
    for (identity, review, why, remedy) in [
        (Identity::new(PROVIDER, "ghost"), yes(&card), IgnoredWhy::Unmapped, "add it to a person"),
        (Identity::new("slack", "reviewer"), yes(&card), IgnoredWhy::ForeignProvider, "does not vouch"),
        (
            mock.clone(),
            Review::approve(request, digest),
            IgnoredWhy::OtherDigest,
            "look at the request again",
        ),
        (mock.clone(), Review::deny(request, digest), IgnoredWhy::OtherDigest, "look at the request again"),
        (mock.clone(), Review::approve(stranger, digest), IgnoredWhy::UnknownRequest, "approvals list"),
    ] {
        let reply = bench.mock.submit_as(&identity, review).await.unwrap();
        assert_eq!(ignored(&reply), why);
        assert!(why.to_string().contains(remedy), "{why}");
    }
    assert_eq!(bench.store.story(request).await, ["requested", "ignored", "ignored", "ignored", "ignored"]);
    assert_eq!(bench.store.story(stranger).await, ["ignored"]);
    // The bytes that are published hold no identity of a stranger.
    for record in bench.store.records().await {
        assert!(!String::from_utf8_lossy(&record.bytes).contains("ghost"));
    }
    bench.approve(&card).await;
    call.await.unwrap().unwrap();
    let reply = bench.mock.submit("reviewer", no(&card)).await.unwrap();
    assert_eq!(ignored(&reply), IgnoredWhy::AlreadyDecided);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_review_that_the_directory_cannot_judge_counts_for_nothing_and_may_come_again() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    bench.people.fail(true);
    assert!(bench.mock.submit("reviewer", yes(&card)).await.is_err());
    bench.people.fail(false);
    bench.approve(&card).await;
    call.await.unwrap().unwrap();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_single_operator_is_a_person_who_answers_for_the_agent_and_never_the_agent() {
    let bench = Bench::new();
    bench.people.only(&["owner", "test-agent"]);
    let approvals = bench.builder().single_operator().build().await.unwrap();
    let (call, card) = asked(&bench, &approvals).await;
    let reply = bench.mock.submit("test-agent", yes(&card)).await.unwrap();
    assert_eq!(ignored(&reply), IgnoredWhy::Requester);
    assert_eq!(bench.phase(request_of(&card)).await, Phase::Pending);
    call.abort();
    let _ = call.await;
    bench.ends(approvals).await;
}
