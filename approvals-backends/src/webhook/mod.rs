#![doc = include_str!("docs.md")]

mod builder;
mod nonce;
mod outcome;
mod present;
pub mod schema;
pub mod signature;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use approvals_core::backend::{Backend, BackendError, Capabilities, Presented};
use approvals_core::card::Card;
use approvals_core::id::{Chance, ProviderId, Reference};
use approvals_core::people::Assurance;
use approvals_core::time::Clock;
use async_trait::async_trait;

pub use self::builder::{WebhookBuilder, WebhookError};
use self::outcome::Stop;
use self::signature::SigningKey;
use crate::transport::{Retry, Target, Transport};

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
    max_body: usize,
    retry: Retry,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    stop: Stop,
}

impl Webhook {
    /// A backend for the endpoint at a URL: `https`, or `http` on this machine.
    pub fn builder(url: impl Into<String>) -> WebhookBuilder {
        WebhookBuilder::new(url.into())
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
        self.0.present(card).await
    }

    async fn update(&self, card: &Card, reference: &Reference) -> Result<(), BackendError> {
        self.0.update(card, reference).await
    }
}
