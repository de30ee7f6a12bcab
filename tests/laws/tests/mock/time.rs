//! Virtual time: everything happens at its hour, and nothing sleeps.

use std::time::Duration;

use approvals::ledger::IgnoredWhy;
use approvals::testing::{MockBackend, any, no, yes};
use approvals::{Approvals, ErrorKind};

use crate::support::*;

/// Runs without timers: whatever slept by a real clock would panic.
fn without_timers(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test);
}

#[test]
fn a_request_expires_when_time_is_moved_and_not_before() {
    without_timers(async {
        let mock = MockBackend::new();
        let approvals = Approvals::test(&mock);
        let call = approvals.spawn(refund(1, 5));
        mock.presented(1).await;
        mock.advance(HOUR - Duration::from_micros(1)).await;
        assert!(!call.is_finished());
        mock.advance(Duration::from_micros(1)).await;
        assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::Expired);
        approvals.shutdown().await.unwrap();
        assert_eq!(mock.updates().last().unwrap().state.label, "expired");
    });
}

#[test]
fn an_answer_is_given_at_its_time_although_time_leaps_over_it() {
    without_timers(async {
        let mock = MockBackend::new();
        mock.when(any()).answer([yes("ann").after(59 * MINUTE)]);
        let approvals = Approvals::test(&mock);
        let call = approvals.spawn(refund(1, 5));
        mock.presented(1).await;
        mock.advance(24 * HOUR).await;
        assert_eq!(call.await.unwrap().unwrap(), 5, "within the hour, a day later");
    });
}

#[test]
fn an_answer_at_the_deadline_is_too_late() {
    without_timers(async {
        let mock = MockBackend::new();
        mock.when(any()).approve().after(HOUR);
        let approvals = Approvals::test(&mock);
        let call = approvals.spawn(refund(1, 5));
        mock.presented(1).await;
        mock.advance(2 * HOUR).await;
        assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::Expired);
        assert_eq!(reasons(&mock.replied(1).await), [Some(IgnoredWhy::TooLate)]);
    });
}

#[test]
fn delays_decide_who_is_first() {
    without_timers(async {
        let mock = MockBackend::new();
        mock.when(any()).answer([yes("ann").after(2 * MINUTE), no("bob").after(MINUTE)]);
        let approvals = Approvals::test(&mock);
        let call = approvals.spawn(refund(1, 5));
        mock.presented(1).await;
        mock.advance(MINUTE).await;
        assert!(call.await.unwrap().unwrap_err().is_denied());
        mock.advance(MINUTE).await;
        assert_eq!(reasons(&mock.replies()), [None, Some(IgnoredWhy::AlreadyDecided)]);
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_may_leap_beside_other_threads() {
    for _ in 0..50 {
        let mock = MockBackend::new();
        mock.when(any())
            .answer([no("ann").for_another_digest().after(MINUTE), yes("bob").after(59 * MINUTE)]);
        let approvals = Approvals::test(&mock);
        let call = approvals.spawn(refund(1, 5));
        mock.presented(1).await;
        mock.advance(HOUR).await;
        assert_eq!(call.await.unwrap().unwrap(), 5);
        assert_eq!(mock.replies().len(), 2);
    }
}
