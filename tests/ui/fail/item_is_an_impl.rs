use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

struct Cluster;

#[requires_approval(risk = "high")]
impl Cluster {
    async fn export(&self, rows: u64) -> Result<u64, OpsError> {
        Ok(rows)
    }
}

fn main() {}
