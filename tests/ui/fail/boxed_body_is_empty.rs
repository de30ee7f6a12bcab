use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

use std::future::Future;

#[requires_approval(risk = "high")]
fn export(rows: u64) -> impl Future<Output = Result<u64, OpsError>> {}

fn main() {}
