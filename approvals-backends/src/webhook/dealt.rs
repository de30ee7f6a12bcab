//! Which messages were dealt with: each acts once, however often it is delivered.
//!
//! A signature verifies for five minutes before and after its time, so that a message can be delivered again, by a
//! sender that lost our answer or by somebody on the way. It gets the answer of the first time. The memory is bounded
//! and ends with the process, which opens nothing: what is forgotten goes to the desk again, where the same answer of
//! the same person is `answered_before`, an approval after a denial is too, and nothing follows a verdict. Only a
//! person's denial after their own approval moves anything, and that one is theirs.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use approvals_core::desk::Reply;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use super::signature::Scheme;

/// How many messages are remembered: of ten minutes at more than six a second, in about 2 MiB.
const REMEMBERED: usize = 4096;

/// One message, by what was signed and how. Not by its id: the same decision under another id is the same decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Mark([u8; 32]);

impl Mark {
    pub(super) fn of(scheme: Scheme, body: &[u8]) -> Self {
        // A stronger signature may count where a weaker one did not.
        Self(Sha256::new().chain_update([scheme as u8]).chain_update(body).finalize().into())
    }
}

/// What became of a message, once that is known. Whoever brings it a second time meanwhile waits for the first.
pub(super) type Dealing = Arc<OnceCell<Reply>>;

#[derive(Debug, Default)]
pub(super) struct Dealt(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    known: HashMap<Mark, Dealing>,
    order: VecDeque<Mark>,
}

impl Dealt {
    pub(super) fn with(&self, mark: Mark) -> Dealing {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dealing) = table.known.get(&mark) {
            return Arc::clone(dealing);
        }
        if table.order.len() >= REMEMBERED
            && let Some(oldest) = table.order.pop_front()
        {
            table.known.remove(&oldest);
        }
        table.order.push_back(mark);
        let dealing = Dealing::default();
        table.known.insert(mark, Arc::clone(&dealing));
        dealing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_decision_is_the_same_whatever_its_id_and_a_stronger_signature_is_another() {
        assert_eq!(Mark::of(Scheme::Hmac, b"yes"), Mark::of(Scheme::Hmac, b"yes"));
        assert_ne!(Mark::of(Scheme::Hmac, b"yes"), Mark::of(Scheme::Ed25519, b"yes"));
        assert_ne!(Mark::of(Scheme::Hmac, b"yes"), Mark::of(Scheme::Hmac, b"no"));
    }

    #[test]
    fn a_flood_of_messages_makes_it_forget_the_oldest_and_grows_no_further() {
        let dealt = Dealt::default();
        let mark = |number: usize| Mark::of(Scheme::Ed25519, &number.to_be_bytes());
        let (first, second) = (dealt.with(mark(0)), dealt.with(mark(1)));
        for number in 2..=REMEMBERED {
            dealt.with(mark(number));
        }
        assert!(Arc::ptr_eq(&second, &dealt.with(mark(1))));
        assert!(!Arc::ptr_eq(&first, &dealt.with(mark(0))));
        let table = dealt.0.lock().unwrap();
        assert_eq!((table.known.len(), table.order.len()), (REMEMBERED, REMEMBERED));
    }
}
