//! A clock on which nobody waits: a short sleep is taken by moving time on.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use approvals::time::{Clock, Sleep, Timestamp};

/// From here on a sleep is for an event that will not come.
const LONG: Duration = Duration::from_secs(10);
/// Turns that others get before time moves.
const TURNS: usize = 8;

/// A clock that moves when somebody sleeps.
#[derive(Debug, Clone)]
pub(crate) struct Brisk(Arc<AtomicI64>);

impl Brisk {
    /// A clock that begins so many minutes after a fixed day.
    pub(crate) fn at(minute: u64) -> Self {
        const BEGIN: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
        let begin = BEGIN.after(Duration::from_secs(minute.saturating_mul(60)));
        Self(Arc::new(AtomicI64::new(begin.as_micros())))
    }
}

impl Clock for Brisk {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let time = Arc::clone(&self.0);
        Box::pin(async move {
            if duration >= LONG {
                std::future::pending::<()>().await;
            }
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
            time.fetch_add(micros, Ordering::SeqCst);
        })
    }
}
