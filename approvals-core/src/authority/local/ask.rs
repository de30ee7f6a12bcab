//! From a call to a request: the key, the policy, the people.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Asked, Local, Looked, MOVES, Seat, Ticket, no_answer, outcome_of};
use crate::action::Risk;
use crate::call::{Call, SkippedAtCritical};
use crate::error::{ApprovalError, ErrorKind};
use crate::id::{GroupId, PersonId, RequestId, Version, uuid_v7};
use crate::ledger::{
    Allowed, Event, Ignored, IgnoredWhat, IgnoredWhy, NewEvent, Payload, Record, RefusedCall, StoreError,
    StoreErrorKind, Stream,
};
use crate::people::{Assurance, DirectoryError, Person, Principal, Requester};
use crate::policy::Ruling;
use crate::request::{CallFacts, Digest, Quorum, Requested, Requirement, Seed, Terms};
use crate::state::{Phase, State};

/// What the crate writes into a request about itself.
pub(crate) const BUILD: &str = concat!("action-approvals ", env!("CARGO_PKG_VERSION"));

impl Local {
    /// Key, then policy, then people. Never in another order (laws 3, 9 and 10).
    pub(super) async fn ask_people(&self, call: &Call) -> Result<Asked, ApprovalError> {
        self.check_requester(call).await?;
        let mut moves = 0;
        loop {
            let round = match self.find(call).await? {
                Found::Request(ticket) => return Ok(Asked::Wait(ticket, None)),
                Found::Round(round) => round,
            };
            let requirement = match self.rule(call).await? {
                Some(requirement) => requirement,
                None => {
                    // Ruling takes its time: a request of the key that came meanwhile is this call's (law 3).
                    if let Found::Request(ticket) = self.find(call).await? {
                        return Ok(Asked::Wait(ticket, None));
                    }
                    self.record_allowed(call).await?;
                    return Ok(Asked::Run);
                }
            };
            self.check_fillable(call, &requirement).await?;
            if let Some((ticket, seat)) = self.request(call, requirement, round).await? {
                return Ok(Asked::Wait(Arc::new(ticket), Some(seat.into())));
            }
            // Another process opened the same key at the same time: attach to its request.
            moves += 1;
            if moves > MOVES {
                let message = "the ledger says that the key has a request, and shows none; check that it reads what it \
                               has written, then call again";
                return Err(ApprovalError::new(ErrorKind::Store, call.name(), message));
            }
            tokio::task::yield_now().await;
        }
    }

    /// A requester that cannot be resolved cannot be excluded (law 6).
    pub(super) async fn check_requester(&self, call: &Call) -> Result<(), ApprovalError> {
        let Requester { owner, on_behalf_of, .. } = call.requester();
        for (role, principal) in
            [("owner", Some(owner)), ("human that the agent acts for", on_behalf_of.as_ref())]
        {
            let Some(principal) = principal else { continue };
            let (kind, problem) = match self.unresolved(role, principal).await {
                Ok(None) => continue,
                Ok(Some(problem)) => (ErrorKind::Unmapped, problem),
                Err(error) => (ErrorKind::Unavailable, error.to_string()),
            };
            return Err(ApprovalError::new(kind, call.name(), problem));
        }
        Ok(())
    }

    /// Why a principal does not resolve, and what to do about it; `None` if it does.
    async fn unresolved(&self, role: &str, principal: &Principal) -> Result<Option<String>, DirectoryError> {
        let directory = &self.parts.directory;
        Ok(match principal {
            Principal::Person(id) if directory.person(id).await?.is_some() => None,
            Principal::Person(id) => Some(format!(
                "the {role}, `{id}`, is not in the directory; add them there, or name them `External`"
            )),
            Principal::External(id) => {
                let everyone = directory.members(&[]).await?.unwrap_or_default();
                let listed = directory.person(&PersonId::new(id)).await?;
                let somebody = everyone.iter().chain(listed.as_ref()).find(|person| person.is_called(id));
                somebody.map(|person| {
                    format!(
                        "`{id}` is named external, but is `{}` in the directory; name that person",
                        person.id()
                    )
                })
            }
        })
    }

    /// The request of the call's key, or the round to ask in.
    async fn find(&self, call: &Call) -> Result<Found, ApprovalError> {
        let Some(key) = call.key() else { return Ok(Found::Round(None)) };
        let mut round = 0;
        loop {
            let request = self.keyed_id(call, key, round)?;
            let store_error = |error| Self::store_error(call.name(), request, &error);
            let (mut history, mut state) = self.look(request).await.map_err(store_error)?;
            if state.is_overdue(self.parts.clock.now()) {
                self.expire(request).await.map_err(store_error)?;
                (history, state) = self.look(request).await.map_err(store_error)?;
            }
            match state.phase() {
                Phase::None => return Ok(Found::Round(Some(round))),
                // A no that came after the claim stands, although the body turned out not to have run (law 3).
                _ if state.opens_next_round() => round += 1,
                _ => {
                    let ticket = self.attach(call, request, &history, &state).await?;
                    return Ok(Found::Request(Arc::new(ticket)));
                }
            }
        }
    }

    fn keyed_id(&self, call: &Call, key: &str, round: u64) -> Result<RequestId, ApprovalError> {
        RequestId::of_key(&self.parts.namespace, &self.parts.agent, call.action(), key, round)
            .map_err(|error| ApprovalError::new(ErrorKind::Invalid, call.name(), error.to_string()))
    }

    /// Takes up a request that is there already, if it is for this very call.
    async fn attach(
        &self,
        call: &Call,
        request: RequestId,
        history: &[Record],
        state: &State,
    ) -> Result<Ticket, ApprovalError> {
        let (Some(opened), Some(seed)) = (state.opened(), seed_of(history)) else {
            let message = "the values of this request were erased, so nobody can tell whether this is the same call; \
                           take another key";
            return Err(ApprovalError::new(ErrorKind::KeyReused, call.name(), message).of(request));
        };
        let facts = call.facts(seed).0;
        if facts != opened.requested.call {
            let ignored = Ignored {
                what: IgnoredWhat::Call,
                why: IgnoredWhy::KeyReused,
                by: None,
                way: None,
                identity: None,
            };
            let note = self.note(Stream::Request(request), Event::Ignored(ignored).into());
            self.parts
                .patience
                .answer(note)
                .await
                .map_err(|error| Self::store_error(call.name(), request, &error))?;
            let message = format!(
                "the key belongs to request {request}, which is for other arguments; name in the key everything that \
                 makes two calls different"
            );
            return Err(ApprovalError::new(ErrorKind::KeyReused, call.name(), message).of(request));
        }
        if let Some(Err(error)) = outcome_of(call.name(), history, state) {
            return Err(error);
        }
        tracing::info!(action = call.action(), %request, phase = %state.phase(), "attached to the request of the key");
        let ticket = Ticket {
            action: call.name().clone(),
            request,
            seed,
            bound: bound(call, &facts)?,
            keyed: true,
            patience: call.site().wait,
        };
        if state.phase() == Phase::Pending {
            self.place(request);
        }
        Ok(ticket)
    }

    /// What policy says; `None` lets the call run.
    async fn rule(&self, call: &Call) -> Result<Option<Requirement>, ApprovalError> {
        match self.parts.rule(call).await {
            Ok(Ruling::Run) => Ok(None),
            Ok(Ruling::Ask(requirement)) => Ok(Some(self.complete(call, requirement)?)),
            Ok(Ruling::Refuse(why)) => {
                self.record_refused(call, &why).await?;
                Err(ApprovalError::new(ErrorKind::Refused, call.name(), why))
            }
            Err(error) => Err(ApprovalError::new(ErrorKind::Unavailable, call.name(), error.to_string())),
        }
    }

    /// Policy may raise the risk and the reviewers that the code asks for, never lower them. A single operator is
    /// never granted for critical, nor where the code asks for more than any one person.
    fn complete(&self, call: &Call, mut requirement: Requirement) -> Result<Requirement, ApprovalError> {
        let code = call.site().declared_quorum();
        let anyone = code.as_ref().is_none_or(|code| Quorum::people(1).includes(code));
        requirement.risk = requirement.risk.max(call.risk());
        requirement.single_operator =
            self.parts.single_operator && anyone && requirement.risk < Risk::Critical;
        let invalid = |why: String| ApprovalError::new(ErrorKind::Invalid, call.name(), why);
        SkippedAtCritical::check(call.site().declared_arguments(), requirement.risk)
            .map_err(|error| invalid(format!("policy raises the risk: {error}")))?;
        let code = code.map_or(Ok(()), |code| Ok(code.validate()?));
        requirement.validate().and(code).map_err(|error| invalid(error.to_string()))?;
        Ok(requirement)
    }

    /// Refuses at once what nobody could ever approve.
    async fn check_fillable(&self, call: &Call, requirement: &Requirement) -> Result<(), ApprovalError> {
        let unavailable = |message| Err(ApprovalError::new(ErrorKind::Unavailable, call.name(), message));
        let strongest = self.parts.backends.iter().map(|registered| registered.way.assurance);
        let strongest = strongest.chain(self.parts.open_to_store.then_some(Assurance::Local)).max();
        match strongest {
            None => return unavailable("there is no way to be answered: register a backend".to_owned()),
            Some(strongest) if strongest < requirement.assurance => {
                return unavailable(format!(
                    "it takes assurance `{}`, and the strongest way in has `{strongest}`; register a stronger one, or \
                     let policy ask for less",
                    requirement.assurance
                ));
            }
            Some(_) => {}
        }
        let code = call.site().declared_quorum();
        let quorums: Vec<&Quorum> = requirement.quorum.beside(code.as_ref()).collect();
        // One that is open to anyone may be met by anyone.
        let groups: Option<Vec<_>> = quorums.iter().map(|quorum| quorum.groups()).collect();
        let groups: Vec<GroupId> = groups.unwrap_or_default().into_iter().flatten().collect();
        let everyone = match self.parts.directory.members(&groups).await {
            Ok(Some(everyone)) => everyone,
            Ok(None) => return Ok(()),
            Err(error) => return unavailable(error.to_string()),
        };
        let requester = call.requester();
        if requirement.single_operator && has_person(requester) {
            return Ok(());
        }
        let others: Vec<&Person> = everyone.iter().filter(|person| !requester.includes(person)).collect();
        let can_fill: Vec<_> = others.iter().map(|person| person.groups()).collect();
        if quorums.iter().all(|quorum| quorum.is_met_by(&can_fill)) {
            return Ok(());
        }
        let remedy = match self.parts.single_operator {
            false => "add people, ask for fewer, or take `.single_operator()` on a laptop",
            true => {
                "a single operator decides neither what is critical nor where the code asks for more people or for \
                 groups, so add people"
            }
        };
        unavailable(format!(
            "it takes {}, and the directory has {} besides the requester who may; {remedy}",
            quorums.iter().map(ToString::to_string).collect::<Vec<_>>().join(", as well as "),
            others.len()
        ))
    }

    /// Opens a request and has it presented; `None` if another process opened the same key first.
    async fn request(
        &self,
        call: &Call,
        requirement: Requirement,
        round: Option<u64>,
    ) -> Result<Option<(Ticket, Seat)>, ApprovalError> {
        let unavailable = |message: String| ApprovalError::new(ErrorKind::Unavailable, call.name(), message);
        let chance = &*self.parts.chance;
        let request = match (call.key(), round) {
            (Some(key), Some(round)) => self.keyed_id(call, key, round)?,
            _ => RequestId::from_uuid(
                uuid_v7(self.parts.clock.now(), chance).map_err(|e| unavailable(e.to_string()))?,
            ),
        };
        let mut nonce = [0; 16];
        chance.fill(&mut nonce).map_err(|e| unavailable(e.to_string()))?;
        let seed = Seed::fresh(chance).map_err(|e| unavailable(e.to_string()))?;
        let (facts, payload) = call.facts(seed);
        let bound = bound(call, &facts)?;
        let terms = Terms {
            requirement,
            policy: self.parts.policy.version(),
            nonce: crate::bytes::to_hex(&nonce),
            build: BUILD.to_owned(),
            open_to_store: self.parts.open_to_store,
            round,
            inside: call.inside().clone(),
        };
        let requested = Requested { call: facts, terms };
        let event = NewEvent::with(Event::Requested(requested.into()), payload);
        let keyed = call.key().is_some();
        // Owned by a task of its own, as the claim is: a caller that goes away leaves no request that nobody waits for.
        let (give, take) = oneshot::channel();
        let (action, risk) = (call.name().clone(), call.risk().as_str());
        let (local, unattended) =
            (self.clone(), Unattended { local: self.clone(), request, withdraws: !keyed });
        self.background.run(async move {
            // Taken before anybody can answer, so that no verdict comes before somebody waits for it.
            let waiter = local.hub.waiter(request);
            let turn = local.opening.acquire().await;
            if give.is_closed() && !keyed {
                return;
            }
            let mut opening = Box::pin(local.open(request, event, seed));
            let opened = local.parts.patience.wait(opening.as_mut()).await;
            // Also where the store has not answered: others are not held up by what it lost.
            drop(turn);
            let opened = match opened {
                Some(opened) => opened,
                None => opening.await,
            };
            let opened = match opened {
                Ok(records) => local.as_opened(request, records, keyed),
                Err(error) => {
                    let _ = give.send(Err(error));
                    return;
                }
            };
            let deadline = opened.as_ref().and_then(|(_, state)| state.deadline());
            let attended = give.send(Ok((unattended, Seat { waiter, deadline }))).is_ok();
            // Parked by a caller that is gone, it waits for people all the same.
            if attended || keyed {
                tracing::info!(%action, %request, risk, "request opened");
                match opened {
                    Some(opened) => local.place_opened(request, opened),
                    None => local.place(request),
                }
            }
        });
        let seat = match self.parts.patience.wait(take).await {
            Some(Ok(Ok((unattended, seat)))) => {
                unattended.attend();
                seat
            }
            Some(Ok(Err(error))) if keyed && *error.kind() == StoreErrorKind::Conflict => return Ok(None),
            Some(Ok(Err(error))) => return Err(Self::store_error(call.name(), request, &error)),
            Some(Err(_)) => {
                return Err(unavailable("the store panicked, or the runtime is shutting down".to_owned()));
            }
            // Opened later, it finds its caller gone.
            None => return Err(Self::store_error(call.name(), request, &no_answer())),
        };
        let patience = call.site().wait;
        let ticket = Ticket { action: call.name().clone(), request, seed, bound, keyed, patience };
        Ok(Some((ticket, seat)))
    }

    /// Gives what was written, if the store tells.
    async fn open(
        &self,
        request: RequestId,
        requested: NewEvent,
        seed: Seed,
    ) -> Result<Vec<Record>, StoreError> {
        let error = match self.append(request, Version::default(), vec![requested]).await {
            Ok(appended) => return Ok(appended.records),
            Err(error) => error,
        };
        // The reply may be lost: is the request there, and ours?
        match self.look(request).await {
            Ok((history, _)) if seed_of(&history) == Some(seed) => Ok(Vec::new()),
            _ => Err(error),
        }
    }

    /// A request as it was opened. `None` where its history has to be read: if the store has not told what it wrote, and
    /// under a key, where notes may stand before it.
    fn as_opened(&self, request: RequestId, records: Vec<Record>, keyed: bool) -> Option<Looked> {
        if keyed || records.is_empty() {
            return None;
        }
        let state = self.fold_on(request, None, &records).ok()?;
        (state.phase() == Phase::Pending).then_some((records, state))
    }

    /// Law 7: durable before the body, with the arguments, from risk medium up.
    async fn record_allowed(&self, call: &Call) -> Result<(), ApprovalError> {
        let failed = |message: String| ApprovalError::new(ErrorKind::Store, call.name(), message);
        let seed = Seed::fresh(&*self.parts.chance).map_err(|e| failed(e.to_string()))?;
        let (facts, payload) = call.facts(seed);
        let allowed = Allowed {
            action: call.action().to_owned(),
            risk: call.risk(),
            requester: call.requester().clone(),
            policy: self.parts.policy.version(),
            call: Some(Box::new(facts)),
        };
        let event = NewEvent::with(Event::Allowed(allowed), payload);
        let note = self.note(Stream::Allowed, event);
        self.parts.patience.answer(note).await.map_err(|error| failed(error.to_string()))?;
        Ok(())
    }

    async fn record_refused(&self, call: &Call, why: &str) -> Result<(), ApprovalError> {
        let failed = |message: String| ApprovalError::new(ErrorKind::Store, call.name(), message);
        let seed = Seed::fresh(&*self.parts.chance).map_err(|e| failed(e.to_string()))?;
        let mut payload = Payload::new(seed);
        let refused = RefusedCall {
            action: call.action().to_owned(),
            risk: call.risk(),
            requester: call.requester().clone(),
            policy: self.parts.policy.version(),
            why: payload.commit_text("why", why),
        };
        let event = NewEvent::with(Event::Refused(refused), payload);
        let note = self.note(Stream::Allowed, event);
        self.parts.patience.answer(note).await.map_err(|error| failed(error.to_string()))?;
        tracing::info!(action = call.action(), "call refused by policy");
        Ok(())
    }
}

/// A request whose caller may be gone. Without a key nobody finds it again, so it is withdrawn.
struct Unattended {
    local: Local,
    request: RequestId,
    withdraws: bool,
}

impl Unattended {
    fn attend(mut self) {
        self.withdraws = false;
    }
}

impl Drop for Unattended {
    fn drop(&mut self) {
        if self.withdraws {
            let (local, request) = (self.local.clone(), self.request);
            self.local.background.run(async move { local.withdraw(request).await });
        }
    }
}

enum Found {
    Request(Arc<Ticket>),
    Round(Option<u64>),
}

fn bound(call: &Call, facts: &CallFacts) -> Result<Digest, ApprovalError> {
    facts
        .bound_to(call.key())
        .map_err(|error| ApprovalError::new(ErrorKind::Invalid, call.name(), error.to_string()))
}

/// Whether the requester is a person of the directory, who could answer alone.
fn has_person(requester: &Requester) -> bool {
    let human = requester.on_behalf_of.as_ref();
    [Some(&requester.owner), human].into_iter().flatten().any(|p| matches!(p, Principal::Person(_)))
}

/// The seed of a request, unless its values were erased.
pub(super) fn seed_of(history: &[Record]) -> Option<Seed> {
    let opened = history.iter().find(|record| matches!(record.body.event, Event::Requested(_)))?;
    opened.payload.as_ref().map(|payload| *payload.seed())
}
