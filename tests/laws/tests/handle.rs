//! A handle that is named beats one that is installed, which serves the whole process: these tests have one of their own.

use approvals::testing::MockBackend;
use approvals::{ApprovalError, Approvals, requires_approval};

#[requires_approval(risk = "high", action = "handle.wipe", approvals = handle)]
async fn wipe(
    #[approval(skip = "the handle")] handle: &Approvals,
    disk: &str,
) -> Result<usize, ApprovalError> {
    let _ = handle;
    Ok(disk.len())
}

#[tokio::test]
async fn the_named_handle_wins_over_the_installed_one() {
    let (named, installed) = (MockBackend::new().approve(), MockBackend::new().deny("no"));
    let (ours, other) = (Approvals::test(&named), Approvals::test(&installed));
    other.install().unwrap();
    assert_eq!(wipe(&ours, "sda").await.unwrap(), 3);
    assert_eq!((named.cards().len(), installed.cards().len()), (1, 0));
    assert!(wipe(&other, "sda").await.unwrap_err().is_denied());
    ours.shutdown().await.unwrap();
    other.shutdown().await.unwrap();
}
