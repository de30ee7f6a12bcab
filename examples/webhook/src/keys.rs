//! Makes the keys of both sides: `agent.env` and `approver.env`, each with its own secret and the other's public half.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use anyhow::{Context as _, Result};
use approvals::webhook::signature::SigningKey;

fn pair() -> Result<(String, String)> {
    let key = SigningKey::generate()?;
    let public = key.verifying().public().context("the key has no public half")?;
    Ok((key.text().expose().clone(), public))
}

fn main() -> Result<()> {
    let (agent, approver) = (pair()?, pair()?);
    for (file, (secret, _), (_, public)) in
        [("agent.env", &agent, &approver), ("approver.env", &approver, &agent)]
    {
        let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
        let mut new = new.with_context(|| format!("{file} cannot be made; remove the old one first"))?;
        write!(new, "export SIGN_WITH='{secret}'\nexport VERIFY_WITH='{public}'\n")?;
        println!("wrote {file}");
    }
    Ok(())
}
