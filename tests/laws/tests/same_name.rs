//! Two actions of one name cannot be linked into a set-up, so they have a program of their own.

use approvals::testing::MockBackend;
use approvals::{ApprovalError, Approvals, BuildError, requires_approval};

#[requires_approval(risk = "low", action = "same.name")]
async fn one() -> Result<(), ApprovalError> {
    Ok(())
}

#[requires_approval(risk = "high", action = "same.name")]
async fn other() -> Result<(), ApprovalError> {
    Ok(())
}

#[tokio::test]
async fn two_actions_of_one_name_are_refused_with_both_places() {
    drop((one(), other()));
    let error = Approvals::test_builder(&MockBackend::new()).build().await.unwrap_err();
    assert!(matches!(error, BuildError::ActionTwice { name: "same.name", .. }), "{error}");
    let message = error.to_string();
    assert_eq!(message.matches("same_name.rs:").count(), 2, "{message}");
    assert!(message.contains("`action = \"…\"` of its own"), "{message}");
}
