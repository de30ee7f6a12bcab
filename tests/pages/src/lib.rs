//! The pages in `docs/`: each block of Rust on them is a test of this package, so that no page falls behind the code.
//!
//! A package of its own and not the facade, whose tests are built with few crates. A page that has Rust on it and does not
//! stand here is a failure of the rules.

#[cfg(doctest)]
#[doc = include_str!("../../../docs/agents.md")]
pub mod agents {}

#[cfg(doctest)]
#[doc = include_str!("../../../docs/gate-does-not-compile.md")]
pub mod gate_does_not_compile {}

#[cfg(doctest)]
#[doc = include_str!("../../../docs/platform-teams.md")]
pub mod platform_teams {}

#[cfg(doctest)]
#[doc = include_str!("../../../docs/test-authors.md")]
pub mod test_authors {}

#[cfg(doctest)]
#[doc = include_str!("../../../docs/webhook.md")]
pub mod webhook {}
