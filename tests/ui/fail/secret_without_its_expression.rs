use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high")]
async fn export(#[approval(secret =)] token: String) -> Result<(), OpsError> {
    drop(token);
    Ok(())
}

fn main() {}
