//! The facade renamed, re-exported, and beside names of the user's that could be taken for it.
#![forbid(unsafe_code)]
#![deny(warnings)]

mod bare;
mod reexported;
mod renamed;
mod shadowed;

/// Calls a gated function under a mock that denies and under one that approves.
async fn denied_and_approved<T>(
    mut call: impl AsyncFnMut() -> Result<T, gates::ApprovalError>,
) -> Result<T, gates::ApprovalError> {
    let mock = gates::testing::MockBackend::new().deny("no");
    let approvals = gates::Approvals::test(&mock);
    let denied = approvals.scope(call()).await.err();
    assert!(denied.is_some_and(|refusal| refusal.is_denied()));
    mock.approve();
    let outcome = approvals.scope(call()).await;
    assert_eq!(mock.cards().len(), 2);
    assert!(approvals.shutdown().await.is_ok());
    outcome
}

#[tokio::test]
async fn nothing_is_taken_from_the_prelude() {
    let mut rows = 0;
    let keyed = denied_and_approved(async || {
        rows += 1;
        bare::gated(rows, "a", "b").await
    });
    assert_eq!(keyed.await.unwrap(), 2);
    assert_eq!(*denied_and_approved(async || bare::boxed(&5).await).await.unwrap(), 5);
}
