use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = { rows += 1; approvals::Risk::Low })]
async fn export(mut rows: u64) -> Result<u64, OpsError> {
    rows += 1;
    Ok(rows)
}

fn main() {}
