//! The manifest as a file.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::{Diff, Manifest};

/// The format that is written and read.
const FORMAT: u64 = 1;
/// The most of a file that is read, in bytes.
const LONGEST: u64 = 16 << 20;

/// The linker gathers the actions of two crates of one version into one list, and neither can read it.
pub(crate) const TWO_SOURCES: &str = concat!(
    "version ",
    env!("CARGO_PKG_VERSION"),
    " of `approvals-core` is in this program twice, from two sources; `cargo tree --duplicates` says who brings each: \
     take both from one source"
);

/// Why there is no manifest, or none to compare with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The platform cannot gather the actions of a program.
    #[error(
        "no manifest can be gathered on this platform ({}, {}); take it from a build for Linux, macOS or Windows",
        std::env::consts::OS,
        std::env::consts::ARCH
    )]
    Unsupported,
    /// This version of the crate is in the program twice, as from a registry and from git.
    #[error("{}", TWO_SOURCES)]
    TwoSources,
    /// Two gated functions of this program have one name.
    #[error("two actions are named `{name}`: {first} and {second}; give one `action = \"…\"` of its own")]
    ActionTwice {
        /// The name.
        name: String,
        /// File and line of one.
        first: String,
        /// File and line of the other.
        second: String,
    },
    /// There is no such file.
    #[error(
        "there is no manifest at `{0}`; write it with `approvals::manifest()?.write(…)`, read it through, and commit it"
    )]
    Missing(PathBuf),
    /// The file cannot be read.
    #[error("`{path}` cannot be read: {why}; check the path and its permissions")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
    /// The file is no manifest.
    #[error("`{path}`: {why}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: InvalidManifest,
    },
    /// The file cannot be written.
    #[error("`{path}` cannot be written: {why}; check that its folder exists and may be written to")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: io::Error,
    },
}

/// A text that is not a manifest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidManifest {
    /// It has another format.
    #[error(
        "its format is {0} and this version reads {FORMAT}; compare with the version of `approvals` that wrote it, or write \
         it anew"
    )]
    Format(u64),
    /// It is malformed, or has a field that is not known.
    #[error("it is no manifest: {0}; write it anew, or take it from version control")]
    Malformed(String),
    /// A name stands there twice.
    #[error("{what} `{name}` stands there twice; write it anew, or take it from version control")]
    Twice {
        /// What it names.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// It is too long.
    #[error("it is longer than {} MiB, which no manifest is; check the path", LONGEST >> 20)]
    TooLong,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u64,
    actions: &'a [Entry],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "format")]
    _format: u64,
    actions: Vec<Entry>,
}

/// What every format has in common.
#[derive(Deserialize)]
struct Head {
    format: u64,
}

impl Manifest {
    /// The manifest as JSON on many lines, as [`write`](Self::write) writes it.
    pub fn to_json(&self) -> String {
        let written = Written { format: FORMAT, actions: &self.entries };
        // Strings, numbers and lists of them, which JSON always has a place for.
        let mut json = serde_json::to_string_pretty(&written).unwrap_or_default();
        json.push('\n');
        json
    }

    /// Reads a manifest from a regular file, of at most 16 MiB.
    ///
    /// # Errors
    /// [`ManifestError::Missing`], `Unreadable` or `Invalid`.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ManifestError> {
        let path = path.as_ref();
        let bytes = read(path).map_err(|why| match why.kind() {
            io::ErrorKind::NotFound => ManifestError::Missing(path.to_owned()),
            _ => ManifestError::Unreadable { path: path.to_owned(), why },
        })?;
        parse(&bytes).map_err(|why| ManifestError::Invalid { path: path.to_owned(), why })
    }

    /// Writes the manifest to a file, which is replaced as a whole or not at all.
    ///
    /// # Errors
    /// [`ManifestError::Unwritable`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), ManifestError> {
        let path = path.as_ref();
        replace(path, self.to_json().as_bytes())
            .map_err(|why| ManifestError::Unwritable { path: path.to_owned(), why })
    }

    /// What is different in this manifest from the one in a file.
    ///
    /// # Errors
    /// [`ManifestError::Missing`], `Unreadable` or `Invalid`: a file that tells nothing is not "no difference".
    pub fn diff(&self, path: impl AsRef<Path>) -> Result<Diff, ManifestError> {
        let path = path.as_ref();
        Ok(self.since(&Self::read(path)?).against(path))
    }
}

impl FromStr for Manifest {
    type Err = InvalidManifest;

    fn from_str(text: &str) -> Result<Self, InvalidManifest> {
        parse(text.as_bytes())
    }
}

fn parse(bytes: &[u8]) -> Result<Manifest, InvalidManifest> {
    if bytes.len() as u64 > LONGEST {
        return Err(InvalidManifest::TooLong);
    }
    let malformed = |e: serde_json::Error| InvalidManifest::Malformed(e.to_string());
    let Head { format } = serde_json::from_slice(bytes).map_err(malformed)?;
    if format != FORMAT {
        return Err(InvalidManifest::Format(format));
    }
    let Document { mut actions, .. } = serde_json::from_slice(bytes).map_err(malformed)?;
    for entry in &actions {
        once("argument", entry.arguments.iter().map(|argument| &argument.name))?;
        once("label", entry.labels.iter().map(|label| &label.name))?;
    }
    once("action", actions.iter().map(|entry| &entry.action))?;
    actions.sort_by(|a, b| a.action.cmp(&b.action));
    Ok(Manifest { entries: actions })
}

fn once<'a>(what: &'static str, names: impl Iterator<Item = &'a String>) -> Result<(), InvalidManifest> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(InvalidManifest::Twice { what, name: name.clone() });
        }
    }
    Ok(())
}

/// At most one byte more than a manifest may have, so that its length is then refused.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Before it is opened: whoever opens a pipe waits for its other end, for ever. A device has no end at all.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes beside the file and renames, so that no reader and no crash sees half of it.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it names no file"));
    };
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}.{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let beside = path.with_file_name(beside);
    let mut file = File::create_new(&beside)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let replaced = written.and_then(|()| fs::rename(&beside, path));
    if replaced.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    replaced
}
