//! A gated function under test: the mock answers in place of people, in one line.
//!
//! ```sh
//! cargo test --example mock --features testing
//! cargo run --example mock --features testing
//! ```

use approvals::testing::MockBackend;
use approvals::{ApprovalError, Approvals, requires_approval};

#[requires_approval(risk = "high", reason = "refunds {cents} cents")]
async fn refund(order: u64, cents: u64) -> Result<String, ApprovalError> {
    Ok(format!("refunded {cents} cents of order {order}"))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mock = MockBackend::new().approve();
    let approvals = Approvals::test(&mock);
    println!("{}", approvals.scope(refund(7, 1_200)).await?);

    mock.deny("too much");
    if let Err(refusal) = approvals.scope(refund(8, 990_000)).await {
        println!("for people: {refusal}");
        println!("for a model: {}", refusal.message_for_model());
    }
    approvals.shutdown().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refund_runs_when_a_person_says_yes() {
        let mock = MockBackend::new().approve();
        assert!(Approvals::test(&mock).scope(refund(7, 1_200)).await.is_ok());
        assert_eq!(mock.cards()[0].reason.as_deref(), Some("refunds 1200 cents"));
    }

    #[tokio::test]
    async fn a_refund_does_not_run_when_a_person_says_no() {
        let mock = MockBackend::new().deny("too much");
        let refusal = Approvals::test(&mock).scope(refund(7, 1_200)).await.unwrap_err();
        assert!(refusal.is_denied());
    }
}
