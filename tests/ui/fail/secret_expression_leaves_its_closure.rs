use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high")]
async fn export(#[approval(secret = token.ok_or(OpsError)?)] token: Option<&str>) -> Result<(), OpsError> {
    let _ = token;
    Ok(())
}

fn main() {}
