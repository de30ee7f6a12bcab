//! A process, played: approvals with the backend on a runtime and a thread of their own, so that all of it can die.

use std::sync::Arc;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::bench::Ground;
use super::call::Ask;
use super::logs::Logs;
use super::watched::{Printable, Replies, Watched};
use crate::action::Risk;
use crate::call::Context;
use crate::conformance::check::Failure;
use crate::error::ApprovalError;
use crate::handle::Approvals;
use crate::id::WayId;
use crate::people::{Agent, People};
use crate::policy::RiskPolicy;
use crate::time::Clock;

/// The agent that asks, and its owner.
pub(super) const AGENT: &str = "suiteagent";
pub(super) const OWNER: &str = "olga";

pub(super) struct Life {
    pub(super) approvals: Approvals,
    pub(super) backend: Arc<dyn Printable>,
    pub(super) replies: Replies,
    pub(super) logs: Logs,
    /// Its name in the ledger.
    pub(super) way: WayId,
    runtime: Handle,
    /// Ends the thread when it is dropped.
    running: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

/// What a process is started with.
pub(super) struct Start {
    pub(super) ground: Arc<dyn Ground>,
    pub(super) store: super::ledger::Ledger,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) people: People,
    /// How many have to approve.
    pub(super) quorum: u32,
}

impl Life {
    pub(super) async fn start(start: Start) -> Result<Self, Failure> {
        let logs = Logs::default();
        let (running, stop) = oneshot::channel::<()>();
        let (over, ended) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let scribe = logs.subscriber();
        std::thread::Builder::new().name("backend-conformance".to_owned()).spawn(move || {
            tracing::subscriber::with_default(scribe, move || {
                // It ends when the sender is dropped, and that is no error.
                let _ = runtime.block_on(stop);
                drop(runtime);
            });
            let _ = over.send(());
        })?;
        let (approvals, backend, replies, way) = handle.spawn(build(start)).await??;
        Ok(Self { approvals, backend, replies, logs, way, runtime: handle, running, ended })
    }

    /// Calls, in the background.
    pub(super) fn call(
        &self,
        ask: Ask,
        runs: Arc<std::sync::atomic::AtomicUsize>,
    ) -> JoinHandle<Result<(), ApprovalError>> {
        let context = Context::new().says(ask.says.clone());
        self.runtime.spawn(self.approvals.acting(context, ask.call(runs)))
    }

    /// Ends at once, with everything that was under way.
    pub(super) async fn dies(self) -> Result<(), Failure> {
        let Self { approvals, backend, running, ended, .. } = self;
        drop((approvals, backend, running));
        ended.await?;
        Ok(())
    }
}

type Built = (Approvals, Arc<dyn Printable>, Replies, WayId);

async fn build(start: Start) -> Result<Built, Failure> {
    let backend = start.ground.start().await.map_err(|error| Failure::of_setup(&error))?;
    let way = WayId::new(backend.name());
    let (watched, replies) = Watched::new(Arc::clone(&backend));
    let approvals = Approvals::builder()
        .agent(Agent::new(AGENT).owned_by(OWNER))
        .directory(start.people)
        .policy(RiskPolicy::ask_from(Risk::Medium).people(start.quorum, Risk::High))
        .store(start.store)
        .clock(start.clock)
        .backend(watched)
        .for_test()
        .build()
        .await?;
    Ok((approvals, backend, replies, way))
}
