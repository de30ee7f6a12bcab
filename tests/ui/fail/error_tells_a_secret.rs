use approvals::requires_approval;

#[requires_approval(risk = "high", error = |e| format!("{e} / {token}"))]
async fn export(#[approval(secret)] token: String) -> Result<usize, String> {
    Ok(token.len())
}

fn main() {}
