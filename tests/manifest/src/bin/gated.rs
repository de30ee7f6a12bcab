//! Prints its manifest as JSON.

use approvals::{ApprovalError, requires_approval};

#[requires_approval(
    risk = "high",
    action = "program.pay",
    reason = "pays {cents} cents",
    decide_within = "4h"
)]
async fn pay(cents: u64, #[approval(skip = "a handle")] ledger: &Ledger) -> Result<u64, ApprovalError> {
    let _ = ledger;
    Ok(cents)
}

#[derive(Debug)]
struct Ledger;

#[requires_approval(risk = "medium", action = "program.never_called", labels(incident = incident))]
#[expect(dead_code, reason = "that is the point")]
async fn never_called(incident: &str) -> Result<(), ApprovalError> {
    let _ = incident;
    Ok(())
}

#[requires_approval(
    risk = if rows.len() > 3 { approvals::Risk::High } else { approvals::Risk::Medium },
    action = "program.by_expression",
    labels(size = rows.len()),
    approvals = approvals
)]
#[expect(dead_code, reason = "no code calls it")]
async fn by_expression(
    #[approval(skip = "a handle")] approvals: &approvals::Approvals,
    #[approval(show = rows.len())] rows: &[u8],
    #[approval(secret = pin.to_be_bytes())] pin: u32,
) -> Result<(), ApprovalError> {
    let _ = (approvals, rows, pin);
    Ok(())
}

#[expect(dead_code, reason = "no code calls its gate")]
#[async_trait::async_trait]
trait Tool: Sync {
    async fn call(&self, input: String) -> Result<(), ApprovalError>;
}

#[async_trait::async_trait]
impl Tool for Ledger {
    #[requires_approval(risk = "high", action = "program.boxed", skip(self) = "no state", resource = "{input}")]
    async fn call(&self, input: String) -> Result<(), ApprovalError> {
        drop(input);
        Ok(())
    }
}

fn main() -> Result<(), approvals::manifest::ManifestError> {
    if std::env::args().len() > 1 {
        // Nobody gives it an argument: this names the library and a gate, and calls neither.
        drop((pay(0, &Ledger), gated_library::name()));
    }
    print!("{}", approvals::manifest()?.to_json());
    Ok(())
}
