//! Behind a library of somebody's.

use toolkit::approvals::ApprovalError;

#[toolkit::approvals::requires_approval(risk = "high", crate = ::toolkit::approvals)]
async fn by_path(rows: u64) -> Result<u64, ApprovalError> {
    Ok(rows)
}

#[toolkit::gated(risk = "high", crate = ::toolkit::prelude::gates)]
async fn by_another_word(rows: u64) -> Result<u64, ApprovalError> {
    Ok(rows)
}

use toolkit::approvals as local;

#[local::requires_approval(risk = "high", crate = local)]
async fn by_a_local_name(rows: u64) -> Result<u64, ApprovalError> {
    Ok(rows)
}

toolkit::gate!("reexported.by_macro", by_macro(rows: u64));

#[tokio::test]
async fn users_of_a_library_need_no_dependency_of_their_own() {
    assert_eq!(crate::denied_and_approved(async || by_path(1).await).await.unwrap(), 1);
    assert_eq!(crate::denied_and_approved(async || by_another_word(2).await).await.unwrap(), 2);
    assert_eq!(crate::denied_and_approved(async || by_a_local_name(3).await).await.unwrap(), 3);
    assert_eq!(crate::denied_and_approved(async || by_macro(4).await).await.unwrap(), 4);
}

#[tokio::test]
async fn functions_of_a_library_ask_through_the_handle_of_the_program() {
    assert_eq!(crate::denied_and_approved(async || toolkit::wipe("sda").await).await.unwrap(), 3);
}
