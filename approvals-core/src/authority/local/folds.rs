//! What the histories of the requests that moved last come to, so that they are not folded anew at each step.

use std::collections::HashMap;
use std::sync::Arc;

use crate::id::RequestId;
use crate::ledger::{Env, Known, Record};
use crate::state::State;

/// Requests in one of the two generations.
const REQUESTS: usize = 1_024;

/// What a history came to.
#[derive(Debug, Clone)]
pub(super) struct Fold {
    /// Its last record.
    pub(super) last: Known,
    /// The environment of that record.
    pub(super) env: Env,
    pub(super) state: Arc<State>,
}

impl Fold {
    /// What a history, or the end of one, comes to; `None` if it is empty.
    pub(super) fn of(history: &[Record], state: &Arc<State>) -> Option<Self> {
        let last = history.last()?;
        Some(Self { last: last.into(), env: last.body.env, state: Arc::clone(state) })
    }

    /// The records that a history has beyond this one; `None` if it is another.
    pub(super) fn since<'h>(&self, history: &'h [Record]) -> Option<&'h [Record]> {
        self.last.end_in(history).and_then(|end| history.get(end..))
    }
}

/// Something about each request that moved lately. It forgets, and never more than is cheap to make again.
#[derive(Debug)]
pub(super) struct Folds<T> {
    young: HashMap<RequestId, T>,
    old: HashMap<RequestId, T>,
}

impl<T> Default for Folds<T> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<T> Folds<T> {
    /// What is known of a request.
    pub(super) fn get(&self, request: RequestId) -> Option<&T> {
        self.young.get(&request).or_else(|| self.old.get(&request))
    }

    /// Keeps what a request comes to now.
    pub(super) fn put(&mut self, request: RequestId, fold: T) {
        self.old.remove(&request);
        if self.young.len() >= REQUESTS && !self.young.contains_key(&request) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(request, fold);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::Seq;
    use crate::request::Quorum;
    use crate::state::tests::kit::History;

    fn id(number: usize) -> RequestId {
        RequestId::from_uuid(Uuid::from_u128(number as u128))
    }

    #[test]
    fn the_last_thousand_are_kept_and_no_more_than_two_thousand() {
        let mut folds = Folds::default();
        for number in 0..10 * REQUESTS {
            folds.put(id(number), number);
            assert_eq!(folds.get(id(number)), Some(&number));
            assert_eq!(
                folds.get(id(number.saturating_sub(REQUESTS - 1))),
                Some(&number.saturating_sub(REQUESTS - 1))
            );
        }
        assert!(folds.young.len() + folds.old.len() <= 2 * REQUESTS);
        assert_eq!(folds.get(id(0)), None);
    }

    fn records(history: &History) -> Vec<Record> {
        let record = |(place, body): (usize, &crate::ledger::Body)| Record {
            seq: Seq(place as u64 + 1),
            bytes: body.to_bytes().unwrap().into(),
            body: Arc::new(body.clone()),
            payload: None,
            signature: None,
        };
        history.bodies.iter().enumerate().map(record).collect()
    }

    #[test]
    fn a_history_goes_on_from_its_own_records_and_not_from_others_at_the_same_places() {
        let asked = || History::asking(Quorum::people(1));
        let denied = records(&asked().denied_by("ann", &[]));
        let known = Fold::of(&denied, &Arc::new(State::fold(&denied).unwrap())).unwrap();
        assert_eq!(known.since(&denied), Some(&[][..]));
        let approved = records(&asked().approved_by("ann", &[]));
        assert_eq!(known.since(&approved), None);
        assert_eq!(known.since(&denied[..1]), None);
        let first = Fold::of(&denied[..1], &Arc::new(State::fold(&denied[..1]).unwrap())).unwrap();
        assert_eq!(first.since(&approved), Some(&approved[1..]));
    }

    #[test]
    fn what_is_put_again_is_not_found_as_it_was() {
        let mut folds = Folds::default();
        folds.put(id(1), "one");
        (2..REQUESTS + 2).for_each(|number| folds.put(id(number), "other"));
        folds.put(id(1), "two");
        assert_eq!(folds.get(id(1)), Some(&"two"));
    }
}
