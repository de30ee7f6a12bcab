use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high", reason = "exports {rows}")]
async fn export(rows: Vec<u64>) -> Result<Vec<u64>, OpsError> {
    Ok(rows)
}

fn main() {}
