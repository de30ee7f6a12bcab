use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high", key = "nightly")]
async fn export(rows: Option<std::collections::HashSet<u64>>) -> Result<usize, OpsError> {
    Ok(rows.map_or(0, |rows| rows.len()))
}

fn main() {}
