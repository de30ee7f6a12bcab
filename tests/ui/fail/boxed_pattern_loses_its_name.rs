use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

struct Parameters<T>(T);

#[async_trait::async_trait]
trait Tools {
    #[requires_approval(risk = "high", action = "tools.export", skip(self) = "a handle")]
    async fn export(&self, Parameters(rows): Parameters<u64>) -> Result<u64, OpsError> {
        Ok(rows)
    }
}

fn main() {}
