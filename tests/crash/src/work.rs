//! The calls that a process makes, and their bodies.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use approvals::{ApprovalError, Approvals, Call, Risk, Sqlite};
use tokio::task::JoinSet;

use crate::backend::Signs;
use crate::orders::Kind;
use crate::say::Said;
use crate::trip::{Wire, Words};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A process at work.
#[derive(Clone)]
pub(crate) struct Work {
    pub(crate) approvals: Approvals,
    pub(crate) store: Sqlite,
    pub(crate) effects: PathBuf,
    pub(crate) wire: Arc<Wire>,
    pub(crate) signs: Signs,
    pub(crate) words: Option<Words>,
    pub(crate) node: String,
    pub(crate) minute: u64,
}

/// Why a call gave no value.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Approval(#[from] ApprovalError),
    #[error("the body says so")]
    Body,
}

impl Work {
    /// Makes calls, so many beside each other.
    pub(crate) async fn calls(&self, from: u64, until: Option<u64>, beside: usize) {
        let mut calls = JoinSet::new();
        let mut number = from;
        while until.is_none_or(|until| number < until) {
            if calls.len() >= beside {
                calls.join_next().await;
            }
            let work = self.clone();
            calls.spawn(async move { work.call(number).await });
            number += 1;
        }
        while calls.join_next().await.is_some() {}
    }

    async fn call(self, number: u64) {
        let kind = Kind::of(number);
        let name = match kind.is_keyed() {
            true => format!("keyed-{number}"),
            // Each call of its own: no other process makes one of that name.
            false => format!("once-{}-{}-{number}", self.node, self.minute),
        };
        Said::Calls(number).aloud();
        let sign = self.signs.wait(&name);
        let mut call = Call::new("crash.act").risk(Risk::High).resource(&name).use_within(7 * DAY);
        if kind.is_keyed() {
            call = call.key(&name);
        }
        call = call.decide_within(if kind == Kind::Expires { Duration::from_secs(1) } else { 30 * DAY });
        if kind == Kind::Rerunnable {
            call = call.rerunnable();
        }
        if matches!(kind, Kind::Two | Kind::TakenBack) {
            call = call.reviewers(2);
        }
        let body = || self.body(&name, kind);
        let outcome = tokio::select! {
            outcome = self.approvals.gate(call).run(body) => match outcome {
                Ok(()) => "ran",
                Err(Failed::Body) => "failed",
                Err(Failed::Approval(error)) => error.kind().as_str(),
            },
            _ = sign => "left",
        };
        Said::Told { call: name.clone(), outcome: outcome.to_owned() }.aloud();
    }

    async fn body(&self, name: &str, kind: Kind) -> Result<(), Failed> {
        self.wire.pass(&["body entered"], false);
        if let Some(words) = &self.words {
            words.wait(&Said::At("body".to_owned())).await;
        }
        let mut effects = OpenOptions::new().append(true).create(true).open(&self.effects);
        let left = effects.as_mut().map_err(|_| Failed::Body)?;
        left.write_all(format!("{name}\n").as_bytes()).map_err(|_| Failed::Body)?;
        left.sync_all().map_err(|_| Failed::Body)?;
        self.wire.pass(&["body done"], false);
        match kind {
            Kind::Fails => Err(Failed::Body),
            Kind::Dropped => {
                self.signs.give(name);
                std::future::pending().await
            }
            _ => Ok(()),
        }
    }
}
