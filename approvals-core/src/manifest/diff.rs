//! What is different between two manifests.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::{Entry, Manifest, weaker};
use crate::card::visible;

/// The changes from one manifest to another, sorted by action. Empty if both ask for the same.
///
/// `Display` is for the log of a build: a line for each change and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    changes: Vec<Change>,
    path: Option<PathBuf>,
}

/// One change of one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The action.
    pub action: String,
    /// What of it changed.
    pub part: Part,
    /// What that means for whoever relies on the gate.
    pub effect: Effect,
    /// How it was, in words; `None` if it was not there.
    pub old: Option<String>,
    /// How it is, in words; `None` if it is not there any more.
    pub new: Option<String>,
    /// What it means, as a sentence without its full stop.
    pub meaning: &'static str,
}

/// What a change means for whoever relies on the gate.
///
/// Nothing that could ask for less, show less or bind less is anything but `Weakened`. What cannot be told, such as
/// whether another reason or another expression is a better one, is `Weakened` too: a person has to look. A text, a label or a shown argument
/// that is only added is `Other`; a policy of yours that asks for less because of it is not seen here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The gate may ask for less, show less or bind less than it did.
    Weakened,
    /// The gate asks for more, and for nothing less.
    Strengthened,
    /// Neither.
    Other,
}

/// A part of an action that can change. In text and JSON the word in the code, `gate` for the whole, and for an
/// argument or a label its name behind the word: `argument rows`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The whole gate: it is new, or gone.
    Gate,
    /// The risk.
    Risk,
    /// What kind of data it touches.
    Sensitivity,
    /// The template of the reason.
    Reason,
    /// The template of the resource.
    Resource,
    /// The template of the key.
    Key,
    /// An argument.
    Argument(String),
    /// The order of the arguments.
    Arguments,
    /// A label.
    Label(String),
    /// The order of the labels.
    Labels,
    /// How many people, and of which groups.
    Reviewers,
    /// Life of a request.
    DecideWithin,
    /// Life of a permit.
    UseWithin,
    /// How long a call blocks.
    Wait,
    /// Whether the body may run again after a crash.
    Rerunnable,
    /// The handle that the author names.
    Handle,
    /// The file that it stands in.
    File,
}

impl Manifest {
    /// What is different in this manifest from an older one.
    pub fn since(&self, old: &Self) -> Diff {
        let actions: BTreeSet<&str> =
            self.entries.iter().chain(&old.entries).map(|entry| entry.action.as_str()).collect();
        let changes = actions.into_iter().flat_map(|action| match (old.entry(action), self.entry(action)) {
            (Some(old), Some(new)) => weaker::changes(old, new),
            (Some(old), None) => vec![Change::gate(old, Effect::Weakened, Some(old), None)],
            (None, Some(new)) => vec![Change::gate(new, Effect::Other, None, Some(new))],
            (None, None) => Vec::new(),
        });
        Diff { changes: changes.collect(), path: None }
    }
}

impl Diff {
    pub(super) fn against(mut self, path: &Path) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Every change, sorted by action.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The changes by which a gate may ask for less than it did, a gate that is gone among them.
    pub fn weakened(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.effect == Effect::Weakened)
    }
}

impl Change {
    fn gate(entry: &Entry, effect: Effect, old: Option<&Entry>, new: Option<&Entry>) -> Self {
        let told = |entry: &Entry| {
            let risk = entry.risk.map_or("varies", crate::action::Risk::as_str);
            format!("risk {risk}, in {}", visible(&entry.file))
        };
        let meaning = match new {
            None => "nothing asks before it runs any more, unless it was renamed",
            Some(_) => "check that it asks for enough",
        };
        let (old, new) = (old.map(told), new.map(told));
        Self { action: entry.action.clone(), part: Part::Gate, effect, old, new, meaning }
    }
}

impl Effect {
    /// `weakened`, `strengthened` or `other`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Weakened => "weakened",
            Self::Strengthened => "strengthened",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gate => "gate",
            Self::Risk => "risk",
            Self::Sensitivity => "sensitivity",
            Self::Reason => "reason",
            Self::Resource => "resource",
            Self::Key => "key",
            Self::Argument(name) => return write!(f, "argument {}", visible(name)),
            Self::Arguments => "arguments",
            Self::Label(name) => return write!(f, "label {}", visible(name)),
            Self::Labels => "labels",
            Self::Reviewers => "reviewers",
            Self::DecideWithin => "decide_within",
            Self::UseWithin => "use_within",
            Self::Wait => "wait",
            Self::Rerunnable => "rerunnable",
            Self::Handle => "approvals",
            Self::File => "file",
        })
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One line: `weakened: refund: risk was "high", is "low": …`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { effect, part, meaning, .. } = self;
        write!(f, "{effect}: {}: ", visible(&self.action))?;
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => write!(f, "{part} was `{old}`, is `{new}`")?,
            (Some(old), None) => write!(f, "{part} removed, was `{old}`")?,
            (None, Some(new)) => write!(f, "{part} added, is `{new}`")?,
            (None, None) => write!(f, "{part}")?,
        }
        write!(f, "; {meaning}")
    }
}

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no gate was added, removed or changed");
        }
        let changes = self.changes.len();
        let s = if changes == 1 { "" } else { "s" };
        write!(f, "{changes} change{s} of what the code asks people for, ")?;
        match self.weakened().count() {
            0 => f.write_str("none of them weakens a gate:\n")?,
            weaker => writeln!(f, "{weaker} of them may weaken a gate:")?,
        }
        for change in &self.changes {
            writeln!(f, "  {change}")?;
        }
        f.write_str("if this is meant, write the new manifest with `approvals::manifest()?.write(")?;
        match &self.path {
            Some(path) => write!(f, "{:?}", path.display().to_string())?,
            None => f.write_str("…")?,
        }
        f.write_str(")` and commit it, so that somebody reviews the difference")
    }
}
