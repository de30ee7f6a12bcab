use approvals::ApprovalError;
use approvals::requires_approval as gated;

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

struct Door;

#[async_trait::async_trait]
trait Open {
    async fn open(&self, pin: String) -> Result<String, OpsError>;
}

#[async_trait::async_trait]
impl Open for Door {
    #[gated(risk = "high", action = "two.a", skip(self) = "one per process")]
    #[gated(risk = "high", action = "two.b", skip(self) = "one per process")]
    async fn open(&self, #[approval(secret)] pin: String) -> Result<String, OpsError> {
        Ok(pin)
    }
}

fn main() {}
