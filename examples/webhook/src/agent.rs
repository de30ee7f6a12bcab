//! An agent that publishes a file, once somebody at the approver's endpoint said yes to exactly that text.
//!
//! ```sh
//! cargo run -q -p webhook-example --bin keys                          # once: agent.env and approver.env
//! . ./approver.env && cargo run -q -p webhook-example --bin approver  # terminal 1
//! . ./agent.env && cargo run -q -p webhook-example --bin agent FILE   # terminal 2
//! ```
//!
//! Then open <http://127.0.0.1:8402/>, or answer with the `curl` that terminal 1 prints. After a yes the file stands in
//! the folder `published`, after a no it does not.

use std::path::Path;
use std::{env, fs, io};

use anyhow::{Context as _, Result};
use approvals::webhook::Webhook;
use approvals::{Agent, Approvals, People, Person, requires_approval};

const NOT_SET: &str = "is not set; `. ./agent.env` first, which the program `keys` makes";

#[requires_approval(risk = "high", action = "site.publish", reason = "puts {name} where everybody reads it")]
async fn publish(name: String, text: String) -> io::Result<()> {
    fs::create_dir_all("published")?;
    fs::write(Path::new("published").join(name), text)
}

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

#[tokio::main]
async fn main() -> Result<()> {
    let file = env::args().nth(1).context("say which file to publish")?;
    let name = Path::new(&file).file_name().and_then(|name| name.to_str()).context("the file has no name")?;
    let text = fs::read_to_string(&file).with_context(|| format!("{file} cannot be read"))?;

    let webhook = Webhook::builder(setting("APPROVER_URL", "http://127.0.0.1:8402/cards"))
        .provider("desk")
        .sign_with(env::var("SIGN_WITH").context("SIGN_WITH").context(NOT_SET)?.parse()?)
        .verify_with(env::var("VERIFY_WITH").context("VERIFY_WITH").context(NOT_SET)?.parse()?)
        .build()?;
    let app = axum::Router::new().nest("/decisions", webhook.router());
    let listener = tokio::net::TcpListener::bind(setting("AGENT_LISTEN", "127.0.0.1:8403")).await?;
    tokio::spawn(async move { axum::serve(listener, app).await });

    let approvals = Approvals::builder()
        .agent(Agent::new("publisher").owned_by("dana")) // whose own yes would never count
        .directory(People::new([Person::new("dana"), Person::new("kim").known_as("desk", "kim")])?)
        .backend(webhook)
        .build()
        .await?;
    // What nobody would be told otherwise: that the approver is down, or knows another key.
    let report = approvals.doctor().await;
    if !report.is_healthy() {
        eprintln!("{report}");
    }
    approvals.install()?;
    println!("asking whether {name} may be published");
    let published = publish(name.to_owned(), text).await;
    approvals.shutdown().await?;
    published?;
    println!("published/{name} is there");
    Ok(())
}
