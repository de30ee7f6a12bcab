//! Action-level approvals: a privileged async function runs only after enough of the right people said yes to exactly
//! this call.

pub use approvals_core::__private;
pub use approvals_core::action::{ActionSite, Risk};
pub use approvals_core::backend;
pub use approvals_core::call::{Call, Context};
pub use approvals_core::card;
pub use approvals_core::desk;
pub use approvals_core::error::{ApprovalError, ErrorKind};
pub use approvals_core::handle::{AlreadyInstalled, Approvals, BuildError, Builder};
pub use approvals_core::id;
pub use approvals_core::ledger;
pub use approvals_core::people::{self, Agent, Assurance, Identity, People, Person, Principal};
pub use approvals_core::policy::{self, Policy, RiskPolicy};
pub use approvals_core::request;
pub use approvals_core::secret::Secret;
pub use approvals_core::state;
pub use approvals_core::time;
#[cfg(feature = "sqlite")]
pub use approvals_stores::{Sqlite, SqliteOptions};
