use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

type Rows = u64;

#[requires_approval(risk = "high")]
async fn export(rows: u64) -> Rows {
    rows
}

fn main() {}
