//! `approvals check-backend`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use approvals::transport::InvalidTarget;
use approvals::webhook::WebhookError;
use approvals::webhook::endpoint::{EndpointCheck, EndpointReport, Verdict};
use approvals::webhook::signature::SigningKey;
use serde::Serialize;

use crate::args::CheckBackend;
use crate::output::{Exit, Failure, Out, visible_line};

/// Where the key stands when no file is named. Not on the command line, which everybody on this machine can read.
const KEY: &str = "APPROVALS_WEBHOOK_KEY";

/// What was found, as `--json` gives it.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    report: &'a EndpointReport,
    ok: usize,
    wrong: usize,
    not_told: usize,
}

pub(crate) async fn run(given: &CheckBackend, out: &Out) -> Result<Exit, Failure> {
    let mut check = EndpointCheck::new(&given.url, key(given)?).timeout(Duration::from_secs(given.timeout));
    if let Some(source) = &given.cloud_events {
        check = check.cloud_events(source);
    }
    if given.insecure_http {
        check = check.insecure_http();
    }
    if let Some(url) = &given.ask_at {
        check = check.ask_at(url).hold(Duration::from_secs(given.hold));
    }
    if let Some(key) = &given.verify_with {
        let key = key.0.clone().map_err(|why| Failure::new(Exit::Usage, why))?;
        check = check.verify_with(key);
    }
    if let Some(file) = &given.trust {
        let remedy = "name the file of the authority, as PEM";
        let unread =
            |error| Failure::error(format!("nobody to trust in `{}`: {error}; {remedy}", file.display()));
        check = check.trust(fs::read(file).map_err(unread)?);
    }
    let report = check.run().await.map_err(refused)?;
    if out.json() {
        let count = |verdict| report.count(verdict);
        let (ok, wrong, not_told) = (count(Verdict::Ok), count(Verdict::Wrong), count(Verdict::NotTold));
        out.object(&Told { report: &report, ok, wrong, not_told })?;
    } else {
        let lines: Vec<String> = report.to_string().lines().map(visible_line).collect();
        out.text(&format!("{}\n", lines.join("\n")))?;
    }
    Ok(if report.is_sound() { Exit::Done } else { Exit::Unhealthy })
}

/// In the words of the command line, where they are others than those of the library.
fn refused(error: WebhookError) -> Failure {
    let text = match error {
        WebhookError::Target(InvalidTarget::Insecure) => {
            "`http` to another machine can be read and changed on the way; use `https`, or say `--insecure-http`"
                .to_owned()
        }
        error => error.to_string(),
    };
    Failure::new(Exit::Usage, text)
}

fn key(given: &CheckBackend) -> Result<SigningKey, Failure> {
    if let Some(file) = &given.key {
        return key_in(file);
    }
    let remedy = "name its file with `--key FILE`, or set the variable";
    let unset = |_| Failure::new(Exit::Usage, format!("no key to sign with in {KEY}; {remedy}"));
    key_of(&std::env::var(KEY).map_err(unset)?, KEY)
}

/// The key in a file of its own.
pub(crate) fn key_in(file: &Path) -> Result<SigningKey, Failure> {
    let place = file.display().to_string();
    let remedy = "name the file with the key that agents sign with";
    let unread = |error| Failure::error(format!("no key in `{place}`: {error}; {remedy}"));
    key_of(&fs::read_to_string(file).map_err(unread)?, &place)
}

fn key_of(text: &str, place: &str) -> Result<SigningKey, Failure> {
    text.trim()
        .parse()
        .map_err(|error| Failure::error(format!("`{place}` holds no key to sign with: {error}")))
}
