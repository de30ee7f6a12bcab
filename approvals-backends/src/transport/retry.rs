//! Sends until there is an answer worth having, within a bound.

#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use approvals_core::id::Chance;
use approvals_core::time::{Clock, Timestamp};
use backon::{BackoffBuilder as _, ExponentialBuilder};
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Request, Response, StatusCode};

use super::{Transport, TransportError};

/// How often and how fast a request is sent again: with growing waits, each with jitter, so that many senders do not
/// come back at once.
///
/// A wait that the host asks for (`Retry-After`) is kept where it is the longer one. Where it would outlast the time
/// that there is, the host's answer is given at once instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    attempts: usize,
    first: Duration,
    longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 4, first: Duration::from_millis(250), longest: Duration::from_secs(5) }
    }
}

impl Retry {
    /// Most attempts, the first included; at least 1. Default 4.
    #[must_use]
    pub fn attempts(mut self, most: usize) -> Self {
        self.attempts = most.max(1);
        self
    }

    /// The first wait, before its jitter; it doubles from wait to wait. Default 250 ms.
    #[must_use]
    pub fn first(mut self, wait: Duration) -> Self {
        self.first = wait;
        self
    }

    /// The longest wait of our own, before its jitter. Default 5 s.
    #[must_use]
    pub fn longest(mut self, wait: Duration) -> Self {
        self.longest = wait;
        self
    }

    /// Sends what `request` makes, anew for each attempt and for the time of that attempt, until an answer is not a
    /// "later" (408, 425, 429, 5xx), an error is not temporary, or there are no attempts or no time left. One answer
    /// at a time is held.
    ///
    /// `within` always wins, also over an attempt under way; it is measured by the clock's `sleep`, so that a jump of
    /// the wall clock moves nothing. Whether a wait would outlast it is told by both clocks: one that jumped forwards may
    /// give an answer before its time, and one that was set back may begin a wait that `within` ends.
    ///
    /// # Errors
    /// That of the last attempt; [`TransportError::TimedOut`] where `within` ran out.
    pub async fn send(
        &self,
        transport: &dyn Transport,
        clock: &dyn Clock,
        chance: &dyn Chance,
        within: Duration,
        request: impl FnMut(Timestamp) -> Request<Bytes> + Send,
    ) -> Result<Response<Bytes>, TransportError> {
        self.send_and_tell(transport, clock, chance, within, request, |_| ()).await
    }

    /// The same, and tells what every attempt brought as soon as it is there: what the host asks for holds also where
    /// nobody waits for the last answer any more.
    pub(crate) async fn send_and_tell(
        &self,
        transport: &dyn Transport,
        clock: &dyn Clock,
        chance: &dyn Chance,
        within: Duration,
        mut request: impl FnMut(Timestamp) -> Request<Bytes> + Send,
        tell: impl Fn(&Result<Response<Bytes>, TransportError>) + Send + Sync,
    ) -> Result<Response<Bytes>, TransportError> {
        let over = clock.sleep(within);
        let attempts = async {
            let mut waits = self.waits(chance);
            let (begin, mut waited) = (clock.now(), Duration::ZERO);
            loop {
                let answer = transport.send(request(clock.now())).await;
                tell(&answer);
                let Some(asked) = later(&answer, clock.now()) else { return answer };
                let Some(own) = waits.next() else { return answer };
                let wait = own.max(asked);
                // Attempts take time as well.
                let spent = begin.until(clock.now()).max(waited);
                if spent.saturating_add(wait) >= within {
                    return answer;
                }
                waited = waited.saturating_add(wait);
                // Nothing of the answer is kept while waiting.
                drop(answer);
                clock.sleep(wait).await;
            }
        };
        tokio::select! {
            biased;
            () = over => Err(TransportError::TimedOut),
            answer = attempts => answer,
        }
    }

    fn waits(&self, chance: &dyn Chance) -> impl Iterator<Item = Duration> + use<> {
        let mut seed = [0; 8];
        // Jitter guards no secret: without randomness all senders wait alike.
        let _ = chance.fill(&mut seed);
        ExponentialBuilder::new()
            .with_factor(2.0)
            .with_min_delay(self.first)
            .with_max_delay(self.longest)
            .with_max_times(self.attempts.saturating_sub(1))
            .with_jitter()
            .with_jitter_seed(u64::from_le_bytes(seed))
            .build()
    }
}

/// How long the host asks us to wait; `None` if the answer is final.
fn later(answer: &Result<Response<Bytes>, TransportError>, now: Timestamp) -> Option<Duration> {
    match answer {
        Ok(answer) if is_later(answer.status()) => {
            Some(retry_after(answer.headers(), now).unwrap_or_default())
        }
        Err(error) if error.is_temporary() => Some(Duration::ZERO),
        Ok(_) | Err(_) => None,
    }
}

/// Whether a status says that the same request may succeed later: 408, 425, 429, and 5xx except 501 and 505.
pub fn is_later(status: StatusCode) -> bool {
    let not_now = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS];
    let never = [StatusCode::NOT_IMPLEMENTED, StatusCode::HTTP_VERSION_NOT_SUPPORTED];
    not_now.contains(&status) || status.is_server_error() && !never.contains(&status)
}

/// How long a host asks us to wait: `Retry-After` in seconds or as an HTTP date (RFC 9110 section 10.2.3), at most one
/// hour, so that a mistake there does not silence us for good. `None` without a sound header.
///
/// ```
/// use std::time::Duration;
/// use approvals_backends::transport::retry_after;
/// use approvals_core::time::Timestamp;
///
/// let mut headers = http::HeaderMap::new();
/// headers.insert("retry-after", http::HeaderValue::from_static("120"));
/// assert_eq!(retry_after(&headers, Timestamp::EPOCH), Some(Duration::from_secs(120)));
/// ```
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number has are very long.
        text.parse().map_or(Duration::MAX, Duration::from_secs)
    } else {
        let at: SystemTime = httpdate::parse_http_date(text).ok()?;
        now.until(Timestamp::EPOCH.after(at.duration_since(UNIX_EPOCH).ok()?))
    };
    Some(asked.min(LONGEST_ASKED))
}

/// The longest wait that a host may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);
