//! A bell: one line makes `wait_past` of a store that lives in this process.

use tokio::sync::watch;

use crate::id::Seq;

/// Rings when the ledger grows; whoever waits for a place past theirs wakes.
#[derive(Debug)]
pub struct Bell(watch::Sender<Seq>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(Seq::START))
    }
}

impl Bell {
    /// Says that the ledger reaches this far. Earlier places are ignored.
    pub fn ring(&self, last: Seq) {
        self.0.send_if_modified(|seen| {
            let later = last > *seen;
            if later {
                *seen = last;
            }
            later
        });
    }

    /// Returns once the ledger reaches past a place.
    pub async fn wait_past(&self, after: Seq) {
        let mut seen = self.0.subscribe();
        // The sender lives as long as `self`, so the wait ends only by a ring.
        let _ = seen.wait_for(|last| *last > after).await;
    }
}
