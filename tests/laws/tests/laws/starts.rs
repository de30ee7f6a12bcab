//! What a start finds of bodies that were cut off (laws 2 and 8).

use approvals::ErrorKind;
use approvals::id::ClaimId;
use approvals::ledger::{Append, Env, Event, Store};
use approvals::state::Phase;
use approvals::time::Clock;

use crate::once::did_not_run;
use crate::support::*;

/// A first life that is killed in the body, after `started` and before any end is on record.
fn killed_in_the_body(bench: &Bench, call: impl AsyncFnOnce(Runs) + 'static) {
    killed_in_bodies(bench, 1, call);
}

/// The same of a call that comes to so many bodies.
fn killed_in_bodies(bench: &Bench, bodies: usize, call: impl AsyncFnOnce(Runs) + 'static) {
    let hold = Hold::new();
    let runs = Runs::held_by(&hold);
    bench.mock.approve();
    life(async {
        let approvals = bench.up().await;
        bench.store.fault("lost", usize::MAX, Does::Fail);
        let local = tokio::task::LocalSet::new();
        local.spawn_local(approvals.scope(call(runs)));
        local.run_until(hold.reached(bodies)).await;
    });
    bench.store.heal();
}

#[test]
fn a_process_that_was_killed_in_the_body_is_found_by_its_successor() {
    let bench = Bench::new();
    killed_in_the_body(&bench, async |runs| drop(pay(runs, "R-1", 5).await));
    life(async {
        let request = bench.store.intact().await[0];
        assert_eq!(bench.phase(request).await, Phase::Executing);
        let approvals = bench.up().await;
        assert_eq!(bench.phase(request).await, Phase::Unknown);
        let outcome = at_once(approvals.scope(pay(bench.runs.clone(), "R-1", 5))).await;
        refused(outcome, ErrorKind::Unknown, &["a person has to check", "approvals reconcile"]);
        assert_eq!(bench.runs.count(), 0);
        bench.ends(approvals).await;
    });
}

#[test]
fn bodies_that_were_cut_off_and_whose_history_gives_no_answer_keep_no_agent_from_starting() {
    for does in [Does::Fail, Does::Panic] {
        let bench = Bench::new();
        killed_in_bodies(&bench, 2, async |runs| {
            drop(tokio::join!(pay(runs.clone(), "R-1", 5), sync(runs, "n")))
        });
        life(async {
            let [readable, silent] = bench.store.intact().await[..] else {
                panic!("two bodies were cut off")
            };
            // The newest is listed first.
            bench.store.fault_over(silent, does);
            let approvals = bench.up().await;
            assert_eq!(bench.phase(readable).await, Phase::Unknown);
            bench.store.heal();
            assert_eq!(bench.phase(silent).await, Phase::Executing);
            let running = at_once(approvals.scope(sync(bench.runs.clone(), "n"))).await;
            refused(running, ErrorKind::Running, &[]);
            pass(&bench.clock, MINUTE).await;
            assert_eq!(bench.phase(silent).await, Phase::Unknown, "it is tried again");
            assert_eq!(approvals.scope(sync(bench.runs.clone(), "n")).await.unwrap(), 1);
            bench.ends(approvals).await;
        });
    }
}

#[test]
fn a_start_waits_once_for_a_store_that_answers_for_no_body_that_was_cut_off() {
    for answers_for_the_others in [true, false] {
        let bench = Bench::new();
        killed_in_bodies(&bench, 3, async |runs| {
            drop(tokio::join!(pay(runs.clone(), "R-1", 5), pay(runs.clone(), "R-2", 5), sync(runs, "n")))
        });
        life(async {
            let mut bodies = bench.store.intact().await;
            // The newest is listed first.
            let silent = *bodies.last().unwrap();
            if answers_for_the_others {
                bodies.pop();
                bench.store.fault_over(silent, Does::Hold(Hold::new()));
            } else {
                bench.store.fault("history", usize::MAX, Does::Hold(Hold::new()));
            }
            let begun = bench.clock.now();
            let approvals = drive(&bench.clock, SECOND, tokio::spawn(bench.builder().build())).await.unwrap();
            let took = begun.until(bench.clock.now());
            assert!(took < MINUTE + 5 * SECOND, "it took {took:?}");
            if !answers_for_the_others {
                pass(&bench.clock, 2 * MINUTE).await;
                bench.store.heal();
                pass(&bench.clock, 2 * MINUTE).await;
            }
            settle().await;
            for body in bodies {
                assert_eq!(bench.phase(body).await, Phase::Unknown);
            }
            bench.store.heal();
            pass(&bench.clock, 4 * MINUTE).await;
            assert_eq!(bench.phase(silent).await, Phase::Unknown);
            bench.ends(approvals).await;
        });
    }
}

#[test]
fn a_rerunnable_action_runs_again_under_its_approval() {
    let bench = Bench::new();
    killed_in_the_body(&bench, async |runs| drop(sync(runs, "n").await));
    life(async {
        let approvals = bench.up().await;
        assert_eq!(approvals.scope(sync(bench.runs.clone(), "n")).await.unwrap(), 1);
        assert_eq!((bench.runs.count(), bench.mock.cards().len()), (1, 1));
        let outcome = at_once(approvals.scope(sync(bench.runs.clone(), "n"))).await;
        refused(outcome, ErrorKind::AlreadyRan, &["another key"]);
        bench.ends(approvals).await;
    });
}

#[test]
fn a_rerunnable_action_does_not_run_again_after_a_denial() {
    let bench = Bench::new();
    killed_in_the_body(&bench, async |runs| drop(sync(runs, "n").await));
    life(async {
        let approvals = bench.up().await;
        let card = bench.card().await;
        assert_eq!(counted(&bench.mock.submit("late", no(&card)).await.unwrap()), Phase::Unknown);
        let outcome = at_once(approvals.scope(sync(bench.runs.clone(), "n"))).await;
        refused(outcome, ErrorKind::Unknown, &["approvals reconcile"]);
        assert_eq!(bench.runs.count(), 0);
        bench.ends(approvals).await;
    });
}

#[test]
fn a_rerunnable_action_whose_permit_is_over_is_unknown_and_not_merely_expired() {
    let bench = Bench::new();
    killed_in_the_body(&bench, async |runs| drop(sync(runs, "n").await));
    life(async {
        let approvals = bench.up().await;
        bench.clock.advance(15 * MINUTE);
        let outcome = at_once(approvals.scope(sync(bench.runs.clone(), "n"))).await;
        // It may have run: to say `expired, ask anew` would be a lie.
        refused(outcome, ErrorKind::Unknown, &["approvals reconcile"]);
        assert_eq!(bench.runs.count(), 0);
        bench.ends(approvals).await;
    });
}

#[test]
fn a_start_that_cannot_record_that_a_body_was_cut_off_goes_on_and_records_it_behind_itself() {
    let bench = Bench::new();
    killed_in_the_body(&bench, async |runs| drop(pay(runs, "R-1", 5).await));
    life(async {
        let request = bench.store.intact().await[0];
        let fired = bench.store.fault("lost", 1, Does::Fail);
        let approvals = bench.up().await;
        assert_eq!((fired.times(), bench.phase(request).await), (1, Phase::Executing));
        pass(&bench.clock, MINUTE).await;
        assert_eq!((bench.phase(request).await, bench.runs.count()), (Phase::Unknown, 0));
        bench.ends(approvals).await;
    });
}

#[test]
fn a_start_goes_on_if_a_person_is_first_to_say_what_became_of_a_body_that_was_cut_off() {
    let bench = Bench::new();
    killed_in_the_body(&bench, async |runs| drop(pay(runs, "R-1", 5).await));
    life(async {
        let request = bench.store.intact().await[0];
        let hold = Hold::new();
        bench.store.fault("lost", 1, Does::Hold(hold.clone()));
        let starting = tokio::spawn(bench.builder().build());
        hold.reached(1).await;
        bench.store.write(request, did_not_run()).await;
        hold.open();
        let approvals = starting.await.unwrap().unwrap();
        assert_eq!(bench.phase(request).await, Phase::Cancelled);
        bench.ends(approvals).await;
    });
}

#[test]
fn a_start_that_finds_a_claim_dead_leaves_the_one_that_came_after_it_alone() {
    let bench = Bench::new();
    let hold = Hold::new();
    let (request, node) = life(async {
        bench.mock.approve();
        let approvals = bench.up().await;
        let runs = Runs::held_by(&hold);
        let _call = tokio::spawn(approvals.scope(sync(runs, "n")));
        hold.reached(1).await;
        bench.store.fault("lost", usize::MAX, Does::Fail);
        (request_of(&bench.card().await), approvals.node().clone())
    });
    bench.store.heal();
    life(async {
        let listed = Hold::new();
        bench.store.fault("listed", 1, Does::Hold(listed.clone()));
        let start = tokio::spawn(bench.builder().build());
        listed.reached(1).await;
        let state = bench.store.state(request).await;
        let lost = Append {
            stream: request.into(),
            expected: Some(state.version()),
            env: Env::Test,
            node,
            events: vec![Event::Lost { claim: state.claim().unwrap().id }.into()],
        };
        bench.store.append(lost).await.unwrap();
        let claim = ClaimId::from_uuid(request.as_uuid());
        bench.store.write(request, Event::Started { claim }).await;
        listed.open();
        let approvals = start.await.unwrap().unwrap();
        settle().await;
        let state = bench.store.state(request).await;
        assert_eq!((state.phase(), state.claim().unwrap().id), (Phase::Executing, claim));
        approvals.shutdown().await.unwrap();
    });
}

#[test]
fn a_start_frees_the_names_of_dead_siblings_at_once_and_leaves_what_is_claimed_under_them_then_alone() {
    let bench = Bench::new();
    let sibling = life(async {
        let (_first, second) = (bench.up().await, bench.up().await);
        let hold = Hold::new();
        bench.mock.approve();
        tokio::spawn(second.scope(sync(Runs::held_by(&hold), "n")));
        hold.reached(1).await;
        bench.store.fault("lost", usize::MAX, Does::Fail);
        second.node().clone()
    });
    bench.store.heal();
    life(async {
        let request = bench.store.intact().await[0];
        bench.store.fault_over(request, Does::Fail);
        let first = bench.up().await;
        settle().await;
        bench.store.heal();
        let second = bench.builder().node(sibling.clone()).build().await.unwrap();
        assert_eq!((second.node(), bench.phase(request).await), (&sibling, Phase::Unknown));
        let hold = Hold::new();
        let rerun = tokio::spawn(second.scope(sync(Runs::held_by(&hold), "n")));
        hold.reached(1).await;
        pass(&bench.clock, MINUTE).await;
        assert_eq!(bench.phase(request).await, Phase::Executing, "it is that of a living one");
        hold.open();
        assert_eq!(rerun.await.unwrap().unwrap(), 1);
        assert_eq!(bench.store.story(request).await[3..], ["lost", "started", "finished"]);
        bench.all_end([first, second]).await;
    });
}
