//! Every gated action of a binary, for a test to compare and an auditor to read.
//!
//! [`manifest()`] lists what is linked into the running program: actions in libraries and in the program itself, in
//! functions that are generic, private or never called, in methods and in functions inside of functions. Keep it as a
//! file beside the code and compare it in a test: the build fails when a gate is added, removed or changed, until
//! somebody has looked at the difference and committed the new file.
//!
//! ```no_run
//! # use approvals_core as approvals;
//! let diff = approvals::manifest()?.diff("approvals.json")?;
//! assert!(diff.is_empty(), "{diff}");
//! # Ok::<(), approvals::manifest::ManifestError>(())
//! ```
//!
//! The example `manifest` of the repository is a program with such a test; `approvals manifest diff OLD NEW` compares
//! two files.
//!
//! # What is in it
//!
//! - What is linked, and nothing else. A library that no code names is not: a test in a folder `tests/` names those that
//!   the program is made of, `use my_agent as _;`. Neither is an action behind a feature or a `cfg` that is off: take the
//!   manifest with the features that you ship.
//! - What the code declares, not what it computes: where `risk`, `show`, `secret`, a label or `approvals` is an
//!   expression, its text is, so that a change of it is a difference. What a function that it calls does is not, and
//!   neither are `error` and the body. Those are reviewed as code.
//! - One image: a dynamic library that the program loads has a manifest of its own.
//! - Calls without the attribute ([`Call::new`](crate::call::Call::new)) have no site in the code and are not listed.
//!
//! Optimised, stripped and with link-time optimisation, a program has the same manifest. Where the platform cannot
//! gather it, as on WebAssembly, [`manifest()`] is [`ManifestError::Unsupported`] and never a shorter list.
//!
//! # The file
//!
//! JSON, sorted by action, with fields in a fixed order and absent where nothing is declared, so that a difference
//! between two versions reads well too. Durations are in seconds. See [`Entry`] for each field.
//!
//! ```
//! let text = r#"{
//!   "format": 1,
//!   "actions": [
//!     {
//!       "action": "dataset.export",
//!       "file": "src/export.rs",
//!       "risk": "high",
//!       "reason": "exports {rows} rows",
//!       "arguments": [
//!         {
//!           "name": "rows",
//!           "treatment": "shown"
//!         },
//!         {
//!           "name": "pool",
//!           "treatment": {
//!             "skipped": "a handle"
//!           }
//!         }
//!       ],
//!       "reviewers": 2,
//!       "use_within": 900
//!     }
//!   ]
//! }
//! "#;
//! let manifest: approvals_core::manifest::Manifest = text.parse()?;
//! assert_eq!(manifest.to_json(), text);
//! # Ok::<(), approvals_core::manifest::InvalidManifest>(())
//! ```
//!
//! It is read strictly: another format, an unknown field or a name that stands there twice is an error.

mod diff;
mod entry;
mod file;
pub(crate) mod sites;
#[cfg(test)]
mod tests;
mod weaker;

use std::fmt;

pub use self::diff::{Change, Diff, Effect, Part};
pub use self::entry::{Argument, Entry, Label, Treatment};
pub(crate) use self::file::TWO_SOURCES;
pub use self::file::{InvalidManifest, ManifestError};
use self::sites::Ungathered;
use crate::action::ActionSite;

/// Every action that is linked into this program, sorted by name.
///
/// # Errors
/// [`ManifestError::Unsupported`] where the platform cannot gather them, [`ManifestError::TwoSources`] where this
/// version of the crate is in the program twice, and [`ManifestError::ActionTwice`] for two with one name. `build()`
/// refuses the last two as well.
///
/// ```
/// println!("{}", approvals_core::manifest()?);
/// # Ok::<(), approvals_core::manifest::ManifestError>(())
/// ```
pub fn manifest() -> Result<Manifest, ManifestError> {
    Manifest::of(sites::platform::sites())
}

/// Gated actions, sorted by name, each name once. See [`manifest()`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    entries: Vec<Entry>,
}

impl Manifest {
    fn of(sites: Result<&[ActionSite], Ungathered>) -> Result<Self, ManifestError> {
        let sites = sites.map_err(|why| match why {
            Ungathered::Unsupported => ManifestError::Unsupported,
            Ungathered::TwoSources => ManifestError::TwoSources,
        });
        let mut sites: Vec<&ActionSite> = sites?.iter().collect();
        sites.sort_by_key(|site| (site.name(), site.file, site.line));
        let place = |site: &ActionSite| format!("{}:{}", site.file, site.line);
        for pair in sites.windows(2) {
            if let [one, other] = pair
                && one.name == other.name
            {
                let (first, second) = (place(one), place(other));
                return Err(ManifestError::ActionTwice { name: one.name().to_owned(), first, second });
            }
        }
        Ok(Self { entries: sites.into_iter().map(Entry::of).collect() })
    }

    /// The actions, sorted by name.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The action of that name.
    pub fn entry(&self, action: &str) -> Option<&Entry> {
        let at = self.entries.binary_search_by(|entry| entry.action.as_str().cmp(action)).ok()?;
        self.entries.get(at)
    }
}

/// For people: an action and what is declared of it, one below the other. Hidden characters are made visible.
impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, entry) in self.entries.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{entry}")?;
        }
        if self.entries.is_empty() {
            writeln!(f, "no action is gated")?;
        }
        Ok(())
    }
}
