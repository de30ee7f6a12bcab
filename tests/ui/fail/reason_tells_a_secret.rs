use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high", reason = "with {token}")]
async fn export(#[approval(secret)] token: String) -> Result<String, OpsError> {
    Ok(token)
}

fn main() {}
