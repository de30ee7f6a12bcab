use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high", reason = "exports {order.totl}")]
async fn export(order: Order) -> Result<u64, OpsError> {
    Ok(order.total)
}

#[derive(serde::Serialize)]
struct Order {
    total: u64,
}

fn main() {}
