//! The keeper: the one background task. Expires what is overdue, presents again, keeps cards up to date.
//!
//! What it does for a request waits in a lane, and is a task only once it is its turn: writes to the ledger in the one,
//! so that a store commits many of them together, words to the backends in another, so that a backend that hangs holds
//! up no deadline. What is tried until it succeeds has a third: it may be stuck for as long as a store fails.

mod due;
mod lane;
mod recovery;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use self::due::{Due, Job};
use self::lane::{AT_ONCE, Lane};
pub(crate) use self::recovery::recover;
use crate::authority::{Local, Panicked, Refreshed, caught};
use crate::id::{RequestId, Version};
use crate::ledger::{StoreError, StoreErrorKind};
use crate::time::Timestamp;

/// The longest nap. The deadline is a wall-clock time and the nap is not: after a jump of the wall clock or a
/// suspended machine, no more than this is lost.
const LONGEST: Duration = Duration::from_secs(60);
/// How long until a store that disagrees about the time is asked again.
const AGAIN: Duration = Duration::from_secs(1);
/// How long until a card that could not be brought up to date is tried again; it doubles from try to try.
const TELL_AGAIN: Duration = Duration::from_secs(1);
/// The longest of these waits.
const TELL_AGAIN_LONGEST: Duration = Duration::from_secs(10 * 60);
/// How often that is tried, which is for about two hours; the next start of the agent tries anew.
const TELL_TRIES: u32 = 20;

/// What the keeper is told.
pub(crate) enum Order {
    /// Expire this request when its time is over, and wake whoever waits for it.
    Watch { request: RequestId, deadline: Timestamp },
    /// No clock of this request runs any more.
    Over(RequestId),
    /// Present this request again after a while.
    PresentAgain { request: RequestId, after: Duration, tries: u32 },
    /// Withdraw this request, whose caller died with an earlier process.
    Withdraw(RequestId),
    /// Bring the cards of this request up to date, one of which shows no more than this version.
    Refresh { request: RequestId, shown: Version },
    /// Say how many rows the tables have.
    #[cfg(test)]
    Count(oneshot::Sender<Vec<(&'static str, usize)>>),
    /// Finish what is begun and stop.
    Stop(oneshot::Sender<()>),
}

/// What came of expiring a request: the next deadline, if a clock runs on.
type Expired = (RequestId, Result<Option<Timestamp>, StoreError>);

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

/// What was heard of a request while its cards are being brought up to date.
enum Meanwhile {
    Nothing,
    News,
    /// One of them, which is not among those that are told now, shows no more than this version.
    Behind(Version),
}

pub(crate) struct Keeper {
    local: Local,
    orders: mpsc::UnboundedReceiver<Order>,
    news: mpsc::UnboundedReceiver<RequestId>,
    due: Due,
    /// What the wall clock said at the last turn.
    seen: Timestamp,
    /// The version that the cards of a request show, of those that have moved since they were placed.
    shown: HashMap<RequestId, Version>,
    /// Whose cards are being brought up to date, and what was heard meanwhile.
    busy: HashMap<RequestId, Meanwhile>,
    /// How often in a row the cards of a request could not be brought up to date.
    failed: HashMap<RequestId, u32>,
    expiries: Lane<RequestId, Expired>,
    withdrawals: Lane<RequestId, ()>,
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
            due: Due::default(),
            shown: HashMap::new(),
            busy: HashMap::new(),
            failed: HashMap::new(),
            expiries: Lane::new(),
            withdrawals: Lane::new(),
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
                Some((request, deadline)) = self.expiries.done() => self.expired(request, deadline),
                Some(()) = self.withdrawals.done() => {}
                Some(told) = self.tells.done() => self.told(told),
                order = self.orders.recv() => match order {
                    Some(Order::Watch { request, deadline }) => {
                        self.due.watch(request, deadline);
                    }
                    Some(Order::Over(request)) => self.due.over(request),
                    Some(Order::PresentAgain { request, after, tries }) => {
                        let at = self.local.parts.clock.now().after(after);
                        self.due.put(at, request, Job::Present(tries));
                    }
                    Some(Order::Withdraw(request)) => self.withdrawals.put(request),
                    Some(Order::Refresh { request, shown }) => self.catch_up(request, shown),
                    #[cfg(test)]
                    Some(Order::Count(count)) => drop(count.send(self.rows())),
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

    #[cfg(test)]
    fn rows(&self) -> Vec<(&'static str, usize)> {
        vec![
            ("due", self.due.rows()),
            ("shown", self.shown.len()),
            ("busy", self.busy.len()),
            ("failed", self.failed.len()),
            ("lanes", self.expiries.rows() + self.withdrawals.rows() + self.tells.rows()),
        ]
    }

    fn nap(&self) -> Duration {
        let now = self.local.parts.clock.now();
        self.due.next().map_or(LONGEST, |at| now.until(at).min(LONGEST))
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
        self.due.set_back(back);
    }

    fn work(&mut self) {
        let now = self.local.parts.clock.now();
        while let Some((request, job)) = self.due.take(now) {
            match job {
                Job::Expire => self.expiries.put(request),
                Job::Present(tries) => self.tells.put(Tell::Present { request, tries }),
                Job::Refresh => self.refresh(request),
            }
        }
    }

    /// Begins what there is room for.
    fn fill(&mut self) {
        let local = &self.local;
        self.expiries.fill(|request| {
            let local = local.clone();
            async move { (request, expire(&local, request).await) }
        });
        self.withdrawals.fill(|request| {
            let local = local.clone();
            async move { withdraw(&local, request).await }
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
                        // What the cards show is unknown.
                        let panicked = |Panicked| Refreshed { shown: None, again: true };
                        let refreshed = caught(local.refresh(request, shown)).await;
                        Told::Refreshed(request, refreshed.unwrap_or_else(panicked))
                    }
                }
            }
        });
    }

    fn expired(&mut self, request: RequestId, deadline: Result<Option<Timestamp>, StoreError>) {
        let again = self.local.parts.clock.now().after(AGAIN);
        match deadline {
            // The clock of the next phase, or a store that is behind us.
            Ok(Some(deadline)) => self.due.watch_again(request, deadline, again),
            Ok(None) => self.due.over(request),
            Err(error) => {
                tracing::warn!(%request, %error, "a request could not be expired; trying again, do what the error says if it stays");
                self.due.put(again, request, Job::Expire);
                if *error.kind() == StoreErrorKind::Unanswered {
                    // A call ends at its deadline, also one that this one holds up.
                    for request in self.expiries.take_waiting() {
                        self.due.put(again, request, Job::Expire);
                        self.local.hub.ring(request);
                    }
                }
            }
        }
        // Also when it could not be recorded, or nobody follows the ledger: whoever waits finds out by their own look.
        self.local.hub.ring(request);
    }

    /// One refresh of a request at a time, so that an older state never overwrites a newer one.
    fn refresh(&mut self, request: RequestId) {
        match self.busy.entry(request) {
            Entry::Occupied(mut busy) => {
                if let Meanwhile::Nothing = busy.get() {
                    busy.insert(Meanwhile::News);
                }
            }
            Entry::Vacant(idle) => {
                idle.insert(Meanwhile::Nothing);
                self.tells.put(Tell::Refresh(request));
            }
        }
    }

    /// The same where a card shows no more than a version, whatever the others show by the time it is their turn.
    fn catch_up(&mut self, request: RequestId, shown: Version) {
        match self.busy.get_mut(&request) {
            Some(Meanwhile::Behind(behind)) => *behind = shown.min(*behind),
            Some(meanwhile) => *meanwhile = Meanwhile::Behind(shown),
            None => {
                self.shown.insert(request, shown);
                self.refresh(request);
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
        // As placed, it shows what was opened, and needs no row in the table.
        let moved = shown.filter(|shown| *shown > Version::default().next());
        match moved.filter(|_| self.local.hub.follows_card(request)) {
            Some(version) => drop(self.shown.insert(request, version)),
            None => drop(self.shown.remove(&request)),
        }
        match self.busy.remove(&request) {
            Some(Meanwhile::News) => self.refresh(request),
            Some(Meanwhile::Behind(shown)) => self.catch_up(request, shown),
            Some(Meanwhile::Nothing) | None => {}
        }
        if self.busy.is_empty() {
            self.busy.shrink_to(AT_ONCE);
        }
    }

    /// A card that says "pending" for ever is wrong, and so is a backend that is asked for ever.
    fn tell_again(&mut self, request: RequestId) {
        let tries = self.failed.entry(request).or_insert(0);
        let wait = TELL_AGAIN.saturating_mul(1 << (*tries).min(TELL_TRIES)).min(TELL_AGAIN_LONGEST);
        *tries += 1;
        if *tries < TELL_TRIES {
            self.due.put(self.local.parts.clock.now().after(wait), request, Job::Refresh);
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
            // One that was being placed may have been placed too late.
            while let Ok(order) = self.orders.try_recv() {
                if let Order::Refresh { request, shown } = order {
                    self.catch_up(request, shown);
                }
            }
            self.fill();
            tokio::select! {
                biased;
                Some((request, deadline)) = self.expiries.done() => self.expired(request, deadline),
                Some(()) = self.withdrawals.done() => {}
                Some(told) = self.tells.done() => self.told(told),
                else => return,
            }
        }
    }
}

impl Drop for Keeper {
    /// Whoever waits keeps their own deadline from now on.
    fn drop(&mut self) {
        // First, so that whoever is woken finds nobody to leave it to.
        self.orders.close();
        self.local.hub.ring_everybody();
    }
}

/// One that hangs must not hold up the deadlines of the others.
async fn expire(local: &Local, request: RequestId) -> Result<Option<Timestamp>, StoreError> {
    local.parts.patience.answer(local.expire(request)).await
}

async fn withdraw(local: &Local, request: RequestId) {
    local.withdraw(request).await;
    if let Ok((history, state)) = local.look(request).await {
        local.take_up_cards(request, &history, &state);
    }
}
