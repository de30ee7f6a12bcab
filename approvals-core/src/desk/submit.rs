//! The desk at work: look up, decide, append; and again when the request has moved meanwhile.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::strangers::Strangers;
use super::{Decision, Outcome, Review, Reviewer, Seen, Way, decide, may_cancel, may_reconcile};
use crate::authority::{Here, Patience, Together};
use crate::id::{Chance, NoChance, NodeName, RequestId};
use crate::ledger::{
    Append, Appended, Body, CancelWhy, Env, Event, FORMAT, Ignored, IgnoredWhat, IgnoredWhy, NewEvent,
    Payload, Reconciliation, Record, Reviewed, Store, StoreError, StoreErrorKind, Stream,
};
use crate::people::{Assurance, Directory, DirectoryError, Identity, Person};
use crate::request::Seed;
use crate::state::{Illegal, Phase, State, apply};
use crate::time::{Clock, Timestamp};

/// The most of a comment that is kept, in bytes.
const COMMENT: usize = 4096;
/// How often a review is judged anew when others write at the same time.
const TRIES: usize = 64;

/// The way in for reviews, bound to one registration. Cheap to clone.
///
/// A backend is given one to [`listen`](crate::backend::Backend::listen) for; a surface makes its own:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use std::sync::Arc;
///
/// use approvals_core::desk::{Desk, Review, Way, WayKind};
/// use approvals_core::ledger::{Filter, Memory, Store};
/// use approvals_core::people::{Agent, Assurance, Identity, People, Person};
/// use approvals_core::state::Phase;
/// # use approvals_core::{action::Risk, call::Call, error::ApprovalError, handle::Approvals};
///
/// let people = || People::new([Person::new("dana"), Person::new("kim").known_as("sso", "k.lee")]);
/// let store = Memory::new()?;
/// # let approvals = Approvals::builder().agent(Agent::new("payer").owned_by("dana")).directory(people()?);
/// # let approvals = approvals.store(store.clone()).open_to_store().build().await?;
/// # let before = store.last().await?;
/// # let agent = approvals.clone();
/// # let call = approvals.spawn(async move {
/// #     let call = Call::new("refund").risk(Risk::High).arg("cents", &1_200);
/// #     agent.gate(call).run(|| async { Ok::<_, ApprovalError>("refunded") }).await
/// # });
/// # store.wait_past(before).await?;
///
/// // Set once, where the surface is written: whose identities it vouches for, and how strongly it checked them.
/// let way = Way {
///     id: "intranet".into(),
///     provider: "sso".into(),
///     assurance: Assurance::Sso,
///     kind: WayKind::Surface,
/// };
/// let desk = Desk::new(Arc::new(store.clone()), Arc::new(people()?), way, "intranet");
///
/// let waiting = store.list(&Filter::in_phases([Phase::Pending]), None, 50).await?;
/// let request = &waiting.summaries[0];
/// // The identity is what the session proved, never what the form said; the digest is that of the page that was shown.
/// let review = Review::approve(request.id, request.digest).comment("as agreed");
/// let reply = desk.submit(&Identity::new("sso", "k.lee"), review).await?;
/// assert_eq!(reply.person.unwrap().id().as_str(), "kim");
/// # assert_eq!(call.await??, "refunded");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Desk {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) node: NodeName,
    pub(crate) env: Env,
    pub(crate) way: Way,
    pub(crate) strangers: Arc<Strangers>,
    /// The gate of this process, whose waiting calls a verdict may claim for.
    pub(crate) here: Option<Here>,
    /// How long a write may take to be answered, as reads may of the store of a gate; a store of its own may take as long
    /// as it likes.
    pub(crate) patience: Option<Patience>,
}

/// What became of a review, and the name that the reviewer is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Whether it counted.
    pub outcome: Outcome,
    /// The person, where the identity maps onto one.
    pub person: Option<Person>,
}

/// A review that could be neither counted nor recorded; it may be submitted again.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum DeskError {
    /// The store could not be read or written.
    #[error("the review could not be recorded: {0}")]
    Store(#[from] StoreError),
    /// The directory could not answer.
    #[error("the review could not be judged: {0}")]
    Directory(#[from] DirectoryError),
    /// No randomness.
    #[error("the review could not be recorded: {0}")]
    Chance(#[from] NoChance),
}

impl Desk {
    /// A desk for a process that reads the store and reviews: no node name is taken.
    ///
    /// The node `name` is written into the records as it is. It waits for as long as the store takes to answer; the desk
    /// that a backend is given waits for about a minute at each step.
    pub fn new(
        store: Arc<dyn Store>,
        directory: Arc<dyn Directory>,
        way: Way,
        name: impl Into<NodeName>,
    ) -> Self {
        Self {
            store,
            directory,
            clock: Arc::new(crate::time::SystemClock),
            chance: Arc::new(crate::id::SystemChance),
            node: name.into(),
            env: Env::Live,
            way,
            strangers: Arc::default(),
            here: None,
            patience: None,
        }
    }

    /// The registration it is bound to.
    pub fn way(&self) -> &Way {
        &self.way
    }

    /// The same desk for reviews whose givers were authenticated no better than so: for a way in that knows a weaker
    /// proof beside the one that it was registered for. It never raises.
    #[must_use]
    pub fn at_most(&self, assurance: Assurance) -> Self {
        let mut desk = self.clone();
        desk.way.assurance = desk.way.assurance.min(assurance);
        desk
    }

    /// Submits the review of an authenticated identity.
    ///
    /// Answers whether it counted and, if not, why; either way that is recorded.
    ///
    /// # Errors
    /// If store or directory fail. Nothing was counted then, unless the store lost its reply, or gives it later than it is
    /// waited for; submitting again is safe.
    pub async fn submit(&self, identity: &Identity, review: Review) -> Result<Reply, DeskError> {
        let stream = Stream::Request(review.request);
        let mut tries = 0;
        // The store's time as far as it has said it, where its clock is ahead of ours.
        let mut at_least = None;
        let mut together = true;
        let mut offered: Option<(NewEvent, Person, State)> = None;
        loop {
            tries += 1;
            let (state, env) = match &offered {
                None => self.look(review.request).await?,
                // A shutdown may give up the append that was about to record it, and a store may write what it called
                // failed.
                Some((event, person, approved)) => {
                    let history = self.store.history(stream).await?;
                    if is_on_record(&history, event) {
                        return Ok(counted(stream, &self.way, person.clone(), approved));
                    }
                    folded(&history)?
                }
            };
            let reviewer = self.reviewer(identity).await?;
            let now = [state.last(), at_least].into_iter().flatten().fold(self.clock.now(), Timestamp::max);
            let decision = decide(&state, &reviewer, &review, now);
            let (person, event) = match decision {
                Decision::Count(person) => {
                    let event = self.reviewed(&state, &person, &review)?;
                    (person, event)
                }
                Decision::Cancel(person) => {
                    let event = self.cancelled(&person, CancelWhy::Requester, review.comment.as_deref())?;
                    (person, event)
                }
                Decision::Ignore(why) => {
                    let what = review.answer.into();
                    self.ignore(stream, env, identity, reviewer.person.as_ref(), what, why).await?;
                    return Ok(Reply { outcome: Outcome::Ignored(why), person: reviewer.person });
                }
            };
            let next = self.next(stream, &state, &event, now);
            if together && let Some(approved) = next.as_ref().filter(|next| next.phase() == Phase::Approved) {
                match self.with_claim(review.request, &state, event.clone(), approved).await? {
                    Together::Written => return Ok(counted(stream, &self.way, person, approved)),
                    Together::Moved if tries < TRIES => {
                        offered = Some((event, person, approved.clone()));
                        continue;
                    }
                    Together::Moved | Together::Declined => together = false,
                }
                offered = Some((event.clone(), person.clone(), approved.clone()));
            }
            match self.append(stream, &state, event).await {
                Ok(_) => match next {
                    Some(next) => return Ok(counted(stream, &self.way, person, &next)),
                    None => return self.reread(review.request, person).await,
                },
                Err(error) if tries < TRIES && error.is_stale() => {
                    if let StoreErrorKind::Illegal(Illegal::TooLate { deadline }) = error.kind() {
                        at_least = Some(*deadline);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes a request back as this authenticated identity, which has to be the requester's: the owner of the agent or
    /// the human that it acts for. The reason is kept; at most 4 KiB of it.
    ///
    /// A call that waits gets the kind `Cancelled`, with who and why; a keyed one opens the next round when it is made
    /// again. Once a body has been claimed, nothing is taken back.
    ///
    /// # Errors
    /// Those of [`submit`](Self::submit).
    pub async fn cancel(
        &self,
        identity: &Identity,
        request: RequestId,
        seen: impl Into<Seen>,
        reason: &str,
    ) -> Result<Reply, DeskError> {
        let (stream, seen) = (Stream::Request(request), seen.into());
        let mut tries = 0;
        loop {
            tries += 1;
            let may = |state: &State, reviewer: &Reviewer| may_cancel(state, reviewer, request, &seen);
            let (state, person) = match self.judge(identity, request, IgnoredWhat::Cancel, may).await? {
                Ok(judged) => judged,
                Err(ignored) => return Ok(ignored),
            };
            let event = self.cancelled(&person, CancelWhy::Revoked, Some(reason))?;
            match self.append(stream, &state, event).await {
                Ok(_) => return self.reread(request, person).await,
                Err(error) if tries < TRIES && error.is_stale() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Says what became of an attempt that was cut off, as this authenticated identity. The person vouches for it:
    /// nothing here can tell whether the machine is truly dead.
    ///
    /// # Errors
    /// Those of [`submit`](Self::submit).
    pub async fn reconcile(
        &self,
        identity: &Identity,
        request: RequestId,
        outcome: Reconciliation,
        reason: &str,
    ) -> Result<Reply, DeskError> {
        let stream = Stream::Request(request);
        let mut tries = 0;
        loop {
            tries += 1;
            let may = |state: &State, reviewer: &Reviewer| may_reconcile(state, reviewer, request);
            let (state, person) = match self.judge(identity, request, IgnoredWhat::Reconcile, may).await? {
                Ok(judged) => judged,
                Err(ignored) => return Ok(ignored),
            };
            let mut payload = Payload::new(Seed::fresh(&*self.chance)?);
            payload.note("name", person.name());
            let reason = payload.commit_text("reason", cut(reason, COMMENT));
            let event = Event::Reconciled { outcome, by: person.id().clone(), reason };
            match self.append(stream, &state, NewEvent::with(event, payload)).await {
                Ok(_) => return self.reread(request, person).await,
                Err(error) if tries < TRIES && error.is_stale() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether this identity may do so with a request as it stands: the state and the person then, else what they are
    /// told, which is on record.
    async fn judge(
        &self,
        identity: &Identity,
        request: RequestId,
        what: IgnoredWhat,
        may: impl FnOnce(&State, &Reviewer) -> Result<Person, IgnoredWhy>,
    ) -> Result<Result<(Arc<State>, Person), Reply>, DeskError> {
        let (state, env) = self.look(request).await?;
        let reviewer = self.reviewer(identity).await?;
        match may(&state, &reviewer) {
            Ok(person) => Ok(Ok((state, person))),
            Err(why) => {
                self.ignore(request.into(), env, identity, reviewer.person.as_ref(), what, why).await?;
                Ok(Err(Reply { outcome: Outcome::Ignored(why), person: reviewer.person }))
            }
        }
    }

    /// Asked anew at each turn: what counts is who they are when it is written.
    async fn reviewer(&self, identity: &Identity) -> Result<Reviewer, DirectoryError> {
        let person = match identity.provider() == &self.way.provider {
            true => self.directory.resolve(identity).await?,
            false => None,
        };
        Ok(Reviewer { person, way: self.way.clone(), provider: identity.provider().clone() })
    }

    async fn append(&self, stream: Stream, state: &State, event: NewEvent) -> Result<Appended, StoreError> {
        let append = Append {
            stream,
            expected: Some(state.version()),
            env: state.opened().map_or(self.env, |opened| opened.env),
            node: self.node.clone(),
            events: vec![event],
        };
        self.write(append).await
    }

    async fn write(&self, append: Append) -> Result<Appended, StoreError> {
        Patience::answer_to(self.patience.as_ref(), self.store.append(append)).await
    }

    /// The verdict together with the claim of a call that waits in this process.
    async fn with_claim(
        &self,
        request: RequestId,
        state: &State,
        reviewed: NewEvent,
        approved: &State,
    ) -> Result<Together, StoreError> {
        match self.here.as_ref().and_then(Here::local) {
            Some(local) => {
                local.verdict_with_claim(request, state.version(), reviewed, approved.clone()).await
            }
            None => Ok(Together::Declined),
        }
    }

    /// The state as this event leaves it, if it is written now; `None` if it cannot follow, as the store will say.
    fn next(&self, stream: Stream, state: &State, event: &NewEvent, now: Timestamp) -> Option<State> {
        let body = Body {
            format: FORMAT,
            env: state.opened().map_or(self.env, |opened| opened.env),
            stream,
            version: state.version().next(),
            time: now,
            node: self.node.clone(),
            event: event.event.clone(),
        };
        apply(state, &body).ok()
    }

    async fn reread(&self, request: RequestId, person: Person) -> Result<Reply, DeskError> {
        let (state, _) = self.look(request).await?;
        Ok(counted(request.into(), &self.way, person, &state))
    }

    /// How a request stands, and the environment of its last record. Next to the gate, only what is new of it is read.
    async fn look(&self, request: RequestId) -> Result<(Arc<State>, Option<Env>), StoreError> {
        if let Some(local) = self.here.as_ref().and_then(Here::local) {
            return local.stand(request).await;
        }
        folded(&self.store.history(request.into()).await?)
    }

    fn reviewed(&self, state: &State, person: &Person, review: &Review) -> Result<NewEvent, DeskError> {
        let mut payload = Payload::new(Seed::fresh(&*self.chance)?);
        payload.note("name", person.name());
        let comment =
            review.comment.as_deref().map(|comment| payload.commit_text("comment", cut(comment, COMMENT)));
        // `decide` has compared what was seen with the request's digest.
        let Some(opened) = state.opened() else {
            return Err(unreadable(Illegal::OtherStream).into());
        };
        let event = Event::Reviewed(Reviewed {
            answer: review.answer,
            by: person.id().clone(),
            groups: person.groups().clone(),
            assurance: self.way.assurance,
            way: self.way.id.clone(),
            digest: opened.digest,
            comment,
        });
        Ok(NewEvent::with(event, payload))
    }

    fn cancelled(
        &self,
        person: &Person,
        why: CancelWhy,
        comment: Option<&str>,
    ) -> Result<NewEvent, DeskError> {
        let event = Event::Cancelled { by: Some(person.id().clone()), why };
        let mut payload = Payload::new(Seed::fresh(&*self.chance)?);
        payload.note("name", person.name());
        if let Some(comment) = comment {
            payload.note("comment", cut(comment, COMMENT));
        }
        Ok(NewEvent::with(event, payload))
    }

    /// Law 11: an authenticated review that does not count is recorded with the reason.
    async fn ignore(
        &self,
        stream: Stream,
        env: Option<Env>,
        identity: &Identity,
        person: Option<&Person>,
        what: IgnoredWhat,
        why: IgnoredWhy,
    ) -> Result<(), DeskError> {
        let mut payload = Payload::new(Seed::fresh(&*self.chance)?);
        let unmapped = match person {
            None => Some(payload.commit_text("identity", &identity.to_string())),
            Some(_) => None,
        };
        let event = Event::Ignored(Ignored {
            what,
            why,
            by: person.map(|person| person.id().clone()),
            way: Some(self.way.id.clone()),
            identity: unmapped,
        });
        let events = vec![NewEvent::with(event, payload)];
        let env = env.unwrap_or(self.env);
        let append = Append { stream, expected: None, env, node: self.node.clone(), events };
        self.write(append).await?;
        tracing::info!(request = %stream, way = %self.way.id, ?what, %why, "answer ignored");
        Ok(())
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("way", &self.way).finish_non_exhaustive()
    }
}

fn folded(history: &[Record]) -> Result<(Arc<State>, Option<Env>), StoreError> {
    let state = State::fold(history).map_err(unreadable)?;
    Ok((Arc::new(state), history.last().map(|last| last.body.env)))
}

/// Whether this very event was written: the seed beside it is like no other.
fn is_on_record(history: &[Record], event: &NewEvent) -> bool {
    let is_it = |record: &Record| {
        record.payload.as_deref() == event.payload.as_ref() && record.body.event == event.event
    };
    history.iter().rev().any(is_it)
}

fn counted(stream: Stream, way: &Way, person: Person, state: &State) -> Reply {
    tracing::info!(request = %stream, way = %way.id, by = %person.id(), phase = %state.phase(), "answer counted");
    let outcome = Outcome::Counted { by: person.id().clone(), phase: state.phase() };
    Reply { outcome, person: Some(person) }
}

pub(crate) fn unreadable(illegal: Illegal) -> StoreError {
    StoreError::new(
        StoreErrorKind::Unreadable,
        format!("the history of this request does not fold: {illegal}; restore the store from a backup"),
    )
}

/// The longest beginning of a text within so many bytes.
pub(crate) fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}
