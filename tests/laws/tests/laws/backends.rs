//! Backends that fail, hang, panic, show a part or come back.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals::backend::{Backend, BackendError, Capabilities, Presented};
use approvals::card::{Card, Shown};
use approvals::id::{PersonId, Reference};
use approvals::ledger::{CancelWhy, Event, PresentFailure};
use approvals::people::{Directory, DirectoryError};
use approvals::request::Quorum;
use approvals::state::Phase;
use approvals::testing::{ManualClock, MockBackend, PROVIDER};
use approvals::{Approvals, Assurance, ErrorKind, Identity, Person};
use async_trait::async_trait;

use crate::support::*;

fn permanent() -> BackendError {
    BackendError::permanent(PresentFailure::Rejected, "no such channel")
}

fn temporary() -> BackendError {
    BackendError::temporary(PresentFailure::Unreachable, "no route")
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Works,
    Panics,
    Hangs,
}

/// A backend whose cards outlive the process, if it does anything at all.
#[derive(Clone)]
struct Odd(Arc<Mutex<Way>>, Arc<Mutex<Vec<String>>>);

impl Odd {
    fn new(way: Way) -> Self {
        Self(Arc::new(Mutex::new(way)), Arc::default())
    }

    fn log(&self) -> Vec<String> {
        self.1.lock().unwrap().clone()
    }

    async fn act(&self, what: String) {
        let way = *self.0.lock().unwrap();
        match way {
            Way::Works => self.1.lock().unwrap().push(what),
            Way::Panics => panic!("in a backend"),
            Way::Hangs => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Backend for Odd {
    fn name(&self) -> &str {
        "odd"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { provider: PROVIDER.into(), assurance: Assurance::Chat, cards_outlive_process: true }
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        self.act("present".to_owned()).await;
        Ok(Presented { reference: Reference::new(format!("at {}", card.request)), shown: Shown::Everything })
    }

    async fn update(&self, card: &Card, reference: &Reference) -> Result<(), BackendError> {
        assert_eq!(reference.as_str(), format!("at {}", card.request));
        self.act(format!("update {}", card.state.label)).await;
        Ok(())
    }
}

fn failures(records: &[approvals::ledger::Record]) -> Vec<PresentFailure> {
    let failure = |event: &Event| match event {
        Event::PresentFailed { why, .. } => Some(*why),
        _ => None,
    };
    records.iter().filter_map(|record| failure(&record.body.event)).collect()
}

#[tokio::test]
async fn a_call_that_no_backend_can_present_is_called_off_and_unavailable() {
    let bench = Bench::new();
    bench.mock.fail(permanent());
    let approvals = bench.up().await;
    let outcome = at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await;
    let error = refused(outcome, ErrorKind::Unavailable, &["nobody could be asked", "see the ledger"]);
    let request = error.request().unwrap();
    assert_eq!(bench.store.state(request).await.cancelled(), Some((CancelWhy::Undeliverable, None)));
    assert_eq!(failures(&bench.store.of(request.into()).await), [PresentFailure::Rejected]);
    assert_eq!(bench.runs.count(), 0);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_keyed_call_that_no_backend_can_present_stays_open_and_is_presented_again() {
    let bench = Bench::new();
    bench.mock.fail(permanent());
    let works = MockBackend::new().approve();
    let flaky = Flaky(works.clone(), Mutex::new(3), permanent());
    let approvals = bench.builder().backend(flaky).build().await.unwrap();
    let call = keyed(&bench, &approvals);
    settle().await;
    let request = bench.store.intact().await[0];
    for _ in 0..2 {
        bench.clock.advance(MINUTE);
        settle().await;
        assert_eq!(bench.phase(request).await, Phase::Pending);
        assert!(!call.is_finished() && works.cards().is_empty());
    }
    bench.clock.advance(MINUTE);
    assert_eq!(call.await.unwrap().unwrap(), 5);
    let records = bench.store.of(request.into()).await;
    assert_eq!(failures(&records).len(), 2, "one record per backend and reason");
    bench.ends(approvals).await;
}

#[tokio::test]
async fn an_open_store_lets_a_call_wait_although_no_backend_can_present_it() {
    let bench = Bench::new();
    bench.mock.fail(permanent());
    let approvals = bench.builder().open_to_store().build().await.unwrap();
    let call = waiting(&bench, &approvals);
    settle().await;
    let request = bench.store.intact().await[0];
    assert_eq!(bench.phase(request).await, Phase::Pending);
    call.abort();
    bench.ends(approvals).await;
}

/// Fails so many times and then passes on to the mock.
struct Flaky(MockBackend, Mutex<u32>, BackendError);

#[async_trait]
impl Backend for Flaky {
    fn name(&self) -> &str {
        "flaky"
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        {
            let mut left = self.1.lock().unwrap();
            if *left > 0 {
                *left -= 1;
                return Err(self.2.clone());
            }
        }
        self.0.present(card).await
    }

    async fn listen(&self, desk: approvals::desk::Desk) -> Result<(), BackendError> {
        self.0.listen(desk).await
    }
}

#[tokio::test]
async fn a_temporary_failure_is_tried_again_until_it_is_presented() {
    let bench = Bench::new();
    bench.mock.fail(permanent());
    let works = MockBackend::new().approve();
    let flaky = Flaky(works.clone(), Mutex::new(3), temporary());
    let approvals = bench.builder().backend(flaky).build().await.unwrap();
    let call = waiting(&bench, &approvals);
    assert_eq!(drive(&bench.clock, MINUTE / 6, call).await.unwrap(), 3);
    assert_eq!(works.cards().len(), 1);
    let records = bench.store.of(bench.store.intact().await[0].into()).await;
    assert_eq!(failures(&records).len(), 2, "one per backend and reason");
    bench.ends(approvals).await;
}

#[tokio::test]
async fn every_card_is_brought_up_to_date_wherever_the_verdict_came_from() {
    let bench = Bench::new();
    let (second, odd) = (MockBackend::new(), Odd::new(Way::Works));
    let approvals = bench
        .builder()
        .backend_as(second.clone(), "second", PROVIDER, Assurance::Chat)
        .backend(odd.clone())
        .build()
        .await
        .unwrap();
    let call = waiting(&bench, &approvals);
    let card = second.presented(1).await.remove(0);
    assert_eq!(card.digest, bench.card().await.digest);
    settle().await;
    second.submit("reviewer", no(&card)).await.unwrap();
    refused(call.await.unwrap(), ErrorKind::Denied, &[]);
    bench.ends(approvals).await;
    for mock in [&bench.mock, &second] {
        assert_eq!(mock.updates().last().unwrap().state.label, "denied");
        assert_eq!(mock.updates().last().unwrap().answers[0].who, "reviewer");
    }
    assert_eq!(odd.log().last().unwrap(), "update denied");
    let updated = bench.store.names(request_of(&card).into()).await;
    assert_eq!(updated.iter().filter(|name| **name == "updated").count(), 3);
}

#[tokio::test]
async fn a_backend_that_panics_has_not_presented_and_that_is_on_record() {
    let bench = Bench::new();
    bench.mock.fail(permanent());
    let approvals = bench.builder().backend(Odd::new(Way::Panics)).build().await.unwrap();
    let outcome = at_once(approvals.scope(wipe(bench.runs.clone(), "sda"))).await;
    let error = refused(outcome, ErrorKind::Unavailable, &["nobody could be asked"]);
    let mut failed = failures(&bench.store.of(error.request().unwrap().into()).await);
    failed.sort_by_key(|why| why.to_string());
    assert_eq!(failed, [PresentFailure::Other, PresentFailure::Rejected]);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_backend_that_panics_or_hangs_does_not_keep_another_from_deciding() {
    for way in [Way::Panics, Way::Hangs] {
        let bench = Bench::new();
        bench.mock.approve();
        let approvals = bench.builder().backend(Odd::new(way)).build().await.unwrap();
        assert_eq!(approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap(), 3);
        let stop = shutting_down(&approvals);
        drive(&bench.clock, MINUTE / 6, stop).await.unwrap();
    }
}

#[tokio::test]
async fn a_backend_that_hangs_or_panics_at_an_update_holds_up_neither_the_other_nor_the_end() {
    for way in [Way::Panics, Way::Hangs] {
        let bench = Bench::new();
        let odd = Odd::new(Way::Works);
        let approvals = bench.builder().backend(odd.clone()).build().await.unwrap();
        let (call, card) = asked(&bench, &approvals).await;
        settle().await;
        *odd.0.lock().unwrap() = way;
        bench.approve(&card).await;
        assert_eq!(call.await.unwrap().unwrap(), 3);
        let stop = shutting_down(&approvals);
        drive(&bench.clock, MINUTE / 6, stop).await.unwrap();
        assert_eq!(bench.phase(request_of(&card)).await, Phase::Succeeded);
    }
}

/// Places a card when it is let.
struct Slow(MockBackend, Arc<tokio::sync::Notify>);

#[async_trait]
impl Backend for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        self.1.notified().await;
        self.0.present(card).await
    }

    async fn update(&self, card: &Card, reference: &Reference) -> Result<(), BackendError> {
        self.0.update(card, reference).await
    }
}

#[tokio::test]
async fn a_card_that_was_placed_after_the_verdict_is_brought_up_to_date() {
    let bench = Bench::new();
    let (late, go) = (MockBackend::new(), Arc::new(tokio::sync::Notify::new()));
    let approvals = bench.builder().backend(Slow(late.clone(), Arc::clone(&go))).build().await.unwrap();
    let (call, card) = asked(&bench, &approvals).await;
    settle().await;
    bench.deny(&card).await;
    refused(call.await.unwrap(), ErrorKind::Denied, &[]);
    settle().await;
    go.notify_one();
    settle().await;
    assert_eq!(late.cards().len(), 1);
    assert_eq!(late.updates().last().unwrap().state.label, "denied");
    bench.ends(approvals).await;
}

/// Takes its time to bring a card up to date.
struct Retold(MockBackend, Hold);

#[async_trait]
impl Backend for Retold {
    fn name(&self) -> &str {
        "retold"
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        self.0.present(card).await
    }

    async fn update(&self, card: &Card, reference: &Reference) -> Result<(), BackendError> {
        self.1.pass().await;
        self.0.update(card, reference).await
    }
}

#[tokio::test]
async fn a_card_that_is_placed_while_another_is_told_of_an_answer_shows_that_answer() {
    let bench = Bench::new();
    bench.policy.asks(Quorum::people(2));
    let (late, go) = (MockBackend::new(), Arc::new(tokio::sync::Notify::new()));
    let telling = Hold::new();
    let builder = bench.builder().backend(Slow(late.clone(), Arc::clone(&go)));
    let approvals = builder.backend(Retold(MockBackend::new(), telling.clone())).build().await.unwrap();
    let (call, card) = asked(&bench, &approvals).await;
    settle().await;
    bench.approve(&card).await;
    telling.reached(1).await;
    go.notify_one();
    late.presented(1).await;
    settle().await;
    telling.open();
    settle().await;
    assert_eq!(late.updates().last().map(|card| card.answers.len()), Some(1));
    call.abort();
    bench.ends(approvals).await;
}

/// Fails at first, and takes its time then.
struct Hesitates(MockBackend, Hold, AtomicBool);

#[async_trait]
impl Backend for Hesitates {
    fn name(&self) -> &str {
        "hesitates"
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        if !self.2.swap(true, SeqCst) {
            return Err(temporary());
        }
        self.1.pass().await;
        self.0.present(card).await
    }

    async fn update(&self, card: &Card, reference: &Reference) -> Result<(), BackendError> {
        self.0.update(card, reference).await
    }
}

#[tokio::test]
async fn a_card_that_is_placed_again_during_a_shutdown_shows_that_its_request_was_withdrawn() {
    let bench = Bench::new();
    let (late, placing) = (MockBackend::new(), Hold::new());
    let hesitates = Hesitates(late.clone(), placing.clone(), AtomicBool::default());
    let approvals = bench.builder().backend(hesitates).build().await.unwrap();
    let call = waiting(&bench, &approvals);
    bench.card().await;
    settle().await;
    bench.clock.advance(MINUTE);
    placing.reached(1).await;
    let stop = shutting_down(&approvals);
    settle().await;
    placing.open();
    stop.await.unwrap().unwrap();
    refused(call.await.unwrap(), ErrorKind::Cancelled, &[]);
    assert_eq!(late.updates().last().map(|card| card.state.label.clone()), Some("cancelled".to_owned()));
}

#[tokio::test]
async fn a_card_whose_record_failed_is_recorded_after_all_and_brought_up_to_date() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let fired = bench.store.fault("presented", 1, Does::Fail);
    let (call, card) = asked(&bench, &approvals).await;
    for _ in 0..3 {
        settle().await;
        bench.clock.advance(MINUTE);
    }
    settle().await;
    bench.deny(&card).await;
    refused(call.await.unwrap(), ErrorKind::Denied, &[]);
    bench.ends(approvals).await;
    assert_eq!(fired.times(), 1);
    let names = bench.store.names(request_of(&card).into()).await;
    assert!(names.contains(&"presented") && names.contains(&"updated"), "{names:?}");
    assert_eq!(bench.mock.updates().last().unwrap().state.label, "denied");
}

#[tokio::test]
async fn a_card_whose_record_fails_cuts_no_other_off_from_its_record() {
    let bench = Bench::new();
    let other = MockBackend::new();
    let works = Flaky(other.clone(), Mutex::new(0), temporary());
    let approvals = bench.builder().backend(works).build().await.unwrap();
    let late = Hold::new();
    let held = bench.store.fault("presented", 1, Does::Hold(late.clone()));
    let fails = bench.store.fault("presented", 1, Does::Fail);
    let (call, card) = asked(&bench, &approvals).await;
    late.reached(1).await;
    pass(&bench.clock, MINUTE).await;
    late.open();
    pass(&bench.clock, MINUTE).await;
    assert_eq!((held.times(), fails.times()), (1, 1));
    assert_eq!(
        (bench.mock.cards().len(), other.cards().len()),
        (1, 2),
        "only what is in no record is placed again"
    );
    let names = bench.store.names(request_of(&card).into()).await;
    assert_eq!(names, ["requested", "presented", "presented"]);
    bench.approve(&card).await;
    assert_eq!(call.await.unwrap().unwrap(), 3);
    bench.ends(approvals).await;
}

#[test]
fn after_a_restart_only_a_backend_whose_cards_died_is_asked_again() {
    let bench = Bench::new();
    let odd = Odd::new(Way::Works);
    let up = || bench.builder().backend(odd.clone()).build();
    life(async {
        let approvals = up().await.unwrap();
        let _call = keyed(&bench, &approvals);
        bench.card().await;
        settle().await;
    });
    life(async {
        let approvals = up().await.unwrap();
        let call = keyed(&bench, &approvals);
        let card = bench.nth_card(2).await;
        settle().await;
        bench.approve(&card).await;
        call.await.unwrap().unwrap();
        bench.ends(approvals).await;
    });
    let log = odd.log();
    assert_eq!(log.iter().filter(|what| *what == "present").count(), 1, "{log:?}");
    assert_eq!(log.last().unwrap(), "update succeeded", "the card of the earlier process");
    assert_eq!(bench.mock.cards().len(), 2);
}

/// A directory that panics at its first look at an identity.
struct PanicsOnce(AtomicBool);

#[async_trait]
impl Directory for PanicsOnce {
    async fn resolve(&self, identity: &Identity) -> Result<Option<Person>, DirectoryError> {
        assert!(self.0.swap(true, SeqCst), "the first look panics");
        self.person(&identity.subject().into()).await
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, DirectoryError> {
        Ok(Some(Person::new(id.clone())))
    }
}

#[tokio::test]
async fn a_panic_while_a_review_is_judged_does_not_leave_people_talking_to_the_wall() {
    let mock = MockBackend::new().approve_by(["ann", "bob"]);
    let clock = ManualClock::at(noon());
    let builder = Approvals::test_builder(&mock).directory(PanicsOnce(false.into()));
    let approvals = builder.clock(Arc::new(clock.clone())).build().await.unwrap();
    let runs = Runs::default();
    let call = tokio::spawn(approvals.scope(pay(runs.clone(), "R-1", 5)));
    mock.presented(1).await;
    drive(&clock, Duration::from_secs(1), call).await.unwrap();
    assert_eq!(runs.count(), 1, "ann's answer was lost in the panic, bob's counts");
    approvals.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_backend_that_panics_over_an_update_keeps_no_other_from_being_told() {
    let bench = Bench::new();
    let (panics, works) = (Odd::new(Way::Works), Odd::new(Way::Works));
    let builder = bench.builder().backend_as(panics.clone(), "panics", PROVIDER, Assurance::Chat);
    let approvals =
        builder.backend_as(works.clone(), "works", PROVIDER, Assurance::Chat).build().await.unwrap();
    let call = waiting(&bench, &approvals);
    let card = bench.card().await;
    settle().await;
    *panics.0.lock().unwrap() = Way::Panics;
    bench.deny(&card).await;
    refused(call.await.unwrap(), ErrorKind::Denied, &[]);
    settle().await;
    assert_eq!(works.log(), ["present", "update denied"]);
    assert!(!bench.store.is_followed(), "nobody waits for what is over");
    bench.ends(approvals).await;
}

#[tokio::test]
async fn what_is_over_however_it_ended_is_followed_no_longer() {
    const EACH: usize = 8;
    let bench = Bench::new();
    let approvals = bench.builder().backend(Odd::new(Way::Works)).build().await.unwrap();
    for round in 0..4 {
        let calls: Vec<_> = (0..EACH).map(|_| waiting(&bench, &approvals)).collect();
        let cards = bench.mock.presented((round + 1) * EACH).await;
        settle().await;
        assert!(bench.store.is_followed());
        for (card, call) in cards[round * EACH..].iter().zip(&calls) {
            match round {
                0 => drop(bench.approve(card).await),
                1 => drop(bench.deny(card).await),
                2 => call.abort(),
                _ => {}
            }
        }
        settle().await;
        bench.clock.advance(HOUR);
        for call in calls {
            let _ = call.await;
        }
        settle().await;
        assert!(!bench.store.is_followed(), "round {round}");
    }
    assert_eq!(bench.runs.count(), EACH);
    bench.ends(approvals).await;
}
