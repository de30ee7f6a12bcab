use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high")]
async fn export((from, to): (u64, u64)) -> Result<u64, OpsError> {
    Ok(to - from)
}

fn main() {}
