//! Where the actions of a binary are gathered: a section of it, on platforms whose linkers keep one.
//!
//! Decided here and not in the expansion, whose `cfg`s would be those of the user's crate. The systems are those that
//! linkme knows, less those without a standard library: on any other it would not compile.

#[cfg_attr(
    all(
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
    ),
    path = "sites/linked.rs"
)]
pub(crate) mod platform;

/// Why nobody can tell which actions are linked into this binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ungathered {
    /// The linker of this platform gathers nothing.
    Unsupported,
    /// Two crates of this version, from two sources, each have a list of that name.
    TwoSources,
}

#[cfg(all(test, not(approvals_no_manifest)))]
mod tests {
    #[test]
    fn the_platform_of_the_tests_gathers_actions() {
        assert!(super::platform::sites().is_ok());
    }

    #[test]
    fn the_list_of_sites_is_named_for_the_version() {
        let version = env!("CARGO_PKG_VERSION").replace(['.', '-', '+'], "_");
        let wanted = format!("pub static APPROVALS_SITES_{version}: ");
        assert!(include_str!("sites/linked.rs").contains(&wanted), "rename it: `{wanted}…`");
    }
}
