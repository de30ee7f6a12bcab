use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high", reason = "uses {b}")]
async fn export(
    #[cfg(any())] b: u8,
    #[cfg(not(any()))]
    #[approval(secret)]
    b: String,
) -> Result<usize, OpsError> {
    Ok(b.len())
}

fn main() {}
