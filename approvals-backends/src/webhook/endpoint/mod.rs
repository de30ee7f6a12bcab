//! Whether an endpoint keeps the protocol: it is sent what a sender may send, and what nobody may get away with.
//!
//! What people see there it cannot tell, and says so.

mod asking;
mod course;
mod probe;
mod report;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::report::{EndpointFinding, EndpointReport, Verdict};
use super::signature::{SigningKey, VerifyingKey};
use super::{WebhookError, ask};
use crate::transport::{Reqwest, Target, Transport};
use asking::Asking;
use probe::Probe;

/// Looks whether an endpoint keeps the protocol. It is sent up to a dozen cards for `test`, none of which anybody waits
/// for; those that it takes are withdrawn at the end.
///
/// ```no_run
/// use approvals_backends::webhook::endpoint::EndpointCheck;
///
/// # async fn look() -> Result<(), Box<dyn std::error::Error>> {
/// let key = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=".parse()?;
/// let report = EndpointCheck::new("https://ops.example/approvals", key).run().await?;
/// assert!(report.is_sound(), "{report}");
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct EndpointCheck {
    url: String,
    key: SigningKey,
    source: Option<String>,
    timeout: Duration,
    insecure: bool,
    roots: Vec<Vec<u8>>,
    transport: Option<Arc<dyn Transport>>,
    ask_at: Option<String>,
    hold: Duration,
    theirs: Vec<VerifyingKey>,
}

impl EndpointCheck {
    /// A check of the endpoint at a URL, signed with a key that it verifies.
    pub fn new(url: impl Into<String>, key: SigningKey) -> Self {
        let timeout = Duration::from_secs(10);
        Self {
            url: url.into(),
            key,
            source: None,
            timeout,
            insecure: false,
            roots: Vec::new(),
            transport: None,
            ask_at: None,
            hold: Duration::from_secs(2),
            theirs: Vec::new(),
        }
    }

    /// Also looks whether the endpoint answers questions at this URL, as
    /// [`WebhookBuilder::ask_at`](super::WebhookBuilder::ask_at) has them asked.
    pub fn ask_at(mut self, url: impl Into<String>) -> Self {
        self.ask_at = Some(url.into());
        self
    }

    /// How long a question may be held, in whole seconds; at most the 25 s of a sender, default 2 s. Longer, and somebody
    /// can answer the card of the check meanwhile, whose decision is then judged too.
    pub fn hold(mut self, longest: Duration) -> Self {
        self.hold = longest.min(ask::WAIT);
        self
    }

    /// A key that decisions are verified with. Without one their form is looked at alone.
    pub fn verify_with(mut self, key: VerifyingKey) -> Self {
        self.theirs.push(key);
        self
    }

    /// Wraps messages in CloudEvents from this source, as [`WebhookBuilder`](super::WebhookBuilder::cloud_events) does.
    pub fn cloud_events(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Longest time for one answer. Default 10 s, which is what a sender allows.
    pub fn timeout(mut self, longest: Duration) -> Self {
        self.timeout = longest;
        self
    }

    /// Also sends over `http` to another machine: whoever is on the way reads along, and changes the answers.
    pub fn insecure_http(mut self) -> Self {
        self.insecure = true;
        self
    }

    /// Trusts this certificate authority as well: PEM. Of the transport that is made here.
    pub fn trust(mut self, authority: impl Into<Vec<u8>>) -> Self {
        self.roots.push(authority.into());
        self
    }

    /// What sends. Default: [`Reqwest`]. It bounds its time itself.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Sends everything and says what came of it, rule by rule. An endpoint that does not answer is a finding.
    ///
    /// # Errors
    /// Where nothing could be sent because the set-up is wrong; says what to change.
    pub async fn run(self) -> Result<EndpointReport, WebhookError> {
        let target = |url: &str| if self.insecure { Target::insecure_http(url) } else { url.parse() };
        let made = |timeout: Duration,
                    max_answer: Option<usize>|
         -> Result<Arc<dyn Transport>, WebhookError> {
            if let Some(transport) = &self.transport {
                return Ok(Arc::clone(transport));
            }
            let reqwest = Reqwest::builder().timeout(timeout);
            let reqwest = self.roots.iter().fold(reqwest, |reqwest, root| reqwest.trust(root.as_slice()));
            let reqwest = max_answer.into_iter().fold(reqwest, crate::transport::ReqwestBuilder::max_answer);
            let reqwest = if self.insecure { reqwest.insecure_http() } else { reqwest };
            Ok(Arc::new(reqwest.build()?))
        };
        let asking = match &self.ask_at {
            None => None,
            Some(url) => Some(Asking {
                transport: made(self.timeout.saturating_add(self.hold), Some(ask::LONGEST_ANSWER))?,
                target: target(url)?,
                hold: self.hold,
                theirs: self.theirs.clone(),
            }),
        };
        let (target, transport) = (target(&self.url)?, made(self.timeout, None)?);
        let probe = Probe::new(&self.url, target, self.key, self.source, transport)?;
        Ok(course::run(&probe, asking.as_ref()).await)
    }
}

impl fmt::Debug for EndpointCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointCheck").field("key", &self.key).finish_non_exhaustive()
    }
}
