//! Points in time, and the clock that tells them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time, UTC, to the microsecond.
///
/// Written as RFC 3339 text with six digits of a second, `2026-11-21T22:53:29.123456Z`, so that the text sorts
/// like the time. Ranges from year −6060 to 9999-12-30T21:59:59.999999Z.
///
/// ```
/// use approvals_core::time::Timestamp;
/// let t: Timestamp = "2026-11-21T22:53:29.000001Z".parse().unwrap();
/// assert_eq!(t.to_string(), "2026-11-21T22:53:29.000001Z");
///
/// let hour = std::time::Duration::from_secs(3600);
/// assert_eq!(t.until(t.after(hour)), hour);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Microseconds of 9999-12-30T21:59:59.999999Z: jiff writes no later time, which some time zone would put into year 10000.
const LAST: i64 = 253_402_207_199_999_999;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The time of the system's wall clock.
    pub fn now() -> Self {
        let now = std::time::SystemTime::now();
        match now.duration_since(std::time::UNIX_EPOCH) {
            Ok(since) => Self::EPOCH.after(since),
            Err(before) => Self::from_micros(-i64::try_from(before.duration().as_micros()).unwrap_or(LAST)),
        }
    }

    /// The time so many microseconds after the epoch; beyond the range, its nearest end.
    pub const fn from_micros(micros: i64) -> Self {
        if micros > LAST {
            Self(LAST)
        } else if micros < -LAST {
            Self(-LAST)
        } else {
            Self(micros)
        }
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This time plus a duration; beyond the range, its end.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(LAST);
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// How long from this time until a later one; zero if it is not later.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_micros(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_microsecond(self.0).map_err(|_| fmt::Error)?;
        let civil = jiff::tz::Offset::UTC.to_datetime(time);
        let Ok(year) = u16::try_from(civil.year()) else { return write!(f, "{time:.6}") };
        // By hand: every record has its time written, and the general way costs more than hashing the record.
        let micros = u32::try_from(civil.subsec_nanosecond() / 1_000).unwrap_or_default();
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let fields = [
            (0..4, u32::from(year)),
            (5..7, civil.month().unsigned_abs().into()),
            (8..10, civil.day().unsigned_abs().into()),
            (11..13, civil.hour().unsigned_abs().into()),
            (14..16, civil.minute().unsigned_abs().into()),
            (17..19, civil.second().unsigned_abs().into()),
            (20..26, micros),
        ];
        for (place, mut number) in fields {
            for digit in text.get_mut(place).unwrap_or_default().iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not a time in RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time; write it like `2026-11-21T22:53:29.000000Z`")]
pub struct InvalidTimestamp(String);

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        let time: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp(text.to_owned()))?;
        Ok(Self::from_micros(time.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A future that ends after a while, from [`Clock::sleep`].
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where time comes from. Handed in, so that a test moves it and no test waits for it.
///
/// `now` is the wall clock and may jump; `sleep` runs on a monotonic clock and does not. A test takes
/// `testing::ManualClock`, which stands still until it is moved.
///
/// ```
/// use std::time::Duration;
///
/// use approvals_core::time::{Clock, SystemClock};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let before = SystemClock.now();
/// SystemClock.sleep(Duration::from_millis(1)).await;
/// assert!(before.after(Duration::from_secs(3600)) > SystemClock.now());
/// # });
/// ```
pub trait Clock: Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Timestamp;
    /// Ends after the given duration, whatever the wall clock does meanwhile.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// The clock of the operating system; sleeps on tokio's timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_time_have_a_text_that_is_read_back() {
        for micros in [i64::MAX, i64::MIN, LAST - 1] {
            let end = Timestamp::from_micros(micros);
            assert_eq!(end.to_string().parse(), Ok(end));
        }
        let never = Timestamp::EPOCH.after(Duration::MAX);
        assert_eq!(never.to_string(), "9999-12-30T21:59:59.999999Z");
    }
}
