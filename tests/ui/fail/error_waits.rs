use approvals::requires_approval;

#[requires_approval(risk = "high", error = maker().await)]
async fn export(rows: u64) -> Result<u64, String> {
    Ok(rows)
}

async fn maker() -> fn(approvals::ApprovalError) -> String {
    |refusal| refusal.to_string()
}

fn main() {}
