//! A library with gates in places that a linker might think it can leave out.

use approvals::{ApprovalError, requires_approval};
use serde::Serialize;

mod private {
    use super::{ApprovalError, requires_approval};

    /// Nothing calls it.
    #[requires_approval(risk = "critical", action = "library.never_called", reason = "wipes {disk}")]
    #[expect(dead_code, reason = "that is the point")]
    async fn never_called(disk: String) -> Result<(), ApprovalError> {
        drop(disk);
        Ok(())
    }
}

/// What the program names of this library.
pub fn name() -> &'static str {
    "gated_library"
}

/// Public, not generic, never called.
///
/// # Errors
/// If nobody approves.
#[requires_approval(risk = "high", reason = "exports {rows} rows", use_within = "15m", sensitivity = "pii")]
pub async fn export(rows: u64, #[approval(secret)] token: String) -> Result<u64, ApprovalError> {
    drop(token);
    Ok(rows)
}

/// Generic and instantiated nowhere, with a gate in a function inside of it.
///
/// # Errors
/// If nobody approves.
#[requires_approval(risk = "medium", action = "library.generic")]
pub async fn generic<T: Serialize + Sync>(value: &T) -> Result<(), ApprovalError> {
    #[requires_approval(risk = "low", action = "library.inside_generic")]
    async fn inside() -> Result<(), ApprovalError> {
        Ok(())
    }
    let _ = value;
    inside().await
}

/// Has gated methods.
#[derive(Debug, Serialize)]
pub struct Account<T>(pub T);

impl<T: Serialize + Sync> Account<T> {
    /// In an impl of a generic type.
    ///
    /// # Errors
    /// If nobody approves.
    #[requires_approval(
        risk = if cents > 10_000 { approvals::Risk::High } else { approvals::Risk::Low },
        action = "library.close",
        key = "{cents}",
        wait = "1s",
        show(account = self.0)
    )]
    pub async fn close(&self, cents: u64) -> Result<u64, ApprovalError> {
        Ok(cents)
    }
}

/// A trait with gates in its impls.
pub trait Wipe {
    /// Wipes.
    fn wipe(&self) -> impl Future<Output = Result<(), ApprovalError>> + Send;
}

impl Wipe for u8 {
    #[requires_approval(risk = "high", action = "library.wipe_u8", key = "{disk}", show(disk = self), rerunnable)]
    async fn wipe(&self) -> Result<(), ApprovalError> {
        Ok(())
    }
}
