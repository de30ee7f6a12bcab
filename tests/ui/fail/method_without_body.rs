use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

trait Drain {
    #[requires_approval(risk = "high", action = "cluster.drain", skip(self) = "a handle")]
    async fn drain(&self, node: u64) -> Result<u64, OpsError>;
}

fn main() {}
