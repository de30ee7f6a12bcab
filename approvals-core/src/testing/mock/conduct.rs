//! How the mock fails as a backend.

use super::post::lock;
use super::{ListenerFault, MockBackend};
use crate::backend::BackendError;
use crate::card::Shown;

impl MockBackend {
    /// From now on, cards are shown only in part, unless their rule says otherwise.
    pub fn show_part(&self, hidden: usize) -> Self {
        self.inner.book().shows = Some(Shown::Part { hidden });
        self.clone()
    }

    /// From now on, no card can be presented.
    pub fn fail(&self, error: BackendError) -> Self {
        self.inner.book().fails = Some(error);
        self.clone()
    }

    /// From now on, cards can be presented again.
    pub fn mend(&self) -> Self {
        self.inner.book().fails = None;
        self.clone()
    }

    /// Holds the answers to the next cards back until so many came, and then gives them in this order of cards:
    /// `[1, 0]` answers the second card before the first.
    ///
    /// # Panics
    /// If the order does not name each card once, from 0.
    #[track_caller]
    pub fn answer_in_order(&self, cards: impl IntoIterator<Item = usize>) -> Self {
        let order: Vec<usize> = cards.into_iter().collect();
        let each = (0..order.len()).all(|card| order.contains(&card));
        #[expect(clippy::panic, reason = "a script that cannot be followed is a test that cannot pass")]
        if !each || order.is_empty() {
            panic!("{order:?} is no order of cards; name each once, from 0");
        }
        self.inner.post().shuffle(order);
        self.clone()
    }

    /// The listener panics. Core has it listen again after a second of virtual time.
    pub fn crash_listener(&self) -> Self {
        self.listener(ListenerFault::Panics)
    }

    /// The listener ends, and no answer arrives any more.
    pub fn end_listener(&self) -> Self {
        self.listener(ListenerFault::Ends)
    }

    fn listener(&self, fault: ListenerFault) -> Self {
        *lock(&self.inner.listener) = Some(fault);
        self.inner.ring();
        self.clone()
    }
}
