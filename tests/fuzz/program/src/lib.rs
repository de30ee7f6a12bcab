//! The sources of the program `approvals` that read what it is given.

#![allow(dead_code, reason = "the other half of each source writes and ends the program")]

#[path = "../../../../approvals-cli/src/args.rs"]
mod args;
#[path = "../../../../approvals-cli/src/check_backend.rs"]
mod check_backend;
#[path = "../../../../approvals-cli/src/output.rs"]
mod output;
#[path = "../../../../approvals-cli/src/store.rs"]
mod store;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use approvals::id::RequestId;
use approvals::ledger::Store;
use approvals::state::Phase;
use approvals::webhook::signature::{SigningKey, VerifyingKey};
use clap::Parser as _;

use self::args::{Args, ManifestVerb, Verb};
use self::output::Failure;

/// What a command line says, whatever the verb.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The word of the verb.
    pub verb: &'static str,
    /// The store, and the people of it.
    pub store: PathBuf,
    /// The people.
    pub people: PathBuf,
    /// The request.
    pub id: Option<String>,
    /// The beginning of its digest.
    pub digest: Option<String>,
    /// A comment or a reason.
    pub text: Option<String>,
    /// Whether all are listed, and those in which states.
    pub all: bool,
    /// The states.
    pub states: Vec<Phase>,
    /// Whether it ran, and whether it did not.
    pub ran: [bool; 2],
    /// Seconds for an answer.
    pub timeout: Option<u64>,
    /// Seconds that a question is held.
    pub hold: Option<u64>,
    /// Where an endpoint is, and where it is asked.
    pub urls: Vec<String>,
    /// Who is asked.
    pub ask_at: Option<String>,
    /// The key that decisions are verified with.
    pub verify_with: Option<VerifyingKey>,
    /// Other files and words.
    pub rest: Vec<PathBuf>,
}

/// Reads a command line without the name of the program; what is told and how the program ends where it is none.
///
/// # Errors
/// Where it is none, or asks for help.
pub fn read(words: impl IntoIterator<Item = OsString>) -> Result<Given, (String, u8)> {
    let words = std::iter::once(OsString::from("approvals")).chain(words);
    let args = Args::try_parse_from(words).map_err(|error| {
        let code = u8::try_from(error.exit_code()).unwrap_or(u8::MAX);
        (error.to_string(), code)
    })?;
    let mut given =
        Given { store: args.global.store.clone(), people: args.global.people(), ..Given::default() };
    given.verb = match args.verb {
        Verb::List(list) => {
            (given.all, given.states) = (list.all, list.states);
            "list"
        }
        Verb::Show { id } => given.about("show", id, None, None),
        Verb::Approve(review) => given.about("approve", review.id, review.digest, review.comment),
        Verb::Deny(review) => given.about("deny", review.id, review.digest, review.comment),
        Verb::Cancel(cancel) => given.about("cancel", cancel.id, cancel.digest, Some(cancel.reason)),
        Verb::Reconcile(reconcile) => {
            given.ran = [reconcile.ran, reconcile.did_not_run];
            given.about("reconcile", reconcile.id, None, Some(reconcile.reason))
        }
        Verb::Log(_) => "log",
        Verb::Backup { to } => {
            given.rest.push(to);
            "backup"
        }
        Verb::Manifest(ManifestVerb::Diff { old, new }) => {
            given.rest.extend([old, new]);
            "manifest"
        }
        Verb::CheckBackend(check) => {
            (given.timeout, given.hold) = (Some(check.timeout), Some(check.hold));
            given.urls.push(check.url);
            given.ask_at = check.ask_at;
            given.verify_with = check.verify_with.map(|key| key.0).transpose().map_err(|told| (told, 2))?;
            given.rest.extend(check.key.into_iter().chain(check.trust));
            "check-backend"
        }
        Verb::Doctor => "doctor",
        Verb::Completions { .. } => "completions",
        Verb::Man(man) => {
            given.all = man.all;
            given.rest.extend(man.verb.into_iter().map(PathBuf::from));
            "man"
        }
    };
    Ok(given)
}

impl Given {
    fn about(
        &mut self,
        verb: &'static str,
        id: String,
        digest: Option<String>,
        text: Option<String>,
    ) -> &'static str {
        (self.id, self.digest, self.text) = (Some(id), digest, text);
        verb
    }
}

/// The request that a text names; what is told and how the program ends where it names none.
///
/// # Errors
/// Where it names none, or more than one.
pub async fn find(store: &dyn Store, text: &str) -> Result<RequestId, (String, u8)> {
    store::find(store, text).await.map(|request| request.summary.id).map_err(told)
}

/// The key to sign with in a file.
///
/// # Errors
/// Where there is none in it.
pub fn signing_key(file: &Path) -> Result<SigningKey, (String, u8)> {
    check_backend::key_in(file).map_err(told)
}

/// How wide a card is printed, by what the environment asks for and what there is.
pub fn width(asked: Option<&str>, there: Option<usize>) -> usize {
    output::width(asked, there)
}

fn told(failure: Failure) -> (String, u8) {
    match failure {
        Failure::Told { exit, message } => {
            let lines: Vec<_> = message.lines().map(output::visible_line).collect();
            (lines.join("\n"), exit.code())
        }
        Failure::NoReader => (String::new(), 0),
    }
}
