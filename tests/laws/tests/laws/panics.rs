//! Law 6: whoever panics, the call ends with a kind of its own, and nothing waits for ever.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals::backend::{Backend, BackendError, Capabilities, Presented};
use approvals::card::{Card, Shown};
use approvals::desk::Desk;
use approvals::id::{GroupId, PersonId, PolicyVersion, Reference};
use approvals::people::{Directory, DirectoryError};
use approvals::policy::{PolicyError, Ruling, SiteRuling};
use approvals::request::Requirement;
use approvals::state::Phase;
use approvals::testing::PROVIDER;
use approvals::{
    ActionSite, Approvals, Assurance, BuildError, Call, ErrorKind, Identity, Person, Policy, Risk,
    requires_approval,
};
use async_trait::async_trait;

use crate::support::*;

/// Where somebody panics; nowhere until it is told.
#[derive(Clone, Default)]
struct At(Arc<Mutex<&'static str>>);

impl At {
    fn set(&self, place: &'static str) {
        *self.0.lock().unwrap() = place;
    }

    fn passes(&self, place: &'static str) {
        let here = *self.0.lock().unwrap() == place;
        assert!(!here, "a panic in `{place}` that is part of the test");
    }
}

/// A policy that asks at risk high and panics where it is told to.
struct Nervous(At, AtomicUsize);

impl Nervous {
    async fn over(bench: &Bench) -> (At, Approvals) {
        let at = At::default();
        let policy = Self(at.clone(), AtomicUsize::new(0));
        (at, bench.builder().policy(policy).build().await.unwrap())
    }
}

#[async_trait]
impl Policy for Nervous {
    fn version(&self) -> PolicyVersion {
        self.0.passes("version");
        "nervous".into()
    }

    fn rule_site(&self, _: &ActionSite, risk: Risk) -> SiteRuling {
        self.0.passes("rule_site");
        if risk == Risk::Low { SiteRuling::Run } else { SiteRuling::NeedsCall }
    }

    async fn rule(&self, _: &Call) -> Result<Ruling, PolicyError> {
        tokio::task::yield_now().await;
        self.0.passes("rule");
        if self.1.fetch_add(1, SeqCst) > 0 {
            self.0.passes("rule at the claim");
        }
        Ok(Ruling::Ask(Requirement::at(Risk::High)))
    }
}

#[tokio::test]
async fn a_policy_that_panics_keeps_every_body_shut_and_the_next_call_is_judged_anew() {
    for place in ["rule_site", "rule"] {
        let bench = Bench::new();
        bench.mock.approve();
        let (at, approvals) = Nervous::over(&bench).await;
        at.set(place);
        for outcome in [
            at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await.map(|_| ()),
            at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 5))).await.map(|_| ()),
        ] {
            refused(outcome, ErrorKind::Unavailable, &["the policy", "it panicked"]);
        }
        if place == "rule_site" {
            let outcome = at_once(approvals.scope(peek(bench.runs.clone(), "sda"))).await;
            refused(outcome, ErrorKind::Unavailable, &["it panicked"]);
        }
        assert_eq!(bench.runs.count(), 0);
        assert!(bench.store.intact().await.is_empty() && bench.mock.cards().is_empty());
        at.set("");
        assert_eq!(approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap(), 3);
        bench.ends(approvals).await;
    }
}

#[tokio::test]
async fn a_policy_whose_version_panics_keeps_the_body_shut() {
    let bench = Bench::new();
    let (at, approvals) = Nervous::over(&bench).await;
    at.set("version");
    let outcome = at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await;
    refused(outcome, ErrorKind::Unavailable, &["panicked"]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_policy_that_panics_at_the_claim_stops_the_call_and_the_request_is_withdrawn_or_parked() {
    for keyed in [false, true] {
        let bench = Bench::new();
        bench.mock.approve();
        let (at, approvals) = Nervous::over(&bench).await;
        at.set("rule at the claim");
        let outcome = match keyed {
            true => at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 5))).await.map(|_| ()),
            false => at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await.map(|_| ()),
        };
        refused(outcome, ErrorKind::Unavailable, &["it panicked"]);
        settle().await;
        let phase = bench.phase(request_of(&bench.card().await)).await;
        assert_eq!(phase, if keyed { Phase::Approved } else { Phase::Cancelled });
        assert_eq!(bench.runs.count(), 0);
        at.set("");
        if keyed {
            assert_eq!(approvals.scope(pay(bench.runs.clone(), "R-1", 5)).await.unwrap(), 5);
        }
        bench.ends(approvals).await;
    }
}

/// A directory that panics where it is told to.
struct Shaky(At, Crowd);

impl Shaky {
    async fn over(bench: &Bench) -> (At, Approvals) {
        let at = At::default();
        let directory = Self(at.clone(), bench.people.clone());
        (at, bench.builder().directory(directory).build().await.unwrap())
    }
}

#[async_trait]
impl Directory for Shaky {
    async fn resolve(&self, identity: &Identity) -> Result<Option<Person>, DirectoryError> {
        self.0.passes("resolve");
        self.1.resolve(identity).await
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, DirectoryError> {
        self.0.passes("person");
        self.1.person(id).await
    }

    async fn members(&self, groups: &[GroupId]) -> Result<Option<Vec<Person>>, DirectoryError> {
        self.0.passes("members");
        self.1.members(groups).await
    }
}

#[tokio::test]
async fn a_directory_that_panics_when_people_are_looked_up_keeps_the_body_shut() {
    for place in ["person", "members"] {
        let bench = Bench::new();
        bench.mock.approve();
        let (at, approvals) = Shaky::over(&bench).await;
        at.set(place);
        let outcome = at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await;
        refused(outcome, ErrorKind::Unavailable, &["the directory", "it panicked"]);
        assert_eq!(bench.runs.count(), 0);
        at.set("");
        assert_eq!(approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap(), 3);
        bench.ends(approvals).await;
    }
}

#[tokio::test]
async fn a_directory_that_panics_over_a_review_tells_the_reviewer_and_the_next_try_counts() {
    let bench = Bench::new();
    let (at, approvals) = Shaky::over(&bench).await;
    let (call, card) = asked(&bench, &approvals).await;
    at.set("resolve");
    let error = bench.mock.submit("reviewer", yes(&card)).await.unwrap_err();
    assert!(error.to_string().contains("it panicked"), "{error}");
    assert_eq!(bench.phase(request_of(&card)).await, Phase::Pending);
    at.set("");
    bench.approve(&card).await;
    assert_eq!(call.await.unwrap().unwrap(), 3);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_directory_that_panics_at_the_claim_stops_the_call() {
    let bench = Bench::new();
    let (at, approvals) = Shaky::over(&bench).await;
    let (call, card) = asked(&bench, &approvals).await;
    settle().await;
    // The desk looks the reviewer up by identity; ids are looked up at the claim.
    at.set("person");
    bench.approve(&card).await;
    refused(call.await.unwrap(), ErrorKind::Unavailable, &["it panicked"]);
    settle().await;
    assert_eq!(bench.phase(request_of(&card)).await, Phase::Cancelled);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_directory_that_panics_at_the_start_is_no_set_up() {
    let bench = Bench::new();
    let at = At::default();
    at.set("person");
    let directory = Shaky(at, bench.people.clone());
    let error = bench.builder().directory(directory).build().await.unwrap_err();
    assert!(matches!(error, BuildError::Directory(_)), "{error}");
}

/// A backend that panics at its first listening, and counts how often it listens.
struct Startled(AtomicUsize, Arc<Hold>);

#[async_trait]
impl Backend for Startled {
    fn name(&self) -> &str {
        "startled"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { provider: PROVIDER.into(), assurance: Assurance::Sso, cards_outlive_process: false }
    }

    async fn present(&self, _: &Card) -> Result<Presented, BackendError> {
        Ok(Presented { reference: Reference::new("card"), shown: Shown::Everything })
    }

    async fn listen(&self, _: Desk) -> Result<(), BackendError> {
        assert!(self.0.fetch_add(1, SeqCst) > 0, "the first listening panics, as part of the test");
        self.1.pass().await;
        Ok(())
    }
}

#[tokio::test]
async fn a_backend_that_panics_while_it_listens_listens_again() {
    let bench = Bench::new();
    let hold = Arc::new(Hold::new());
    let backend = Startled(AtomicUsize::new(0), Arc::clone(&hold));
    let approvals = bench.builder().backend(backend).build().await.unwrap();
    settle().await;
    bench.clock.advance(MINUTE);
    hold.reached(1).await;
    bench.ends(approvals).await;
}

#[requires_approval(risk = "high", action = "panics.body", key = "{name}")]
async fn breaks(#[approval(skip = "counts the runs")] runs: Runs, name: &str) -> Res<()> {
    runs.enter().await;
    panic!("in the body of {name}, as part of the test");
}

#[tokio::test]
async fn a_body_that_panics_leaves_its_key_to_a_person_and_its_siblings_alone() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let broken = tokio::spawn(approvals.scope(breaks(bench.runs.clone(), "R-1")));
    let whole = waiting(&bench, &approvals);
    assert!(broken.await.unwrap_err().is_panic());
    assert_eq!(whole.await.unwrap().unwrap(), 3);
    settle().await;
    let again = at_once(approvals.scope(breaks(bench.runs.clone(), "R-1"))).await;
    refused(again, ErrorKind::Unknown, &["cut off", "approvals reconcile"]);
    assert_eq!(bench.runs.count(), 2);
    bench.ends(approvals).await;
}

/// Long enough for a store that failed to be written to again.
async fn pass_time(bench: &Bench) {
    for _ in 0..10 {
        settle().await;
        bench.clock.advance(MINUTE);
    }
    settle().await;
}

#[tokio::test]
async fn a_store_that_panics_at_the_end_of_a_body_is_written_to_again_and_the_caller_gets_its_value() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let fired = bench.store.fault("finished", 2, Does::Panic);
    assert_eq!(approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap(), 3);
    let card = bench.card().await;
    pass_time(&bench).await;
    assert_eq!(bench.phase(request_of(&card)).await, Phase::Succeeded);
    assert_eq!(fired.times(), 2);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_store_that_panics_while_a_body_unwinds_does_not_end_the_process() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let fired = bench.store.fault("lost", 1, Does::Panic);
    let broken = tokio::spawn(approvals.scope(breaks(bench.runs.clone(), "R-1")));
    assert!(broken.await.unwrap_err().is_panic());
    let card = bench.card().await;
    pass_time(&bench).await;
    assert_eq!((bench.phase(request_of(&card)).await, fired.times()), (Phase::Unknown, 1));
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_store_that_panics_over_a_card_or_a_claim_is_tried_again() {
    for event in ["presented", "started"] {
        let bench = Bench::new();
        bench.mock.approve();
        let approvals = bench.up().await;
        let fired = bench.store.fault(event, 1, Does::Panic);
        let call = waiting(&bench, &approvals);
        assert_eq!(drive(&bench.clock, Duration::from_secs(1), call).await.unwrap(), 3, "{event}");
        assert_eq!(fired.times(), 1, "{event}");
        bench.ends(approvals).await;
    }
}
