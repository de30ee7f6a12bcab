//! What was found of an endpoint.

use std::fmt;

use serde::Serialize;

/// Whether an endpoint keeps a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does.
    Ok,
    /// It does not.
    Wrong,
    /// From here that cannot be seen.
    NotTold,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Wrong => "wrong",
            Self::NotTold => "not told",
        })
    }
}

/// What was found of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EndpointFinding {
    /// The word for the rule, such as `repeat`. Does not change.
    pub rule: &'static str,
    /// Whether it is kept.
    pub verdict: Verdict,
    /// What was seen, on one line.
    pub says: String,
    /// What to do; of a rule that is kept, nothing.
    pub remedy: Option<String>,
}

impl EndpointFinding {
    pub(super) fn new(rule: &'static str, found: Found) -> Self {
        let (verdict, says, remedy) = match found {
            Found::Ok(says) => (Verdict::Ok, says, None),
            Found::Wrong(says, remedy) => (Verdict::Wrong, says, Some(remedy)),
            Found::NotTold(says, remedy) => (Verdict::NotTold, says, Some(remedy)),
        };
        Self { rule, verdict, says, remedy }
    }
}

/// What was seen, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Ok(String),
    Wrong(String, String),
    NotTold(String, String),
}

impl Found {
    /// From an error whose text says the remedy behind its first semicolon.
    pub(super) fn wrong(error: &dyn fmt::Display) -> Self {
        let text = error.to_string();
        let (says, remedy) = text.split_once("; ").unwrap_or((&text, "see the log of the endpoint"));
        Self::Wrong(says.to_owned(), remedy.to_owned())
    }
}

/// What was found of an endpoint, in the order it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EndpointReport {
    /// One for every rule, also for those that could not be looked at.
    pub findings: Vec<EndpointFinding>,
}

impl EndpointReport {
    /// Whether no rule is broken. What could not be told is none.
    pub fn is_sound(&self) -> bool {
        self.count(Verdict::Wrong) == 0
    }

    /// How many rules came out so.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }
}

/// A line for each rule, and beneath it what to do.
impl fmt::Display for EndpointReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for EndpointFinding { rule, verdict, says, remedy } in &self.findings {
            writeln!(f, "{verdict:<8} {rule:<14} {says}")?;
            if let Some(remedy) = remedy {
                writeln!(f, "{:24}what to do: {remedy}", "")?;
            }
        }
        let count = |verdict| self.count(verdict);
        write!(
            f,
            "{} ok, {} wrong, {} not told",
            count(Verdict::Ok),
            count(Verdict::Wrong),
            count(Verdict::NotTold)
        )
    }
}
