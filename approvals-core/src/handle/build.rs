//! Setting approvals up, and refusing a set-up that could never approve or would approve by accident.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{Approvals, Inner};
use crate::authority::{
    Authority, BUILD, Behind, CaughtDirectory, CaughtStore, Local, Panicked, Parts, Patience, Registered,
    caught,
};
use crate::backend::Backend;
use crate::call::Caps;
use crate::capture::Limits;
use crate::desk::{Desk, Way, WayKind};
use crate::id::{AgentId, Chance, NodeName, PersonId, ProviderId, SystemChance, WayId};
use crate::keeper::{Keeper, recover};
use crate::ledger::{Env, Event, Memory, NodeHold, Store, StoreError, Stream};
use crate::manifest::sites::Ungathered;
use crate::manifest::sites::platform::sites;
use crate::people::{Agent, Assurance, Directory, DirectoryError, Principal};
use crate::policy::{Policy, RiskPolicy};
use crate::time::{Clock, SystemClock};

/// How long until a backend that panicked listens again.
const AGAIN: Duration = Duration::from_secs(1);
/// How many processes of one agent may run on one host beside each other.
const SIBLINGS: u32 = 10_000;

/// A set-up in the making. See [`Approvals::builder`].
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use approvals_core::action::Risk;
/// use approvals_core::handle::{Approvals, BuildError};
/// use approvals_core::people::{Agent, People, Person};
/// use approvals_core::policy::RiskPolicy;
///
/// let alone = Approvals::builder()
///     .agent(Agent::new("cleaner").owned_by("dana"))
///     .policy(RiskPolicy::ask_from(Risk::High))
///     .directory(People::new([Person::new("dana").known_as("os", "dana")])?)
///     .open_to_store();
/// // The owner never counts, so nobody could ever say yes.
/// let refused = alone.build().await.unwrap_err();
/// assert!(matches!(refused, BuildError::NobodyToAsk { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct Builder {
    agent: Option<Agent>,
    namespace: String,
    node: Option<NodeName>,
    policy: Arc<dyn Policy>,
    directory: Option<Arc<dyn Directory>>,
    store: Option<Arc<dyn Store>>,
    backends: Vec<Registered>,
    open_to_store: bool,
    single_operator: bool,
    caps: Caps,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    env: Env,
    #[cfg(feature = "metrics")]
    metrics: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            agent: None,
            namespace: "default".to_owned(),
            node: None,
            policy: Arc::new(RiskPolicy::default()),
            directory: None,
            store: None,
            backends: Vec::new(),
            open_to_store: false,
            single_operator: false,
            caps: Caps { arguments: Limits::default(), text: 4096 },
            clock: Arc::new(SystemClock),
            chance: Arc::new(SystemChance),
            env: Env::Live,
            #[cfg(feature = "metrics")]
            metrics: false,
        }
    }
}

/// A set-up that cannot stand.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No agent was given.
    #[error("no agent is named; add `.agent(Agent::new(\"…\").owned_by(\"…\"))`")]
    NoAgent,
    /// The agent's id is empty or has a slash.
    #[error("the agent's id `{0}` is empty or holds a `/`; give it a name without one")]
    AgentId(AgentId),
    /// Nobody answers for the agent.
    #[error("agent `{0}` has no owner; say `.owned_by(\"…\")`, or name its owner in the directory")]
    NoOwner(AgentId),
    /// The directory and the code name different owners.
    #[error("agent `{agent}` is owned by `{given}` here and by `{listed}` in the directory; make them agree")]
    OtherOwner {
        /// The agent.
        agent: AgentId,
        /// The owner in code.
        given: Principal,
        /// The owner in the directory.
        listed: PersonId,
    },
    /// The owner is not in the directory.
    #[error("the owner `{0}` is not in the directory; add them there, or name them `Principal::External`")]
    UnmappedOwner(PersonId),
    /// No directory was given.
    #[error("no directory is given, so no reviewer could be recognised; add `.directory(People::…)`")]
    NoDirectory,
    /// The directory could not answer.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Nobody besides the requester could ever approve.
    #[error(
        "nobody in the directory besides the owner `{owner}` could ever approve; add a person, or take \
         `.single_operator()` on a laptop"
    )]
    NobodyToAsk {
        /// The owner.
        owner: Principal,
    },
    /// There is no way to be answered.
    #[error(
        "there is no way to be answered; add `.backend(…)`, or `.open_to_store()` for the program `approvals`"
    )]
    NoWay,
    /// Two backends have one name.
    #[error("two backends are named `{0}`; register one under another name with `.backend_as(…)`")]
    BackendTwice(WayId),
    /// This version of the crate is in the program twice, as from a registry and from git.
    #[error("{}", crate::manifest::TWO_SOURCES)]
    TwoSources,
    /// Two gated functions have one name.
    #[error("two actions are named `{name}`: {first} and {second}; give one `action = \"…\"` of its own")]
    ActionTwice {
        /// The name.
        name: &'static str,
        /// File and line of one.
        first: String,
        /// File and line of the other.
        second: String,
    },
    /// Another process holds the node's name.
    #[error("another process is node `{0}` in this ledger; stop it, or give this one another `.node(…)`")]
    NodeTaken(NodeName),
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no tokio runtime.
    #[error("`build()` needs a tokio runtime to leave its background work to")]
    NoRuntime,
}

impl Builder {
    /// The agent that asks, and its owner. Required.
    #[must_use]
    pub fn agent(mut self, agent: Agent) -> Self {
        self.agent = Some(agent);
        self
    }

    /// What calls take. Default: [`RiskPolicy::default`], one person from medium up.
    #[must_use]
    pub fn policy(mut self, policy: impl Policy) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// Who the people are. Required.
    #[must_use]
    pub fn directory(mut self, directory: impl Directory) -> Self {
        self.directory = Some(Arc::new(directory));
        self
    }

    /// Where the ledger is kept. Default: in memory, gone with the process.
    #[must_use]
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Where people are asked, registered with the name, provider and assurance that the backend claims for itself.
    #[must_use]
    pub fn backend(self, backend: impl Backend) -> Self {
        let capabilities = backend.capabilities();
        let name = backend.name().to_owned();
        self.backend_as(backend, name, capabilities.provider, capabilities.assurance)
    }

    /// Where people are asked, with a registration of your own: its name in the ledger, whose identities it may
    /// vouch for, and how much its authentication is trusted.
    #[must_use]
    pub fn backend_as(
        mut self,
        backend: impl Backend,
        name: impl Into<WayId>,
        provider: impl Into<ProviderId>,
        assurance: Assurance,
    ) -> Self {
        let way = Way { id: name.into(), provider: provider.into(), assurance, kind: WayKind::Backend };
        self.backends.push(Registered { way, backend: Arc::new(backend) });
        self
    }

    /// Lets whoever can write the store answer too, with the program `approvals`. Protects against mistakes, not
    /// against an agent that has a shell.
    #[must_use]
    pub fn open_to_store(mut self) -> Self {
        self.open_to_store = true;
        self
    }

    /// Lets the owner, or the human that the agent acts for, decide alone: one person on a laptop. Written on every
    /// card and record; never for critical actions.
    #[must_use]
    pub fn single_operator(mut self) -> Self {
        self.single_operator = true;
        self
    }

    /// Keeps equal keys of different deployments apart. Default `default`.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// The name of this process in the ledger. Default `<host>/<agent>`, then `<host>/<agent>/2`, ….
    #[must_use]
    pub fn node(mut self, node: impl Into<NodeName>) -> Self {
        self.node = Some(node.into());
        self
    }

    /// The most of all shown arguments of a call together, as canonical JSON in bytes. Default 64 KiB.
    #[must_use]
    pub fn max_arguments(mut self, bytes: usize) -> Self {
        self.caps.arguments.bytes = bytes;
        self
    }

    /// The most of a reason, resource or label, in bytes. Default 4 KiB. All labels of a call and its context together
    /// take at most 16 times as much.
    #[must_use]
    pub fn max_text(mut self, bytes: usize) -> Self {
        self.caps.text = bytes;
        self
    }

    /// Where time comes from. Default: the system.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where chance comes from. Default: the system.
    #[must_use]
    pub fn chance(mut self, chance: Arc<dyn Chance>) -> Self {
        self.chance = chance;
        self
    }

    /// Emits the figures of the ledger to the recorder of the crate `metrics`, which has to be installed before
    /// `build()`. `docs/metrics.md` names them.
    ///
    /// They are those of the ledger, not of this process: of several processes over one ledger each would report the
    /// same, so let one do it.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn metrics(mut self) -> Self {
        self.metrics = true;
        self
    }

    /// Marks every record as a test's.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub(crate) fn for_test(mut self) -> Self {
        self.env = Env::Test;
        self
    }

    /// Checks the set-up, takes the node's name, takes up what an earlier process left behind, and starts the
    /// background work.
    ///
    /// # Errors
    /// A set-up that could never approve, or that would approve by accident, is refused; the error names the remedy.
    pub async fn build(self) -> Result<Approvals, BuildError> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        check_sites()?;
        let agent = self.agent.clone().ok_or(BuildError::NoAgent)?;
        if agent.id.as_str().is_empty() || agent.id.as_str().contains('/') {
            return Err(BuildError::AgentId(agent.id));
        }
        let directory = self.directory.clone().ok_or(BuildError::NoDirectory)?;
        let directory: Arc<dyn Directory> = Arc::new(CaughtDirectory(directory));
        let owner = owner(&agent, &*directory).await?;
        self.check_ways(&owner, &*directory).await?;
        let store = match self.store {
            Some(store) => store,
            None => Arc::new(Memory::with_clock(Arc::clone(&self.clock))?),
        };
        let (keeper, orders) = mpsc::unbounded_channel();
        let patience = Patience::new(Arc::clone(&self.clock), runtime.clone(), &keeper);
        let store: Arc<dyn Store> = Arc::new(CaughtStore(store, patience.clone()));
        let (node, hold) = take_name(&*store, self.node, &agent.id).await?;
        let policy = self.policy.version();
        let (news_in, news) = mpsc::unbounded_channel();
        let local = Local::new(Parts {
            agent: agent.id.clone(),
            namespace: self.namespace,
            policy: self.policy,
            directory,
            store,
            backends: self.backends,
            open_to_store: self.open_to_store,
            single_operator: self.single_operator,
            caps: self.caps,
            clock: self.clock,
            chance: self.chance,
            env: self.env,
            node: node.clone(),
            hold,
            keeper,
            patience,
            runtime: runtime.clone(),
        });
        let up = Event::Up { build: BUILD.to_owned(), policy: policy.clone() };
        let up = local.note(Stream::System, up.into()).await?.seq;
        let recovery = recover(&local, name_of(&agent.id, 1), up).await?;
        let (behind, writing) = Behind::new(local.clone());
        let parts = &local.parts;
        let mut tasks = vec![
            runtime.spawn(writing),
            runtime.spawn(Keeper::new(local.clone(), orders, news).run()),
            runtime.spawn(recovery),
            runtime.spawn(Arc::clone(&local.hub).follow(
                Arc::clone(&parts.store),
                Arc::clone(&parts.clock),
                news_in,
            )),
        ];
        #[cfg(feature = "metrics")]
        if self.metrics {
            let (store, clock) = (Arc::clone(&parts.store), Arc::clone(&parts.clock));
            tasks.push(runtime.spawn(crate::meter::run(store, clock, parts.env)));
        }
        for registered in &parts.backends {
            let (backend, desk) = (Arc::clone(&registered.backend), local.desk(registered.way.clone()));
            tasks.push(runtime.spawn(listen(backend, desk, Arc::clone(&parts.clock))));
        }
        tracing::info!(agent = %agent.id, %node, "approvals are up");
        let authority: Arc<dyn Authority> = Arc::new(local.clone());
        let tasks = std::sync::Mutex::new(tasks);
        Ok(Approvals(Arc::new(Inner { local, authority, agent, owner, policy, behind, tasks })))
    }

    async fn check_ways(&self, owner: &Principal, directory: &dyn Directory) -> Result<(), BuildError> {
        if self.backends.is_empty() && !self.open_to_store {
            return Err(BuildError::NoWay);
        }
        let mut names = BTreeSet::new();
        for registered in &self.backends {
            if !names.insert(&registered.way.id) {
                return Err(BuildError::BackendTwice(registered.way.id.clone()));
            }
        }
        let Some(everyone) = directory.members(&[]).await? else { return Ok(()) };
        let alone = self.single_operator && matches!(owner, Principal::Person(_));
        if alone || everyone.iter().any(|person| !owner.is(person)) {
            Ok(())
        } else {
            Err(BuildError::NobodyToAsk { owner: owner.clone() })
        }
    }
}

/// Brings the answers of a backend to its desk. One that panics, itself or in the directory that it asks, listens
/// again after a while: its people must not talk to the wall until the deadline.
async fn listen(backend: Arc<dyn Backend>, desk: Desk, clock: Arc<dyn Clock>) {
    let way = desk.way().id.clone();
    loop {
        match caught(async { backend.listen(desk.clone()).await }).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => {
                return tracing::error!(%way, %error, "a backend no longer listens and nobody can answer there; do what the error says, then start the agent again");
            }
            Err(Panicked) => {
                tracing::error!(%way, "a backend panicked while it listened; it listens again in a second, tell whoever wrote it")
            }
        }
        clock.sleep(AGAIN).await;
    }
}

/// Policy, keys and records know an action by its name: two with one name would share them.
fn check_sites() -> Result<(), BuildError> {
    let sites = match sites() {
        Ok(sites) => sites,
        Err(Ungathered::TwoSources) => return Err(BuildError::TwoSources),
        Err(Ungathered::Unsupported) => {
            tracing::warn!("this platform gathers no manifest; see that no two actions have one name");
            return Ok(());
        }
    };
    let mut seen = BTreeMap::new();
    for site in sites {
        let place = || format!("{}:{}", site.file, site.line);
        if let Some(first) = seen.insert(site.name(), place()) {
            return Err(BuildError::ActionTwice { name: site.name(), first, second: place() });
        }
    }
    Ok(())
}

async fn owner(agent: &Agent, directory: &dyn Directory) -> Result<Principal, BuildError> {
    let listed = directory.owner(&agent.id).await?;
    let owner = match (agent.owner.clone(), listed) {
        (Some(Principal::Person(given)), Some(listed)) if given != listed => {
            let (agent, given) = (agent.id.clone(), given.into());
            return Err(BuildError::OtherOwner { agent, given, listed });
        }
        (Some(given @ Principal::External(_)), Some(listed)) => {
            return Err(BuildError::OtherOwner { agent: agent.id.clone(), given, listed });
        }
        (Some(given), _) => given,
        (None, Some(listed)) => Principal::Person(listed),
        (None, None) => return Err(BuildError::NoOwner(agent.id.clone())),
    };
    match &owner {
        Principal::Person(id) if directory.person(id).await?.is_none() => {
            Err(BuildError::UnmappedOwner(id.clone()))
        }
        _ => Ok(owner),
    }
}

/// The host's name, as far as it can be told without a system call of our own. Any text would do: it only keeps
/// processes on different hosts apart where a store spans them.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_default();
    match name.trim() {
        "" => "localhost".to_owned(),
        name => name.replace('/', "-"),
    }
}

fn name_of(agent: &AgentId, number: u32) -> NodeName {
    match number {
        1 => NodeName::new(format!("{}/{agent}", host())),
        number => NodeName::new(format!("{}/{agent}/{number}", host())),
    }
}

/// The given name, or the lowest free one of this agent on this host.
async fn take_name(
    store: &dyn Store,
    given: Option<NodeName>,
    agent: &AgentId,
) -> Result<(NodeName, NodeHold), BuildError> {
    if let Some(node) = given {
        return match store.hold_node(&node).await? {
            Some(hold) => Ok((node, hold)),
            None => Err(BuildError::NodeTaken(node)),
        };
    }
    for number in 1..=SIBLINGS {
        let node = name_of(agent, number);
        if let Some(hold) = store.hold_node(&node).await? {
            return Ok((node, hold));
        }
    }
    Err(BuildError::NodeTaken(name_of(agent, SIBLINGS)))
}
