//! The service's HTTP API, and what its failures mean to core.

use std::time::Duration;

use approvals::Secret;
use approvals::backend::BackendError;
use approvals::ledger::PresentFailure::{Other, Rejected, Unreachable};
use reqwest::{Method, RequestBuilder, StatusCode, Url, redirect};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The most of a reply that is read, in bytes: nobody else's mistake fills our memory.
const REPLY: usize = 1 << 20;
/// How long the service holds a question for answers.
const HOLD: Duration = Duration::from_secs(30);

/// What can be pressed, and what was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Button {
    Yes,
    No,
    #[serde(other)]
    Other,
}

#[derive(Serialize)]
pub(crate) struct Page {
    pub(crate) key: String,
    pub(crate) title: String,
    pub(crate) lines: Vec<String>,
    pub(crate) digest: String,
    pub(crate) buttons: Vec<Button>,
}

#[derive(Deserialize)]
struct Placed {
    id: String,
}

#[derive(Deserialize)]
pub(crate) struct Answer {
    pub(crate) number: u64,
    pub(crate) key: String,
    pub(crate) team: String,
    pub(crate) user: String,
    pub(crate) digest: String,
    pub(crate) answer: Button,
    pub(crate) comment: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Status {
    pub(crate) may_page: bool,
    pub(crate) limit: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Api {
    http: reqwest::Client,
    address: String,
    token: Secret<String>,
    pub(crate) reply_within: Duration,
}

impl Api {
    pub(crate) fn new(address: &str, token: Secret<String>) -> Result<Self, BackendError> {
        // The address is not repeated: it may hold a password.
        let wrong = |why: &str| BackendError::permanent(Other, format!("the pager's address {why}"));
        let url = Url::parse(address).map_err(|_| wrong("is no URL; write `http://host:port`"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("holds a name or password; leave it out and give the token instead"));
        }
        // A page goes where it was sent and nowhere else: neither a redirect nor a proxy that the environment names
        // gets to read it.
        let http = reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy().build();
        let http = http.map_err(|_| wrong("cannot be reached from here: no HTTP client could be made"))?;
        let address = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http, address, token, reply_within: Duration::from_secs(10) })
    }

    pub(crate) async fn post(&self, page: &Page) -> Result<String, BackendError> {
        let placed: Placed = self.reply(self.with(Method::POST, "/pages", page)?, self.reply_within).await?;
        // It goes into the ledger now and into a path later.
        path_of(&placed.id)?;
        Ok(placed.id)
    }

    pub(crate) async fn put(&self, id: &str, page: &Page) -> Result<(), BackendError> {
        let request = self.with(Method::PUT, &path_of(id)?, page)?;
        let _: Placed = self.reply(request, self.reply_within).await?;
        Ok(())
    }

    pub(crate) async fn answers(&self, after: Option<u64>) -> Result<Vec<Answer>, BackendError> {
        let after = after.map_or(String::new(), |after| format!("&after={after}"));
        let path = format!("/answers?wait={}{after}", HOLD.as_secs());
        self.reply(self.to(Method::GET, &path), HOLD + self.reply_within).await
    }

    pub(crate) async fn status(&self) -> Result<Status, BackendError> {
        self.reply(self.to(Method::GET, "/status"), self.reply_within).await
    }

    fn to(&self, method: Method, path: &str) -> RequestBuilder {
        // The client marks the header as sensitive, so that no `Debug` shows it.
        self.http.request(method, format!("{}{path}", self.address)).bearer_auth(self.token.expose())
    }

    fn with(&self, method: Method, path: &str, page: &Page) -> Result<RequestBuilder, BackendError> {
        let body = serde_json::to_vec(page);
        let body = body.map_err(|_| BackendError::permanent(Other, "the card is no JSON; report this"))?;
        Ok(self.to(method, path).header("content-type", "application/json").body(body))
    }

    async fn reply<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        within: Duration,
    ) -> Result<T, BackendError> {
        let mut reply = request.timeout(within).send().await.map_err(|error| unreachable(&error))?;
        judge(reply.status())?;
        let mut body = Vec::new();
        while let Some(piece) = reply.chunk().await.map_err(|error| unreachable(&error))? {
            if body.len() + piece.len() > REPLY {
                return Err(not_a_pager("is longer than 1 MiB"));
            }
            body.extend_from_slice(&piece);
        }
        serde_json::from_slice(&body).map_err(|_| not_a_pager("is not what its API says"))
    }
}

/// The path of a page, if the id is one: another could climb to other paths, with our token.
fn path_of(id: &str) -> Result<String, BackendError> {
    let sound = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !id.is_empty() && id.len() <= 64 && id.chars().all(sound) {
        true => Ok(format!("/pages/{id}")),
        false => Err(not_a_pager("names a page by what is no id")),
    }
}

fn not_a_pager(why: &str) -> BackendError {
    BackendError::permanent(Other, format!("the pager's reply {why}; check that its address is right"))
}

/// No reply came. Core tries again, and because a page has a key, what did arrive is not sent to people twice.
fn unreachable(error: &reqwest::Error) -> BackendError {
    if error.is_builder() {
        let why = "the pager's address or token cannot be put into a request; check both";
        return BackendError::permanent(Other, why);
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    // The innermost cause alone, such as `connection refused`: the outer ones name the URL.
    let why = match error.is_timeout() {
        true => "it did not reply in time".to_owned(),
        false => cause.to_string(),
    };
    BackendError::temporary(Unreachable, format!("the pager cannot be reached: {why}"))
}

/// What a status means. The service's own words are left out: they are text from outside, and may repeat ours.
fn judge(status: StatusCode) -> Result<(), BackendError> {
    let (code, says) = (status.as_u16(), format!("the pager says `{status}`"));
    Err(match code {
        200..=299 => return Ok(()),
        // Somebody has to do something, and until then the same call meets the same answer.
        401 | 403 => {
            BackendError::permanent(Rejected, format!("{says}; give `Pager::new` a token that may page"))
        }
        413 => BackendError::permanent(Rejected, format!("{says}; give `Pager::limit` what its pages take")),
        300..=399 => {
            BackendError::permanent(Rejected, format!("{says}; give `Pager::new` where it moved to"))
        }
        // It is there and has no time.
        408 | 429 => BackendError::temporary(Rejected, format!("{says}; page less, or raise its limit")),
        500..=599 => BackendError::temporary(Unreachable, format!("{says}; see how it does")),
        _ => BackendError::permanent(Rejected, format!("{says}; check that it still has this API")),
    })
}
