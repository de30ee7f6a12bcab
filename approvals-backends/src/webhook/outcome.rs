//! What the endpoint's answer means.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use approvals_core::backend::BackendError;
use approvals_core::id::RequestId;
use approvals_core::ledger::PresentFailure;
use approvals_core::time::{Clock, Sleep, Timestamp};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Response, StatusCode};
use serde_json::{Map, Value};

use crate::transport::{TransportError, is_later, retry_after};

/// The longest id that an endpoint may give to a card, in bytes. It goes into the ledger.
const LONGEST_ID: usize = 256;
/// How long until it is asked again whether a pause is over that the wall clock says is.
const MOMENT: Duration = Duration::from_millis(250);

/// A message that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accepted {
    /// The endpoint's own id for the card.
    pub(super) id: Option<String>,
}

/// What a message is about, which is what a 410 ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// The endpoint, or a request that is new to it: nothing more is sent at all.
    All,
    /// A request that stands there: it is told no more of that one.
    One(RequestId),
}

/// Whether the endpoint wants nothing more, for now or for good.
#[derive(Default)]
pub(super) struct Stop {
    until: Mutex<Until>,
    /// Requests that it wants to hear no more of, while they are not over.
    ended: Mutex<BTreeSet<RequestId>>,
}

#[derive(Default)]
enum Until {
    #[default]
    Open,
    Pause(Pause),
    Ever,
}

/// A pause that the endpoint asked for. It lasts as long as that, whatever the wall clock does meanwhile, which says how
/// much of it is left, as nearly as it can.
struct Pause {
    from: Timestamp,
    long: Duration,
    over: Sleep,
}

impl Pause {
    fn is_over(&mut self) -> bool {
        let poll = || self.over.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        // A timer panics once its runtime has ended, and another one must not wait for it for ever.
        catch_unwind(AssertUnwindSafe(poll)).map_or(true, |polled| polled.is_ready())
    }

    /// How long it lasts yet. A wall clock that was set back does not say how much of it is over; it is no longer for that.
    fn left(&mut self, now: Timestamp) -> Duration {
        self.from = now.min(self.from);
        now.until(self.from.after(self.long))
    }
}

impl Stop {
    /// How long to wait before this is asked again; nothing once something may be sent, and an error where the pause outlasts
    /// the time that there is.
    pub(super) fn pause(&self, now: Timestamp, within: Duration) -> Result<Duration, BackendError> {
        let mut until = self.until();
        match &mut *until {
            Until::Ever => Err(gone()),
            Until::Open => Ok(Duration::ZERO),
            Until::Pause(pause) => {
                if pause.is_over() {
                    *until = Until::Open;
                    return Ok(Duration::ZERO);
                }
                // Where the wall clock was set forwards, nothing seems to be left of it.
                match pause.left(now).max(MOMENT) {
                    left if left >= within => Err(busy()),
                    left => Ok(left),
                }
            }
        }
    }

    /// Takes in what an answer asks for as soon as it is heard, also where another attempt follows or nobody waits for the
    /// outcome any more. Of two pauses, the one that ends later is kept: each message is to have its own.
    pub(super) fn hear(&self, answer: &Result<Response<Bytes>, TransportError>, clock: &dyn Clock) {
        let Ok(answer) = answer else { return };
        let now = clock.now();
        let asked = retry_after(answer.headers(), now).filter(|_| is_later(answer.status()));
        let Some(long) = asked else { return };
        let mut until = self.until();
        let is_longer = match &mut *until {
            Until::Open => true,
            Until::Pause(pause) => pause.is_over() || long > pause.left(now),
            Until::Ever => false,
        };
        if is_longer {
            *until = Until::Pause(Pause { from: now, long, over: clock.sleep(long) });
        }
    }

    /// Whether it wants anything at all.
    pub(super) fn wants_any(&self) -> Result<(), BackendError> {
        match *self.until() {
            Until::Ever => Err(gone()),
            Until::Open | Until::Pause(_) => Ok(()),
        }
    }

    /// A message arrived: no pause goes on. What is gone stays so, because that message was sent before.
    fn arrived(&self) {
        let mut until = self.until();
        if let Until::Pause(_) = *until {
            *until = Until::Open;
        }
    }

    fn until(&self) -> MutexGuard<'_, Until> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self) -> MutexGuard<'_, BTreeSet<RequestId>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the endpoint may be told of a request.
    pub(super) fn tells(&self, request: RequestId) -> Result<(), BackendError> {
        if self.ended().contains(&request) { Err(ended()) } else { Ok(()) }
    }

    /// There will be no more to tell of a request.
    pub(super) fn forget(&self, request: RequestId) {
        self.ended().remove(&request);
    }
}

/// Whether the message arrived, and what follows where it did not.
pub(super) fn outcome(
    answer: Result<Response<Bytes>, TransportError>,
    stop: &Stop,
    about: About,
) -> Result<Accepted, BackendError> {
    let answer = answer.map_err(|error| {
        let why = match error {
            TransportError::TooLarge { .. } | TransportError::Redirected => PresentFailure::Rejected,
            TransportError::Target(_) => PresentFailure::Other,
            _ => PresentFailure::Unreachable,
        };
        let make = if error.is_temporary() { BackendError::temporary } else { BackendError::permanent };
        make(why, error.to_string())
    })?;
    match answer.status() {
        status if status.is_success() => {
            stop.arrived();
            accepted(&answer).ok_or_else(malformed)
        }
        // It came before, and our side did not hear of it. What stands beside it is not needed.
        StatusCode::CONFLICT => Ok(accepted(&answer).unwrap_or(Accepted { id: None })),
        StatusCode::GONE => match about {
            About::All => {
                *stop.until() = Until::Ever;
                Err(gone())
            }
            About::One(request) => {
                stop.ended().insert(request);
                Err(ended())
            }
        },
        status if is_later(status) => Err(if status.is_server_error() { failing(status) } else { busy() }),
        status => Err(refused(status)),
    }
}

/// `None` for an answer that an endpoint of this kind does not give: a page of HTML is from somebody else.
fn accepted(answer: &Response<Bytes>) -> Option<Accepted> {
    let body = answer.body();
    let kind = answer.headers().get(CONTENT_TYPE).map_or(Some(""), |kind| kind.to_str().ok())?;
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if body.iter().all(u8::is_ascii_whitespace) || matches!(kind.as_str(), "" | "text/plain") {
        return Some(Accepted { id: None });
    }
    if kind != "application/json" && !kind.ends_with("+json") {
        return None;
    }
    let id = match serde_json::from_slice::<Map<String, Value>>(body).ok()?.remove("id") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(id),
        Some(_) => return None,
    };
    let sound =
        |id: &str| !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|b| b.is_ascii_graphic());
    if id.as_deref().is_none_or(sound) { Some(Accepted { id }) } else { None }
}

fn malformed() -> BackendError {
    BackendError::permanent(
        PresentFailure::Rejected,
        "the endpoint said yes with something that is not its answer; check the URL, and answer with an empty body or \
         with `{\"id\": \"…\"}`, 1 to 256 visible ASCII characters",
    )
}

fn gone() -> BackendError {
    BackendError::permanent(
        PresentFailure::Rejected,
        "the endpoint wants nothing more (410), and nothing more is sent; set it up again and start anew",
    )
}

fn ended() -> BackendError {
    BackendError::permanent(
        PresentFailure::Rejected,
        "the endpoint wants to hear no more of this request (410), and is told no more of it; answer `200` there if it \
         should be",
    )
}

fn busy() -> BackendError {
    BackendError::temporary(
        PresentFailure::Unreachable,
        "the endpoint asks for a pause, and nothing is sent until it is over; raise its limit if that is too long",
    )
}

fn failing(status: StatusCode) -> BackendError {
    let status = status.as_u16();
    let message = format!("the endpoint fails ({status}); see its log, the message is sent again");
    BackendError::temporary(PresentFailure::Unreachable, message)
}

fn refused(status: StatusCode) -> BackendError {
    let remedy = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "let it verify the raw body with the key that this side signs with, a `whsk_` key by its `whpk_` half, and \
             compare the clocks"
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => "check the URL; it has to take `POST`",
        StatusCode::PAYLOAD_TOO_LARGE => "raise its limit, or lower `max_body`",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "check whether it takes CloudEvents or plain messages",
        status if status.is_redirection() => "give the final URL, nothing is sent elsewhere",
        _ => "see its log",
    };
    let message = format!("the endpoint refused the message ({}); {remedy}", status.as_u16());
    BackendError::permanent(PresentFailure::Rejected, message)
}

#[cfg(test)]
mod tests {
    use approvals_core::testing::ManualClock;

    use super::*;

    const NOON: Timestamp = Timestamp::from_micros(1_795_262_400_000_000);
    const MINUTE: Duration = Duration::from_secs(60);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn says(status: u16, wait: Duration) -> Result<Response<Bytes>, TransportError> {
        let answer = Response::builder().status(status).header("retry-after", wait.as_secs());
        Ok(answer.body(Bytes::new()).unwrap())
    }

    #[test]
    fn a_pause_that_was_asked_for_is_over_in_its_time_although_the_clock_was_set_back() {
        let clock = ManualClock::at(NOON);
        let left = |stop: &Stop| stop.pause(clock.now(), DAY).unwrap();
        let stop = Stop::default();
        stop.hear(&says(429, MINUTE), &clock);
        clock.advance(MINUTE / 2);
        assert_eq!(left(&stop), MINUTE / 2);
        // A day back: once more the whole of it, and no more than that.
        clock.set(Timestamp::from_micros(NOON.as_micros() - 24 * 3_600 * 1_000_000));
        assert_eq!(left(&stop), MINUTE);
        assert!(stop.pause(clock.now(), MINUTE).unwrap_err().is_temporary());
        clock.advance(MINUTE / 2);
        assert_eq!(left(&stop), Duration::ZERO);
    }

    #[test]
    fn a_pause_that_was_asked_for_is_kept_although_the_clock_was_set_forwards() {
        let clock = ManualClock::at(NOON);
        let stop = Stop::default();
        stop.hear(&says(429, MINUTE), &clock);
        clock.set(NOON.after(DAY));
        assert_eq!(stop.pause(clock.now(), DAY).unwrap(), MOMENT);
        clock.advance(MINUTE - MOMENT);
        assert_eq!(stop.pause(clock.now(), DAY).unwrap(), MOMENT);
        clock.advance(MOMENT);
        assert_eq!(stop.pause(clock.now(), DAY).unwrap(), Duration::ZERO);
    }

    #[test]
    fn of_two_pauses_the_one_that_ends_later_is_kept_until_a_message_arrives() {
        let clock = ManualClock::at(NOON);
        let left = |stop: &Stop| stop.pause(clock.now(), DAY).unwrap();
        let stop = Stop::default();
        stop.hear(&says(429, MINUTE), &clock);
        stop.hear(&says(429, MINUTE / 2), &clock);
        assert_eq!(left(&stop), MINUTE);
        stop.hear(&says(503, MINUTE * 2), &clock);
        assert_eq!(left(&stop), MINUTE * 2);
        stop.hear(&says(400, MINUTE * 3), &clock);
        assert_eq!(left(&stop), MINUTE * 2, "no pause is asked for there");
        outcome(says(200, MINUTE), &stop, About::All).unwrap();
        assert_eq!(left(&stop), Duration::ZERO);
        assert!(outcome(says(410, MINUTE), &stop, About::All).is_err());
        stop.hear(&says(429, MINUTE), &clock);
        assert!(!stop.pause(NOON, DAY).unwrap_err().is_temporary(), "gone for good is no pause");
    }

    #[test]
    fn an_endpoint_that_is_gone_is_not_back_because_of_a_message_that_was_sent_before() {
        let stop = Stop::default();
        assert!(outcome(says(410, MINUTE), &stop, About::All).is_err());
        outcome(says(200, MINUTE), &stop, About::All).expect("the card stands there");
        let gone = stop.pause(NOON, DAY).unwrap_err();
        assert!(!gone.is_temporary() && gone.to_string().contains("410"), "{gone}");
    }

    #[test]
    fn a_pause_is_over_once_the_runtime_that_measured_it_has_ended() {
        let stop = Stop::default();
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let clock = approvals_core::time::SystemClock;
        runtime().block_on(async { stop.hear(&says(429, MINUTE), &clock) });
        assert_eq!(stop.pause(clock.now(), DAY).unwrap(), Duration::ZERO);
    }
}
