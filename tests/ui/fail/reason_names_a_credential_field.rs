use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high", reason = "through {service.api_key}")]
async fn export(service: Service) -> Result<Service, OpsError> {
    Ok(service)
}

#[derive(serde::Serialize)]
struct Service {
    api_key: String,
}

fn main() {}
