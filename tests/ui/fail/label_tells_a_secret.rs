use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high", labels(note = format!("{pass}")))]
async fn export(#[approval(secret)] pass: String) -> Result<String, OpsError> {
    Ok(pass)
}

fn main() {}
