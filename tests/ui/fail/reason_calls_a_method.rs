use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high", reason = "exports {name.len()} letters")]
async fn export(name: String) -> Result<String, OpsError> {
    Ok(name)
}

fn main() {}
