use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high", approvals = consume(handle))]
async fn export(#[approval(skip = "the handle")] handle: approvals::Approvals, rows: u64) -> Result<u64, OpsError> {
    Ok(rows)
}

fn consume(handle: approvals::Approvals) -> approvals::Approvals {
    handle
}

fn main() {}
