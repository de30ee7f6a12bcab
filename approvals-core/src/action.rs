//! An action: a privileged function, known by its site in the code.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How much harm an action can do. The author declares it; policy may raise it, never lower it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// Runs freely by default.
    Low,
    /// Asks one person by default.
    Medium,
    /// Asks one person by default.
    High,
    /// Asks one person with assurance [`Assurance::Sso`](crate::people::Assurance::Sso) by default.
    Critical,
}

impl Risk {
    /// `low`, `medium`, `high` or `critical`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is not a risk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown risk `{0}`; it is one of `low`, `medium`, `high`, `critical`")]
pub struct UnknownRisk(String);

impl FromStr for Risk {
    type Err = UnknownRisk;

    fn from_str(text: &str) -> Result<Self, UnknownRisk> {
        match text {
            "low" => Ok(Self::Low),
            "medium" => Ok(Self::Medium),
            "high" => Ok(Self::High),
            "critical" => Ok(Self::Critical),
            _ => Err(UnknownRisk(text.to_owned())),
        }
    }
}

/// One declared argument of an action and how it is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argument {
    name: &'static str,
    treatment: Treatment,
}

/// What becomes of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Shown on the card and committed to.
    Shown,
    /// Never shown; committed to under the store's key.
    Secret,
    /// Neither shown nor committed to, for the given reason.
    Skipped(&'static str),
}

impl Argument {
    /// An argument that people see.
    pub const fn shown(name: &'static str) -> Self {
        Self { name, treatment: Treatment::Shown }
    }

    /// An argument that nobody sees.
    pub const fn secret(name: &'static str) -> Self {
        Self { name, treatment: Treatment::Secret }
    }

    /// An argument that is left out, and why.
    pub const fn skipped(name: &'static str, why: &'static str) -> Self {
        Self { name, treatment: Treatment::Skipped(why) }
    }

    /// Its name in the code.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What becomes of it.
    pub const fn treatment(&self) -> Treatment {
        self.treatment
    }
}

/// What the attribute knows of an action at compile time.
///
/// Made by `#[requires_approval]`; built by hand only in tests of a policy.
#[derive(Debug, Clone)]
pub struct ActionSite {
    pub(crate) name: &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) risk: Option<Risk>,
    pub(crate) sensitivity: Option<&'static str>,
    pub(crate) reason: Option<&'static str>,
    pub(crate) resource: Option<&'static str>,
    pub(crate) key: Option<&'static str>,
    pub(crate) arguments: &'static [Argument],
    pub(crate) labels: &'static [&'static str],
    pub(crate) decide_within: Option<Duration>,
    pub(crate) use_within: Option<Duration>,
    pub(crate) wait: Option<Duration>,
    pub(crate) rerunnable: bool,
}

impl ActionSite {
    /// An action with its stable name and where it stands in the code.
    pub const fn new(name: &'static str, file: &'static str, line: u32) -> Self {
        Self {
            name,
            file,
            line,
            risk: None,
            sensitivity: None,
            reason: None,
            resource: None,
            key: None,
            arguments: &[],
            labels: &[],
            decide_within: None,
            use_within: None,
            wait: None,
            rerunnable: false,
        }
    }

    /// Declares the risk; left out when it is an expression over the arguments.
    #[must_use]
    pub const fn risk(mut self, risk: Risk) -> Self {
        self.risk = Some(risk);
        self
    }

    /// Declares what kind of data it touches.
    #[must_use]
    pub const fn sensitivity(mut self, sensitivity: &'static str) -> Self {
        self.sensitivity = Some(sensitivity);
        self
    }

    /// The template of the reason.
    #[must_use]
    pub const fn reason(mut self, template: &'static str) -> Self {
        self.reason = Some(template);
        self
    }

    /// The template of the resource.
    #[must_use]
    pub const fn resource(mut self, template: &'static str) -> Self {
        self.resource = Some(template);
        self
    }

    /// The template of the key; an action with one finds its request again.
    #[must_use]
    pub const fn keyed(mut self, template: &'static str) -> Self {
        self.key = Some(template);
        self
    }

    /// The declared arguments, in order.
    #[must_use]
    pub const fn arguments(mut self, arguments: &'static [Argument]) -> Self {
        self.arguments = arguments;
        self
    }

    /// The names of the labels.
    #[must_use]
    pub const fn labels(mut self, labels: &'static [&'static str]) -> Self {
        self.labels = labels;
        self
    }

    /// Life of a request, in seconds.
    #[must_use]
    pub const fn decide_within(mut self, seconds: u64) -> Self {
        self.decide_within = Some(Duration::from_secs(seconds));
        self
    }

    /// Life of a permit after approval, in seconds.
    #[must_use]
    pub const fn use_within(mut self, seconds: u64) -> Self {
        self.use_within = Some(Duration::from_secs(seconds));
        self
    }

    /// How long a call blocks, in seconds.
    #[must_use]
    pub const fn wait(mut self, seconds: u64) -> Self {
        self.wait = Some(Duration::from_secs(seconds));
        self
    }

    /// The body may run again under the same approval after a crash.
    #[must_use]
    pub const fn rerunnable(mut self) -> Self {
        self.rerunnable = true;
        self
    }

    /// The stable name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The declared risk, if it is a word.
    pub const fn declared_risk(&self) -> Option<Risk> {
        self.risk
    }

    /// The declared sensitivity, such as `pii`.
    pub const fn declared_sensitivity(&self) -> Option<&'static str> {
        self.sensitivity
    }

    /// File and line of the attribute.
    pub const fn place(&self) -> (&'static str, u32) {
        (self.file, self.line)
    }

    /// The declared arguments, in order.
    pub const fn declared_arguments(&self) -> &'static [Argument] {
        self.arguments
    }

    /// Whether calls of this action carry a key.
    pub const fn is_keyed(&self) -> bool {
        self.key.is_some()
    }

    /// Whether the body may run again after a crash.
    pub const fn is_rerunnable(&self) -> bool {
        self.rerunnable
    }
}

/// Every action that is linked into this binary.
#[doc(hidden)]
#[linkme::distributed_slice]
pub static SITES: [ActionSite];
