use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = risk_of(rows)?)]
async fn export(rows: u64) -> Result<u64, OpsError> {
    Ok(rows)
}

fn risk_of(_: u64) -> Result<approvals::Risk, OpsError> {
    Err(OpsError)
}

fn main() {}
