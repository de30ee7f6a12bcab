use approvals::{ApprovalError, requires_approval};

struct OpsError;

impl From<ApprovalError> for OpsError {
    fn from(_: ApprovalError) -> Self {
        Self
    }
}

mod evil {
    pub struct Box;

    impl Box {
        pub fn pin<T>(future: T) -> std::pin::Pin<std::boxed::Box<T>> {
            println!("before the permit");
            std::boxed::Box::pin(future)
        }
    }
}

#[requires_approval(risk = "high")]
fn export(rows: u64) -> std::pin::Pin<Box<dyn Future<Output = Result<u64, OpsError>>>> {
    evil::Box::pin(async move { Ok(rows) })
}

fn main() {}
