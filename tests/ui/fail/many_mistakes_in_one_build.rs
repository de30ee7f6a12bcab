use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "hihg", wait = "soon", colour = "red", reason = "{rows} {")]
async fn export((a, b): (u64, u64), password: String) -> Result<u64, OpsError> {
    Ok(a + b + password.len() as u64)
}

#[allow(dead_code)]
async fn callers_still_resolve() -> Result<u64, OpsError> {
    export((1, 2), String::new()).await
}

fn main() {}
