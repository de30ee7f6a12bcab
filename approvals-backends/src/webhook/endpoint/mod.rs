//! Whether an endpoint keeps the protocol: it is sent what a sender may send, and what nobody may get away with.
//!
//! What people see there it cannot tell, and says so.

mod course;
mod probe;
mod report;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::report::{EndpointFinding, EndpointReport, Verdict};
use super::WebhookError;
use super::signature::SigningKey;
use crate::transport::{Reqwest, Target, Transport};
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
    transport: Option<Arc<dyn Transport>>,
}

impl EndpointCheck {
    /// A check of the endpoint at a URL, signed with a key that it verifies.
    pub fn new(url: impl Into<String>, key: SigningKey) -> Self {
        let timeout = Duration::from_secs(10);
        Self { url: url.into(), key, source: None, timeout, insecure: false, transport: None }
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
        let target = if self.insecure { Target::insecure_http(&self.url) } else { self.url.parse() }?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => {
                let reqwest = Reqwest::builder().timeout(self.timeout);
                let reqwest = if self.insecure { reqwest.insecure_http() } else { reqwest };
                Arc::new(reqwest.build()?)
            }
        };
        let probe = Probe::new(&self.url, target, self.key, self.source, transport)?;
        Ok(course::run(&probe).await)
    }
}

impl fmt::Debug for EndpointCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointCheck").field("key", &self.key).finish_non_exhaustive()
    }
}
