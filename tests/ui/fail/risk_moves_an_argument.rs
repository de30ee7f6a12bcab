use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = risk_of(name))]
async fn export(name: String) -> Result<String, OpsError> {
    Ok(name)
}

fn risk_of(_: String) -> approvals::Risk {
    approvals::Risk::Low
}

fn main() {}
