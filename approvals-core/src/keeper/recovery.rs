//! Taking up what earlier processes of this agent left behind.
//!
//! A start waits for what a call could run into, and that is few: the bodies that were cut off. The requests that wait may
//! be a hundred thousand, and a call that comes back for one of them finds it by its key, so they are gone through behind
//! the start, one after the other.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::time::Duration;

use super::Order;
use crate::authority::{Local, Panicked, Registered, backoff, caught};
use crate::id::{NodeName, RequestId, Seq};
use crate::ledger::{Cursor, Filter, Page, StoreError, StoreErrorKind, Summary};
use crate::state::Phase;

/// How many requests are listed at a time.
const PAGE: usize = 256;
/// How old a request may be whose card is still told at a start how it ended.
const TELL_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);
/// How long until what was put aside is tried again; it doubles from try to try.
const LATER: Duration = Duration::from_secs(1);
/// The longest of these waits.
const LATER_LONGEST: Duration = Duration::from_secs(10 * 60);

/// Records which bodies were cut off. Gives the rest of the work, for a task that ends with the handle.
///
/// `family` is the first of the names that processes of this agent take by default on this host, and `up` the place in
/// the ledger where this process began.
pub(crate) async fn recover(
    local: &Local,
    family: NodeName,
    up: Seq,
) -> Result<impl Future<Output = ()> + Send + use<>, StoreError> {
    let (dead, aside) = (HashMap::new(), VecDeque::new());
    let mut recovery = Recovery { local: local.clone(), family, up, dead, aside };
    let (mut after, mut bodies) = (None, VecDeque::new());
    loop {
        let page = recovery.list(&[Phase::Executing], after).await?;
        for summary in recovery.ours(&page) {
            bodies.extend(summary.claimed_by.clone().map(|claimant| (summary.id, Left::Body(claimant))));
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    while let Some((request, body)) = bodies.pop_front() {
        if recovery.see_to(request, body).await == Seen::Unanswered {
            recovery.put_first(bodies);
            break;
        }
    }
    Ok(async move {
        if let Err(Panicked) = caught(recovery.see_to_the_rest()).await {
            tracing::error!(
                "what earlier processes left open was not all taken up, because of a panic; start the agent again"
            );
        }
    })
}

struct Recovery {
    local: Local,
    family: NodeName,
    up: Seq,
    /// Whose bearers are dead; the others are alive, or not ours to judge.
    dead: HashMap<NodeName, bool>,
    /// What could not be seen to, and is tried again behind the others.
    aside: VecDeque<(RequestId, Left)>,
}

/// What came of seeing to a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    To,
    HeldUp,
    /// Held up by a store that did not answer in all the time that it is given.
    Unanswered,
}

/// What an earlier process left of a request.
enum Left {
    /// A body that ran in the process of this name.
    Body(NodeName),
    /// What still waits.
    Open,
}

impl Recovery {
    async fn list(&self, phases: &[Phase], after: Option<Cursor>) -> Result<Page, StoreError> {
        let mut filter = Filter::in_phases(phases.iter().copied());
        filter.agent = Some(self.local.parts.agent.clone());
        self.local.parts.store.list(&filter, after, PAGE).await
    }

    fn ours<'p>(&self, page: &'p Page) -> impl Iterator<Item = &'p Summary> + use<'p> {
        let env = self.local.parts.env;
        page.summaries.iter().filter(move |summary| summary.env == env)
    }

    /// Sees to what is left of one request. It holds up no other: what cannot be read closes its request (law 6), whose
    /// next caller is told, and what a store does not answer for is put aside.
    async fn see_to(&mut self, request: RequestId, left: Left) -> Seen {
        let patience = self.local.parts.patience.clone();
        let seen_to = match &left {
            Left::Body(claimant) => patience.answer(self.bury(request, claimant)).await,
            Left::Open => self.take_up(request).await,
        };
        match seen_to {
            Ok(()) => Seen::To,
            Err(error) if is_of_one_request(&error) => {
                tracing::error!(%request, %error, "an open request cannot be read and stays closed; do what the error says, or have the call take another key");
                Seen::To
            }
            Err(error) => {
                tracing::warn!(%request, %error, "what an earlier process left of a request could not be taken up; trying again behind the others, do what the error says if it stays");
                self.aside.push_back((request, left));
                match error.kind() {
                    StoreErrorKind::Unanswered => Seen::Unanswered,
                    _ => Seen::HeldUp,
                }
            }
        }
    }

    async fn see_to_the_rest(mut self) {
        // A body that could not be buried yet, before all.
        self.try_again().await;
        self.take_up_all().await;
        if let Err(error) = self.tell_ended().await {
            tracing::warn!(%error, "cards of requests that ended before this start may not say so; do what the error says, then start the agent again");
        }
        self.come_back().await;
    }

    /// Comes back to what was put aside, ever more seldom.
    async fn come_back(&mut self) {
        let mut wait = LATER;
        while !self.aside.is_empty() && !self.local.hub.is_closed() {
            self.local.parts.clock.sleep(wait).await;
            wait = wait.saturating_mul(2).min(LATER_LONGEST);
            self.try_again().await;
        }
    }

    async fn try_again(&mut self) {
        let (mut again, mut tries) = (std::mem::take(&mut self.aside), 0);
        while let Some((request, left)) = again.pop_front()
            && !self.local.hub.is_closed()
        {
            let seen = self.see_to(request, left).await;
            if seen == Seen::Unanswered {
                return self.put_first(again);
            }
            self.pause(seen, &mut tries).await;
        }
    }

    /// Puts aside what is behind one that was not answered for. A store that answers for none is waited for once, and not
    /// for each; one that is silent about the one only is asked about the others first the next time.
    fn put_first(&mut self, mut behind: VecDeque<(RequestId, Left)>) {
        behind.append(&mut self.aside);
        self.aside = behind;
    }

    /// Between two requests. A store that fails for the one may fail for all, and is not hammered.
    async fn pause(&self, seen: Seen, tries: &mut u32) {
        match seen {
            Seen::To => {
                *tries = 0;
                // Calls and reviews go first.
                tokio::task::yield_now().await;
            }
            Seen::HeldUp | Seen::Unanswered => {
                self.local.parts.clock.sleep(backoff(*tries)).await;
                *tries += 1;
            }
        }
    }

    async fn bury(&mut self, request: RequestId, claimant: &NodeName) -> Result<(), StoreError> {
        if self.is_dead(claimant).await? { self.local.bury(request, claimant, self.up).await } else { Ok(()) }
    }

    /// Goes through all that wait. A store that fails is asked again, for as long as the process is up.
    async fn take_up_all(&mut self) {
        let (mut after, mut tries) = (None, 0);
        while !self.local.hub.is_closed() {
            match self.take_up_page(after).await {
                Ok(None) => return,
                Ok(Some(next)) => (after, tries) = (Some(next), 0),
                Err(error) => {
                    tracing::warn!(%error, "what earlier processes left open could not be taken up; trying again, do what the error says if it stays");
                    self.local.parts.clock.sleep(backoff(tries)).await;
                    tries += 1;
                }
            }
        }
    }

    async fn take_up_page(&mut self, after: Option<Cursor>) -> Result<Option<Cursor>, StoreError> {
        let page = self.list(&[Phase::Pending, Phase::Approved], after).await?;
        let mut tries = 0;
        for summary in self.ours(&page) {
            if self.local.hub.is_closed() {
                return Ok(None);
            }
            let seen = self.see_to(summary.id, Left::Open).await;
            self.pause(seen, &mut tries).await;
        }
        Ok(page.next)
    }

    async fn take_up(&mut self, request: RequestId) -> Result<(), StoreError> {
        let (history, state) = self.local.look(request).await?;
        let keyed = state.opened().is_some_and(|opened| opened.requested.terms.round.is_some());
        if let Some(opened) = history.first().filter(|opened| !keyed && opened.seq < self.up)
            && self.is_dead(&opened.body.node).await?
        {
            // Its caller died with the process, and without a key nobody finds it again.
            // Later: a store that fails must not hold up the rest.
            let _ = self.local.parts.keeper.send(Order::Withdraw(request));
            return Ok(());
        }
        let local = &self.local;
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

    /// Whether the process of that name, as it wrote before our start, is dead: we bear the name now, or it is of our
    /// family and free. It is free for the next process too: what that one writes comes after our start.
    async fn is_dead(&mut self, node: &NodeName) -> Result<bool, StoreError> {
        if *node == self.local.parts.node {
            return Ok(true);
        }
        if let Some(dead) = self.dead.get(node) {
            return Ok(*dead);
        }
        let sibling = node
            .as_str()
            .strip_prefix(self.family.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let dead = sibling && self.local.parts.store.hold_node(node).await?.is_some();
        self.dead.insert(node.clone(), dead);
        Ok(dead)
    }

    /// Has cards told how their requests ended, where the process that should have told them did not come to it. Last:
    /// what ended while the others were gone through is among them.
    async fn tell_ended(&self) -> Result<(), StoreError> {
        let ended = [
            Phase::Denied,
            Phase::Expired,
            Phase::Cancelled,
            Phase::Succeeded,
            Phase::Failed,
            Phase::Unknown,
        ];
        let parts = &self.local.parts;
        if !parts.backends.iter().any(Registered::outlives) {
            return Ok(());
        }
        let mut after = None;
        loop {
            let page = self.list(&ended, after).await?;
            // The newest come first.
            let now = parts.clock.now();
            let recent = |summary: &&Summary| summary.requested_at.until(now) < TELL_WITHIN;
            let mut looked = 0;
            for summary in page.summaries.iter().take_while(recent) {
                looked += 1;
                if summary.env == parts.env
                    && let Ok((history, state)) = self.local.look(summary.id).await
                {
                    self.local.take_up_cards(summary.id, &history, &state);
                }
                tokio::task::yield_now().await;
                if self.local.hub.is_closed() {
                    return Ok(());
                }
            }
            match page.next.filter(|_| looked == page.summaries.len()) {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
    }
}

/// Whether it is the history that cannot be read, and not the store.
fn is_of_one_request(error: &StoreError) -> bool {
    matches!(error.kind(), StoreErrorKind::Unreadable | StoreErrorKind::Corrupt | StoreErrorKind::NewerFormat)
}
