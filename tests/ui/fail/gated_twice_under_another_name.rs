use approvals::ApprovalError;
use approvals::requires_approval as gated;

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[gated(risk = "high", action = "two.a")]
#[gated(risk = "high", action = "two.b")]
async fn twice(#[approval(secret)] pin: String) -> Result<String, OpsError> {
    Ok(pin)
}

fn main() {}
