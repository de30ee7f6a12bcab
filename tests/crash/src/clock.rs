//! A clock on which nobody waits: whoever sleeps for a short while moves time on instead.

use std::time::Duration;

use approvals::time::{Clock, Sleep, Timestamp};
use tokio::sync::watch;

/// From here on a sleep bounds something else, and waits for time to be moved by others.
const BOUND: Duration = Duration::from_secs(60);
/// How long a store is waited for. A real disk knows no other time than the real one, so that this clock says nothing of it.
const PATIENCE: Duration = Duration::from_secs(61);
/// Turns that others get before time moves.
const TURNS: usize = 8;

/// A clock that moves when somebody sleeps.
#[derive(Debug, Clone)]
pub(crate) struct Brisk(watch::Sender<Timestamp>);

impl Brisk {
    /// A clock that begins so many minutes after a fixed day.
    pub(crate) fn at(minute: u64) -> Self {
        const BEGIN: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
        Self(watch::Sender::new(BEGIN.after(Duration::from_secs(minute.saturating_mul(60)))))
    }
}

impl Clock for Brisk {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let time = self.0.clone();
        Box::pin(async move {
            if duration == PATIENCE {
                return std::future::pending().await;
            }
            if duration >= BOUND {
                let until = time.borrow().after(duration);
                let _ = time.subscribe().wait_for(|now| *now >= until).await;
                return;
            }
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            time.send_modify(|now| *now = now.after(duration));
        })
    }
}
