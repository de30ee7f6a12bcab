//! Nothing that the transport or the backend logs, at any level, holds a secret.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use approvals::ledger::Answer;
use approvals::transport::{Reqwest, Transport};
use bytes::Bytes;
use http::Request;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Metadata, Subscriber};

use crate::agent::{OURS, Sealed, THEIRS, World, quiet};
use crate::endpoints;
use crate::support::{read, serve};

/// Everything that is logged on the thread of a test, as text.
#[derive(Clone, Default)]
struct Logs(Arc<Mutex<String>>);

impl Logs {
    fn begin() -> (Self, DefaultGuard) {
        // While there is one subscriber alone, a line that a thread without it meets first is off for every thread.
        static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
        let scribe = || Scribe { logs: Self::default(), spans: AtomicU64::new(1) };
        ANOTHER.get_or_init(|| Dispatch::new(scribe()));
        let logs = Self::default();
        let guard = tracing::subscriber::set_default(Scribe { logs: logs.clone(), spans: AtomicU64::new(1) });
        (logs, guard)
    }

    /// Says something, and nothing of what must not be there.
    #[track_caller]
    fn say(&self, wanted: &[&str], secrets: &[&str]) {
        let text = self.0.lock().unwrap();
        for wanted in wanted {
            assert!(text.contains(wanted), "`{wanted}` is not in the log:\n{text}");
        }
        for secret in secrets {
            assert!(secret.len() >= 5, "`{secret}` could be anything");
            assert!(!text.contains(secret), "`{secret}` is in the log:\n{text}");
        }
    }
}

impl Logs {
    /// How often something is said.
    fn count(&self, what: &str) -> usize {
        self.0.lock().unwrap().matches(what).count()
    }
}

struct Scribe {
    logs: Logs,
    spans: AtomicU64,
}

impl Scribe {
    fn take(&self, level: &str, what: impl FnOnce(&mut dyn Visit)) {
        let mut text = self.logs.0.lock().unwrap();
        text.push_str(level);
        what(&mut Line(&mut text));
        text.push('\n');
    }
}

impl Subscriber for Scribe {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.take(span.metadata().level().as_str(), |line| span.record(line));
        Id::from_u64(self.spans.fetch_add(1, Relaxed))
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.take("", |line| values.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.take(event.metadata().level().as_str(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        // Without the escapes of `Debug`, which would hide a secret that has quotes in it.
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

/// The parts of keys that are secret.
fn keys() -> [&'static str; 2] {
    [OURS.trim_start_matches("whsec_"), THEIRS.trim_start_matches("whsk_")]
}

#[tokio::test]
async fn the_transport_logs_no_path_query_header_or_body() {
    const PATH: &str = "canary-path-7f3a";
    const QUERY: &str = "canary-query-91bc";
    const HEADER: &str = "canary-header-55de";
    const BODY: &str = "canary-body-d0c4";
    const ANSWER: &str = "canary-answer-b8e2";
    let (logs, _guard) = Logs::begin();
    let transport = Reqwest::builder().timeout(Duration::from_millis(500)).max_answer(100).build().unwrap();
    let long = format!("HTTP/1.1 500 No\r\ncontent-length: 999\r\nx: {ANSWER}\r\n\r\n");
    let fine =
        format!("HTTP/1.1 200 OK\r\nx-own: {ANSWER}\r\ncontent-length: {}\r\n\r\n{ANSWER}", ANSWER.len());
    let again = format!("HTTP/1.1 307 On\r\nlocation: /{PATH}/2?{QUERY}\r\ncontent-length: 0\r\n\r\n");
    let away =
        format!("HTTP/1.1 302 On\r\nlocation: https://ops.example/{PATH}\r\ncontent-length: 0\r\n\r\n");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut places = vec![closed];
    for answer in ["", &long, &fine, &again, &away, "HTTP/9.9 what\r\n\r\n"] {
        let answer = answer.to_owned();
        let served = serve(move |mut stream, _| {
            let answer = answer.clone();
            async move {
                read(&mut stream).await;
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        places.push(served.await.at);
    }
    let mut failed = 0;
    for at in places {
        for scheme in ["http", "https"] {
            let request = Request::post(format!("{scheme}://{at}/{PATH}?key={QUERY}"))
                .header("webhook-signature", HEADER)
                .header("authorization", format!("Bearer {HEADER}"))
                .body(Bytes::from_static(BODY.as_bytes()));
            failed += usize::from(transport.send(request.unwrap()).await.is_err());
        }
    }
    assert_eq!(failed, 13, "all but one");
    // The client's own lines are there, or nothing was heard.
    logs.say(&["connecting to"], &[PATH, QUERY, HEADER, BODY, ANSWER]);
}

#[tokio::test]
async fn a_whole_exchange_logs_no_key_nonce_signature_comment_or_url() {
    const PATH: &str = "canary-path-2c77";
    const COMMENT: &str = "canary-comment-4ee0";
    let (logs, _guard) = Logs::begin();
    for asks in [false, true] {
        let world = World::with(|webhook| match asks {
            true => webhook.ask_at(format!("https://ops.example/asks?{PATH}")),
            false => webhook,
        })
        .await;
        // Everything that can go wrong between us and the endpoint does so at first.
        world.endpoint.with(|state| {
            state.faults.insert("approval.updated", Some(500));
            state.faults.insert("asks", Some(503));
        });
        let asked = world.ask().await;
        let nonce = asked.card.nonce.clone();
        let mut decision = asked.decision(Answer::Approve);
        decision.comment = Some(COMMENT.to_owned());
        let good = Sealed::of(&decision, THEIRS);
        let forged = Sealed { signature: "v1a,Y2FuYXJ5LXNpZ25hdHVyZQ==".to_owned(), ..good.clone() };
        decision.nonce = "0f1e2d3c4b5a69788796a5b4c3d2e1f0".to_owned();
        let guessed = Sealed::of(&decision, THEIRS);
        let nonsense = Sealed { body: format!("{{\"{COMMENT}\":1}}"), ..good.clone() };
        if asks {
            world.passes(Duration::from_secs(2)).await;
            world.endpoint.with(|state| state.faults.clear());
            [&forged, &guessed, &nonsense, &good].into_iter().for_each(|sealed| world.enqueue(sealed));
            world.passes(Duration::from_secs(60)).await;
        } else {
            for (sealed, status) in [(&forged, 401), (&guessed, 401), (&nonsense, 401), (&good, 200)] {
                assert_eq!(world.post(sealed).await.0, status);
            }
        }
        asked.call.await.unwrap().unwrap();
        quiet().await;
        logs.say(
            &["request presented", "a message proves nothing", "does not belong to the card"],
            &[&nonce, &decision.nonce, &good.signature, "Y2FuYXJ5LXNpZ25hdHVyZQ", COMMENT, PATH],
        );
    }
    logs.say(
        &["asking for answers failed", "a card could not be brought up to date"],
        &[&keys()[..], &["/cards", "/asks"]].concat(),
    );
}

const NOT_MOUNTED: &str = "mount the router of the webhook";

#[tokio::test]
async fn a_router_that_nobody_takes_is_told_of_once_and_not_before_there_was_time_to_take_it() {
    let (logs, _guard) = Logs::begin();
    let world = World::called_back().await;
    world.passes(Duration::from_secs(60)).await;
    let _first = world.ask().await;
    world.passes(Duration::from_millis(9_500)).await;
    assert_eq!(logs.count(NOT_MOUNTED), 0);
    world.passes(Duration::from_millis(500)).await;
    assert_eq!(logs.count(NOT_MOUNTED), 1);
    let _second = world.ask().await;
    world.passes(Duration::from_secs(60)).await;
    assert_eq!(logs.count(NOT_MOUNTED), 1);
}

#[tokio::test]
async fn a_router_that_is_taken_after_the_first_card_is_not_missed() {
    let (logs, _guard) = Logs::begin();
    let world = World::called_back().await;
    let _asked = world.ask().await;
    world.passes(Duration::from_secs(1)).await;
    drop(world.webhook.router());
    world.passes(Duration::from_secs(60)).await;
    assert_eq!(logs.count(NOT_MOUNTED), 0);
}

#[tokio::test]
async fn a_check_of_an_endpoint_misses_no_router() {
    let (logs, _guard) = Logs::begin();
    assert!(endpoints::look_at(endpoints::Flaw::None).await.is_sound());
    assert_eq!((logs.count(NOT_MOUNTED), logs.count("WARN")), (0, 0));
}
