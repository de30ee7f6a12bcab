//! A library that hands the facade on to its users, and gates functions of its own.
#![deny(missing_docs)]

/// The facade, for users who gate functions with `crate = ::toolkit::approvals`.
pub use approvals;
/// The attribute alone.
pub use approvals::requires_approval as gated;

/// The facade deeper inside.
pub mod prelude {
    /// What a user of this library needs of the facade.
    pub mod gates {
        pub use approvals::*;
    }
}

/// Wipes a disk.
///
/// # Errors
/// A refusal.
#[approvals::requires_approval(risk = "high", action = "toolkit.wipe")]
pub async fn wipe(disk: &str) -> Result<usize, approvals::ApprovalError> {
    Ok(disk.len())
}

/// Writes a gated function for a user who depends on this library alone.
#[macro_export]
macro_rules! gate {
    ($action:literal, $name:ident($argument:ident: $ty:ty)) => {
        #[$crate::gated(risk = "high", action = $action, crate = $crate::approvals)]
        async fn $name($argument: $ty) -> ::core::result::Result<$ty, $crate::approvals::ApprovalError> {
            ::core::result::Result::Ok($argument)
        }
    };
}
