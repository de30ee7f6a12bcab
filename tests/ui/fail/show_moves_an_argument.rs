use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

#[requires_approval(risk = "high")]
async fn export(#[approval(show = pool.into_name())] pool: Pool) -> Result<(), OpsError> {
    drop(pool);
    Ok(())
}

struct Pool(String);

impl Pool {
    fn into_name(self) -> String {
        self.0
    }
}

fn main() {}
