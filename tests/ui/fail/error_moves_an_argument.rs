use approvals::requires_approval;

#[requires_approval(risk = "high", error = move |_| name)]
async fn export(name: String) -> Result<u64, String> {
    Ok(name.len() as u64)
}

fn main() {}
