//! A build that fails when a gate is added, removed or changed.
//!
//! `examples/manifest.json` is what this agent's code asks people for. The test at the end compares it with the code:
//! lower a `risk`, mark an argument `secret` or take an attribute away, and it fails with what got weaker. If that is
//! meant, write the file anew and commit it: whoever reviews the change sees it there.
//!
//! ```sh
//! cargo test --example manifest
//! cargo run --example manifest
//! cargo run --example manifest -- --write examples/manifest.json
//! ```

use approvals::{ApprovalError, Risk, requires_approval};

#[requires_approval(risk = "high", action = "refund", reason = "refunds {cents} cents", key = "{order}")]
async fn refund(order: u64, cents: u64) -> Result<(), ApprovalError> {
    println!("refunded {cents} cents of order {order}");
    Ok(())
}

#[requires_approval(
    risk = "critical",
    action = "database.drop",
    reason = "drops {name} for ever",
    resource = "database:{name}",
    sensitivity = "pii",
    decide_within = "30m"
)]
async fn drop_database(name: String, #[approval(secret)] password: String) -> Result<(), ApprovalError> {
    println!("dropped {name} with a password of {} bytes", password.len());
    Ok(())
}

#[requires_approval(
    risk = if to.ends_with("@example.org") { Risk::Low } else { Risk::Medium },
    action = "mail.send",
    labels(campaign = campaign)
)]
async fn send_mail(to: &str, campaign: &str) -> Result<(), ApprovalError> {
    println!("sent {campaign} to {to}");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    // An agent would run them. Here it is enough that they are in the program.
    drop((refund(7, 1_200), drop_database(String::new(), String::new()), send_mail("", "")));

    let manifest = approvals::manifest()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => print!("{manifest}"),
        ["--write", path] => manifest.write(path)?,
        _ => anyhow::bail!("say `--write FILE`, or nothing to print the manifest"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_gates_are_those_that_were_reviewed() {
        // `cargo test` runs in the folder of the package.
        let diff = approvals::manifest().unwrap().diff("examples/manifest.json").unwrap();
        assert!(diff.is_empty(), "{diff}");
    }
}
