#![doc = include_str!("docs.md")]

mod ask;
#[cfg(test)]
mod bench;
mod builder;
#[cfg(feature = "webhook-http")]
mod callback;
#[cfg(test)]
mod conformance;
mod dealt;
pub mod endpoint;
#[cfg(test)]
mod fake;
mod inbox;
mod nonce;
mod outcome;
#[cfg(test)]
mod page;
mod pending;
mod present;
pub mod schema;
pub mod signature;
#[cfg(test)]
mod tests;
mod verify;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use approvals_core::backend::{Backend, BackendError, Capabilities, Presented};
use approvals_core::card::Card;
use approvals_core::desk::Desk;
use approvals_core::id::{Chance, ProviderId, Reference};
use approvals_core::people::Assurance;
use approvals_core::time::Clock;
use async_trait::async_trait;
use tokio::sync::{Notify, Semaphore};

use self::ask::Asker;
pub use self::builder::{WebhookBuilder, WebhookError};
use self::inbox::Inbox;
use self::outcome::Stop;
use self::signature::SigningKey;
use crate::transport::{Retry, Target, Transport};

/// How long after the first card the router has to be taken. A server may be set up after the handle, which presents what
/// an earlier process left as soon as it is built.
const MOUNTED_WITHIN: Duration = Duration::from_secs(10);

/// Sends cards to an endpoint of yours. The [module](self) says what arrives there, and what to answer.
///
/// Clones are one backend.
///
/// ```
/// use approvals_backends::webhook::Webhook;
///
/// let webhook = Webhook::builder("https://ops.example/approvals")
///     .provider("ops")
///     .sign_with("whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=".parse()?)
///     .verify_with("whpk_iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=".parse()?)
///     .ask_at("https://ops.example/asks")
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Webhook(Arc<Parts>);

/// What a backend is made of.
struct Parts {
    name: String,
    provider: ProviderId,
    assurance: Assurance,
    target: Target,
    /// One, or two while they are rotated. The first makes nonces.
    keys: Vec<SigningKey>,
    /// The `source` of CloudEvents, where messages are wrapped in them.
    source: Option<String>,
    /// Whether people can answer there.
    offers: bool,
    max_body: usize,
    retry: Retry,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    stop: Stop,
    /// For messages that are under way.
    places: Semaphore,
    inbox: Arc<Inbox>,
    asker: Option<Asker>,
    /// Whether decisions can arrive: the router was taken; or whoever sees to it was told that they cannot.
    way_back: AtomicBool,
    /// That a card went out.
    presented: Notify,
}

impl Webhook {
    /// A backend for the endpoint at a URL: `https`, or `http` on this machine.
    pub fn builder(url: impl Into<String>) -> WebhookBuilder {
        WebhookBuilder::new(url.into())
    }

    /// Where the endpoint's decisions come in: one route, `POST` at the place where it is mounted. Every clone of this
    /// backend has the same.
    ///
    /// It answers 503 until the handle that the backend was given to listens. Bodies beyond 64 KiB, or that take longer
    /// than 10 s, are not read. Up to there a body is read whoever sends it, because the signature covers it: bound how
    /// many connections strangers may hold where you put TLS in front of it.
    ///
    /// ```
    /// use approvals_backends::webhook::Webhook;
    ///
    /// let webhook = Webhook::builder("https://ops.example/approvals")
    ///     .sign_with("whsec_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=".parse()?)
    ///     .verify_with("whpk_iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=".parse()?)
    ///     .build()?;
    /// let app: axum::Router = axum::Router::new().nest("/approvals/decisions", webhook.router());
    /// // `.backend(webhook)` goes to the builder of the handle, and `app` to a server.
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "webhook-http")]
    pub fn router(&self) -> axum::Router {
        self.0.way_back.store(true, Ordering::Relaxed);
        callback::router(Arc::clone(&self.0.inbox))
    }
}

impl Parts {
    /// Where decisions are called back: looks after the first card whether anybody took the router, and says once that
    /// nobody did.
    async fn see_to_the_way_back(&self) {
        self.presented.notified().await;
        if !self.offers || self.way_back.load(Ordering::Relaxed) {
            return;
        }
        self.clock.sleep(MOUNTED_WITHIN).await;
        if !self.way_back.swap(true, Ordering::Relaxed) {
            tracing::warn!(backend = %self.name, "people can answer there and nothing brings their answers here; mount the router of the webhook, or let it ask");
        }
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("name", &self.0.name)
            .field("target", &self.0.target)
            .field("keys", &self.0.keys)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Backend for Webhook {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            provider: self.0.provider.clone(),
            assurance: self.0.assurance,
            cards_outlive_process: true,
        }
    }

    async fn check(&self) -> Result<(), BackendError> {
        self.0.check().await
    }

    async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
        let presented = self.0.present(card).await?;
        self.0.presented.notify_one();
        if let Some(asker) = &self.0.asker {
            asker.pending.follow(card);
        }
        Ok(presented)
    }

    async fn update(&self, card: &Card, reference: &Reference) -> Result<(), BackendError> {
        // Before it is sent: what is over is asked about no more, whether or not the endpoint could be told.
        if let Some(asker) = &self.0.asker {
            asker.pending.follow(card);
        }
        self.0.update(card, reference).await
    }

    async fn listen(&self, desk: Desk) -> Result<(), BackendError> {
        let _open = self.0.inbox.open(desk.clone());
        match &self.0.asker {
            Some(asker) => asker.run(&desk).await,
            None => self.0.see_to_the_way_back().await,
        }
        // The callback has its desk for as long as this lives.
        std::future::pending().await
    }
}
