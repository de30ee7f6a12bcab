//! The keeper: the one background task. Expires what is overdue, presents again, keeps cards up to date.
//!
//! What it does for a request waits in a lane, and is a task only once it is its turn: writes to the ledger in the one,
//! so that a store commits many of them together, words to the backends in the other, so that a backend that hangs holds
//! up no deadline.

mod lane;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use self::lane::Lane;
use crate::authority::{Local, Panicked, Refreshed, Registered, caught};
use crate::id::{NodeName, RequestId, Version};
use crate::ledger::{Filter, NodeHold, StoreError, StoreErrorKind, Summary};
use crate::state::Phase;
use crate::time::Timestamp;

/// The longest nap. The deadline is a wall-clock time and the nap is not: after a jump of the wall clock or a
/// suspended machine, no more than this is lost.
const LONGEST: Duration = Duration::from_secs(60);
/// How long until a store that disagrees about the time is asked again.
const AGAIN: Duration = Duration::from_secs(1);
/// How many requests are listed at a time.
const PAGE: usize = 256;
/// How long until a card that could not be brought up to date is tried again; it doubles from try to try.
const TELL_AGAIN: Duration = Duration::from_secs(1);
/// The longest of these waits.
const TELL_AGAIN_LONGEST: Duration = Duration::from_secs(10 * 60);
/// How often that is tried, which is for about two hours; the next start of the agent tries anew.
const TELL_TRIES: u32 = 20;
/// How old a request may be whose card is still told at a start how it ended.
const TELL_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

/// What the keeper is told.
pub(crate) enum Order {
    /// Expire this request when its time is over.
    Watch { request: RequestId, deadline: Timestamp },
    /// Present this request again after a while.
    PresentAgain { request: RequestId, after: Duration, tries: u32 },
    /// Withdraw this request, whose caller died with an earlier process.
    Withdraw(RequestId),
    /// Bring the cards of this request up to date, one of which shows no more than this version.
    Refresh { request: RequestId, shown: Version },
    /// Finish what is begun and stop.
    Stop(oneshot::Sender<()>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Job {
    Expire,
    Present(u32),
    Refresh,
}

/// What is written for a request.
enum Write {
    Expire(RequestId),
    Withdraw(RequestId),
}

/// What came of that.
enum Written {
    /// The next deadline, if a clock runs on.
    Expired(RequestId, Result<Option<Timestamp>, StoreError>),
    Withdrawn,
}

/// What backends are told of a request.
enum Tell {
    Present { request: RequestId, tries: u32 },
    Refresh(RequestId),
}

/// What came of that.
enum Told {
    Presented,
    Refreshed(RequestId, Refreshed),
}

pub(crate) struct Keeper {
    local: Local,
    orders: mpsc::UnboundedReceiver<Order>,
    news: mpsc::UnboundedReceiver<RequestId>,
    due: BTreeSet<(Timestamp, RequestId, Job)>,
    /// What the wall clock said at the last turn.
    seen: Timestamp,
    /// The version that the cards of a request show.
    shown: HashMap<RequestId, Version>,
    /// Whose cards are being brought up to date, and whether more news came meanwhile.
    busy: HashMap<RequestId, bool>,
    /// How often in a row the cards of a request could not be brought up to date.
    failed: HashMap<RequestId, u32>,
    writes: Lane<Write, Written>,
    tells: Lane<Tell, Told>,
}

impl Keeper {
    pub(crate) fn new(
        local: Local,
        orders: mpsc::UnboundedReceiver<Order>,
        news: mpsc::UnboundedReceiver<RequestId>,
    ) -> Self {
        let seen = local.parts.clock.now();
        Self {
            local,
            seen,
            orders,
            news,
            due: BTreeSet::new(),
            shown: HashMap::new(),
            busy: HashMap::new(),
            failed: HashMap::new(),
            writes: Lane::new(),
            tells: Lane::new(),
        }
    }

    /// Works until it is told to stop.
    pub(crate) async fn run(mut self) {
        loop {
            self.follow_wall_clock();
            self.fill();
            let nap = self.nap();
            // In a fixed order, so that a run can be repeated. What is due comes first: whatever ends the nap is put into
            // its lane at once, and cannot keep the rest waiting as a flood of news could keep it. What is done comes
            // next: it makes room for what waits.
            tokio::select! {
                biased;
                () = self.local.parts.clock.sleep(nap) => self.work(),
                Some(written) = self.writes.done() => self.written(written),
                Some(told) = self.tells.done() => self.told(told),
                order = self.orders.recv() => match order {
                    Some(Order::Watch { request, deadline }) => {
                        self.due.insert((deadline, request, Job::Expire));
                    }
                    Some(Order::PresentAgain { request, after, tries }) => {
                        let at = self.local.parts.clock.now().after(after);
                        self.due.insert((at, request, Job::Present(tries)));
                    }
                    Some(Order::Withdraw(request)) => self.writes.put(Write::Withdraw(request)),
                    Some(Order::Refresh { request, shown }) => {
                        self.shown.insert(request, shown);
                        self.refresh(request);
                    }
                    Some(Order::Stop(done)) => {
                        self.settle().await;
                        let _ = done.send(());
                        return;
                    }
                    None => return,
                },
                Some(request) = self.news.recv() => self.refresh(request),
            }
        }
    }

    fn nap(&self) -> Duration {
        let now = self.local.parts.clock.now();
        self.due.first().map_or(LONGEST, |(at, ..)| now.until(*at).min(LONGEST))
    }

    /// A deadline is a time; how long until a card is sent again is a length, and a wall clock that was set back
    /// must not make hours of it.
    fn follow_wall_clock(&mut self) {
        let now = self.local.parts.clock.now();
        let back = now.until(self.seen);
        self.seen = now;
        if back.is_zero() {
            return;
        }
        let back = i64::try_from(back.as_micros()).unwrap_or(i64::MAX);
        let due = std::mem::take(&mut self.due).into_iter();
        self.due = due
            .map(|(at, request, job)| match job {
                Job::Expire => (at, request, job),
                Job::Present(_) | Job::Refresh => {
                    (Timestamp::from_micros(at.as_micros().saturating_sub(back)), request, job)
                }
            })
            .collect();
    }

    fn work(&mut self) {
        let now = self.local.parts.clock.now();
        while let Some((at, request, job)) = self.due.first().copied().filter(|(at, ..)| *at <= now) {
            self.due.remove(&(at, request, job));
            match job {
                Job::Expire => self.writes.put(Write::Expire(request)),
                Job::Present(tries) => self.tells.put(Tell::Present { request, tries }),
                Job::Refresh => self.refresh(request),
            }
        }
    }

    /// Begins what there is room for.
    fn fill(&mut self) {
        let local = &self.local;
        self.writes.fill(|write| {
            let local = local.clone();
            async move {
                match write {
                    Write::Expire(request) => Written::Expired(request, local.expire(request).await),
                    Write::Withdraw(request) => {
                        withdraw(&local, request).await;
                        Written::Withdrawn
                    }
                }
            }
        });
        let shown = &self.shown;
        self.tells.fill(|tell| {
            let local = local.clone();
            let shown = if let Tell::Refresh(request) = &tell { shown.get(request).copied() } else { None };
            async move {
                match tell {
                    Tell::Present { request, tries } => {
                        local.present(request, tries).await;
                        Told::Presented
                    }
                    Tell::Refresh(request) => {
                        // A backend that panics: what its cards show is unknown, and the next news tries again.
                        let panicked = |Panicked| Refreshed { shown: None, again: false };
                        let refreshed = caught(local.refresh(request, shown)).await;
                        Told::Refreshed(request, refreshed.unwrap_or_else(panicked))
                    }
                }
            }
        });
    }

    fn written(&mut self, written: Written) {
        let Written::Expired(request, deadline) = written else { return };
        let again = self.local.parts.clock.now().after(AGAIN);
        match deadline {
            // The clock of the next phase, or a store that is behind us.
            Ok(Some(deadline)) => drop(self.due.insert((deadline.max(again), request, Job::Expire))),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(%request, %error, "a request could not be expired; trying again, do what the error says if it stays");
                self.due.insert((again, request, Job::Expire));
            }
        }
    }

    /// One refresh of a request at a time, so that an older state never overwrites a newer one.
    fn refresh(&mut self, request: RequestId) {
        match self.busy.entry(request) {
            Entry::Occupied(mut busy) => drop(busy.insert(true)),
            Entry::Vacant(idle) => {
                idle.insert(false);
                self.tells.put(Tell::Refresh(request));
            }
        }
    }

    fn told(&mut self, told: Told) {
        let Told::Refreshed(request, Refreshed { shown, again }) = told else { return };
        if again {
            self.tell_again(request);
        } else {
            self.failed.remove(&request);
        }
        match shown.filter(|_| self.local.hub.follows_card(request)) {
            Some(version) => drop(self.shown.insert(request, version)),
            None => drop(self.shown.remove(&request)),
        }
        if self.busy.remove(&request) == Some(true) {
            self.refresh(request);
        }
    }

    /// A card that says "pending" for ever is wrong, and so is a backend that is asked for ever.
    fn tell_again(&mut self, request: RequestId) {
        let tries = self.failed.entry(request).or_insert(0);
        let wait = TELL_AGAIN.saturating_mul(1 << (*tries).min(TELL_TRIES)).min(TELL_AGAIN_LONGEST);
        *tries += 1;
        if *tries < TELL_TRIES {
            self.due.insert((self.local.parts.clock.now().after(wait), request, Job::Refresh));
        } else {
            tracing::error!(%request, "the cards of a request are no longer brought up to date, after two hours; mend the backend, then start the agent again");
            self.failed.remove(&request);
            self.local.forget_cards(request);
        }
    }

    /// Before a clean stop: every card shows where its request stands.
    async fn settle(&mut self) {
        // Whatever was written last may not have come round as news yet.
        for request in self.local.hub.cards() {
            self.refresh(request);
        }
        loop {
            self.fill();
            tokio::select! {
                biased;
                Some(written) = self.writes.done() => self.written(written),
                Some(told) = self.tells.done() => self.told(told),
                else => return,
            }
        }
    }
}

async fn withdraw(local: &Local, request: RequestId) {
    local.withdraw(request).await;
    if let Ok((history, state)) = local.look(request).await {
        local.take_up_cards(request, &history, &state);
    }
}

/// Takes up what earlier processes of this agent left behind.
///
/// `family` is the first of the names that processes of this agent take by default on this host.
pub(crate) async fn recover(local: &Local, family: &NodeName) -> Result<(), StoreError> {
    let mut recovery = Recovery { local, family, dead: HashMap::new() };
    let mut filter = Filter::in_phases([Phase::Pending, Phase::Approved, Phase::Executing]);
    filter.agent = Some(local.parts.agent.clone());
    let mut after = None;
    loop {
        let page = local.parts.store.list(&filter, after, PAGE).await?;
        for summary in &page.summaries {
            if summary.env == local.parts.env {
                match recovery.take_up(summary).await {
                    // It closes its request (law 6), and no other: whoever calls for it again is told.
                    Err(error) if is_of_one_request(&error) => {
                        tracing::error!(request = %summary.id, %error, "an open request cannot be read and stays closed; do what the error says, or have the call take another key");
                    }
                    taken => taken?,
                }
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    // In the background: what is over holds up no start.
    let told = local.clone();
    local.background.run(async move {
        if let Err(error) = tell_ended(&told).await {
            tracing::warn!(%error, "cards of requests that ended before this start may not say so; do what the error says, then start the agent again");
        }
    });
    Ok(())
}

/// Has cards told how their requests ended, where the process that should have told them did not come to it.
async fn tell_ended(local: &Local) -> Result<(), StoreError> {
    let ended =
        [Phase::Denied, Phase::Expired, Phase::Cancelled, Phase::Succeeded, Phase::Failed, Phase::Unknown];
    let mut filter = Filter::in_phases(ended);
    filter.agent = Some(local.parts.agent.clone());
    let mut after = None;
    if !local.parts.backends.iter().any(Registered::outlives) {
        return Ok(());
    }
    loop {
        let page = local.parts.store.list(&filter, after, PAGE).await?;
        // The newest come first.
        let now = local.parts.clock.now();
        let recent = |summary: &&Summary| summary.requested_at.until(now) < TELL_WITHIN;
        let mut looked = 0;
        for summary in page.summaries.iter().take_while(recent) {
            looked += 1;
            if summary.env == local.parts.env
                && let Ok((history, state)) = local.look(summary.id).await
            {
                local.take_up_cards(summary.id, &history, &state);
            }
        }
        match page.next.filter(|_| looked == page.summaries.len()) {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// Whether it is the history that cannot be read, and not the store.
fn is_of_one_request(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::Unreadable | StoreErrorKind::Corrupt | StoreErrorKind::NewerFormat)
}

struct Recovery<'a> {
    local: &'a Local,
    family: &'a NodeName,
    /// Names that we hold for the moment because their bearers are dead; `None`: alive, or not ours to judge.
    dead: HashMap<NodeName, Option<NodeHold>>,
}

impl Recovery<'_> {
    async fn take_up(&mut self, summary: &Summary) -> Result<(), StoreError> {
        let (local, request) = (self.local, summary.id);
        if let (Phase::Executing, Some(node)) = (summary.phase, &summary.claimed_by) {
            return if self.is_dead(node).await? { local.bury(request).await } else { Ok(()) };
        }
        let (history, state) = local.look(request).await?;
        let keyed = state.opened().is_some_and(|opened| opened.requested.terms.round.is_some());
        if let Some(opener) = history.first().map(|record| &record.body.node)
            && !keyed
            && self.is_dead(opener).await?
        {
            // Its caller died with the process, and without a key nobody finds it again.
            // Later: a store that fails must not hold up the start.
            let _ = local.parts.keeper.send(Order::Withdraw(request));
            return Ok(());
        }
        local.take_up_cards(request, &history, &state);
        if let Some(deadline) = state.deadline() {
            let _ = local.parts.keeper.send(Order::Watch { request, deadline });
        }
        if state.phase() == Phase::Pending && local.parts.backends.iter().any(Registered::outlives) {
            // At once: a verdict that comes before the card is looked at has it brought up to date.
            local.hub.follow_card(request);
            let after = Duration::ZERO;
            let _ = local.parts.keeper.send(Order::PresentAgain { request, after, tries: 0 });
        }
        Ok(())
    }

    /// Whether the process of that name is dead: we bear the name now, or it is of our family and free to be held.
    async fn is_dead(&mut self, node: &NodeName) -> Result<bool, StoreError> {
        if *node == self.local.parts.node {
            return Ok(true);
        }
        if !self.dead.contains_key(node) {
            let sibling = node
                .as_str()
                .strip_prefix(self.family.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            let hold = if sibling { self.local.parts.store.hold_node(node).await? } else { None };
            self.dead.insert(node.clone(), hold);
        }
        Ok(self.dead.get(node).is_some_and(Option::is_some))
    }
}
