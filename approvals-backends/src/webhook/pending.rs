//! The requests that are asked about: one set for all of them, kept by `present` and `update`.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::{Mutex, PoisonError};

use approvals_core::card::Card;
use approvals_core::id::RequestId;
use approvals_core::state::Phase;
use tokio::sync::watch;

/// Requests that stand at the endpoint and can still be answered.
#[derive(Debug)]
pub(super) struct Pending {
    open: Mutex<BTreeSet<RequestId>>,
    /// How often a request was added.
    added: watch::Sender<u64>,
    /// How often one was taken away.
    over: watch::Sender<u64>,
}

impl Default for Pending {
    fn default() -> Self {
        Self { open: Mutex::default(), added: watch::Sender::new(0), over: watch::Sender::new(0) }
    }
}

impl Pending {
    /// Adds requests that were presented.
    pub(super) fn add(&self, requests: impl IntoIterator<Item = RequestId>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let before = open.len();
        open.extend(requests);
        if open.len() > before {
            self.added.send_modify(|times| *times = times.wrapping_add(1));
        }
    }

    /// Takes note of where a request stands: a denial counts until an approved one is claimed (law 3), and nothing
    /// later does.
    pub(super) fn follow(&self, card: &Card) {
        let Ok(request) = card.request.parse() else { return };
        match Phase::from_name(&card.state.label) {
            Some(Phase::Pending | Phase::Approved) => self.add([request]),
            _ if self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&request) => {
                self.over.send_modify(|times| *times = times.wrapping_add(1));
            }
            _ => {}
        }
    }

    /// At most so many of them, from the one after `last` on and around to the first: a set that is larger than one
    /// ask can hold is asked about in turn. Whether that is all of them.
    pub(super) fn some(&self, most: usize, last: Option<RequestId>) -> (Vec<RequestId>, bool) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = open.len() <= most;
        let Some(last) = last.filter(|_| !whole) else {
            return (open.iter().copied().take(most).collect(), whole);
        };
        let later = open.range((Bound::Excluded(last), Bound::Unbounded));
        (later.chain(open.range(..=last)).copied().take(most).collect(), whole)
    }

    /// Returns once `additions` has something new and none of `named` can be answered any more, in whichever order that
    /// comes: the news of an end may come after the request that follows it.
    pub(super) async fn moved_on(&self, mut named: &[RequestId], mut additions: watch::Receiver<u64>) {
        // Both senders live in `self`.
        let _ = additions.changed().await;
        let mut over = self.over.subscribe();
        loop {
            over.mark_unchanged();
            {
                let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
                // What is over is looked at once, however many are named.
                while let Some((_, rest)) = named.split_first().filter(|(first, _)| !open.contains(first)) {
                    named = rest;
                }
            }
            if named.is_empty() {
                return;
            }
            let _ = over.changed().await;
        }
    }

    /// Tells of requests that are added from now on.
    pub(super) fn additions(&self) -> watch::Receiver<u64> {
        self.added.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn id(number: u64) -> RequestId {
        format!("00000000-0000-7000-8000-{number:012x}").parse().unwrap()
    }

    #[test]
    fn a_set_that_fits_is_asked_about_whole() {
        let pending = Pending::default();
        pending.add([id(2), id(1)]);
        assert_eq!(pending.some(2, Some(id(1))), (vec![id(1), id(2)], true));
    }

    #[test]
    fn a_set_that_does_not_fit_is_asked_about_in_turn_and_nobody_is_left_out() {
        let pending = Pending::default();
        pending.add((1..=5).map(id));
        let (mut last, mut asked) = (None, Vec::new());
        for _ in 0..5 {
            let (some, whole) = pending.some(2, last);
            assert!(!whole);
            last = some.last().copied();
            asked.extend(some);
        }
        assert_eq!(asked, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5].map(id));
    }

    #[test]
    fn only_a_request_that_was_not_there_is_news() {
        let pending = Pending::default();
        let mut additions = pending.additions();
        pending.add([id(1)]);
        assert!(additions.has_changed().unwrap());
        additions.mark_unchanged();
        pending.add([id(1)]);
        assert!(!additions.has_changed().unwrap());
    }
    fn is_over(pending: &Pending, request: RequestId) {
        let open = &mut *pending.open.lock().unwrap();
        open.remove(&request);
        pending.over.send_modify(|times| *times += 1);
    }

    #[test]
    fn requests_moved_on_once_all_that_were_named_are_over_and_another_is_there_in_whichever_order() {
        type Step = fn(&Pending);
        let (one, two, new): (Step, Step, Step) =
            (|p| is_over(p, id(1)), |p| is_over(p, id(2)), |p| p.add([id(3)]));
        for steps in [[one, two, new], [new, one, two], [two, new, one], [two, one, new], [new, two, one]] {
            let pending = Pending::default();
            pending.add([id(1), id(2)]);
            let named = [id(1), id(2)];
            let mut moved_on = pin!(pending.moved_on(&named, pending.additions()));
            let mut context = Context::from_waker(Waker::noop());
            let readiness = steps.map(|step| {
                step(&pending);
                moved_on.as_mut().poll(&mut context).is_ready()
            });
            assert_eq!(readiness, [false, false, true]);
        }
    }
}
