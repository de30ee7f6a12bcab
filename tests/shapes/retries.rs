//! Retry attributes above and below: the attribute nearest to `fn` is outermost when the function runs.

use approvals::testing::MockBackend;
use approvals::{Approvals, requires_approval};
use approvals_shapes_retry::retry;

use crate::support::{OpsError, Res, ran, runs};

fn third_time(rows: u8) -> Res<u8> {
    if ran().is_multiple_of(3) { Ok(rows) } else { Err(OpsError::Own("again")) }
}

#[retry]
#[requires_approval(risk = "high")]
async fn retried_above(rows: u8) -> Res<u8> {
    third_time(rows)
}

#[requires_approval(risk = "high")]
#[retry]
async fn retried_below(rows: u8) -> Res<u8> {
    third_time(rows)
}

/// Cards shown and bodies run, for one call.
async fn counted(mock: MockBackend, call: impl Future<Output = Res<u8>>) -> (usize, usize) {
    let approvals = Approvals::test(&mock);
    let before = runs();
    drop(approvals.scope(call).await);
    approvals.shutdown().await.unwrap();
    (mock.cards().len(), runs() - before)
}

#[tokio::test]
async fn one_approval_covers_the_retries_of_an_attribute_above() {
    assert_eq!(counted(MockBackend::new().approve(), retried_above(7)).await, (1, 3));
    assert_eq!(counted(MockBackend::new().deny("no"), retried_above(7)).await, (1, 0));
}

#[tokio::test]
async fn an_attribute_below_asks_again_at_each_attempt_a_denied_one_too() {
    assert_eq!(counted(MockBackend::new().approve(), retried_below(7)).await, (3, 3));
    assert_eq!(counted(MockBackend::new().deny("no"), retried_below(7)).await, (3, 0));
}
