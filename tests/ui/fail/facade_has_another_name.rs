use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high", reason = "exports {rows}", labels(incident = rows), crate = ::gates)]
async fn export(rows: u64, #[approval(secret)] token: String) -> Result<usize, OpsError> {
    Ok(token.len())
}

fn main() {}
