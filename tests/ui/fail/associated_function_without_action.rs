use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

struct Cluster;

impl Cluster {
    #[requires_approval(risk = "high")]
    async fn new(rows: u64) -> Result<Self, OpsError> {
        drop(rows);
        Ok(Self)
    }
}

fn main() {}
