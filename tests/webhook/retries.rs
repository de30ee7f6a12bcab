//! What whoever sends keeps to, and senders with one flaw each, which the same checks find.

use std::sync::Mutex;
use std::time::Duration;

use approvals::id::SystemChance;
use approvals::testing::ManualClock;
use approvals::time::{Clock, Sleep, Timestamp};
use approvals::transport::{Retry, Transport, TransportError};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

use crate::support::Answered;

const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
/// The time that there is.
const WITHIN: Duration = Duration::from_secs(25);
/// What a busy host asks for.
const ASKED: Duration = Duration::from_secs(10);
/// When a check stops looking.
const ENOUGH: Duration = Duration::from_secs(300);
const STEP: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    None,
    /// The wait that a host asks for is not seen.
    PaysNoHeed,
    /// Nothing ends when the time is over.
    NeverGivesUp,
    /// Every attempt has all of the time.
    BeginsAnew,
}

/// A host that says the same each time, or nothing at all; and when it was asked.
struct Host {
    clock: ManualClock,
    is_silent: bool,
    says_when: bool,
    asked: Mutex<Vec<Timestamp>>,
}

#[async_trait]
impl Transport for Host {
    async fn send(&self, _: Request<Bytes>) -> Answered {
        self.asked.lock().unwrap().push(self.clock.now());
        if self.is_silent {
            std::future::pending::<()>().await;
        }
        let busy = Response::builder().status(429);
        let busy = if self.says_when { busy.header("retry-after", ASKED.as_secs()) } else { busy };
        Ok(busy.body(Bytes::new()).unwrap())
    }
}

/// A clock on which the time that there is never ends.
struct WithoutEnd(ManualClock);

impl Clock for WithoutEnd {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        if duration == WITHIN { Box::pin(std::future::pending()) } else { self.0.sleep(duration) }
    }
}

/// When a host was asked, from the first time on, and when its sender had enough.
struct Run {
    asked: Vec<Duration>,
    ended: Option<Duration>,
}

async fn send(flaw: Flaw, is_silent: bool) -> Run {
    let clock = ManualClock::at(START);
    let says_when = flaw != Flaw::PaysNoHeed;
    let host = Host { clock: clock.clone(), is_silent, says_when, asked: Mutex::default() };
    let retry = Retry::default();
    let request = |_| Request::new(Bytes::new());
    let sending = async {
        match flaw {
            Flaw::None | Flaw::PaysNoHeed => retry.send(&host, &clock, &SystemChance, WITHIN, request).await,
            Flaw::NeverGivesUp => {
                let clock = WithoutEnd(clock.clone());
                retry.send(&host, &clock, &SystemChance, WITHIN, request).await
            }
            Flaw::BeginsAnew => {
                let (once, mut last) = (retry.attempts(1), Err(TransportError::TimedOut));
                for _ in 0..4 {
                    last = once.send(&host, &clock, &SystemChance, WITHIN, request).await;
                    if last.is_ok() {
                        clock.sleep(ASKED).await;
                    }
                }
                last
            }
        }
    };
    let time = async {
        while START.until(clock.now()) < ENOUGH {
            tokio::task::yield_now().await;
            clock.advance(STEP);
        }
    };
    let ended = tokio::select! {
        biased;
        _ = sending => Some(START.until(clock.now())),
        () = time => None,
    };
    let asked = host.asked.lock().unwrap().iter().map(|at| START.until(*at)).collect();
    Run { asked, ended }
}

/// Between two attempts lies the wait that the host asks for.
async fn keeps_the_wait(flaw: Flaw) -> Result<(), String> {
    let asked = send(flaw, false).await.asked;
    let mut waits = asked.iter().zip(asked.iter().skip(1)).map(|(before, after)| *after - *before);
    if asked.len() < 2 {
        return Err(format!("asked at {asked:?} only, which says nothing of a wait"));
    }
    if waits.any(|wait| wait < ASKED) { Err(format!("asked at {asked:?}")) } else { Ok(()) }
}

/// The time that there is ends an attempt under way, and there is no other.
async fn ends_with_the_time(flaw: Flaw) -> Result<(), String> {
    let Run { asked, ended } = send(flaw, true).await;
    match ended {
        Some(ended) if ended <= WITHIN + STEP && asked.len() == 1 => Ok(()),
        ended => Err(format!("asked at {asked:?}, ended at {ended:?}")),
    }
}

/// The time that there is ends the attempts, whatever the host asks for.
async fn waits_no_longer_than_the_time(flaw: Flaw) -> Result<(), String> {
    let Run { asked, ended } = send(flaw, false).await;
    match ended {
        Some(ended) if ended <= WITHIN + STEP => Ok(()),
        ended => Err(format!("asked at {asked:?}, ended at {ended:?}")),
    }
}

#[tokio::test]
async fn a_sender_keeps_the_wait_of_a_host_within_the_time_that_there_is() {
    keeps_the_wait(Flaw::None).await.unwrap();
    ends_with_the_time(Flaw::None).await.unwrap();
    waits_no_longer_than_the_time(Flaw::None).await.unwrap();
}

#[tokio::test]
async fn a_sender_that_pays_no_heed_to_the_wait_of_a_host_is_found() {
    let found = keeps_the_wait(Flaw::PaysNoHeed).await.unwrap_err();
    assert!(found.starts_with("asked at [0ns, "), "{found}");
    ends_with_the_time(Flaw::PaysNoHeed).await.unwrap();
}

#[tokio::test]
async fn a_sender_that_tries_on_beyond_the_time_is_found() {
    for flaw in [Flaw::NeverGivesUp, Flaw::BeginsAnew] {
        let found = ends_with_the_time(flaw).await.unwrap_err();
        assert!(found.starts_with("asked at [0ns"), "{flaw:?}: {found}");
        keeps_the_wait(flaw).await.unwrap();
    }
    waits_no_longer_than_the_time(Flaw::BeginsAnew).await.unwrap_err();
}
