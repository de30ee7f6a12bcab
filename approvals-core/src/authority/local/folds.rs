//! What the histories of the requests that moved last come to, so that they are not folded anew at each step.

use std::collections::HashMap;

use crate::id::RequestId;

/// Requests in one of the two generations.
const REQUESTS: usize = 1_024;

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

    #[test]
    fn what_is_put_again_is_not_found_as_it_was() {
        let mut folds = Folds::default();
        folds.put(id(1), "one");
        (2..REQUESTS + 2).for_each(|number| folds.put(id(number), "other"));
        folds.put(id(1), "two");
        assert_eq!(folds.get(id(1)), Some(&"two"));
    }
}
