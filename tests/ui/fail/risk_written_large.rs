use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "High")]
async fn export(rows: u64) -> Result<u64, OpsError> {
    Ok(rows)
}

fn main() {}
