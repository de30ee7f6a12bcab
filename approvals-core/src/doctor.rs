//! The doctor: looks at a ledger, its people and its backends, says what is wrong and what to do about it, and changes
//! nothing.
//!
//! [`Doctor`] sees what the ledger and a directory show, from any process; [`Approvals::doctor`] adds the policy and the
//! backends, which only the process of the agent has. The program `approvals doctor` adds the files.
//!
//! [`Approvals::doctor`]: crate::handle::Approvals::doctor

mod failures;
mod handle;
mod look;

mod people;
mod processes;
mod requests;
#[cfg(test)]
mod tests;
mod ways;

use std::fmt;

use serde::Serialize;

pub use self::look::Doctor;
use crate::card::visible;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Works, and somebody should know.
    Warning,
    /// Something does not work, or protects nobody.
    Problem,
}

impl Severity {
    /// `ok`, `warning` or `problem`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing that was looked at.
///
/// Its texts are as they came, names and paths of others among them; `Display` makes them visible (law 13).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was looked at, as one stable word: `store`, `key`, `clock`, `request`, ….
    pub check: &'static str,
    /// Which one: a path, an id, a name.
    pub subject: String,
    /// What was found.
    pub says: String,
    /// What to do about it; absent where nothing has to be done.
    pub remedy: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn ok(check: &'static str, subject: impl Into<String>, says: impl Into<String>) -> Self {
        Self { severity: Severity::Ok, check, subject: subject.into(), says: says.into(), remedy: None }
    }

    /// Works, and somebody should know.
    pub fn warning(
        check: &'static str,
        subject: impl Into<String>,
        says: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let remedy = Some(remedy.into());
        Self { severity: Severity::Warning, remedy, ..Self::ok(check, subject, says) }
    }

    /// Does not work, or protects nobody.
    pub fn problem(
        check: &'static str,
        subject: impl Into<String>,
        says: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { severity: Severity::Problem, ..Self::warning(check, subject, says, remedy) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |text: &str| text.split(' ').map(visible).collect::<Vec<_>>().join(" ");
        write!(f, "{}: {} {}: {}", self.severity, self.check, shown(&self.subject), shown(&self.says))?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {}", shown(remedy)),
            None => Ok(()),
        }
    }
}

/// Everything that was looked at, in the order it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many findings are so bad.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Whether there is no problem. Warnings there may be.
    pub fn is_healthy(&self) -> bool {
        self.count(Severity::Problem) == 0
    }
}

impl Extend<Finding> for Report {
    fn extend<I: IntoIterator<Item = Finding>>(&mut self, findings: I) {
        self.findings.extend(findings);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.findings.iter().try_for_each(|finding| writeln!(f, "{finding}"))
    }
}

/// A text as one word of a command that a remedy spells out: bare if a shell takes it as it is, in single quotes
/// otherwise. Whoever may name a file must not write the command that mends it.
///
/// ```
/// use approvals_core::doctor::quoted;
/// assert_eq!(quoted("/srv/approvals.db"), "/srv/approvals.db");
/// assert_eq!(quoted("/srv/a;reboot"), "'/srv/a;reboot'");
/// assert_eq!(quoted("it's"), r#"'it'"'"'s'"#);
/// assert_eq!(quoted("-R"), "./-R");
/// ```
pub fn quoted(word: &str) -> String {
    let dashed = if word.starts_with('-') { "./" } else { "" };
    let bare = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    match !word.is_empty() && word.chars().all(bare) {
        true => format!("{dashed}{word}"),
        // Without a backslash, which a terminal shows doubled.
        false => format!("'{dashed}{}'", word.replace('\'', r#"'"'"'"#)),
    }
}
