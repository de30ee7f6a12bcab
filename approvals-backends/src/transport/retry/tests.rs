use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use approvals_core::id::NoChance;
use approvals_core::testing::ManualClock;
use async_trait::async_trait;

use super::super::Unreachable;
use super::*;

const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// The same bytes each time.
struct Fixed(u8);

impl Chance for Fixed {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoChance> {
        bytes.fill(self.0);
        Ok(())
    }
}

type Answered = Result<Response<Bytes>, TransportError>;

/// Answers as told, the last answer for ever, and says when it was asked.
struct Script {
    clock: ManualClock,
    answers: Mutex<VecDeque<Answered>>,
    asked: Mutex<Vec<Duration>>,
}

impl Script {
    fn new(clock: &ManualClock, answers: impl IntoIterator<Item = Answered>) -> Self {
        let answers = Mutex::new(answers.into_iter().collect());
        Self { clock: clock.clone(), answers, asked: Mutex::default() }
    }

    fn asked(&self) -> Vec<Duration> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, _: Request<Bytes>) -> Answered {
        self.asked.lock().unwrap().push(START.until(self.clock.now()));
        let mut answers = self.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { copy(answers.front().unwrap()) }
    }
}

fn copy(answer: &Answered) -> Answered {
    let answer = answer.as_ref().map_err(Clone::clone)?;
    let mut copy = Response::new(answer.body().clone());
    *copy.status_mut() = answer.status();
    *copy.headers_mut() = answer.headers().clone();
    Ok(copy)
}

fn status(code: u16) -> Answered {
    Ok(Response::builder().status(code).body(Bytes::new()).unwrap())
}

fn asks_for(code: u16, retry_after: &str) -> Answered {
    Ok(Response::builder().status(code).header("retry-after", retry_after).body(Bytes::new()).unwrap())
}

fn broken() -> Answered {
    Err(TransportError::Unreachable(Unreachable::Broken))
}

/// Sends by the script, and moves the time on whenever it is waited for.
async fn run(retry: &Retry, script: &Script, within: Duration) -> Answered {
    let clock = &script.clock;
    let step = Duration::from_millis(10);
    let sent = retry.send(script, clock, &Fixed(7), within, |_| Request::new(Bytes::new()));
    let time = async {
        loop {
            // The bound sleeps, and the wait beside it.
            clock.until_asleep(2).await;
            clock.advance(step);
            tokio::task::yield_now().await;
        }
    };
    tokio::select! { answer = sent => answer, () = time => unreachable!() }
}

const LONG: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn an_answer_that_is_final_is_given_at_once() {
    for code in [200, 204, 301, 400, 401, 404, 409, 410, 413, 501, 505] {
        let clock = ManualClock::at(START);
        let script = Script::new(&clock, [status(code), status(200)]);
        let answer = run(&Retry::default(), &script, LONG).await.unwrap();
        assert_eq!((answer.status().as_u16(), script.asked().len()), (code, 1));
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_after_growing_waits() {
    for fault in [status(408), status(425), status(429), status(500), status(503), broken()] {
        let clock = ManualClock::at(START);
        let script = Script::new(&clock, [copy(&fault), fault, status(200)]);
        let retry = Retry::default().first(Duration::from_secs(1)).longest(Duration::from_secs(8));
        let answer = run(&retry, &script, LONG).await.unwrap();
        assert_eq!(answer.status(), 200);
        let asked = script.asked();
        let (first, second) = (asked[1] - asked[0], asked[2] - asked[1]);
        // A wait and as much again by jitter.
        assert!((1_000..2_020).contains(&first.as_millis()), "{first:?}");
        assert!((2_000..4_020).contains(&second.as_millis()), "{second:?}");
    }
}

#[tokio::test]
async fn senders_with_other_chance_wait_otherwise() {
    let waits = |byte| Retry::default().waits(&Fixed(byte)).collect::<Vec<_>>();
    assert_eq!(waits(1), waits(1));
    assert_ne!(waits(1), waits(2));
}

#[tokio::test]
async fn what_cannot_pass_is_not_tried_again() {
    for error in
        [TransportError::TooLarge { limit: 1 }, TransportError::Redirected, TransportError::Tls("no")]
    {
        let clock = ManualClock::at(START);
        let script = Script::new(&clock, [Err(error.clone()), status(200)]);
        assert_eq!(run(&Retry::default(), &script, LONG).await.unwrap_err(), error);
        assert_eq!(script.asked().len(), 1);
    }
}

#[tokio::test]
async fn attempts_are_counted_and_the_last_answer_is_given() {
    let clock = ManualClock::at(START);
    let script = Script::new(&clock, [broken(), status(503)]);
    let answer = run(&Retry::default().attempts(3), &script, LONG).await.unwrap();
    assert_eq!((answer.status().as_u16(), script.asked().len()), (503, 3));
    let script = Script::new(&clock, [broken()]);
    run(&Retry::default().attempts(0), &script, LONG).await.unwrap_err();
    assert_eq!(script.asked().len(), 1, "once is the least");
}

#[tokio::test]
async fn the_wait_that_a_host_asks_for_is_kept_in_both_forms() {
    // Twenty seconds after the start.
    for asked in ["20", "Fri, 15 Jan 2027 08:00:20 GMT", "Friday, 15-Jan-27 08:00:20 GMT"] {
        let clock = ManualClock::at(START);
        let script = Script::new(&clock, [asks_for(429, asked), status(200)]);
        run(&Retry::default(), &script, LONG).await.unwrap();
        let wait = script.asked()[1];
        assert!((20_000..20_050).contains(&wait.as_millis()), "{asked}: {wait:?}");
    }
}

#[tokio::test]
async fn a_wait_that_outlasts_the_time_is_not_begun() {
    let clock = ManualClock::at(START);
    let script = Script::new(&clock, [asks_for(429, "60"), status(200)]);
    let answer = run(&Retry::default(), &script, Duration::from_secs(25)).await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(clock.now(), START, "nobody waited");
}

#[tokio::test]
async fn attempts_take_of_the_time_as_waits_do() {
    /// Asks for twenty seconds, after a while.
    struct Slow(ManualClock, Duration);

    #[async_trait]
    impl Transport for Slow {
        async fn send(&self, _: Request<Bytes>) -> Answered {
            self.0.advance(self.1);
            asks_for(429, "20")
        }
    }

    for (takes, waits) in [(4, true), (6, false)] {
        let clock = ManualClock::at(START);
        let slow = Slow(clock.clone(), Duration::from_secs(takes));
        let (retry, within) = (Retry::default(), Duration::from_secs(25));
        let told = AtomicUsize::new(0);
        let tell = |answer: &Answered| {
            assert!(answer.is_ok());
            told.fetch_add(1, Ordering::SeqCst);
        };
        let request = |_| Request::new(Bytes::new());
        let sent = retry.send_and_tell(&slow, &clock, &Fixed(7), within, request, tell);
        // The bound sleeps, and the wait beside it where there is one.
        let begun = tokio::select! {
            biased;
            answer = sent => {
                assert_eq!(answer.unwrap().status(), 429);
                false
            }
            () = clock.until_asleep(2) => true,
        };
        assert_eq!((begun, told.load(Ordering::SeqCst)), (waits, 1), "an attempt of {takes} s");
    }
}

#[tokio::test]
async fn the_time_that_there_is_ends_an_attempt_under_way() {
    /// Never answers.
    struct Silent;

    #[async_trait]
    impl Transport for Silent {
        async fn send(&self, _: Request<Bytes>) -> Answered {
            std::future::pending().await
        }
    }

    let clock = ManualClock::at(START);
    let within = Duration::from_secs(25);
    let retry = Retry::default();
    let sent = retry.send(&Silent, &clock, &Fixed(0), within, |_| Request::new(Bytes::new()));
    let time = async {
        clock.until_asleep(1).await;
        // A jump of the wall clock is not time that passes.
        clock.set(START.after(LONG));
        tokio::task::yield_now().await;
        clock.advance(within);
    };
    let (answer, ()) = tokio::join!(sent, time);
    assert_eq!(answer.unwrap_err(), TransportError::TimedOut);
}

#[tokio::test]
async fn no_time_is_no_attempt() {
    let clock = ManualClock::at(START);
    let script = Script::new(&clock, [status(200)]);
    assert_eq!(run(&Retry::default(), &script, Duration::ZERO).await.unwrap_err(), TransportError::TimedOut);
    assert_eq!(script.asked().len(), 0);
}

#[tokio::test]
async fn a_storm_of_errors_is_held_one_answer_at_a_time() {
    /// Counts the bodies of its answers that are still held.
    struct Storm(std::sync::Arc<AtomicUsize>, AtomicUsize);

    struct Held(std::sync::Arc<AtomicUsize>);

    impl AsRef<[u8]> for Held {
        fn as_ref(&self) -> &[u8] {
            b"an error page"
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[async_trait]
    impl Transport for Storm {
        async fn send(&self, _: Request<Bytes>) -> Answered {
            self.1.fetch_add(1, Ordering::SeqCst);
            assert_eq!(self.0.fetch_add(1, Ordering::SeqCst), 0, "the answer before this one is still held");
            Ok(Response::builder().status(503).body(Bytes::from_owner(Held(self.0.clone()))).unwrap())
        }
    }

    let clock = ManualClock::at(START);
    let storm = Storm(std::sync::Arc::default(), AtomicUsize::new(0));
    let retry = Retry::default().attempts(100).first(Duration::ZERO).longest(Duration::ZERO);
    let answer = retry.send(&storm, &clock, &Fixed(0), LONG, |_| Request::new(Bytes::new())).await;
    assert_eq!(answer.unwrap().status(), 503);
    assert_eq!((storm.0.load(Ordering::SeqCst), storm.1.load(Ordering::SeqCst)), (0, 100));
}

#[test]
fn a_wait_is_at_most_an_hour_and_nonsense_is_none() {
    let after = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        retry_after(&headers, START)
    };
    assert_eq!(after("3600"), Some(LONG));
    for long in ["3601", "99999999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
        assert_eq!(after(long), Some(LONG), "{long}");
    }
    assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO), "it is past");
    for nonsense in ["", "soon", "-1", "1.5", "1e9"] {
        assert_eq!(after(nonsense), None, "{nonsense}");
    }
    assert_eq!(retry_after(&HeaderMap::new(), START), None);
}
