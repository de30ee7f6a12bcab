//! Placing cards where people are, and keeping them up to date.

mod side;

use std::sync::PoisonError;
use std::time::Duration;

use self::side::Side;
use super::{Local, Looked, MOVES, Panicked, Registered, backoff, caught};
use crate::backend::{BackendError, Presented};
use crate::card::{Card, Shown};
use crate::id::{RequestId, Version, WayId};
use crate::keeper::Order;
use crate::ledger::{Append, Appended, CancelWhy, Env, Event, PresentFailure, Record, StoreError, Stream};
use crate::state::{Phase, State};

/// How long until a request that stands nowhere is presented again, although no backend expects that to help.
const HOPELESS: Duration = Duration::from_secs(60);
/// The longest that a backend may take to place a card, or to bring one up to date.
const PATIENCE: Duration = Duration::from_secs(30);

impl Local {
    /// Has a request presented in the background and its deadline kept.
    pub(crate) fn place(&self, request: RequestId) {
        let local = self.clone();
        self.background.start(async move { local.present(request, 0).await });
    }

    /// The same for one that was opened this moment, and is not read again for it.
    pub(super) fn place_opened(&self, request: RequestId, opened: Looked) {
        let local = self.clone();
        self.background.start(async move { local.present_as(request, 0, Some(opened)).await });
    }

    /// Presents a request on every backend where it does not stand yet.
    pub(crate) async fn present(&self, request: RequestId, tries: u32) {
        self.present_as(request, tries, None).await;
    }

    async fn present_as(&self, request: RequestId, tries: u32, looked: Option<Looked>) {
        let Some(_presenting) = Presenting::begin(self, request) else { return };
        if let Err(error) = self.try_present(request, tries, looked).await {
            tracing::warn!(%request, %error, "a request could not be presented; trying again, do what the error says if it stays");
            self.again(request, backoff(tries), tries);
        }
    }

    fn again(&self, request: RequestId, after: Duration, tries: u32) {
        // A keeper that is gone presents nothing.
        let _ =
            self.parts.keeper.send(Order::PresentAgain { request, after, tries: tries.saturating_add(1) });
    }

    async fn try_present(
        &self,
        request: RequestId,
        tries: u32,
        looked: Option<Looked>,
    ) -> Result<(), StoreError> {
        let (history, state) = match looked {
            Some(looked) => looked,
            None => self.look(request).await?,
        };
        let Some(opened) = state.opened().filter(|_| state.phase() == Phase::Pending) else {
            if self.hub.follows_card(request) {
                // Followed for a card that is not on record, so that no news of one has it forgotten.
                let _ = self.parts.keeper.send(Order::Refresh { request, shown: Version::default().next() });
            }
            return Ok(());
        };
        let _ = self.parts.keeper.send(Order::Watch { request, deadline: opened.decide_by() });
        if self.parts.backends.is_empty() {
            return Ok(());
        }
        let Some(card) = Card::of(&history, &state) else { return Ok(()) };
        self.hub.follow_card(request);
        let mut presenting = Side::new();
        let mut stands = false;
        for registered in &self.parts.backends {
            if self.stands(request, registered, &state) {
                stands = true;
                continue;
            }
            let (local, registered, card) = (self.clone(), registered.clone(), card.clone());
            let (way, patience) = (registered.way.id.clone(), self.parts.clock.sleep(PATIENCE));
            presenting.run(way, async move {
                let presented = tokio::select! {
                    biased;
                    presented = registered.backend.present(&card) => presented,
                    () = patience => Err(BackendError::temporary(PresentFailure::Unreachable, "no answer in time")),
                };
                // Here, so that no record waits for another that rides along.
                match presented {
                    Ok(presented) => Ok(local.presented(request, &registered.way.id, presented).await),
                    Err(error) => Err(error),
                }
            });
        }
        let (mut hope, mut moved, mut unrecorded) = (false, false, None);
        while let Some((way, recorded)) = presenting.next().await {
            let panicked =
                |Panicked| Err(BackendError::permanent(PresentFailure::Other, "the backend panicked"));
            match recorded.unwrap_or_else(panicked) {
                Ok(Ok(recorded)) => {
                    stands = true;
                    moved |= recorded.version != state.version();
                }
                // The others go on: a card that is placed is not placed again because the record of another failed.
                Ok(Err(error)) => drop(unrecorded.get_or_insert(error)),
                Err(error) => {
                    hope |= error.is_temporary();
                    if let Err(error) = self.present_failed(request, &history, &way, &error).await {
                        unrecorded.get_or_insert(error);
                    }
                }
            }
        }
        if moved {
            // A verdict, or a caller that left, while the cards were being placed: news of that found none on record.
            self.hub.follow_card(request);
            let _ = self.parts.keeper.send(Order::Refresh { request, shown: state.version() });
        }
        if let Some(error) = unrecorded {
            return Err(error);
        }
        if hope {
            self.again(request, backoff(tries.saturating_add(4)), tries);
        } else if !stands && !self.parts.open_to_store {
            let keyed = opened.requested.terms.round.is_some();
            if keyed { self.again(request, HOPELESS, tries) } else { self.undeliverable(request).await? }
        }
        Ok(())
    }

    fn stands(&self, request: RequestId, registered: &Registered, state: &State) -> bool {
        let way = &registered.way.id;
        self.place_of(way).is_some_and(|place| self.hub.has_placed(request, place))
            || (registered.outlives() && state.presented().contains_key(way))
    }

    async fn presented(
        &self,
        request: RequestId,
        way: &WayId,
        presented: Presented,
    ) -> Result<Appended, StoreError> {
        tracing::info!(%request, %way, shown = ?presented.shown, "request presented");
        let Presented { reference, shown } = presented;
        // A verdict may have come while the card was placed: news of this record has it brought up to date.
        self.hub.follow_card(request);
        let event = Event::Presented { way: way.clone(), reference, shown };
        let appended = match shown {
            Shown::Everything => self.note_along(request, event).await?,
            // A yes that comes at once must find it on record (law 5).
            Shown::Part { .. } => self.note(Stream::Request(request), event.into()).await?,
        };
        // Only now: a card that is not on record is placed again, which makes no second one.
        if let Some(place) = self.place_of(way) {
            self.hub.placed_card(request, place);
        }
        Ok(appended)
    }

    /// Appends a note that no decision reads. Nobody waits for it but a shutdown and the mock, which answers a card once
    /// it is on record: neither waits for company.
    async fn note_along(&self, request: RequestId, event: Event) -> Result<Appended, StoreError> {
        if self.hub.is_closed() || self.parts.env == Env::Test {
            return self.note(Stream::Request(request), event.into()).await;
        }
        let append = Append {
            stream: Stream::Request(request),
            expected: None,
            env: self.parts.env,
            node: self.parts.node.clone(),
            events: vec![event.into()],
        };
        self.parts.store.append_along(append).await
    }

    fn place_of(&self, way: &WayId) -> Option<usize> {
        self.parts.backends.iter().position(|registered| registered.way.id == *way)
    }

    /// Recorded once per reason, so that trying again does not fill the ledger.
    async fn present_failed(
        &self,
        request: RequestId,
        history: &[Record],
        way: &WayId,
        error: &BackendError,
    ) -> Result<(), StoreError> {
        tracing::warn!(%request, %way, %error, "a backend could not present a request; mend the backend, and answer with `approvals approve` or `approvals deny` where the store is open");
        let last: Option<PresentFailure> = history.iter().rev().find_map(|record| match &record.body.event {
            Event::PresentFailed { way: failed, why } if failed == way => Some(*why),
            _ => None,
        });
        if last == Some(error.why()) {
            return Ok(());
        }
        let event = Event::PresentFailed { way: way.clone(), why: error.why() };
        self.note(Stream::Request(request), event.into()).await?;
        Ok(())
    }

    /// Nobody can be asked and nobody will find the request again: it is called off.
    async fn undeliverable(&self, request: RequestId) -> Result<(), StoreError> {
        let mut moves = 0;
        loop {
            let (_, state) = self.look(request).await?;
            if state.phase() != Phase::Pending {
                return Ok(());
            }
            let event = Event::Cancelled { by: None, why: CancelWhy::Undeliverable };
            match self.append(request, state.version(), vec![event.into()]).await {
                Ok(_) => {
                    tracing::warn!(%request, "nobody could be asked and the call was refused; mend the backends, `approvals show` has the reason of each");
                    return Ok(());
                }
                Err(error) if error.is_stale() && moves < MOVES => {
                    moves += 1;
                    tokio::task::yield_now().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Brings the cards of a request up to date with its state.
    pub(crate) async fn refresh(&self, request: RequestId, shown: Option<Version>) -> Refreshed {
        let (history, state) = match self.look(request).await {
            Ok(looked) => looked,
            Err(error) => {
                tracing::warn!(%request, %error, "the cards of a request could not be brought up to date; `approvals show` says where it stands");
                return Refreshed { shown, again: true };
            }
        };
        if shown.is_some_and(|shown| shown >= state.version()) {
            return Refreshed { shown, again: false };
        }
        if let Some(deadline) = state.deadline() {
            let _ = self.parts.keeper.send(Order::Watch { request, deadline });
        }
        let over = state.phase().is_terminal() || state.phase() == Phase::Unknown;
        // What was placed just now says this already, unless somebody answered meanwhile.
        let new = state.phase() != Phase::Pending || shown.is_some() || !state.answers().is_empty();
        let mut again = false;
        if let Some(card) = new.then(|| Card::of(&history, &state)).flatten() {
            for registered in &self.parts.backends {
                let way = &registered.way.id;
                let Some((reference, _)) = state.presented().get(way) else { continue };
                if over && is_told(&history, way) {
                    continue;
                }
                let updating = caught(async { registered.backend.update(&card, reference).await });
                let updated = tokio::select! {
                    biased;
                    updated = updating => updated.unwrap_or_else(|Panicked| {
                        Err(BackendError::permanent(PresentFailure::Other, "the backend panicked"))
                    }),
                    () = self.parts.clock.sleep(PATIENCE) => {
                        Err(BackendError::temporary(PresentFailure::Unreachable, "no answer in time"))
                    }
                };
                match updated {
                    Ok(()) if over => {
                        let event = Event::Updated { way: way.clone() };
                        if let Err(error) = self.note_along(request, event).await {
                            tracing::warn!(%request, %way, %error, "an update could not be recorded; the card is right, do what the error says if it stays");
                        }
                    }
                    Ok(()) => {}
                    Err(error) => {
                        again |= error.is_temporary();
                        tracing::warn!(%request, %way, %error, "a card could not be brought up to date; answers on it are still judged, `approvals show` says where the request stands")
                    }
                }
            }
        }
        if again {
            return Refreshed { shown, again };
        }
        if over {
            self.clock_ended(request);
            self.forget_cards(request);
        }
        Refreshed { shown: Some(state.version()), again }
    }

    /// Keeps the cards of a request up to date no longer.
    pub(crate) fn forget_cards(&self, request: RequestId) {
        self.hub.forget_card(request);
    }

    /// Has the cards of an earlier process brought up to date, where a request moved on and they were not told.
    pub(crate) fn take_up_cards(&self, request: RequestId, history: &[Record], state: &State) {
        let stale = |registered: &Registered| {
            let way = &registered.way.id;
            registered.outlives() && state.presented().contains_key(way) && !is_told(history, way)
        };
        let opened = Version::default().next();
        if state.version() > opened && self.parts.backends.iter().any(stale) {
            self.hub.follow_card(request);
            let _ = self.parts.keeper.send(Order::Refresh { request, shown: opened });
        }
    }
}

/// What came of bringing cards up to date.
pub(crate) struct Refreshed {
    /// The version that all of them show.
    pub(crate) shown: Option<Version>,
    /// Whether one of them has yet to be told.
    pub(crate) again: bool,
}

/// Whether the card there was told how the request ended: what came later than that is notes.
fn is_told(history: &[Record], way: &WayId) -> bool {
    let told = |record: &&Record| matches!(&record.body.event, Event::Updated { way: told } if told == way);
    history.iter().rev().take_while(|record| record.body.event.is_note()).any(|record| told(&record))
}

/// Holds the presentation of a request for one task.
struct Presenting<'a>(&'a Local, RequestId);

impl<'a> Presenting<'a> {
    /// `None` if another task presents it right now.
    fn begin(local: &'a Local, request: RequestId) -> Option<Self> {
        let mut presenting = local.presenting.lock().unwrap_or_else(PoisonError::into_inner);
        presenting.insert(request).then(|| Self(local, request))
    }
}

impl Drop for Presenting<'_> {
    fn drop(&mut self) {
        self.0.presenting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}
