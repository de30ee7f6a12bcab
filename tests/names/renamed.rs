//! Under another name in `Cargo.toml`.

use gates::{ApprovalError, Secret, requires_approval};

#[requires_approval(
    risk = if rows > 5 { gates::Risk::High } else { gates::Risk::Medium },
    action = "renamed.everything",
    reason = "{rows} {about}",
    key = "{rows}",
    wait = "30s",
    labels(rows = rows),
    show(about = "that"),
    error = std::convert::identity,
    crate = ::gates
)]
async fn everything(
    rows: u64,
    #[approval(secret)] token: Secret<String>,
    #[approval(skip = "a handle")] _pool: &(),
    #[approval(show = rows)] _shown: u8,
) -> Result<usize, ApprovalError> {
    Ok(token.expose().len())
}

#[tokio::test]
async fn a_renamed_dependency_is_named_by_the_option_crate() {
    let mut rows = 0;
    let outcome = crate::denied_and_approved(async || {
        rows += 1;
        everything(rows, Secret::new("hunter2".to_owned()), &(), 0).await
    });
    assert_eq!(outcome.await.unwrap(), 7);
}
