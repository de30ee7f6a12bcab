//! A shutdown ends, whatever the store does, and says what it left behind.

use approvals::state::Phase;
use approvals::{Approvals, ShutdownError};

use crate::support::*;

/// Shuts down while virtual time passes.
async fn shut_down(bench: &Bench, approvals: &Approvals) -> Result<(), ShutdownError> {
    let approvals = approvals.clone();
    drive(&bench.clock, MINUTE / 60, tokio::spawn(async move { approvals.shutdown().await })).await
}

#[test]
fn a_store_that_fails_for_ever_is_given_up_and_the_next_process_says_lost() {
    let bench = Bench::new();
    bench.mock.approve();
    let request = life(async {
        let approvals = bench.up().await;
        let fired = bench.store.fault("finished", usize::MAX, Does::Fail);
        bench.store.fault("allowed", usize::MAX, Does::Fail);
        approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap();
        for _ in 0..3 {
            approvals.scope(peek(bench.runs.clone(), "sda")).await.unwrap();
        }
        settle().await;
        let begun = bench.clock.clone();
        let before = approvals::time::Clock::now(&begun);
        let error = shut_down(&bench, &approvals).await.unwrap_err();
        let ShutdownError::GivenUp { records, works } = error else { panic!("{error}") };
        assert_eq!((records, works), (3, 1));
        assert!(error.to_string().contains("approvals reconcile"), "{error}");
        assert!(before.until(approvals::time::Clock::now(&begun)) <= 2 * MINUTE);
        // Nothing tries on behind the back of whoever was told that it is given up.
        let times = fired.times();
        bench.clock.advance(HOUR);
        settle().await;
        assert_eq!(fired.times(), times);
        let request = request_of(&bench.card().await);
        assert_eq!(bench.phase(request).await, Phase::Executing);
        drop(approvals);
        settle().await;
        bench.store.heal();
        // In this very process, too: the name of the node is free again.
        let next = bench.up().await;
        assert_eq!(bench.phase(request).await, Phase::Unknown);
        bench.ends(next).await;
        request
    });
    assert_eq!(life(bench.store.story(request)), ["requested", "reviewed", "started", "lost"]);
    assert_eq!(life(bench.store.names(approvals::ledger::Stream::System)), ["up", "up", "down"]);
}

#[tokio::test]
async fn a_store_that_never_answers_is_given_up() {
    let bench = Bench::new();
    let approvals = bench.up().await;
    let never = Hold::new();
    bench.store.fault("down", 1, Does::Hold(never.clone()));
    let error = shut_down(&bench, &approvals).await.unwrap_err();
    assert!(matches!(error, ShutdownError::GivenUp { records: 0, works: 0 }), "{error:?}");
}

#[tokio::test]
async fn a_store_that_works_again_in_time_is_waited_for() {
    let bench = Bench::new();
    bench.mock.approve();
    let approvals = bench.up().await;
    let fired = bench.store.fault("finished", 6, Does::Fail);
    approvals.scope(wipe(bench.runs.clone(), "sda")).await.unwrap();
    shut_down(&bench, &approvals).await.unwrap();
    assert_eq!(fired.times(), 6);
    assert_eq!(bench.phase(request_of(&bench.card().await)).await, Phase::Succeeded);
}
