//! The callback, over its router: who is believed, what everybody else is told, and what is on record after it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use approvals_core::action::Risk;
use approvals_core::call::Call;
use approvals_core::card::Shown;
use approvals_core::conformance::backend::Fault;
use approvals_core::error::ApprovalError;
use approvals_core::ledger::{Answer, IgnoredWhy};
use approvals_core::people::Assurance;
use approvals_core::request::Digest;
use approvals_core::testing::ManualClock;
use approvals_core::time::Timestamp;
use approvals_test_support::at_once;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body::Frame;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::super::bench::{Asked, Bench, quiet};
use super::super::fake::{Endpoint, OTHER, OURS, SHARED, Sealed, THEIRS, key};
use super::super::nonce::nonce;
use super::super::schema::Decision;
use super::super::signature::{ID, SIGNATURE, TIMESTAMP};
use super::AT_ONCE;

/// An answer, in parts.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::webhook) struct Answered {
    pub(in crate::webhook) status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Is a problem (RFC 9457) with this code.
    #[track_caller]
    fn is(&self, status: u16, code: &str) {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["code"].as_str()), (status, Some(code)), "{body}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["status"], status);
        assert_eq!(body["title"].as_str(), self.status.canonical_reason());
        assert!(!body["detail"].as_str().unwrap().is_empty());
    }
}

fn request(sealed: &Sealed) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri("/")
        .header("content-type", "application/json; charset=utf-8")
        .header(ID, &sealed.id)
        .header(TIMESTAMP, sealed.timestamp)
        .header(SIGNATURE, &sealed.signature)
        .body(Body::from(sealed.body.clone()))
        .unwrap()
}

async fn send(router: &Router, request: Request<Body>) -> Answered {
    let (head, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    Answered { status: head.status, headers: head.headers, body }
}

pub(in crate::webhook) async fn post(router: &Router, sealed: &Sealed) -> Answered {
    send(router, request(sealed)).await
}

/// A body that never comes.
struct Never;

impl http_body::Body for Never {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

async fn bench() -> Bench {
    Bench::with(|webhook| webhook).await
}

fn approval(asked: &Asked) -> Decision {
    Endpoint::decision(&asked.card.now, "u-1", Answer::Approve)
}

fn sealed(bench: &Bench, decision: &Decision) -> Sealed {
    bench.endpoint.seal(decision, &[THEIRS])
}

#[tokio::test]
async fn before_anybody_listens_it_says_when_to_come_again_and_believes_nothing() {
    let endpoint = Endpoint::default();
    let router = endpoint.backend().build().unwrap().router();
    for keys in [THEIRS, OTHER] {
        let early = Sealed::of("msg_1", Timestamp::now(), &[keys], "{}".to_owned());
        let answered = post(&router, &early).await;
        answered.is(503, "unavailable");
        assert_eq!(answered.header("retry-after"), "5");
    }
}

#[tokio::test]
async fn a_signed_decision_counts_and_the_answer_says_for_whom() {
    let bench = bench().await;
    let asked = bench.ask().await;
    let answered = post(&bench.webhook.router(), &sealed(&bench, &approval(&asked))).await;
    assert_eq!(answered.status, 200);
    assert_eq!(answered.header("content-type"), "application/json");
    let told = answered.json();
    assert_eq!((&told["code"], &told["person"]), (&json!("counted"), &json!("ann")));
    asked.call.await.unwrap().unwrap();
    let [review] = &*bench.reviews(asked.request).await else { panic!("one review") };
    assert_eq!((review.by.as_str(), review.assurance), ("ann", Assurance::Signed));
}

#[tokio::test]
async fn every_stranger_is_told_the_same_and_they_are_counted_together() {
    let bench = bench().await;
    let router = bench.webhook.router();
    let asked = bench.ask().await;
    let good = sealed(&bench, &approval(&asked));
    let now = Timestamp::now();
    let at = |seconds: i64| Timestamp::from_micros(now.as_micros() + seconds * 1_000_000);
    let of = |at, body: &str| Sealed::of("msg_1", at, &[THEIRS], body.to_owned());
    let with = |name: &'static str, value: &'static str| {
        let mut request = request(&good);
        request.headers_mut().insert(name, HeaderValue::from_static(value));
        request
    };
    let without = |name: &str| {
        let mut request = request(&good);
        request.headers_mut().remove(name).unwrap();
        request
    };
    let twice = |name: &'static str| {
        let mut request = request(&good);
        let value = request.headers()[name].clone();
        request.headers_mut().append(name, value);
        request
    };
    let other = Decision { nonce: "0".repeat(32), ..approval(&asked) };
    let digest = Decision { digest: Digest::from_bytes([7; 32]), ..approval(&asked) };
    let foreign =
        Decision { request: "0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5e".parse().unwrap(), ..approval(&asked) };
    let forged = Sealed::of("msg_1", now, &[OTHER], good.body.clone());
    let mut not_json = request(&forged);
    not_json.headers_mut().insert("content-type", HeaderValue::from_static("text/plain"));
    let strangers = [
        without(ID),
        without(TIMESTAMP),
        without(SIGNATURE),
        twice(ID),
        twice(TIMESTAMP),
        twice(SIGNATURE),
        with(TIMESTAMP, "soon"),
        with(SIGNATURE, "v1a,"),
        with(SIGNATURE, "v2,abc"),
        with(ID, "another"),
        request(&forged),
        not_json,
        request(&Sealed::of("msg_1", now, &[OTHER], "no json".to_owned())),
        request(&of(at(-301), &good.body)),
        // Further ahead than the tolerance by more than the test takes: the time goes on meanwhile.
        request(&of(at(600), &good.body)),
        request(&of(now, &"x".repeat(64 * 1024 + 1))),
        request(&sealed(&bench, &other)),
        request(&sealed(&bench, &digest)),
        request(&sealed(&bench, &foreign)),
    ];
    let count = u64::try_from(strangers.len()).unwrap();
    let mut told = Vec::new();
    for stranger in strangers {
        told.push(send(&router, stranger).await);
        quiet().await;
    }
    told[0].is(401, "unauthenticated");
    assert!(!told[0].header("www-authenticate").is_empty(), "RFC 9110, section 15.5.2");
    for (place, answered) in told.iter().enumerate() {
        assert_eq!(*answered, told[0], "number {place}");
    }
    quiet().await;
    bench.clock.advance(Duration::from_secs(60));
    quiet().await;
    assert_eq!(bench.strangers().await, [1, count - 1], "the first at once, and the others a minute later");
    assert_eq!(bench.ignored(asked.request).await, []);
    assert_eq!(bench.reviews(asked.request).await, []);
}

#[tokio::test]
async fn a_decision_that_comes_a_hundred_times_at_once_counts_once_and_is_answered_the_same_each_time() {
    let bench = Bench::of(2, Assurance::Local, |webhook| webhook).await;
    let asked = bench.ask().await;
    let good = sealed(&bench, &approval(&asked));
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (router, good) = (bench.webhook.router(), good.clone());
            tokio::spawn(async move { post(&router, &good).await })
        })
        .collect();
    let mut told = Vec::new();
    for task in tasks {
        told.push(task.await.unwrap());
    }
    assert_eq!(told[0].status, 200);
    assert!(told.iter().all(|answered| *answered == told[0]));
    // Sent again later, under another id and at another time, it is still that decision.
    let again = Sealed::of("again", Timestamp::now(), &[THEIRS], good.body.clone());
    assert_eq!(post(&bench.webhook.router(), &again).await, told[0]);
    assert_eq!(bench.reviews(asked.request).await.len(), 1);
    assert_eq!(bench.ignored(asked.request).await, []);
}

#[tokio::test]
async fn what_a_process_forgot_is_harmless_because_the_desk_remembers() {
    let bench = Bench::of(2, Assurance::Local, |webhook| webhook).await;
    let asked = bench.ask().await;
    let good = sealed(&bench, &approval(&asked));
    assert_eq!(post(&bench.webhook.router(), &good).await.status, 200);
    // The same signed bytes, as a process finds them that starts now.
    let desk = bench.webhook.0.inbox.desk().unwrap();
    let fresh = bench.endpoint.backend().build().unwrap();
    let _open = fresh.0.inbox.open(desk);
    post(&fresh.router(), &good).await.is(409, "answered_before");
    assert_eq!(bench.reviews(asked.request).await.len(), 1);
}

#[tokio::test]
async fn a_person_takes_their_yes_back_and_a_replay_of_it_does_not_bring_it_back() {
    let bench = Bench::of(2, Assurance::Local, |webhook| webhook).await;
    let router = bench.webhook.router();
    let asked = bench.ask().await;
    let yes = sealed(&bench, &approval(&asked));
    let no = sealed(&bench, &Decision { decision: Answer::Deny, ..approval(&asked) });
    assert_eq!(post(&router, &yes).await.status, 200);
    assert_eq!(post(&router, &no).await.json()["state"], "denied");
    post(&router, &yes).await;
    assert!(asked.call.await.unwrap().unwrap_err().is_denied());
    assert_eq!(bench.reviews(asked.request).await.len(), 2);
}

#[tokio::test]
async fn a_decision_that_does_not_count_is_answered_with_the_reason_and_recorded() {
    let bench = bench().await;
    let router = bench.webhook.router();
    let asked = bench.ask().await;
    for (person, status, code, why) in [
        ("u-nobody", 403, "unmapped", IgnoredWhy::Unmapped),
        ("slack/U1", 403, "unmapped", IgnoredWhy::Unmapped),
        ("u-dana", 403, "requester", IgnoredWhy::Requester),
    ] {
        let decision = Decision { person: person.to_owned(), ..approval(&asked) };
        post(&router, &sealed(&bench, &decision)).await.is(status, code);
        assert_eq!(bench.ignored(asked.request).await.last().unwrap().why, why);
    }
    let no = Decision { decision: Answer::Deny, ..approval(&asked) };
    assert_eq!(post(&router, &sealed(&bench, &no)).await.status, 200);
    let late = Decision { person: "u-2".to_owned(), ..approval(&asked) };
    post(&router, &sealed(&bench, &late)).await.is(409, "already_decided");
    assert_eq!(bench.ignored(asked.request).await.len(), 4);
    assert_eq!(bench.strangers().await, Vec::<u64>::new(), "whoever has the key and the card is no stranger");
}

#[tokio::test]
async fn a_request_that_this_ledger_does_not_know_is_not_found() {
    let bench = bench().await;
    let request = "0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5e".parse().unwrap();
    let digest = Digest::from_bytes([7; 32]);
    let asked = bench.ask().await;
    let nonce = nonce(&key(OURS), request, &digest, Shown::Everything);
    let elsewhere = Decision { request, digest, nonce, ..approval(&asked) };
    post(&bench.webhook.router(), &sealed(&bench, &elsewhere)).await.is(404, "unknown_request");
}

#[tokio::test]
async fn an_approval_of_a_card_that_was_cut_does_not_count_although_it_overtakes_the_record_of_the_card() {
    let bench = Bench::with(|webhook| webhook.max_body(8 * 1024)).await;
    bench.endpoint.state().fault = Some(Fault::LosesReplies);
    let approvals = bench.approvals.clone();
    let call = tokio::spawn(async move {
        let list = "x".repeat(60_000);
        let call = Call::new("wipe").risk(Risk::High).arg("list", &list);
        approvals.gate(call).run(|| async { Ok::<_, ApprovalError>(()) }).await
    });
    let (request, card) = bench
        .endpoint
        .until(|state| state.cards.iter().next().map(|(id, card)| (*id, card.now.clone())))
        .await;
    assert_eq!(card.offer, [Answer::Deny]);
    let yes = Endpoint::decision(&card, "u-1", Answer::Approve);
    let router = bench.webhook.router();
    post(&router, &sealed(&bench, &yes)).await.is(403, "not_everything_shown");
    assert_eq!(bench.reviews(request).await, []);
    let no = Endpoint::decision(&card, "u-1", Answer::Deny);
    assert_eq!(post(&router, &sealed(&bench, &no)).await.json()["state"], "denied");
    assert!(call.await.unwrap().unwrap_err().is_denied());
}

#[tokio::test]
async fn a_late_approval_does_not_count() {
    let bench = bench().await;
    let asked = bench.ask().await;
    let mut ended = asked.call;
    bench.clock.advance(Duration::from_secs(3601));
    let ended = (&mut ended).await.unwrap();
    assert!(ended.is_err());
    let late = Endpoint::decision(&asked.card.now, "u-1", Answer::Approve);
    post(&bench.webhook.router(), &sealed(&bench, &late)).await.is(409, "too_late");
}

#[tokio::test]
async fn an_hmac_is_worth_less_than_a_signature_whatever_the_registration_says() {
    let bench = Bench::of(1, Assurance::Sso, |webhook| webhook).await;
    let router = bench.webhook.router();
    let asked = bench.ask().await;
    let body = serde_json::to_string(&approval(&asked)).unwrap();
    let by = |keys: &[&str]| Sealed::of("msg_1", Timestamp::now(), keys, body.clone());
    post(&router, &by(&[SHARED])).await.is(403, "assurance_too_low");
    assert_eq!(post(&router, &by(&[THEIRS])).await.status, 200, "the same bytes, signed better");
    asked.call.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_registration_bounds_what_a_signature_is_worth() {
    let bench = Bench::with(|webhook| webhook.assurance(Assurance::Sso)).await;
    let asked = bench.ask().await;
    assert_eq!(post(&bench.webhook.router(), &sealed(&bench, &approval(&asked))).await.status, 200);
    assert_eq!(bench.reviews(asked.request).await[0].assurance, Assurance::Sso);
}

#[tokio::test]
async fn an_endpoint_of_another_provider_cannot_name_people_of_this_one() {
    let bench = Bench::with(|webhook| webhook.provider("tenant-b")).await;
    let asked = bench.ask().await;
    for person in ["u-1", "acme/u-1", "ann"] {
        let decision = Decision { person: person.to_owned(), ..approval(&asked) };
        post(&bench.webhook.router(), &sealed(&bench, &decision)).await.is(403, "unmapped");
    }
    assert_eq!(bench.reviews(asked.request).await, []);
}

#[tokio::test]
async fn an_authentic_message_that_is_no_decision_is_told_what_is_wrong() {
    let bench = bench().await;
    let router = bench.webhook.router();
    let asked = bench.ask().await;
    let good = sealed(&bench, &approval(&asked));
    let of = |body: &str| Sealed::of("msg_1", Timestamp::now(), &[THEIRS], body.to_owned());
    post(&router, &of("{}")).await.is(400, "malformed");
    post(&router, &of(&format!("{}{}", good.body, " ".repeat(17_000)))).await.is(413, "too_long");
    let mut form = request(&good);
    form.headers_mut().insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
    send(&router, form).await.is(415, "not_json");
    assert_eq!(bench.reviews(asked.request).await, []);
}

#[tokio::test]
async fn what_follows_links_decides_nothing() {
    let bench = bench().await;
    let router = bench.webhook.router();
    let asked = bench.ask().await;
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
        let mut request = request(&sealed(&bench, &approval(&asked)));
        *request.method_mut() = method.clone();
        let answered = send(&router, request).await;
        assert_eq!((answered.status.as_u16(), answered.header("allow")), (405, "POST"), "{method}");
    }
    assert_eq!(bench.reviews(asked.request).await, []);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up_and_tells_nothing() {
    let clock = ManualClock::at(Timestamp::now());
    let bench = Bench::with(|webhook| webhook.clock(clock.clone())).await;
    let router = bench.webhook.router();
    let asked = bench.ask().await;
    let stranger = post(&router, &Sealed::of("msg_1", Timestamp::now(), &[OTHER], "{}".to_owned())).await;
    let mut slow = request(&sealed(&bench, &approval(&asked)));
    *slow.body_mut() = Body::new(Never);
    let answering = tokio::spawn(async move { send(&router, slow).await });
    clock.until_asleep(1).await;
    clock.advance(Duration::from_secs(10));
    assert_eq!(answering.await.unwrap(), stranger);
}

#[tokio::test]
async fn a_flood_of_slow_bodies_takes_no_more_memory_than_its_places() {
    let bench = bench().await;
    let router = bench.webhook.router();
    let asked = bench.ask().await;
    let good = sealed(&bench, &approval(&asked));
    let slow: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (router, mut slow) = (router.clone(), request(&good));
            *slow.body_mut() = Body::new(Never);
            tokio::spawn(async move { send(&router, slow).await })
        })
        .collect();
    quiet().await;
    assert_eq!(post(&router, &good).await.status, 200, "and keeps nobody out");
    let more: Vec<_> = (1..AT_ONCE)
        .map(|_| {
            let (router, mut slow) = (router.clone(), request(&good));
            *slow.body_mut() = Body::new(Never);
            tokio::spawn(async move { send(&router, slow).await })
        })
        .collect();
    let mut slow = slow.into_iter();
    let last = slow.next_back().unwrap();
    for task in slow {
        task.await.unwrap().is(503, "unavailable");
    }
    quiet().await;
    assert!(
        !last.is_finished() && more.iter().all(|task| !task.is_finished()),
        "as many as there are places"
    );
}

#[tokio::test]
async fn what_lacks_a_header_is_not_read() {
    let bench = bench().await;
    let asked = bench.ask().await;
    let mut headless = request(&sealed(&bench, &approval(&asked)));
    headless.headers_mut().remove(SIGNATURE);
    *headless.body_mut() = Body::new(Never);
    send(&bench.webhook.router(), headless).await.is(401, "unauthenticated");
}

#[tokio::test]
async fn what_can_prove_nothing_by_its_headers_takes_no_place_and_is_not_read() {
    let bench = bench().await;
    let asked = bench.ask().await;
    let router = bench.webhook.router();
    let good = sealed(&bench, &approval(&asked));
    let hour = Duration::from_secs(3_600);
    let late = Timestamp::from_micros(Timestamp::now().as_micros() - 3_600_000_000);
    let old = Sealed::of("old", late, &[THEIRS], good.body.clone());
    let ahead = Sealed::of("ahead", Timestamp::now().after(hour), &[THEIRS], good.body.clone());
    let many = Sealed { signature: [good.signature.as_str(); 9].join(" "), ..good.clone() };
    let none = Sealed { signature: "v9,AAAA".to_owned(), ..good.clone() };
    let mut slow = request(&good);
    *slow.body_mut() = Body::new(Never);
    let reader = router.clone();
    let reading = tokio::spawn(async move { send(&reader, slow).await });
    quiet().await;
    for stranger in [old, ahead, many, none] {
        for _ in 0..=AT_ONCE {
            let mut unread = request(&stranger);
            *unread.body_mut() = Body::new(Never);
            at_once(send(&router, unread)).await.is(401, "unauthenticated");
        }
    }
    assert!(!reading.is_finished(), "and drives nobody out of theirs");
}

#[tokio::test]
async fn a_sender_that_hangs_up_does_not_cut_its_decision_off() {
    let bench = bench().await;
    let asked = bench.ask().await;
    let (router, good) = (bench.webhook.router(), sealed(&bench, &approval(&asked)));
    let mut hung_up = Box::pin(async { post(&router, &good).await });
    // As far as it goes without waiting, and no further.
    let polled = std::future::poll_fn(|context| Poll::Ready(hung_up.as_mut().poll(context))).await;
    assert!(polled.is_pending(), "{polled:?}");
    drop(hung_up);
    asked.call.await.unwrap().unwrap();
    assert_eq!(post(&router, &good).await.status, 200, "and the second time it is answered");
}

#[tokio::test]
async fn the_end_of_an_old_listener_does_not_close_the_door_of_a_new_one() {
    let bench = bench().await;
    let asked = bench.ask().await;
    let desk = bench.webhook.0.inbox.desk().unwrap();
    let old = bench.webhook.0.inbox.open(desk.clone());
    let _new = bench.webhook.0.inbox.open(desk);
    drop(old);
    let answered = post(&bench.webhook.router(), &sealed(&bench, &approval(&asked))).await;
    assert_eq!(answered.status, 200);
}

#[tokio::test]
async fn after_the_end_nothing_is_believed_any_more() {
    let bench = bench().await;
    let asked = bench.ask().await;
    let good = sealed(&bench, &approval(&asked));
    bench.approvals.shutdown().await.unwrap();
    while bench.webhook.0.inbox.desk().is_some() {
        tokio::task::yield_now().await;
    }
    post(&bench.webhook.router(), &good).await.is(503, "unavailable");
}
