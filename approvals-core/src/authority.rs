//! Who rules, asks and claims: in this process over a store, or a service elsewhere.

mod allowed;
mod background;
mod caught;
mod hub;
mod local;
mod patience;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub(crate) use self::allowed::{Behind, Full};
pub(crate) use self::caught::{CaughtDirectory, CaughtStore, Panicked, caught, caught_poll};
pub(crate) use self::local::{
    BUILD, Here, Local, Offer, Parts, Refreshed, Registered, Seat, Together, backoff,
};
pub(crate) use self::patience::Patience;
use crate::action::{ActionName, ActionSite, Risk};
use crate::call::{Call, Caps};
use crate::error::ApprovalError;
use crate::gate::Held;
use crate::id::{ClaimId, RequestId, Version};
use crate::ledger::{Finish, NotRunWhy};
use crate::policy::SiteRuling;
use crate::request::{Digest, Seed, StoreKey};

/// Rules, asks and claims for a gate. `gate::pass` tells the order.
#[async_trait]
pub(crate) trait Authority: Send + Sync + 'static {
    /// Rules by site and risk alone.
    fn rule_site(&self, site: &ActionSite, risk: Risk) -> SiteRuling;

    /// The caps on a call and the key for its secrets.
    fn reading(&self) -> (&Caps, &StoreKey);

    /// Finds the request of the call's key; where there is none, asks policy, and people if policy says so.
    async fn ask(&self, call: &Call) -> Result<Asked, ApprovalError>;

    /// Waits for a verdict that lets the call run. Every other one is an error.
    fn wait(&self, ticket: &Arc<Ticket>, seat: Option<Box<Seat>>) -> Verdict;

    /// Claims the approved request: policy and directory once more, then `started`. `None` if the verdict that was
    /// offered is to be recorded by itself, and the call waits on.
    async fn claim(
        &self,
        call: &Call,
        ticket: &Arc<Ticket>,
        waited: Waited,
    ) -> Result<Option<Held>, ApprovalError>;

    /// Records how a claim ended. Returns at once; the record is retried in the background, the body never is.
    fn finish(&self, grant: &Grant, end: End);

    /// The caller is gone before a claim: withdraws a call without a key, parks one that has a key.
    fn leave(&self, ticket: &Ticket);
}

/// A wait that borrows nothing, so that whoever has it needs no box for the two.
pub(crate) type Verdict = Pin<Box<dyn Future<Output = Result<Waited, ApprovalError>> + Send>>;

/// What became of asking.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Policy lets it run, and that is recorded.
    Run,
    /// It waits for people, in a seat that was taken before anybody was asked, if it is this call that asks them.
    Wait(Arc<Ticket>, Option<Box<Seat>>),
}

/// What became of waiting, if not an error.
pub(crate) enum Waited {
    /// The request may be claimed.
    Approved,
    /// The verdict is at hand: it may be recorded together with the claim of this very call, in one append.
    Offered(Box<Offer>),
}

/// A call that waits for people.
#[derive(Debug, Clone)]
pub(crate) struct Ticket {
    pub(crate) action: ActionName,
    pub(crate) request: RequestId,
    pub(crate) seed: Seed,
    /// What the call is bound to: see [`CallFacts::bound_to`](crate::request::CallFacts::bound_to).
    pub(crate) bound: Digest,
    pub(crate) keyed: bool,
    /// How long the call blocks; to the end of the request if absent.
    pub(crate) patience: Option<Duration>,
}

/// A claim that was made: `started` is durable.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) ticket: Arc<Ticket>,
    pub(crate) claim: ClaimId,
    pub(crate) version: Version,
}

/// How a claim ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Finished(Finish),
    Lost,
}

impl End {
    pub(crate) fn not_run(why: NotRunWhy) -> Self {
        Self::Finished(Finish::NotRun { why })
    }
}
