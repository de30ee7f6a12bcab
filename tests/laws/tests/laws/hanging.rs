//! A store that does not answer: a call ends all the same, and what is written late runs nothing.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use approvals::ErrorKind;
use approvals::desk::DeskError;
use approvals::ledger::{Append, CancelWhy, Env, Event, Memory, NotRunWhy, Store, StoreErrorKind};
use approvals::policy::SiteRuling;
use approvals::request::Quorum;
use approvals::state::Phase;
use approvals::testing::ManualClock;
use approvals::time::{Clock, SystemClock};
use tokio::task::JoinHandle;

use crate::support::*;

/// How long after its deadline a call may end: the keeper waits for the store, and then the call itself, 62 s each.
const GRACE: Duration = Duration::from_secs(2 * 62);

/// What comes of a call within some time.
async fn within<T: Debug>(bench: &Bench, longest: Duration, call: JoinHandle<Res<T>>) -> Res<T> {
    let begun = bench.clock.now();
    let outcome = drive(&bench.clock, Duration::from_secs(1), call).await;
    let took = begun.until(bench.clock.now());
    assert!(took <= longest, "it took {took:?}: {outcome:?}");
    outcome
}

fn unanswered<T: Debug>(outcome: Res<T>) {
    refused(outcome, ErrorKind::Store, &["not answered for 60 s"]);
}

#[tokio::test]
async fn a_call_that_cannot_be_asked_for_ends_and_what_it_asks_late_is_withdrawn() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let late = Hold::new();
    let fired = bench.store.fault("requested", 1, Does::Hold(late.clone()));
    unanswered(within(&bench, GRACE, waiting(&bench, &approvals)).await);
    assert_eq!(bench.store.intact().await.len(), 0);
    late.open();
    settle().await;
    let request = bench.store.intact().await[0];
    assert_eq!((fired.times(), bench.phase(request).await), (1, Phase::Cancelled));
    bench.ends(approvals).await;
    assert_eq!((bench.runs.count(), bench.mock.cards().len()), (0, 0));
}

#[tokio::test]
async fn a_call_whose_key_cannot_be_looked_up_ends() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    bench.store.fault("history", usize::MAX, Does::Hold(Hold::new()));
    unanswered(within(&bench, GRACE, keyed(&bench, &approvals)).await);
    bench.store.heal();
    bench.ends(approvals).await;
    assert_eq!(bench.runs.count(), 0);
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_though_the_store_does_not_say_where_its_request_stands() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let calls = [waiting(&bench, &approvals), waiting(&bench, &approvals)];
    bench.nth_card(2).await;
    settle().await;
    bench.store.fault("history", usize::MAX, Does::Hold(Hold::new()));
    for call in calls {
        unanswered(within(&bench, HOUR + GRACE, call).await);
    }
    bench.store.heal();
    pass(&bench.clock, GRACE).await;
    for request in bench.store.intact().await {
        assert!(matches!(bench.phase(request).await, Phase::Expired | Phase::Cancelled));
    }
    bench.ends(approvals).await;
    assert_eq!(bench.runs.count(), 0);
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_though_its_expiry_is_never_written() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let call = keyed(&bench, &approvals);
    let request = request_of(&bench.card().await);
    settle().await;
    let late = Hold::new();
    bench.store.fault("expired", usize::MAX, Does::Hold(late.clone()));
    unanswered(within(&bench, HOUR + GRACE, call).await);
    assert_eq!(bench.phase(request).await, Phase::Pending);
    late.open();
    settle().await;
    assert_eq!(bench.phase(request).await, Phase::Expired);
    bench.ends(approvals).await;
    assert_eq!(bench.runs.count(), 0);
}

#[tokio::test]
async fn a_claim_that_is_not_answered_lets_its_caller_go_and_written_late_it_is_of_a_body_that_did_not_run() {
    let bench = Bench::new();
    bench.policy.says(Says::Late);
    bench.mock.approve();
    let approvals = bench.up().await;
    let late = Hold::new();
    let fired = bench.store.fault("started", 1, Does::Hold(late.clone()));
    unanswered(within(&bench, GRACE, keyed(&bench, &approvals)).await);
    let request = request_of(&bench.card().await);
    assert_eq!((fired.times(), bench.phase(request).await), (1, Phase::Approved));
    late.open();
    settle().await;
    let state = bench.store.state(request).await;
    assert_eq!((state.phase(), state.not_run()), (Phase::Cancelled, Some(NotRunWhy::CallerGone)));
    bench.ends(approvals).await;
    assert_eq!(bench.runs.count(), 0);
}

#[tokio::test]
async fn a_verdict_with_its_claim_that_is_not_answered_leaves_the_call_its_deadline() {
    for writes_late in [true, false] {
        let bench = Bench::new();
        bench.mock.approve();
        let approvals = bench.up().await;
        let late = Hold::new();
        let fired = bench.store.fault("started", 1, Does::Hold(late.clone()));
        let call = keyed(&bench, &approvals);
        let request = request_of(&bench.card().await);
        late.reached(1).await;
        pass(&bench.clock, GRACE).await;
        assert!(!call.is_finished(), "nobody has decided yet");
        if writes_late {
            late.open();
            refused(call.await.unwrap(), ErrorKind::Cancelled, &["never entered"]);
        } else {
            refused(within(&bench, HOUR, call).await, ErrorKind::Expired, &[]);
            late.open();
            settle().await;
        }
        let phase = if writes_late { Phase::Cancelled } else { Phase::Expired };
        assert_eq!((fired.times(), bench.phase(request).await), (1, phase));
        bench.ends(approvals).await;
        assert_eq!(bench.runs.count(), 0);
    }
}

#[tokio::test]
async fn a_verdict_that_is_offered_is_taken_while_the_call_waits_for_its_own_look_at_the_store() {
    let bench = Bench::new();
    bench.policy.asks(Quorum::people(2));
    let approvals = bench.up().await;
    let (call, card) = asked(&bench, &approvals).await;
    settle().await;
    let (answered, look) = (Hold::new(), Hold::new());
    bench.store.fault("reviewed", 1, Does::Hold(answered.clone()));
    let first = submitting(&bench.mock, "ann", yes(&card));
    answered.reached(1).await;
    // What the first answer is news for: the call, and its card.
    let fired = bench.store.fault("history", 2, Does::Hold(look.clone()));
    answered.open();
    assert_eq!(counted(&first.await.unwrap().unwrap()), Phase::Pending);
    look.reached(2).await;
    assert_eq!(counted(&bench.mock.submit("bob", yes(&card)).await.unwrap()), Phase::Approved);
    let together = bench.store.appends().into_iter().find(|names| names.contains(&"started"));
    assert_eq!(together, Some(vec!["reviewed", "started"]));
    assert_eq!((call.await.unwrap().unwrap(), fired.times()), (3, 2));
    look.open();
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_call_that_is_stopped_at_the_claim_ends_though_that_is_not_answered() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let call = keyed(&bench, &approvals);
    let card = bench.card().await;
    settle().await;
    bench.policy.says(Says::Refuse);
    bench.store.fault("cancelled", usize::MAX, Does::Hold(Hold::new()));
    bench.approve(&card).await;
    unanswered(within(&bench, GRACE, call).await);
    bench.store.heal();
    bench.ends(approvals).await;
    assert_eq!(bench.runs.count(), 0);
}

#[tokio::test]
async fn a_call_that_policy_rules_on_alone_ends_though_its_record_is_not_answered() {
    for (ruling, record) in [(SiteRuling::Run, "allowed"), (SiteRuling::Refuse, "refused")] {
        let bench = Bench::new();
        bench.policy.site(ruling);
        let approvals = bench.up().await;
        let fired = bench.store.fault(record, 1, Does::Hold(Hold::new()));
        unanswered(within(&bench, GRACE, waiting(&bench, &approvals)).await);
        assert_eq!((fired.times(), bench.runs.count()), (1, 0));
        bench.ends(approvals).await;
    }
}

#[tokio::test]
async fn a_verdict_is_noticed_although_a_read_of_the_news_is_never_answered() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let fired = bench.store.fault("last", 1, Does::Hold(Hold::new()));
    let call = keyed(&bench, &approvals);
    let request = request_of(&bench.card().await);
    settle().await;
    let state = bench.store.state(request).await;
    let withdrawn = Event::Cancelled { by: None, why: CancelWhy::Withdrawn };
    let (env, node, expected) = (Env::Test, "elsewhere".into(), Some(state.version()));
    let append = Append { stream: request.into(), expected, env, node, events: vec![withdrawn.into()] };
    bench.store.append(append).await.unwrap();
    refused(within(&bench, GRACE, call).await, ErrorKind::Cancelled, &[]);
    assert_eq!(fired.times(), 1);
    bench.ends(approvals).await;
}

#[tokio::test]
async fn a_reviewer_whose_answer_the_store_does_not_answer_for_is_told_so_and_may_answer_again() {
    for (people, on) in [(1, "history"), (1, "reviewed"), (2, "reviewed"), (1, "ignored")] {
        let bench = Bench::new();
        bench.policy.asks(Quorum::people(people));
        let approvals = bench.up().await;
        let (call, card) = asked(&bench, &approvals).await;
        settle().await;
        // The owner of the agent is not asked.
        let person = if on == "ignored" { "owner" } else { "ann" };
        let late = Hold::new();
        let fired = bench.store.fault(on, 1, Does::Hold(late.clone()));
        let begun = bench.clock.now();
        let told = drive(&bench.clock, SECOND, submitting(&bench.mock, person, yes(&card))).await;
        let took = begun.until(bench.clock.now());
        assert!(took <= GRACE / 2 + 2 * SECOND, "it took {took:?}");
        let Err(DeskError::Store(error)) = told else { panic!("{told:?}") };
        assert_eq!((error.kind(), fired.times()), (&StoreErrorKind::Unanswered, 1));
        late.open();
        settle().await;
        let again = bench.mock.submit(person, yes(&card)).await.unwrap();
        match on {
            "history" => drop(counted(&again)),
            _ => drop(ignored(&again)),
        }
        if people == 2 || on == "ignored" {
            bench.mock.submit("bob", yes(&card)).await.unwrap();
        }
        let _ = drive(&bench.clock, SECOND, call).await;
        bench.ends(approvals).await;
        let written = bench.store.appends().iter().filter(|names| names.contains(&"reviewed")).count();
        assert_eq!((written, bench.runs.count() <= 1), (people as usize, true));
    }
}

#[test]
fn a_call_ends_where_there_is_no_timer() {
    let bench = Bench::over(Faulty::over(Memory::new().unwrap()), ManualClock::at(noon()));
    let clock = Arc::new(SystemClock);
    let tokio = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    bench.store.slow_down();
    bench.mock.approve();
    let approvals = tokio.block_on(bench.builder().clock(clock).build()).unwrap();
    let elsewhere = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let ran = elsewhere.block_on(approvals.scope(wipe(bench.runs.clone(), "sda")));
    assert_eq!(ran.unwrap(), 3);
}
