use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high")]
async fn export(rows: u64, api_key: String) -> Result<u64, OpsError> {
    Ok(rows + api_key.len() as u64)
}

fn main() {}
