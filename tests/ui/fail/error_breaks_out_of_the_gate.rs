use approvals::requires_approval;

#[requires_approval(risk = "high", error = { continue; |e| e.to_string() })]
async fn export(rows: u64) -> Result<u64, String> {
    Ok(rows)
}

fn main() {}
