//! Where the actions of a binary are gathered: a section of it, on platforms whose linkers keep one.
//!
//! Decided here and not in the expansion, whose `cfg`s would be those of the user's crate. The systems are those that
//! linkme knows, less those without a standard library: on any other it would not compile.

#[cfg(all(
    not(approvals_no_manifest),
    not(target_family = "wasm"),
    any(
        target_os = "android",
        target_os = "freebsd",
        target_os = "fuchsia",
        target_os = "illumos",
        target_os = "ios",
        target_os = "linux",
        target_os = "macos",
        target_os = "openbsd",
        target_os = "tvos",
        target_os = "windows",
    )
))]
pub(crate) mod gathered {
    use crate::action::ActionSite;

    /// Every action of this version of the crate that is linked into this binary.
    ///
    /// The linker gathers by this name alone, over all crates: the version in it keeps the lists of two versions apart,
    /// whose entries may differ in layout.
    #[linkme::distributed_slice]
    pub static APPROVALS_SITES_0_1_0: [ActionSite];
    pub use APPROVALS_SITES_0_1_0 as SITES;

    /// Every action that is linked into this binary; `None` where that cannot be told.
    pub fn sites() -> Option<&'static [ActionSite]> {
        Some(&SITES)
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
}

#[cfg(not(all(
    not(approvals_no_manifest),
    not(target_family = "wasm"),
    any(
        target_os = "android",
        target_os = "freebsd",
        target_os = "fuchsia",
        target_os = "illumos",
        target_os = "ios",
        target_os = "linux",
        target_os = "macos",
        target_os = "openbsd",
        target_os = "tvos",
        target_os = "windows",
    )
)))]
pub(crate) mod gathered {
    use crate::action::ActionSite;

    /// Every action that is linked into this binary; `None` where that cannot be told.
    pub fn sites() -> Option<&'static [ActionSite]> {
        None
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
}

#[cfg(all(test, not(approvals_no_manifest)))]
mod tests {
    #[test]
    fn the_platform_of_the_tests_gathers_actions() {
        assert!(super::gathered::sites().is_some());
    }

    #[test]
    fn the_list_of_sites_is_named_for_the_version() {
        let version = env!("CARGO_PKG_VERSION").replace(['.', '-', '+'], "_");
        let wanted = format!("pub static APPROVALS_SITES_{version}: ");
        assert!(include_str!("sites.rs").contains(&wanted), "rename it: `{wanted}…`");
    }
}
