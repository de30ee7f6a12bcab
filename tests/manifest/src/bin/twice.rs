//! Stands for a program with this version of the crate from two sources: each has a list of this name. Says what becomes
//! of its manifest and of its set-up.

use std::error::Error;

use approvals::__private::linkme;
use approvals::{ActionSite, Agent, Approvals, People, Person, Principal};

#[linkme::distributed_slice]
#[linkme(crate = linkme)]
static APPROVALS_SITES_0_1_0: [ActionSite];

fn main() -> Result<(), Box<dyn Error>> {
    for _ in 0..2 {
        match approvals::manifest() {
            Ok(manifest) => println!("manifest: {} actions", manifest.entries().len()),
            Err(error) => println!("manifest: {error}"),
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(set_up())
}

async fn set_up() -> Result<(), Box<dyn Error>> {
    let agent = Agent::new("agent").owned_by(Principal::External("owner".into()));
    let people = People::new([Person::new("dana")])?;
    match Approvals::builder().agent(agent).directory(people).open_to_store().build().await {
        Ok(_) => println!("built"),
        Err(error) => println!("not built: {error}"),
    }
    Ok(())
}
