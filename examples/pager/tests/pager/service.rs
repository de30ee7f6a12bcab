//! The pager service, played: it keeps pages and answers, and fails on demand.
//!
//! Wiremock replies at once and cannot hold a question until somebody answers, as the real long poll does. What is not
//! lost by that: an answer counts as dealt with only when the backend takes receipt of it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use approvals::Secret;
use approvals::conformance::backend::Fault;
use pager_example::Pager;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// What lets page.
pub(crate) const TOKEN: &str = "pager-token-0815";
/// The team of the people here.
pub(crate) const TEAM: &str = "T7";

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Page {
    pub(crate) key: String,
    pub(crate) title: String,
    pub(crate) lines: Vec<String>,
    pub(crate) digest: String,
    pub(crate) buttons: Vec<String>,
}

impl Page {
    pub(crate) fn has(&self, button: &str) -> bool {
        self.buttons.iter().any(|there| there == button)
    }

    /// What the service says when this user presses a button on the page.
    pub(crate) fn pressed(&self, user: &'static str, answer: &'static str) -> Pressed {
        let (key, digest) = (self.key.clone(), self.digest.clone());
        Pressed { team: TEAM, user, key, digest, answer, comment: None }
    }
}

/// What somebody pressed.
#[derive(Debug, Clone)]
pub(crate) struct Pressed {
    pub(crate) team: &'static str,
    pub(crate) user: &'static str,
    pub(crate) key: String,
    pub(crate) digest: String,
    pub(crate) answer: &'static str,
    pub(crate) comment: Option<&'static str>,
}

#[derive(Default)]
pub(crate) struct State {
    /// The id of a page is `p` and its place here.
    pub(crate) pages: Vec<Page>,
    pub(crate) answers: Vec<Pressed>,
    pub(crate) fault: Option<Fault>,
    /// It gives every answer again, whatever receipt was taken of.
    pub(crate) forgetful: bool,
}

pub(crate) struct Service {
    server: MockServer,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    /// The number of the last answer that receipt was taken of; the first one has number 1.
    taken: watch::Sender<usize>,
    /// The page that was placed last.
    placed: watch::Sender<Option<Page>>,
}

impl Service {
    pub(crate) async fn start() -> Self {
        let server = MockServer::builder().start().await;
        let inner = Arc::new(Inner::default());
        let losing = Arc::clone(&inner);
        let loses = move |request: &Request| {
            request.method == "POST" && losing.state().fault == Some(Fault::LosesReplies)
        };
        let placing = Arc::clone(&inner);
        let lost = move |request: &Request| {
            placing.reply(request);
            io::Error::other("the line is cut behind the question")
        };
        Mock::given(loses).respond_with_err(lost).with_priority(1).mount(&server).await;
        let replying = Arc::clone(&inner);
        Mock::given(any())
            .respond_with(move |request: &Request| replying.reply(request))
            .mount(&server)
            .await;
        Self { server, inner }
    }

    pub(crate) fn pager(&self) -> Pager {
        Pager::new(&self.server.uri(), Secret::new(TOKEN.to_owned())).unwrap()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state()
    }

    /// The page that people are shown, once there is one.
    pub(crate) async fn page(&self) -> Page {
        let mut placed = self.inner.placed.subscribe();
        let page = soon(placed.wait_for(Option::is_some)).await.unwrap().clone();
        page.unwrap()
    }

    /// Somebody presses a button; returns once the backend has taken receipt of it.
    pub(crate) async fn press(&self, pressed: Pressed) {
        let number = {
            let mut state = self.state();
            state.answers.push(pressed);
            state.answers.len()
        };
        let mut taken = self.inner.taken.subscribe();
        soon(taken.wait_for(|taken| *taken >= number)).await.unwrap();
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn reply(&self, request: &Request) -> ResponseTemplate {
        let token = request.headers.get("authorization").and_then(|value| value.to_str().ok());
        if token != Some(&format!("Bearer {TOKEN}")) {
            return ResponseTemplate::new(401);
        }
        let path = request.url.path();
        match (self.state().fault, request.method.as_str()) {
            (Some(Fault::IsAway), _) => return ResponseTemplate::new(503),
            (Some(Fault::Refuses), "POST") => return ResponseTemplate::new(410),
            _ => {}
        }
        match (request.method.as_str(), path) {
            ("POST", "/pages") => self.place(request.body_json().unwrap()),
            ("PUT", _) => self.replace(path, request.body_json().unwrap()),
            ("GET", "/answers") => self.answers(request),
            ("GET", "/status") => ok(json!({ "may_page": true, "limit": 8_000 })),
            _ => ResponseTemplate::new(404),
        }
    }

    fn place(&self, page: Page) -> ResponseTemplate {
        self.placed.send_replace(Some(page.clone()));
        let mut state = self.state();
        let place = state.pages.iter().position(|there| there.key == page.key).unwrap_or(state.pages.len());
        match state.pages.get_mut(place) {
            Some(there) => *there = page,
            None => state.pages.push(page),
        }
        ok(json!({ "id": format!("p{place}") }))
    }

    fn replace(&self, path: &str, page: Page) -> ResponseTemplate {
        let id = path.strip_prefix("/pages/").unwrap();
        let place: usize = id.strip_prefix('p').unwrap().parse().unwrap();
        match self.state().pages.get_mut(place) {
            Some(there) if there.key == page.key => *there = page,
            _ => return ResponseTemplate::new(404),
        }
        ok(json!({ "id": id }))
    }

    fn answers(&self, request: &Request) -> ResponseTemplate {
        let after = request.url.query_pairs().find(|(name, _)| name == "after");
        if let Some((_, after)) = after {
            let after: usize = after.parse().unwrap();
            self.taken.send_if_modified(|taken| after > std::mem::replace(taken, after.max(*taken)));
        }
        let taken = *self.taken.borrow();
        let state = self.state();
        let taken = if state.forgetful { 0 } else { taken };
        let answers = state.answers.iter().enumerate().skip(taken).map(given).collect();
        ok(Value::Array(answers))
    }
}

/// A bound for failures only, so that they are no hang.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), future).await.expect("the backend did nothing")
}

fn given((place, pressed): (usize, &Pressed)) -> Value {
    let Pressed { team, user, key, digest, answer, comment } = pressed;
    json!({
        "number": place + 1, "key": key, "team": team, "user": user, "digest": digest, "answer": answer,
        "comment": comment,
    })
}

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}
