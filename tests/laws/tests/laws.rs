//! The laws, one by one, on a gated function with the mock.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use approvals::testing::MockBackend;
use approvals::{ApprovalError, Approvals, requires_approval};

static RUNS: AtomicUsize = AtomicUsize::new(0);

#[requires_approval(risk = "high", reason = "refunds {cents} cents")]
async fn refund(cents: u64) -> Result<u64, ApprovalError> {
    RUNS.fetch_add(1, SeqCst);
    Ok(cents)
}

#[tokio::test]
async fn an_approved_call_runs_once() {
    let mock = MockBackend::new().approve();
    let approvals = Approvals::test(&mock);
    let value = approvals.scope(refund(12)).await.unwrap();
    assert_eq!(value, 12);
    assert_eq!(RUNS.load(SeqCst), 1);
    approvals.shutdown().await.unwrap();
    let records = approvals.store().records(approvals::id::Seq::START, 100).await.unwrap();
    for record in &records {
        println!("{}", String::from_utf8_lossy(&record.bytes));
    }
    println!("{}", approvals::card::text::render(&mock.cards()[0], &Default::default()).text);
}
