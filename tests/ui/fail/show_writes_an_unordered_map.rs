use std::collections::HashMap;

use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high", key = "a", show(l = format!("{:?}", &m)))]
async fn export(m: HashMap<String, u8>) -> Result<usize, OpsError> {
    Ok(m.len())
}

fn main() {}
