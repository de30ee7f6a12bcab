//! A platform whose linker gathers nothing.

use super::Ungathered;
use crate::action::ActionSite;

/// Every action that is linked into this binary, which cannot be told.
///
/// # Errors
/// Always: it is unsupported.
pub fn sites() -> Result<&'static [ActionSite], Ungathered> {
    Err(Ungathered::Unsupported)
}

/// Declares the static of a site, which nothing gathers here, and refers to it.
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    (static $name:ident $($site:tt)*) => {{
        static $name $($site)*
        &$name
    }};
}
