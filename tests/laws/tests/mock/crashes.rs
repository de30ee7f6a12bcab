//! A backend that fails, crashes or is killed.

use approvals::backend::BackendError;
use approvals::ledger::{Memory, PresentFailure};
use approvals::testing::{MockBackend, action, any};
use approvals::{Approvals, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use crate::support::*;

#[tokio::test]
async fn what_cannot_be_presented_does_not_run() {
    let mock = MockBackend::new();
    mock.when(any()).fail(BackendError::permanent(PresentFailure::Rejected, "no such channel"));
    let approvals = Approvals::test(&mock);
    assert_eq!(at_once(approvals.scope(refund(1, 5))).await.unwrap_err().kind(), ErrorKind::Unavailable);
    mock.ledger(&approvals).await.assert_sequence("refund", ["requested", "present_failed", "cancelled"]);
    assert!(mock.cards().is_empty(), "nobody saw it");
}

#[tokio::test]
async fn a_mock_that_is_mended_presents_what_waits() {
    let mock = MockBackend::new().approve();
    mock.fail(BackendError::temporary(PresentFailure::Unreachable, "no route"));
    let approvals = Approvals::test(&mock);
    let call = approvals.spawn(refund(1, 5));
    mock.advance(MINUTE).await;
    assert!(!call.is_finished());
    mock.mend();
    while !call.is_finished() {
        mock.advance(MINUTE).await;
    }
    assert_eq!(call.await.unwrap().unwrap(), 5);
}

#[tokio::test]
async fn a_backend_that_panics_once_the_card_is_shown_has_not_presented_it() {
    let mock = MockBackend::new();
    mock.when(action("refund")).show_then_panic();
    let approvals = Approvals::test(&mock);
    assert_eq!(at_once(approvals.scope(refund(1, 5))).await.unwrap_err().kind(), ErrorKind::Unavailable);
    mock.ledger(&approvals).await.assert_sequence("refund", ["requested", "present_failed", "cancelled"]);
    assert_eq!(mock.cards().len(), 1, "people saw it all the same");
}

/// The life of a process; what is left at its end is cut off, as by a kill.
fn life(mock: &MockBackend, store: &Memory, work: impl AsyncFnOnce(Approvals)) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        work(Approvals::test_builder(mock).store(store.clone()).build().await.unwrap()).await;
    });
}

#[test]
fn a_process_that_is_killed_before_it_knows_where_the_card_stands_asks_again() {
    let mock = MockBackend::new();
    mock.when(action("shop.pay")).show_then_hang().only(1).expect(1);
    mock.when(action("shop.pay")).approve().expect(1);
    let store = Memory::with_clock(Arc::new(mock.clock())).unwrap();
    life(&mock, &store, async |approvals| {
        let _killed = approvals.spawn(pay("R-1", 5));
        mock.presented(1).await;
    });
    life(&mock, &store, async |approvals| {
        assert_eq!(approvals.scope(pay("R-1", 5)).await.unwrap(), 5);
        let ledger = mock.ledger(&approvals).await;
        ledger.assert_sequence("shop.pay", ["requested", "presented", "reviewed", "started", "finished"]);
    });
    assert_eq!(mock.cards().len(), 2);
}

#[tokio::test]
async fn a_listener_that_crashes_is_back_a_second_later() {
    let mock = MockBackend::new();
    mock.when(any()).approve().after(Duration::from_millis(500));
    let approvals = Approvals::test(&mock);
    let call = approvals.spawn(refund(1, 5));
    mock.presented(1).await;
    mock.crash_listener();
    mock.advance(Duration::from_millis(999)).await;
    assert!(!call.is_finished(), "nobody listens");
    mock.advance(Duration::from_millis(1)).await;
    assert_eq!(call.await.unwrap().unwrap(), 5);
}

#[tokio::test]
async fn a_listener_that_ends_brings_no_answer_any_more() {
    let mock = MockBackend::new();
    mock.when(any()).approve().after(MINUTE);
    let approvals = Approvals::test(&mock);
    let call = approvals.spawn(refund(1, 5));
    mock.presented(1).await;
    mock.end_listener();
    mock.advance(HOUR).await;
    assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::Expired);
    assert!(mock.replies().is_empty());
}
