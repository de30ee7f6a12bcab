use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

use std::future::Future;
use std::pin::Pin;

#[requires_approval(risk = "high")]
fn export(rows: &u64) -> Pin<Box<dyn Future<Output = Result<u64, OpsError>> + '_>> {
    Box::pin(async { Ok(*rows) })
}

fn main() {}
