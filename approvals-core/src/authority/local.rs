//! The authority in this process: policy, directory, desk and backends over a store.

mod ask;
mod claim;
mod folds;
mod fused;
mod outcome;
mod present;
mod wait;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, mpsc};

pub(crate) use self::ask::BUILD;
use self::folds::{Fold, Folds};
pub(crate) use self::fused::{Offer, Together};
use self::outcome::outcome_of;
pub(crate) use self::present::Refreshed;
pub(crate) use self::wait::Seat;
use super::background::Background;
use super::caught::{Panicked, caught, caught_now};
use super::hub::Hub;
use super::patience::no_answer;
use super::{Asked, Authority, End, Grant, Patience, Ticket, Verdict, Waited};
use crate::action::{ActionName, ActionSite, Risk};
use crate::backend::Backend;
use crate::call::{Call, Caps};
use crate::desk::{Desk, Way, unreadable};
use crate::error::{ApprovalError, ErrorKind};
use crate::gate::Held;
use crate::id::{AgentId, Chance, NodeName, RequestId, Version};
use crate::keeper::Order;
use crate::ledger::{Append, Appended, Env, Event, NewEvent, NodeHold, Record, Store, StoreError, Stream};
use crate::people::Directory;
use crate::policy::{Policy, PolicyError, Ruling, SiteRuling};
use crate::request::{Requirement, StoreKey};
use crate::state::{Illegal, State};
use crate::time::{Clock, Timestamp};

/// A backend and the name, provider and assurance that it is registered with.
#[derive(Clone)]
pub(crate) struct Registered {
    pub(crate) way: Way,
    pub(crate) backend: Arc<dyn Backend>,
}

impl Registered {
    /// Whether its cards outlive the process that placed them.
    pub(crate) fn outlives(&self) -> bool {
        self.backend.capabilities().cards_outlive_process
    }
}

/// What a local authority is made of.
pub(crate) struct Parts {
    pub(crate) agent: AgentId,
    pub(crate) namespace: String,
    pub(crate) policy: Arc<dyn Policy>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) backends: Vec<Registered>,
    pub(crate) open_to_store: bool,
    pub(crate) single_operator: bool,
    pub(crate) caps: Caps,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) env: Env,
    pub(crate) node: NodeName,
    /// Held for as long as this process may claim under its name.
    #[expect(dead_code, reason = "held, not read")]
    pub(crate) hold: NodeHold,
    pub(crate) keeper: mpsc::UnboundedSender<Order>,
    pub(crate) patience: Patience,
    pub(crate) runtime: tokio::runtime::Handle,
}

impl Parts {
    /// Both steps of the policy: by the site, and by the call where the site does not tell.
    async fn rule(&self, call: &Call) -> Result<Ruling, PolicyError> {
        let ruled = caught(async {
            Ok(match self.policy.rule_site(call.site(), call.risk()) {
                SiteRuling::Run => Ruling::Run,
                SiteRuling::Refuse => Ruling::Refuse("policy refuses this action".to_owned()),
                SiteRuling::NeedsCall => self.policy.rule(call).await?,
            })
        });
        let panicked = |Panicked| Err(PolicyError("it panicked; the panic is in the log".to_owned()));
        let ruling = ruled.await.unwrap_or_else(panicked)?;
        // Policy may only add to the reviewers that the code asks for.
        Ok(match ruling {
            Ruling::Run if call.site().declares_quorum() => Ruling::Ask(Requirement::for_call(call)),
            ruling => ruling,
        })
    }
}

/// The authority in this process. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Local(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) parts: Parts,
    pub(crate) hub: Arc<Hub>,
    pub(crate) background: Background,
    /// Turns to open a request. What one takes on the way is ten times what it keeps while it waits.
    opening: Semaphore,
    /// Which requests are being presented: two callers of one key at once ask people once.
    presenting: Mutex<HashSet<RequestId>>,
    folds: Mutex<Folds<Fold>>,
}

impl std::ops::Deref for Local {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// The history of a request and what it comes to.
type Looked = (Vec<Record>, Arc<State>);

/// The authority in this process for whoever may outlive it, and must not hold its store and its name then.
#[derive(Clone)]
pub(crate) struct Here(Weak<Inner>);

impl Here {
    pub(crate) fn local(&self) -> Option<Local> {
        self.0.upgrade().map(Local)
    }
}

/// How often a request that has moved is looked at anew without a pause. More often, and the store contradicts itself:
/// what it reads lags behind what it writes, or it refuses without cause.
const MOVES: u32 = 64;

/// How many requests are opened at once: enough for a store to commit a lot of them together.
const OPENING: usize = 128;

/// How long to wait before a store that fails is asked again, by the number of tries so far.
pub(crate) fn backoff(tries: u32) -> Duration {
    Duration::from_millis(50).saturating_mul(1 << tries.min(10)).min(Duration::from_secs(30))
}

impl Local {
    pub(crate) fn new(parts: Parts) -> Self {
        let background = Background::new(parts.runtime.clone());
        let hub = Arc::new(Hub::new());
        let opening = Semaphore::new(OPENING);
        let (presenting, folds) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { parts, hub, background, opening, presenting, folds }))
    }

    /// The history of a request and what it comes to.
    pub(crate) async fn look(&self, request: RequestId) -> Result<Looked, StoreError> {
        let history = self.parts.store.history(Stream::Request(request)).await?;
        let state = self.fold(request, &history).map_err(unreadable)?;
        Ok((history, self.ours(state)?))
    }

    /// What the history of a request comes to. Only what is new of it is read.
    pub(crate) async fn state(&self, request: RequestId) -> Result<Arc<State>, StoreError> {
        self.stand(request).await.and_then(|(state, _)| self.ours(state))
    }

    /// What the history of a request comes to, and the environment of its last record, whoever's it is.
    pub(crate) async fn stand(&self, request: RequestId) -> Result<(Arc<State>, Option<Env>), StoreError> {
        let (store, stream) = (&self.parts.store, Stream::Request(request));
        if let Some(known) = self.known(request)
            && let Some(rest) = store.history_past(stream, &known.last).await?
        {
            let env = rest.last().map_or(known.env, |last| last.body.env);
            let state = self.fold_on(request, Some(known.state), &rest).map_err(unreadable)?;
            return Ok((state, Some(env)));
        }
        let history = store.history(stream).await?;
        let state = self.fold_on(request, None, &history).map_err(unreadable)?;
        Ok((state, history.last().map(|last| last.body.env)))
    }

    /// A test's request is not ours to decide, and ours is not a test's.
    fn ours(&self, state: Arc<State>) -> Result<Arc<State>, StoreError> {
        match state.opened() {
            Some(opened) if opened.env != self.parts.env => Err(unreadable(Illegal::OtherEnv)),
            _ => Ok(state),
        }
    }

    fn known(&self, request: RequestId) -> Option<Fold> {
        self.folds.lock().unwrap_or_else(PoisonError::into_inner).get(request).cloned()
    }

    /// Folds the history of a request, as far as it was not folded before.
    fn fold(&self, request: RequestId, history: &[Record]) -> Result<Arc<State>, Illegal> {
        let known = self.known(request);
        match known.and_then(|known| known.since(history).map(|rest| (known.state, rest))) {
            Some((state, rest)) => self.fold_on(request, Some(state), rest),
            None => self.fold_on(request, None, history),
        }
    }

    /// Folds what a history has beyond a state of it, and keeps what it comes to.
    fn fold_on(
        &self,
        request: RequestId,
        before: Option<Arc<State>>,
        rest: &[Record],
    ) -> Result<Arc<State>, Illegal> {
        let state = match before {
            Some(state) if rest.is_empty() => return Ok(state),
            Some(state) => state.fold_on(rest)?,
            None => State::fold(rest)?,
        };
        let state = Arc::new(state);
        if let Some(fold) = Fold::of(rest, &state) {
            self.folds.lock().unwrap_or_else(PoisonError::into_inner).put(request, fold);
        }
        Ok(state)
    }

    /// Appends events that move a request from a version.
    pub(crate) async fn append(
        &self,
        request: RequestId,
        at: Version,
        events: Vec<NewEvent>,
    ) -> Result<Appended, StoreError> {
        self.write(Stream::Request(request), Some(at), events).await
    }

    /// Appends a note, whatever the version.
    pub(crate) async fn note(&self, stream: Stream, event: NewEvent) -> Result<Appended, StoreError> {
        self.notes(stream, vec![event]).await
    }

    /// Appends notes, whatever the version.
    pub(crate) async fn notes(&self, stream: Stream, events: Vec<NewEvent>) -> Result<Appended, StoreError> {
        self.write(stream, None, events).await
    }

    async fn write(
        &self,
        stream: Stream,
        expected: Option<Version>,
        events: Vec<NewEvent>,
    ) -> Result<Appended, StoreError> {
        let append = Append { stream, expected, env: self.parts.env, node: self.parts.node.clone(), events };
        self.parts.store.append(append).await
    }

    /// Records `expired` if the store agrees that it is time. Nothing depends on it. Gives the clock that runs then.
    pub(crate) async fn expire(&self, request: RequestId) -> Result<Option<Timestamp>, StoreError> {
        let state = self.state(request).await?;
        if !state.is_overdue(self.parts.clock.now()) {
            return Ok(state.deadline());
        }
        let expired = self.append(request, state.version(), vec![Event::Expired {}.into()]);
        match self.parts.patience.answer(expired).await {
            Ok(_) => {
                tracing::info!(%request, "request expired");
                Ok(None)
            }
            // It has moved, or the store is behind us.
            Err(error) if error.is_stale() => Ok(self.state(request).await?.deadline()),
            Err(error) => Err(error),
        }
    }

    /// How many rows the tables have, but for the cache.
    #[cfg(test)]
    pub(crate) fn rows(&self) -> Vec<(&'static str, usize)> {
        let presenting = self.presenting.lock().unwrap_or_else(PoisonError::into_inner).len();
        [vec![("presenting", presenting)], self.hub.rows()].concat()
    }

    /// The desk for reviews that come through a registered backend.
    pub(crate) fn desk(&self, way: Way) -> Desk {
        Desk {
            store: Arc::clone(&self.parts.store),
            directory: Arc::clone(&self.parts.directory),
            clock: Arc::clone(&self.parts.clock),
            chance: Arc::clone(&self.parts.chance),
            node: self.parts.node.clone(),
            env: self.parts.env,
            way,
            strangers: Arc::default(),
            here: Some(Here(Arc::downgrade(&self.0))),
            patience: Some(self.parts.patience.clone()),
        }
    }

    fn store_error(action: &ActionName, request: RequestId, error: &StoreError) -> ApprovalError {
        ApprovalError::new(ErrorKind::Store, action, error.to_string()).of(request)
    }
}

#[async_trait]
impl Authority for Local {
    fn rule_site(&self, site: &ActionSite, risk: Risk) -> SiteRuling {
        // One that panics is asked once more for the call, where a panic is an error.
        caught_now(|| self.parts.policy.rule_site(site, risk)).unwrap_or(SiteRuling::NeedsCall)
    }

    fn reading(&self) -> (&Caps, &StoreKey) {
        (&self.0.parts.caps, self.0.parts.store.key())
    }

    async fn ask(&self, call: &Call) -> Result<Asked, ApprovalError> {
        self.ask_people(call).await
    }

    fn wait(&self, ticket: &Arc<Ticket>, seat: Option<Box<Seat>>) -> Verdict {
        Box::pin(self.clone().wait_for_verdict(Arc::clone(ticket), seat))
    }

    async fn claim(
        &self,
        call: &Call,
        ticket: &Arc<Ticket>,
        waited: Waited,
    ) -> Result<Option<Held>, ApprovalError> {
        match waited {
            Waited::Offered(offer) => Ok(self.take_up(call, ticket, *offer).await),
            Waited::Approved => self.stop_or_claim(call, ticket).await.map(Some),
        }
    }

    fn finish(&self, grant: &Grant, end: End) {
        self.clock_ended(grant.ticket.request);
        let (local, grant) = (self.clone(), grant.clone());
        self.background.run(async move { local.settle(grant, end).await });
    }

    fn leave(&self, ticket: &Ticket) {
        if !ticket.keyed {
            let (local, request) = (self.clone(), ticket.request);
            self.background.run(async move {
                local.withdraw(request).await;
                local.clock_ended(request);
            });
        }
    }
}
