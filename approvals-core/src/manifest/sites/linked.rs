//! A platform whose linker gathers the actions.

use std::panic::catch_unwind;
use std::sync::OnceLock;

use super::Ungathered;
use crate::action::ActionSite;

/// Every action of this version of the crate that is linked into this binary.
///
/// The linker gathers by this name alone, over all crates: the version in it keeps the lists of two versions apart,
/// whose entries may differ in layout.
#[linkme::distributed_slice]
pub static APPROVALS_SITES_0_1_0: [ActionSite];
pub use APPROVALS_SITES_0_1_0 as SITES;

/// Every action that is linked into this binary.
///
/// # Errors
/// If two crates of this version each have a list.
pub fn sites() -> Result<&'static [ActionSite], Ungathered> {
    static FOUND: OnceLock<Result<&'static [ActionSite], Ungathered>> = OnceLock::new();
    // linkme panics at a second list of the name, before it reads either.
    *FOUND.get_or_init(|| catch_unwind(|| SITES.static_slice()).map_err(|_| Ungathered::TwoSources))
}

/// Declares the static of a site, puts it into the section and refers to it.
#[doc(hidden)]
#[macro_export]
macro_rules! __site {
    (static $name:ident $($site:tt)*) => {{
        #[$crate::__private::linkme::distributed_slice($crate::__private::SITES)]
        #[linkme(crate = $crate::__private::linkme)]
        static $name $($site)*
        &$name
    }};
}
