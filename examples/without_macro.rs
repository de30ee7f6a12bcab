//! A call without the attribute: for tools that are known only while the agent runs.
//!
//! ```sh
//! cargo run --example without_macro
//! ```
//!
//! It asks in the terminal; answer `approve` or `deny`.

use std::collections::BTreeMap;

use approvals::terminal::os_identity;
use approvals::{Agent, ApprovalError, Approvals, Call, People, Person, Risk, Terminal};

/// A tool as a registry describes it: a name, and arguments by name.
struct Tool {
    name: String,
    arguments: BTreeMap<String, String>,
}

async fn call(approvals: &Approvals, tool: &Tool) -> Result<String, ApprovalError> {
    let mut call = Call::new(tool.name.clone()).risk(Risk::High).label("source", "registry");
    for (name, value) in &tool.arguments {
        call = call.arg(name.clone(), value);
    }
    // The closure is called once, under a permit for exactly this call.
    approvals.gate(call).run(|| async { Ok(format!("{} is done", tool.name)) }).await
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let me = os_identity();
    let me = Person::new("me").known_as(me.provider().clone(), me.subject());
    let approvals = Approvals::builder()
        .agent(Agent::new("tool-bot").owned_by("me"))
        .directory(People::new([me])?)
        .backend(Terminal::new())
        .single_operator()
        .build()
        .await?;
    let arguments = BTreeMap::from([("to".to_owned(), "kim".to_owned())]);
    let tool = Tool { name: "mail.send".to_owned(), arguments };
    match call(&approvals, &tool).await {
        Ok(done) => println!("{done}"),
        Err(refusal) => println!("{}", refusal.message_for_model()),
    }
    approvals.shutdown().await?;
    Ok(())
}
