//! A clock that a test moves by hand.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::time::{Clock, Sleep, Timestamp};

/// A clock that stands still until it is moved. Clones are the same clock.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use approvals_core::testing::ManualClock;
/// use approvals_core::time::{Clock, Timestamp};
/// use std::time::Duration;
///
/// let clock = ManualClock::at(Timestamp::EPOCH);
/// let hour = clock.sleep(Duration::from_secs(3600));
/// clock.advance(Duration::from_secs(3600));
/// hour.await;
/// assert_eq!(clock.now().to_string(), "1970-01-01T01:00:00.000000Z");
/// # });
/// ```
#[derive(Clone)]
pub struct ManualClock(Arc<Inner>);

struct Inner {
    wall: Mutex<Timestamp>,
    running: watch::Sender<Duration>,
    sleepers: watch::Sender<usize>,
}

impl ManualClock {
    /// A clock whose wall clock stands at the given time.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Inner {
            wall: Mutex::new(now),
            running: watch::Sender::new(Duration::ZERO),
            sleepers: watch::Sender::new(0),
        }))
    }

    /// Time passes: the wall clock moves on, and every sleep that is over ends.
    pub fn advance(&self, by: Duration) {
        {
            let mut wall = self.0.wall.lock().unwrap_or_else(PoisonError::into_inner);
            *wall = wall.after(by);
        }
        self.0.running.send_modify(|running| *running = running.saturating_add(by));
    }

    /// The wall clock jumps, forwards or backwards, as when somebody sets it. No sleep ends by that.
    pub fn set(&self, now: Timestamp) {
        *self.0.wall.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Returns once that many sleeps wait for this clock, so that a test moves time only when somebody sleeps.
    pub async fn until_asleep(&self, sleepers: usize) {
        let mut asleep = self.0.sleepers.subscribe();
        // The sender lives as long as `self`.
        let _ = asleep.wait_for(|asleep| *asleep >= sleepers).await;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.wall.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        // Counted from the call, not from the first poll: time may be moved between the two.
        let until = self.0.running.borrow().saturating_add(duration);
        let asleep = Asleep::on(Arc::clone(&self.0));
        Box::pin(async move {
            let mut running = asleep.0.running.subscribe();
            // The guard keeps the sender alive.
            let _ = running.wait_for(|running| *running >= until).await;
            drop(asleep);
        })
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ManualClock({})", self.now())
    }
}

/// Counts a sleep for as long as it waits.
struct Asleep(Arc<Inner>);

impl Asleep {
    fn on(clock: Arc<Inner>) -> Self {
        clock.sleepers.send_modify(|count| *count += 1);
        Self(clock)
    }
}

impl Drop for Asleep {
    fn drop(&mut self) {
        self.0.sleepers.send_modify(|count| *count = count.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::{Context, Poll, Waker};

    fn poll(sleep: &mut Sleep) -> Poll<()> {
        sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_sleep_ends_when_its_time_has_passed_and_not_before() {
        let clock = ManualClock::at(Timestamp::EPOCH);
        let mut sleep = clock.sleep(Duration::from_secs(10));
        clock.advance(Duration::from_secs(9));
        assert_eq!(poll(&mut sleep), Poll::Pending);
        clock.advance(Duration::from_secs(1));
        assert_eq!(poll(&mut sleep), Poll::Ready(()));
    }

    #[test]
    fn setting_the_wall_clock_ends_no_sleep() {
        let clock = ManualClock::at(Timestamp::EPOCH);
        let mut sleep = clock.sleep(Duration::from_secs(10));
        clock.set(Timestamp::EPOCH.after(Duration::from_secs(3600)));
        assert_eq!(poll(&mut sleep), Poll::Pending);
        assert_eq!(clock.now(), Timestamp::EPOCH.after(Duration::from_secs(3600)));
    }

    #[tokio::test]
    async fn a_dropped_sleep_is_no_longer_waited_for() {
        let clock = ManualClock::at(Timestamp::EPOCH);
        let kept = clock.sleep(Duration::from_secs(1));
        drop(clock.sleep(Duration::from_secs(1)));
        clock.until_asleep(1).await;
        assert_eq!(*clock.0.sleepers.borrow(), 1);
        drop(kept);
        assert_eq!(*clock.0.sleepers.borrow(), 0);
    }
}
