//! What is due when.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::id::RequestId;
use crate::time::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Job {
    Expire,
    Present(u32),
    Refresh,
}

/// Jobs in the order of their times, and the one clock of each request that has one.
///
/// A request that is over leaves at once what may be days until its deadline: a hundred thousand that wait are some ten
/// megabytes, and those that were decided are none.
#[derive(Debug, Default)]
pub(super) struct Due {
    /// By themselves and without the word for it: every request that waits has one.
    expiries: BTreeSet<(Timestamp, RequestId)>,
    others: BTreeSet<(Timestamp, RequestId, Job)>,
    /// The deadline, and when it is seen to: later, where the store disagreed about the time.
    clocks: HashMap<RequestId, (Timestamp, Timestamp)>,
}

impl Due {
    /// When there is something to do next.
    pub(super) fn next(&self) -> Option<Timestamp> {
        self.first().map(|(at, ..)| at)
    }

    fn first(&self) -> Option<(Timestamp, RequestId, Job)> {
        let expiry = self.expiries.first().map(|(at, request)| (*at, *request, Job::Expire));
        expiry.into_iter().chain(self.others.first().copied()).min()
    }

    #[cfg(test)]
    pub(super) fn rows(&self) -> usize {
        self.jobs() + self.clocks.len()
    }

    #[cfg(test)]
    fn jobs(&self) -> usize {
        self.expiries.len() + self.others.len()
    }

    /// What is due by now, one by one.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<(RequestId, Job)> {
        let (at, request, job) = self.first().filter(|(at, ..)| *at <= now)?;
        match job {
            Job::Expire => self.expiries.remove(&(at, request)),
            Job::Present(_) | Job::Refresh => self.others.remove(&(at, request, job)),
        };
        Some((request, job))
    }

    pub(super) fn put(&mut self, at: Timestamp, request: RequestId, job: Job) {
        if job != Job::Expire {
            self.others.insert((at, request, job));
            return;
        }
        if let Some((_, seen_to)) = self.clocks.get_mut(&request) {
            *seen_to = at;
        }
        self.expiries.insert((at, request));
    }

    /// Expires a request at its deadline. Told once more of the same one, it does nothing: that may be seen to already.
    pub(super) fn watch(&mut self, request: RequestId, deadline: Timestamp) {
        if self.clocks.get(&request).is_none_or(|(known, _)| *known != deadline) {
            self.watch_again(request, deadline, deadline);
        }
    }

    /// Expires a request at its deadline, and not before some time.
    pub(super) fn watch_again(&mut self, request: RequestId, deadline: Timestamp, earliest: Timestamp) {
        self.over(request);
        let at = deadline.max(earliest);
        self.clocks.insert(request, (deadline, at));
        self.expiries.insert((at, request));
    }

    /// Forgets the clock of a request.
    pub(super) fn over(&mut self, request: RequestId) {
        if let Some((_, at)) = self.clocks.remove(&request) {
            self.expiries.remove(&(at, request));
        }
    }

    /// A deadline is a time; how long until something is tried again is a length, and a wall clock that was set back so
    /// far must not make hours of it.
    pub(super) fn set_back(&mut self, back: Duration) {
        let back = i64::try_from(back.as_micros()).unwrap_or(i64::MAX);
        let sooner = |at: Timestamp| Timestamp::from_micros(at.as_micros().saturating_sub(back));
        let others = std::mem::take(&mut self.others).into_iter();
        self.others = others.map(|(at, request, job)| (sooner(at), request, job)).collect();
        let (expiries, clocks) = (std::mem::take(&mut self.expiries).into_iter(), &mut self.clocks);
        self.expiries = expiries
            .map(|(at, request)| {
                let Some((deadline, seen_to)) = clocks.get_mut(&request) else {
                    return (sooner(at), request);
                };
                // How long until a store that disagreed is asked again is a length too.
                let moved = sooner(at).max(*deadline);
                if *seen_to == at {
                    *seen_to = moved;
                }
                (moved, request)
            })
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn id(number: u128) -> RequestId {
        RequestId::from_uuid(Uuid::from_u128(number))
    }

    fn noon() -> Timestamp {
        Timestamp::EPOCH.after(12 * HOUR)
    }

    #[test]
    fn a_request_that_is_over_leaves_nothing_until_its_deadline() {
        let mut due = Due::default();
        for number in 0..1_000 {
            due.watch(id(number), noon().after(HOUR));
            due.over(id(number));
        }
        assert_eq!((due.jobs(), due.clocks.len()), (0, 0));
    }

    #[test]
    fn the_clock_of_the_next_phase_takes_the_place_of_the_last_one() {
        let mut due = Due::default();
        due.watch(id(1), noon().after(HOUR));
        due.watch(id(1), noon());
        assert_eq!((due.next(), due.jobs()), (Some(noon()), 1));
        assert_eq!(due.take(noon()), Some((id(1), Job::Expire)));
        assert_eq!(due.take(noon().after(2 * HOUR)), None);
    }

    #[test]
    fn a_deadline_that_a_store_does_not_agree_with_is_seen_to_later_however_often_it_is_told() {
        let mut due = Due::default();
        let (deadline, again) = (noon(), noon().after(HOUR));
        due.watch(id(1), deadline);
        assert_eq!(due.take(deadline), Some((id(1), Job::Expire)));
        due.watch(id(1), deadline);
        assert_eq!(due.next(), None, "it is under way");
        due.watch_again(id(1), deadline, again);
        due.watch(id(1), deadline);
        assert_eq!((due.next(), due.jobs()), (Some(again), 1));
        due.take(again);
        due.put(again.after(HOUR), id(1), Job::Expire);
        due.over(id(1));
        assert_eq!(due.next(), None);
    }

    #[test]
    fn a_clock_that_is_set_back_moves_what_is_tried_again_and_no_deadline() {
        let mut due = Due::default();
        due.watch(id(1), noon().after(2 * HOUR));
        due.put(noon().after(2 * HOUR), id(2), Job::Refresh);
        due.set_back(HOUR);
        assert_eq!(due.take(noon().after(HOUR)), Some((id(2), Job::Refresh)));
        assert_eq!(due.next(), Some(noon().after(2 * HOUR)));
        due.over(id(1));
        assert_eq!(due.next(), None);
    }

    #[test]
    fn a_clock_that_was_ahead_of_the_store_puts_no_deadline_off_once_it_is_set_right() {
        let mut due = Due::default();
        let (deadline, ahead) = (noon(), noon().after(2 * HOUR));
        due.watch(id(1), deadline);
        assert_eq!(due.take(ahead), Some((id(1), Job::Expire)));
        due.watch_again(id(1), deadline, ahead.after(Duration::from_secs(1)));
        due.set_back(2 * HOUR);
        assert_eq!(due.next(), Some(deadline.after(Duration::from_secs(1))));
        due.set_back(HOUR);
        assert_eq!(due.next(), Some(deadline), "never before its time");
        due.over(id(1));
        assert_eq!(due.next(), None);
    }
}
