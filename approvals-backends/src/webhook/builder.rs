//! How a webhook is set up.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use approvals_core::id::{Chance, ProviderId, SystemChance};
use approvals_core::people::Assurance;
use approvals_core::time::{Clock, SystemClock};
use tokio::sync::{Notify, Semaphore};

use super::ask::{self, Asker};
use super::inbox::Inbox;
use super::outcome::Stop;
use super::pending::Pending;
use super::present::AT_ONCE;
use super::signature::{Scheme, SigningKey, VerifyingKey};
use super::verify::Verifier;
use super::{Parts, Webhook};
use crate::transport::{InvalidTarget, Reqwest, ReqwestError, Retry, Target, Transport};

/// The least that a message may be allowed, in bytes: headings alone need about half of it.
const LEAST_BODY: usize = 8 * 1024;

/// The most keys of the endpoint: two of each scheme, while both are rotated.
const MOST_VERIFYING: usize = 4;

/// What is expected of the endpoint's people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answers {
    /// Decisions, which have to have a way back.
    Counted,
    /// None: its cards offer nothing.
    None,
    /// Those that a check of the endpoint reads, and nobody counts.
    Read,
}

/// Sets up a [`Webhook`].
#[must_use]
pub struct WebhookBuilder {
    url: String,
    insecure: bool,
    name: String,
    provider: ProviderId,
    assurance: Assurance,
    keys: Vec<SigningKey>,
    theirs: Vec<VerifyingKey>,
    ask_at: Option<String>,
    answers: Answers,
    source: Option<String>,
    max_body: usize,
    timeout: Option<Duration>,
    roots: Vec<Vec<u8>>,
    retry: Retry,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
}

impl WebhookBuilder {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            insecure: false,
            name: "webhook".to_owned(),
            provider: "webhook".into(),
            assurance: Assurance::Chat,
            keys: Vec::new(),
            theirs: Vec::new(),
            ask_at: None,
            answers: Answers::Counted,
            source: None,
            max_body: 512 * 1024,
            timeout: None,
            roots: Vec::new(),
            retry: Retry::default(),
            transport: None,
            clock: Arc::new(SystemClock),
            chance: Arc::new(SystemChance),
        }
    }

    /// Its name in the ledger. Default `webhook`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Whose people answer there: the endpoint may vouch for identities of this provider and no other. Default
    /// `webhook`.
    pub fn provider(mut self, provider: impl Into<ProviderId>) -> Self {
        self.provider = provider.into();
        self
    }

    /// How strongly the endpoint authenticates its people, at most. Default `chat`; say `sso` if it signs each of them
    /// in. Without a `whpk_` key in [`verify_with`](Self::verify_with) it is `chat` at most: a call that needs more is then
    /// refused at once, and does not wait for answers that cannot count.
    pub fn assurance(mut self, assurance: Assurance) -> Self {
        self.assurance = assurance;
        self
    }

    /// A key that messages are signed with. Needed; a second one while keys are rotated, the new one first.
    pub fn sign_with(mut self, key: SigningKey) -> Self {
        self.keys.push(key);
        self
    }

    /// A key that decisions are verified with: the other half of what the endpoint signs with. Needed for answers; a
    /// second one while the endpoint rotates its keys.
    ///
    /// Prefer `whpk_`. A decision that only a `whsec_` secret proves counts as `chat` at most, whatever the registration
    /// says: this process could have made it. Where one such secret serves both ways, whoever has it can decide
    /// everything.
    pub fn verify_with(mut self, key: VerifyingKey) -> Self {
        self.theirs.push(key);
        self
    }

    /// Asks for decisions at this URL, with one long poll for all pending requests: for where nothing can reach this
    /// process. The same rules as for the URL of the endpoint.
    pub fn ask_at(mut self, url: impl Into<String>) -> Self {
        self.ask_at = Some(url.into());
        self
    }

    /// Only tells the endpoint: its cards offer no answer, and nobody can decide there. Say it where people decide
    /// elsewhere, at another backend or at the store; without one, a call waits until its deadline and expires.
    pub fn notify_only(mut self) -> Self {
        self.answers = Answers::None;
        self
    }

    /// Offers answers that nobody here will count.
    pub(super) fn answers_are_only_read(mut self) -> Self {
        self.answers = Answers::Read;
        self
    }

    /// Wraps messages in [CloudEvents](https://cloudevents.io) 1.0, structured mode, from this source: a URI reference
    /// that names this program among all that send to the endpoint.
    pub fn cloud_events(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Longest message, in bytes; at least 8 KiB, default 512 KiB. Of a call that needs more, what is cut is said, and
    /// the card offers no approval.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Longest time for one attempt. Default 10 s. Of the transport that is made here; one that is handed in has its
    /// own.
    pub fn timeout(mut self, longest: Duration) -> Self {
        self.timeout = Some(longest);
        self
    }

    /// Trusts this certificate authority as well, for cards and questions: PEM. For an authority of your own. Of the
    /// transport that is made here; one that is handed in trusts whom it trusts.
    pub fn trust(mut self, authority: impl Into<Vec<u8>>) -> Self {
        self.roots.push(authority.into());
        self
    }

    /// How often and how fast a message is sent again, within 25 s in all. Core presents again after that, until the
    /// request is decided or over.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// What sends. Default: [`Reqwest`].
    ///
    /// With [`ask_at`](Self::ask_at) it asks too: it has to wait 35 s for an answer, and to take 1 MiB. One that says
    /// ([`Transport::gives_up_after`]) that it waits no longer than the 25 s that a question is held is refused, and so is
    /// a [`Reqwest`] that was left at its own bounds.
    ///
    /// ```
    /// use std::time::Duration;
    /// use approvals_backends::transport::Reqwest;
    ///
    /// let transport = Reqwest::builder().timeout(Duration::from_secs(35)).max_answer(1024 * 1024).build()?;
    /// # Ok::<(), approvals_backends::transport::ReqwestError>(())
    /// ```
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Where time comes from. Default: the system.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where chance comes from. Default: the system.
    pub fn chance(mut self, chance: impl Chance) -> Self {
        self.chance = Arc::new(chance);
        self
    }

    /// Also sends over `http` to another machine: whoever is on the way reads the cards.
    pub fn insecure_http(mut self) -> Self {
        self.insecure = true;
        self
    }

    /// The backend.
    ///
    /// # Errors
    /// Where the set-up cannot work or would not be safe; says what to change.
    pub fn build(self) -> Result<Webhook, WebhookError> {
        let target = if self.insecure { Target::insecure_http(&self.url) } else { self.url.parse() }?;
        if self.keys.is_empty() || self.keys.len() > 2 {
            return Err(WebhookError::Keys(self.keys.len()));
        }
        if self.answers == Answers::None && (!self.theirs.is_empty() || self.ask_at.is_some()) {
            return Err(WebhookError::NotifyOnly);
        }
        if self.ask_at.is_some() && self.theirs.is_empty() {
            return Err(WebhookError::NothingToVerifyWith);
        }
        match self.answers {
            Answers::Counted if self.theirs.is_empty() => return Err(WebhookError::NobodyCanAnswer),
            Answers::Counted if self.ask_at.is_none() && !cfg!(feature = "webhook-http") => {
                return Err(WebhookError::NoWayBack);
            }
            _ => {}
        }
        if self.theirs.len() > MOST_VERIFYING {
            return Err(WebhookError::VerifyingKeys(self.theirs.len()));
        }
        let ours: Vec<_> = self.keys.iter().filter_map(|key| key.verifying().public()).collect();
        if self.theirs.iter().filter_map(VerifyingKey::public).any(|key| ours.contains(&key)) {
            return Err(WebhookError::OwnKey);
        }
        if self.max_body < LEAST_BODY {
            return Err(WebhookError::MaxBody);
        }
        // CloudEvents 1.0, section "source": a URI reference that is not empty.
        if self
            .source
            .as_ref()
            .is_some_and(|s| s.is_empty() || !s.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            return Err(WebhookError::Source);
        }
        let asking = match &self.ask_at {
            Some(url) if self.insecure => Some(Target::insecure_http(url)?),
            Some(url) => Some(url.parse()?),
            None => None,
        };
        let patience = self.transport.as_ref().and_then(|transport| transport.gives_up_after());
        if asking.is_some() && patience.is_some_and(|longest| longest <= ask::WAIT) {
            return Err(WebhookError::GivesUpTooSoon);
        }
        let made = |longest: Option<Duration>, max_answer: Option<usize>| {
            let mut reqwest =
                self.roots.iter().fold(Reqwest::builder(), |reqwest, root| reqwest.trust(root.as_slice()));
            if let Some(longest) = longest {
                reqwest = reqwest.timeout(longest);
            }
            if let Some(bytes) = max_answer {
                reqwest = reqwest.max_answer(bytes);
            }
            if self.insecure {
                reqwest = reqwest.insecure_http();
            }
            reqwest.build().map(|reqwest| Arc::new(reqwest) as Arc<dyn Transport>)
        };
        let transport = match &self.transport {
            Some(transport) => Arc::clone(transport),
            None => made(self.timeout, None)?,
        };
        let signed = self.theirs.iter().any(|key| key.scheme() == Scheme::Ed25519);
        let assurance = if signed { self.assurance } else { self.assurance.min(Assurance::Chat) };
        let inbox = Inbox::new(Verifier::new(self.theirs, self.keys.clone()), Arc::clone(&self.clock));
        let asker = match asking {
            None => None,
            Some(target) => Some(Asker {
                transport: match self.transport {
                    Some(transport) => transport,
                    None => made(Some(ask::LONGEST), Some(ask::LONGEST_ANSWER))?,
                },
                target,
                keys: self.keys.clone(),
                chance: Arc::clone(&self.chance),
                inbox: Arc::clone(&inbox),
                pending: Pending::default(),
            }),
        };
        Ok(Webhook(Arc::new(Parts {
            name: self.name,
            provider: self.provider,
            assurance,
            target,
            keys: self.keys,
            source: self.source,
            offers: self.answers != Answers::None,
            max_body: self.max_body,
            retry: self.retry,
            transport,
            clock: self.clock,
            chance: self.chance,
            stop: Stop::default(),
            places: Semaphore::new(AT_ONCE),
            inbox,
            asker,
            way_back: AtomicBool::new(false),
            presented: Notify::new(),
        })))
    }
}

impl fmt::Debug for WebhookBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookBuilder")
            .field("name", &self.name)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// A webhook that cannot be set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// The URL.
    #[error(transparent)]
    Target(#[from] InvalidTarget),
    /// No key, or too many.
    #[error(
        "a webhook signs with one key, or with two during rotation, and not with {0}; say `sign_with` for each"
    )]
    Keys(usize),
    /// Answers that nobody could believe.
    #[error(
        "decisions are asked for and none could be believed; say `verify_with` with the key of the endpoint"
    )]
    NothingToVerifyWith,
    /// Cards that nobody could answer.
    #[error(
        "nobody could answer there, and a call would wait for nothing; say `verify_with` with the key of the endpoint, or \
         `notify_only` where people decide elsewhere"
    )]
    NobodyCanAnswer,
    /// Decisions that nothing brings here.
    #[error(
        "no decision could come back; say `ask_at`, or build with the feature `webhook-http` and mount `Webhook::router`"
    )]
    NoWayBack,
    /// Answers that were given up and set up.
    #[error(
        "nobody answers at an endpoint that is only notified; drop `notify_only`, or `verify_with` and `ask_at`"
    )]
    NotifyOnly,
    /// A transport that does not wait for what is asked.
    #[error(
        "the transport gives up before a question that is held for 25 s is answered; give it 35 s, or one of its own to \
         each of two backends"
    )]
    GivesUpTooSoon,
    /// Too many keys of the endpoint.
    #[error(
        "an endpoint has at most 4 keys, two of each scheme during rotation, and not {0}; drop the old ones"
    )]
    VerifyingKeys(usize),
    /// Our own key where that of the endpoint belongs: this process could sign every decision, as `signed`.
    #[error(
        "decisions would be verified with the key that this side signs with; give the `whpk_` half of the endpoint's"
    )]
    OwnKey,
    /// Too little room.
    #[error("a message needs up to 8 KiB; raise `max_body`")]
    MaxBody,
    /// No source.
    #[error("the source of CloudEvents is a URI reference, like `//ops.example/deploy-bot`; give one")]
    Source,
    /// The transport.
    #[error(transparent)]
    Transport(#[from] ReqwestError),
}
