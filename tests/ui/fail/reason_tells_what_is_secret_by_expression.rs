use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high", reason = "signed by {token.0}")]
async fn export(#[approval(secret = token.0)] token: Token) -> Result<(), OpsError> {
    drop(token);
    Ok(())
}

struct Token(String);

fn main() {}
