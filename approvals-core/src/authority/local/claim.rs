//! From a verdict to a claim, and from a claim to its end.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::outcome::unknown;
use super::{End, Grant, Local, MOVES, Ticket, backoff, no_answer, outcome_of};
use crate::call::Call;
use crate::error::{ApprovalError, ErrorKind};
use crate::gate::Held;
use crate::id::{ClaimId, NodeName, RequestId, Seq, Version, uuid_v7};
use crate::ledger::{
    Answer, Append, CancelWhy, Event, Ignored, IgnoredWhat, IgnoredWhy, NotRunWhy, Record, StoreError,
    StoreErrorKind, Stream,
};
use crate::people::DirectoryError;
use crate::policy::Ruling;
use crate::state::{Illegal, Phase, State};

/// How often a claim is tried when the store fails.
pub(super) const TRIES: u32 = 6;

impl Local {
    /// Policy and directory once more, which may only stop; then the claim (laws 4 and 10).
    pub(super) async fn stop_or_claim(
        &self,
        call: &Call,
        ticket: &Arc<Ticket>,
    ) -> Result<Held, ApprovalError> {
        let (action, request) = (&ticket.action, ticket.request);
        let unavailable =
            |message: String| ApprovalError::new(ErrorKind::Unavailable, action, message).of(request);
        if let Err(objection) = self.ask_policy_again(call).await {
            return Err(self.heed(objection, ticket).await);
        }
        let state = self.state(request).await.map_err(|error| Self::store_error(action, request, &error))?;
        if let Err(objection) = self.ask_directory_again(call, &state).await {
            return Err(self.heed(objection, ticket).await);
        }
        if self.hub.is_closed() {
            let message =
                "the approvals of this process were shut down; the same key finds the request again";
            return Err(unavailable(message.to_owned()));
        }
        // The claim is owned by a task of its own: a caller that goes away leaves no claim without an owner.
        let (give, take) = oneshot::channel();
        let (local, ticket) = (self.clone(), Arc::clone(ticket));
        self.background.run(async move {
            // A caller that is gone has the claim dropped here, which records that nothing was run.
            let _ = give.send(local.start(ticket).await);
        });
        match self.parts.patience.wait(take).await {
            Some(Ok(claimed)) => claimed,
            Some(Err(_)) => {
                Err(unavailable("the store panicked, or the runtime is shutting down".to_owned()))
            }
            // Written later, it meets a caller that is gone.
            None => Err(Self::store_error(action, request, &no_answer())),
        }
    }

    /// Policy may have changed since the call was asked for.
    pub(super) async fn ask_policy_again(&self, call: &Call) -> Result<(), Objection> {
        match self.parts.rule(call).await {
            Ok(Ruling::Run | Ruling::Ask(_)) => Ok(()),
            Ok(Ruling::Refuse(why)) => Err(Objection::Stop(CancelWhy::Policy, why)),
            Err(error) => Err(Objection::unavailable(call, error.to_string())),
        }
    }

    /// So may the directory.
    pub(super) async fn ask_directory_again(&self, call: &Call, state: &State) -> Result<(), Objection> {
        // By a new id the requester could have approved: whom the record excludes must still be somebody.
        self.check_requester(call).await.map_err(Objection::NotNow)?;
        match self.still_may(state).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Objection::Stop(CancelWhy::Directory, String::new())),
            Err(error) => Err(Objection::unavailable(call, error.to_string())),
        }
    }

    async fn heed(&self, objection: Objection, ticket: &Ticket) -> ApprovalError {
        match objection {
            Objection::Stop(why, detail) => self.stop(ticket, why, &detail).await,
            Objection::NotNow(error) => error.of(ticket.request),
        }
    }

    /// Whether those who said yes may still say it, as the directory has them now.
    async fn still_may(&self, state: &State) -> Result<bool, DirectoryError> {
        let Some(opened) = state.opened() else { return Ok(false) };
        let mut groups = Vec::new();
        let mut alone = false;
        for yes in state.answers().iter().filter(|counted| counted.answer == Answer::Approve) {
            let Some(person) = self.parts.directory.person(&yes.by).await? else { continue };
            if !opened.requested.call.requester.includes(&person) {
                groups.push(person.groups().clone());
            } else if opened.requirement().single_operator {
                alone = true;
            }
        }
        let by_override = state.overridden_by().is_some();
        Ok(alone || by_override || state.quorum_is_met_by(&groups.iter().collect::<Vec<_>>()))
    }

    /// Calls the request off at the claim.
    async fn stop(&self, ticket: &Ticket, why: CancelWhy, detail: &str) -> ApprovalError {
        let (action, request) = (&ticket.action, ticket.request);
        let mut moves = 0;
        loop {
            let (history, state) = match self.look(request).await {
                Ok(looked) => looked,
                Err(error) => return Self::store_error(action, request, &error),
            };
            if !matches!(state.phase(), Phase::Pending | Phase::Approved) {
                return match outcome_of(action, &history, &state) {
                    Some(Err(error)) => error,
                    _ => ApprovalError::new(ErrorKind::Cancelled, action, why.to_string()).of(request),
                };
            }
            let event = Event::Cancelled { by: None, why };
            let cancelled = self.append(request, state.version(), vec![event.into()]);
            match self.parts.patience.answer(cancelled).await {
                Ok(_) => {
                    tracing::info!(%action, %request, %why, "request stopped at the claim");
                    let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
                    let message = format!("{why}{detail}");
                    return ApprovalError::new(ErrorKind::Cancelled, action, message).of(request);
                }
                Err(error) if error.is_stale() && moves < MOVES => {
                    moves += 1;
                    tokio::task::yield_now().await;
                }
                Err(error) => return Self::store_error(action, request, &error),
            }
        }
    }

    /// Appends `started` under one fresh claim id until it is there or cannot be: a lost reply is found by reading
    /// back, and a write that comes late meets its own claim.
    async fn start(&self, ticket: Arc<Ticket>) -> Result<Held, ApprovalError> {
        let (action, request) = (ticket.action.clone(), ticket.request);
        let id = uuid_v7(self.parts.clock.now(), &*self.parts.chance)
            .map_err(|e| ApprovalError::new(ErrorKind::Unavailable, &action, e.to_string()).of(request))?;
        let claim = ClaimId::from_uuid(id);
        let (mut failures, mut moves) = (0, 0);
        loop {
            let error = match self.try_start(&ticket, claim).await {
                Ok(Tried::Started(version)) => {
                    return Ok(Held::new(Arc::new(self.clone()), Grant { ticket, claim, version }));
                }
                Ok(Tried::Over(error)) => return Err(error),
                Ok(Tried::Again(_)) if moves < MOVES => {
                    moves += 1;
                    tokio::task::yield_now().await;
                    continue;
                }
                Ok(Tried::Again(error)) | Err(error) => error,
            };
            failures += 1;
            tracing::warn!(%request, %error, failures, "the claim could not be recorded and the body stays shut; trying again, do what the error says if it stays");
            if failures >= TRIES {
                self.abandon(ticket, claim);
                return Err(Self::store_error(&action, request, &error));
            }
            self.parts.clock.sleep(backoff(failures)).await;
        }
    }

    async fn try_start(&self, ticket: &Ticket, claim: ClaimId) -> Result<Tried, StoreError> {
        let (outcome, state) = self.outcome(&ticket.action, ticket.request).await?;
        if is_ours(&state, claim) {
            return Ok(Tried::Started(state.version()));
        }
        // Whether it is too late is for the store to say: our clock may be a day ahead of its.
        match outcome {
            Some(Ok(())) => {}
            Some(Err(error)) => return Ok(Tried::Over(error)),
            None => {
                let message = "there is no verdict to claim";
                return Ok(Tried::Over(ApprovalError::new(ErrorKind::Pending, &ticket.action, message)));
            }
        }
        match self.append(ticket.request, state.version(), vec![Event::Started { claim }.into()]).await {
            Ok(appended) => Ok(Tried::Started(appended.version)),
            Err(error) => match error.kind() {
                StoreErrorKind::Conflict => Ok(Tried::Again(error)),
                StoreErrorKind::Illegal(Illegal::TooLate { .. }) => {
                    // An earlier attempt may have done its work: that it can no longer be repeated settles nothing.
                    if state.phase() == Phase::Unknown {
                        return Ok(Tried::Over(unknown(&ticket.action, &state, ticket.request)));
                    }
                    let event = vec![Event::Expired {}.into()];
                    let _ = self.append(ticket.request, state.version(), event).await;
                    let message = "approved, but not used in time; ask anew";
                    let error = ApprovalError::new(ErrorKind::Expired, &ticket.action, message);
                    Ok(Tried::Over(error.of(ticket.request)))
                }
                StoreErrorKind::Illegal(_) => Ok(Tried::Again(error)),
                _ => Err(error),
            },
        }
    }

    /// A claim whose fate could not be read: found later, it is recorded as not run. A store may write what it called
    /// failed for as long as the request stays where it was.
    pub(super) fn abandon(&self, ticket: Arc<Ticket>, claim: ClaimId) {
        let local = self.clone();
        self.background.run(async move {
            let (mut tries, mut at) = (0, None);
            loop {
                let mut waiter = local.hub.waiter(ticket.request);
                match local.state(ticket.request).await {
                    Ok(state) if is_ours(&state, claim) => {
                        drop(waiter);
                        let grant = Grant { ticket, claim, version: state.version() };
                        let end = End::not_run(NotRunWhy::CallerGone);
                        return local.settle(grant, end).await;
                    }
                    Ok(state) if state.phase().is_terminal() => return,
                    Ok(state) if *at.get_or_insert(state.version()) != state.version() => return,
                    Ok(_) if waiter.news().await.is_err() => return,
                    Ok(_) => {}
                    Err(_) => {
                        drop(waiter);
                        local.parts.clock.sleep(backoff(tries)).await;
                        tries += 1;
                    }
                }
            }
        });
    }

    /// Records how a claim ended, until the store takes it.
    pub(super) async fn settle(&self, grant: Grant, end: End) {
        let (request, claim) = (grant.ticket.request, grant.claim);
        let event = |end: &End| match end {
            End::Finished(outcome) => Event::Finished { claim, outcome: outcome.clone() },
            End::Lost => Event::Lost { claim },
        };
        let mut version = grant.version;
        let (mut tries, mut moves) = (0, 0);
        loop {
            let mut failed = match self.append(request, version, vec![event(&end).into()]).await {
                Ok(_) => return tell(request, &end),
                Err(error) if error.is_stale() && moves < MOVES => {
                    moves += 1;
                    tokio::task::yield_now().await;
                    None
                }
                Err(error) => Some(error),
            };
            match self.look(request).await {
                Ok((_, state)) if is_ours(&state, claim) => version = state.version(),
                // A person said meanwhile what became of it.
                Ok((history, _)) => return self.late(request, claim, &history, &end).await,
                Err(error) => failed = Some(error),
            }
            if let Some(error) = failed {
                tracing::warn!(%request, %error, "the end of a body could not be recorded; trying again until the shutdown, do what the error says");
                self.parts.clock.sleep(backoff(tries)).await;
                tries += 1;
            }
        }
    }

    async fn late(&self, request: RequestId, claim: ClaimId, history: &[Record], end: &End) {
        // Our own write may have come through although its reply was lost.
        let came_through = history.iter().any(|record| match &record.body.event {
            Event::Finished { claim: ended, .. } | Event::Lost { claim: ended } => *ended == claim,
            _ => false,
        });
        if came_through || *end == End::Lost {
            return;
        }
        let ignored = Ignored {
            what: IgnoredWhat::Finished,
            why: IgnoredWhy::NotRunning,
            by: None,
            way: None,
            identity: None,
        };
        let note = self.note(Stream::Request(request), Event::Ignored(ignored).into()).await;
        if let Err(error) = note {
            tracing::warn!(%request, %error, "the late end of a body could not be recorded; nothing is to be done, a person has said what became of it");
        }
    }

    /// Withdraws a request whose caller is gone.
    pub(crate) async fn withdraw(&self, request: RequestId) {
        let (mut tries, mut moves) = (0, 0);
        loop {
            let error = match self.state(request).await {
                Ok(state) if matches!(state.phase(), Phase::Pending | Phase::Approved) => {
                    let event = Event::Cancelled { by: None, why: CancelWhy::Withdrawn };
                    match self.append(request, state.version(), vec![event.into()]).await {
                        Ok(_) => return tracing::info!(%request, "request withdrawn"),
                        Err(error) if error.is_stale() && moves < MOVES => {
                            moves += 1;
                            tokio::task::yield_now().await;
                            continue;
                        }
                        Err(error) => error,
                    }
                }
                Ok(_) => return,
                Err(error) => error,
            };
            tracing::warn!(%request, %error, "a request could not be withdrawn; trying again, do what the error says if it stays");
            self.parts.clock.sleep(backoff(tries)).await;
            tries += 1;
        }
    }

    /// Records that an attempt was cut off (law 8): one from before a place in the ledger, by a node whose name was free
    /// later than that. A claim of one that is alive, also of that name, may have taken its place.
    pub(crate) async fn bury(
        &self,
        request: RequestId,
        dead: &NodeName,
        before: Seq,
    ) -> Result<(), StoreError> {
        let (history, state) = self.look(request).await?;
        let earlier = |id| {
            let started =
                |record: &Record| matches!(record.body.event, Event::Started { claim } if claim == id);
            history.iter().take_while(|record| record.seq < before).any(started)
        };
        let claim = state.claim().filter(|claim| state.phase() == Phase::Executing && claim.node == *dead);
        let claim = claim.filter(|claim| earlier(claim.id));
        let Some(claim) = claim.cloned() else { return Ok(()) };
        let append = Append {
            stream: Stream::Request(request),
            expected: Some(state.version()),
            env: self.parts.env,
            node: claim.node,
            events: vec![Event::Lost { claim: claim.id }.into()],
        };
        match self.parts.store.append(append).await {
            Ok(_) => {
                tracing::warn!(%request, "an earlier run was cut off; check what it did, then run `approvals reconcile` with `--ran` or `--did-not-run`");
                Ok(())
            }
            Err(error) if error.is_stale() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What keeps an approved call from being claimed.
pub(super) enum Objection {
    /// It is called off.
    Stop(CancelWhy, String),
    /// It stays approved, for later.
    NotNow(ApprovalError),
}

impl Objection {
    fn unavailable(call: &Call, message: String) -> Self {
        Self::NotNow(ApprovalError::new(ErrorKind::Unavailable, call.name(), message))
    }
}

fn tell(request: RequestId, end: &End) {
    match end {
        End::Finished(_) => tracing::info!(%request, ?end, "claim ended"),
        End::Lost => tracing::warn!(
            %request,
            "a body was cut off; check what it did, then run `approvals reconcile` with `--ran` or `--did-not-run`"
        ),
    }
}

enum Tried {
    Started(Version),
    Over(ApprovalError),
    /// The request has moved, or so the store says.
    Again(StoreError),
}

pub(super) fn is_ours(state: &State, claim: ClaimId) -> bool {
    state.is_held_by(claim)
}
