//! Backends: where people are asked.

use std::fmt;

use async_trait::async_trait;

use crate::card::{Card, Shown};
use crate::desk::Desk;
use crate::id::{ProviderId, Reference};
use crate::ledger::PresentFailure;
use crate::people::Assurance;

/// Sends cards where people are and brings their answers to the desk.
///
/// A backend is trusted for who answered, but only for identities of the provider that it is registered for.
///
/// This one prints cards and is answered elsewhere, through the program `approvals`:
///
/// ```
/// use approvals_core::async_trait;
/// use approvals_core::backend::{Backend, BackendError, Capabilities, Presented};
/// use approvals_core::card::{Card, text};
/// use approvals_core::id::Reference;
/// use approvals_core::people::Assurance;
///
/// struct Printer;
///
/// #[async_trait]
/// impl Backend for Printer {
///     fn name(&self) -> &str {
///         "printer"
///     }
///
///     fn capabilities(&self) -> Capabilities {
///         let (provider, assurance) = ("printer".into(), Assurance::Local);
///         Capabilities { provider, assurance, cards_outlive_process: true }
///     }
///
///     async fn present(&self, card: &Card) -> Result<Presented, BackendError> {
///         let page = text::render(card, &Default::default());
///         print!("{}", page.text);
///         Ok(Presented { reference: Reference::new(&*card.request), shown: page.shown })
///     }
/// }
/// ```
///
/// One that is answered calls [`Desk::submit`] from [`listen`](Self::listen), and is judged by the suite of
/// `approvals_core::conformance::backend`, whose module has a whole one.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// Its name in the ledger, unless it is registered under another: `terminal`, `slack`, ….
    fn name(&self) -> &str;

    /// What it can do, as data.
    fn capabilities(&self) -> Capabilities;

    /// Puts a card where people are. Idempotent per request: presenting the same request again must not make a
    /// second card where the first still stands.
    ///
    /// # Errors
    /// Says whether trying again can help; core tries again until the request's deadline.
    async fn present(&self, card: &Card) -> Result<Presented, BackendError>;

    /// Whether a card could reach people now: is there a terminal, does the service answer, is the token good? Asked by
    /// [`Approvals::doctor`](crate::handle::Approvals::doctor), never by a call. Sends nobody anything. The default
    /// says yes.
    ///
    /// # Errors
    /// What [`present`](Self::present) would say.
    async fn check(&self) -> Result<(), BackendError> {
        Ok(())
    }

    /// Brings a card that [`present`](Self::present) placed up to date: somebody answered, or there is a verdict.
    /// Idempotent: the same state may be told more than once, also by another process than the one that presented.
    ///
    /// # Errors
    /// Are logged; the request does not depend on it. A temporary one is tried again, for about two hours. Where the
    /// card outlives its process, how the request ended is told by the next start too, within a day of the request.
    async fn update(&self, card: &Card, reference: &Reference) -> Result<(), BackendError> {
        let _ = (card, reference);
        Ok(())
    }

    /// Brings answers to the desk until it is dropped. The default brings none: for a backend whose answers come
    /// through a server that calls the desk.
    ///
    /// # Errors
    /// Are logged; it is not called again.
    async fn listen(&self, desk: Desk) -> Result<(), BackendError> {
        let _ = desk;
        Ok(())
    }
}

/// What a backend can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Whose identities its answers carry.
    pub provider: ProviderId,
    /// How strongly it authenticates them.
    pub assurance: Assurance,
    /// Its cards outlive this process, so a restart need not present again.
    pub cards_outlive_process: bool,
}

/// A card that was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// Where, so that a restarted process can bring it up to date.
    pub reference: Reference,
    /// How much of the request it shows. A part carries no approve control, and the desk refuses an approval.
    pub shown: Shown,
}

/// A backend could not do what it was asked.
#[derive(Debug, Clone)]
pub struct BackendError {
    why: PresentFailure,
    retry: bool,
    message: String,
}

impl BackendError {
    /// An error that the same call will meet again.
    pub fn permanent(why: PresentFailure, message: impl Into<String>) -> Self {
        Self { why, retry: false, message: message.into() }
    }

    /// An error that may pass.
    pub fn temporary(why: PresentFailure, message: impl Into<String>) -> Self {
        Self { why, retry: true, message: message.into() }
    }

    /// What the ledger says of it.
    pub fn why(&self) -> PresentFailure {
        self.why
    }

    /// Whether trying again can help.
    pub fn is_temporary(&self) -> bool {
        self.retry
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BackendError {}
