//! The handle: approvals of one agent in one process.

mod build;
mod current;
mod stop;
mod task;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinHandle;

pub use self::build::{BuildError, Builder};
pub(crate) use self::current::current;
pub use self::stop::ShutdownError;
pub use self::task::{Task, TaskError};
use crate::action::{ActionSite, Risk};
use crate::authority::{Authority, Behind, Full, Local};
use crate::call::{Context, LiveCall};
use crate::error::{ApprovalError, ErrorKind};
pub use crate::gate::Gated;
use crate::gate::carried;
use crate::id::{NodeName, PolicyVersion, Seq};
use crate::ledger::{Allowed, Event, Follow, Store, StoreError};
use crate::people::{Agent, Principal, Requester};
use crate::policy::SiteRuling;

/// Approvals of one agent in one process: its policy, people, ledger and backends.
///
/// Cheap to clone; clones are the same handle. When the last one is dropped, the background work stops; call
/// [`shutdown`](Self::shutdown) before, so that everything is written.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use approvals_core::handle::Approvals;
/// use approvals_core::people::{Agent, People, Person};
///
/// let approvals = Approvals::builder()
///     .agent(Agent::new("cleaner").owned_by("dana"))
///     .directory(People::new([Person::new("dana"), Person::new("kim").known_as("os", "kim")])?)
///     .open_to_store() // kim answers with the program `approvals`; dana is the owner and never counts
///     .build()
///     .await?;
/// approvals.install()?;
/// // … the agent works …
/// approvals.shutdown().await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Approvals(Arc<Inner>);

struct Inner {
    local: Local,
    authority: Arc<dyn Authority>,
    agent: Agent,
    owner: Principal,
    policy: PolicyVersion,
    behind: Behind,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// Ends when a record has found room in the buffer.
pub(crate) type Room = Pin<Box<dyn Future<Output = Result<(), ApprovalError>> + Send>>;

/// Another handle is in force already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("approvals are installed in this process already; install one handle, once")]
pub struct AlreadyInstalled;

impl Approvals {
    /// Starts a set-up.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Makes this handle the one that every gated function of the process uses.
    ///
    /// # Errors
    /// If one is installed already.
    pub fn install(&self) -> Result<(), AlreadyInstalled> {
        current::install(self)
    }

    /// Runs a future in which gated functions use this handle. `tokio::spawn` inside it leaves the scope; use
    /// [`spawn`](Self::spawn).
    ///
    /// Once a handle is installed, a scope of another one does not replace it: its gated calls stay with the
    /// installed handle.
    ///
    /// ```
    /// # use approvals_core::{error::ApprovalError, handle::Approvals};
    /// # async fn refund(cents: u64) -> Result<(), ApprovalError> { Ok(()) }
    /// async fn work(approvals: &Approvals) -> Result<(), ApprovalError> {
    ///     approvals.scope(async { refund(1_200).await }).await
    /// }
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        current::scope(self.clone(), None, future)
    }

    /// Runs a future on whose calls this context stands: who they are made for, and why. Inside another one it adds
    /// to that: what it leaves out, the human first of all, is kept. A human whom it does name takes the place of the one
    /// around it: name another one only where the work is truly done for them.
    ///
    /// ```
    /// # use approvals_core::{call::Context, error::ApprovalError, handle::Approvals};
    /// # async fn refund(cents: u64) -> Result<(), ApprovalError> { Ok(()) }
    /// async fn answer(approvals: &Approvals, human: &str) -> Result<(), ApprovalError> {
    ///     // Whatever is asked for in here, this human does not approve.
    ///     approvals.acting(Context::for_human(human).session("run-42"), refund(1_200)).await
    /// }
    /// ```
    pub fn acting<F: Future>(&self, context: Context, future: F) -> impl Future<Output = F::Output> + use<F> {
        current::scope(self.clone(), Some(context), future)
    }

    /// Spawns a task that stays in the scope, keeps the context, and stays inside the gated bodies around it: what it
    /// asks for shows them on its cards. `tokio::spawn` loses all three.
    ///
    /// ```
    /// # use approvals_core::{error::ApprovalError, handle::Approvals};
    /// # async fn refund(cents: u64) -> Result<(), ApprovalError> { Ok(()) }
    /// async fn work(approvals: &Approvals) -> Result<(), Box<dyn std::error::Error>> {
    ///     let (one, other) = (approvals.spawn(refund(1_200)), approvals.spawn(refund(900)));
    ///     one.await??;
    ///     other.await??;
    ///     Ok(())
    /// }
    /// ```
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Task(tokio::spawn(carried(current::scope(self.clone(), None, future))))
    }

    /// Puts a call before its gate without the attribute: for tools that are known only while the agent runs, and for
    /// code that cannot take an attribute.
    ///
    /// It uses this handle, whatever is installed; the context is that of the scope around. No way leads to the body
    /// but [`run`](Gated::run), which takes the same turns as a gated function does.
    ///
    /// ```
    /// # use approvals_core::{action::Risk, call::Call, error::ApprovalError, handle::Approvals};
    /// async fn refund(approvals: &Approvals, order: &str, cents: u64) -> Result<String, ApprovalError> {
    ///     let call = Call::new("refund").risk(Risk::High).arg("order", order).arg("cents", &cents);
    ///     approvals.gate(call).run(|| async { Ok(format!("refunded {cents} cents")) }).await
    /// }
    /// ```
    ///
    /// # Errors
    /// It has none; those of the call come out of [`run`](Gated::run).
    pub fn gate<'a>(&self, call: LiveCall<'a>) -> Gated<'a> {
        Gated::new(self.clone(), call)
    }

    /// The ledger that it writes.
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.0.local.parts.store)
    }

    /// Follows the ledger from its present end on: what this process and every other one writes from now.
    ///
    /// ```
    /// # use approvals_core::{handle::Approvals, ledger::StoreError};
    /// async fn tell(approvals: &Approvals) -> Result<(), StoreError> {
    ///     let mut ledger = approvals.follow().await?;
    ///     loop {
    ///         let record = ledger.next().await?;
    ///         println!("{} {} {}", record.body.time, record.body.stream, record.body.event.name());
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn follow(&self) -> Result<Follow, StoreError> {
        let store = self.store();
        let end = store.last().await?;
        Ok(Follow::after(store, end))
    }

    /// Follows the ledger past a place, as one that [`Follow::position`] gave before a restart.
    pub fn follow_after(&self, seq: Seq) -> Follow {
        Follow::after(self.store(), seq)
    }

    /// The name of this process in the ledger.
    pub fn node(&self) -> &NodeName {
        &self.0.local.parts.node
    }

    pub(crate) fn authority(&self) -> Arc<dyn Authority> {
        Arc::clone(&self.0.authority)
    }

    /// What the site alone comes to. Asked at every call that runs freely, and so without a clone of whom is asked.
    pub(crate) fn rule_site(&self, site: &ActionSite, risk: Risk) -> SiteRuling {
        self.0.authority.rule_site(site, risk)
    }

    pub(crate) fn local(&self) -> &Local {
        &self.0.local
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether a call may be made at all. An agent that acts for people must say for whom: a lost context would let
    /// that human approve.
    pub(crate) fn admit(&self, site: &ActionSite, context: &Context) -> Result<(), ApprovalError> {
        if self.0.local.hub.is_closed() {
            let message = "the approvals of this process were shut down; build them anew";
            return Err(ApprovalError::new(ErrorKind::Unavailable, &site.name, message));
        }
        if !self.0.agent.acts_for_people || context.human().is_some() {
            return Ok(());
        }
        let message = "this agent acts for people, and this call names none; make it inside \
                       `approvals.acting(Context::for_human(…), …)`";
        Err(ApprovalError::new(ErrorKind::Unattributed, &site.name, message))
    }

    pub(crate) fn requester(&self, context: &Context) -> Requester {
        Requester {
            agent: self.0.agent.id.clone(),
            owner: self.0.owner.clone(),
            on_behalf_of: context.human().cloned(),
        }
    }

    /// Records a freely run call of risk low behind it; the room to wait for if the buffer is full.
    pub(crate) fn note_allowed(&self, site: &ActionSite, risk: Risk, context: &Context) -> Result<(), Room> {
        let event = Event::Allowed(Allowed {
            action: site.name().to_owned(),
            risk,
            requester: self.requester(context),
            policy: self.0.policy.clone(),
            call: None,
        });
        self.0.behind.put(event).map_err(|full: Full| -> Room {
            let action = site.name.clone();
            Box::pin(async move {
                full.wait().await.map_err(|_| {
                    let message = "the approvals were shut down; nothing can be recorded any more";
                    ApprovalError::new(ErrorKind::Unavailable, action, message)
                })
            })
        })
    }
}

impl std::fmt::Debug for Approvals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Approvals").field("agent", &self.0.agent.id).finish_non_exhaustive()
    }
}

impl Inner {
    /// Ends the background work; the tasks, which are gone once they are awaited.
    fn stop(&self) -> Vec<JoinHandle<()>> {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.iter().for_each(JoinHandle::abort);
        tasks
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
    }
}
