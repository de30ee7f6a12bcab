#![cfg_attr(all(feature = "macros", feature = "sqlite", feature = "people-toml", feature = "terminal"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "macros", feature = "sqlite", feature = "people-toml", feature = "terminal")),
    doc = "Action-level approvals: a privileged async function runs only after enough of the right people said yes to \
           exactly this call."
)]

#[cfg(feature = "terminal")]
pub use approvals_backends::terminal::{self, Terminal};
#[cfg(feature = "http")]
pub use approvals_backends::transport;
#[cfg(feature = "webhook")]
pub use approvals_backends::webhook;
#[doc(hidden)]
pub use approvals_core::__private;
pub use approvals_core::action::{ActionSite, Risk};
/// For those who write a policy, a store, a backend or a directory of their own: their traits take it.
pub use approvals_core::async_trait;
pub use approvals_core::call::{Call, Context, LiveCall};
#[cfg(feature = "conformance")]
pub use approvals_core::conformance;
pub use approvals_core::error::{ApprovalError, ErrorKind};
pub use approvals_core::handle::{
    AlreadyInstalled, Approvals, BuildError, Builder, Gated, ShutdownError, Task, TaskError,
};
pub use approvals_core::people::{Agent, Assurance, Identity, People, Person, Principal};
pub use approvals_core::policy::{Policy, RiskPolicy};
pub use approvals_core::secret::Secret;
#[cfg(feature = "testing")]
pub use approvals_core::testing;
pub use approvals_core::{
    action, backend, call, capture, card, desk, doctor, id, ledger, manifest, people, policy, request,
    secret, state, time,
};
#[cfg(feature = "macros")]
pub use approvals_macros::requires_approval;
#[cfg(feature = "sqlite")]
pub use approvals_stores::{Sqlite, SqliteOptions};
