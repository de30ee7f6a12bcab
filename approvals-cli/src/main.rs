#![doc = include_str!("../docs.md")]

mod args;
mod backup;
#[cfg(feature = "webhook")]
mod check_backend;
mod decide;
mod doctor;
mod list;
mod log;
mod manifest;
mod output;
mod pages;
mod reconcile;
mod record;
mod show;
mod store;

use std::process::ExitCode;

use clap::Parser as _;

use self::args::{Args, Verb};
use self::output::{Exit, Failure, Out};

fn main() -> ExitCode {
    let args = Args::parse();
    let out = Out::new(args.global.json);
    let ended = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::error(format!("cannot start: {e}; free some memory and file handles")))
        .and_then(|runtime| runtime.block_on(run(&args, &out)));
    ExitCode::from(match ended {
        Ok(exit) => exit.code(),
        Err(failure) => out.fail(&failure).code(),
    })
}

async fn run(args: &Args, out: &Out) -> Result<Exit, Failure> {
    let store = args.global.store.as_path();
    match &args.verb {
        Verb::List(options) => list::run(store, options, out).await,
        Verb::Show { id } => show::run(store, id, out).await,
        Verb::Approve(review) => decide::approve(&args.global, review, out).await,
        Verb::Deny(review) => decide::deny(&args.global, review, out).await,
        Verb::Cancel(given) => decide::cancel(&args.global, given, out).await,
        Verb::Reconcile(given) => reconcile::reconcile(&args.global, given, out).await,
        Verb::Log(options) => log::run(store, options, out).await,
        Verb::Backup { to } => backup::run(store, to, out).await,
        Verb::Manifest(verb) => manifest::run(verb, out),
        #[cfg(feature = "webhook")]
        Verb::CheckBackend(given) => check_backend::run(given, out).await,
        Verb::Doctor => doctor::run(&args.global, out).await,
        Verb::Completions { shell } => pages::completions(*shell, out),
        Verb::Man(options) => pages::man(options, out),
    }
}
