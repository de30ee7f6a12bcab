use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

struct Cluster;

impl Cluster {
    #[requires_approval(risk = "high", action = "cluster.drain")]
    async fn drain(&self, node: u64) -> Result<u64, OpsError> {
        Ok(node)
    }
}

fn main() {}
