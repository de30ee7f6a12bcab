use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high")]
async fn export(rows: u64, pool: Pool) -> Result<u64, OpsError> {
    drop(pool);
    Ok(rows)
}

struct Pool;

fn main() {}
