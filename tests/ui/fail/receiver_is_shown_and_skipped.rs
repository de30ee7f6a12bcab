use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

struct Cluster {
    env: String,
}

impl Cluster {
    #[requires_approval(risk = "high", action = "cluster.export", show(env = self.env), skip(self) = "a handle")]
    async fn export(&self, rows: u64) -> Result<u64, OpsError> {
        Ok(rows)
    }
}

fn main() {}
