use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high")]
async fn export(#[approval(skip)] pool: String) -> Result<String, OpsError> {
    Ok(pool)
}

fn main() {}
