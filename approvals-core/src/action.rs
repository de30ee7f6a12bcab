//! An action: a privileged function, known by its site in the code.

mod given;
mod name;

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::given::{Given, GivenTreatment, Site};
pub(crate) use self::name::{ActionName, misfit, shown};
use crate::manifest::sites::platform::sites;
use crate::request::Quorum;

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

/// The risks as functions, which every gate of a declared risk shares.
#[doc(hidden)]
pub mod declared {
    use super::Risk;

    /// [`Risk::Low`]
    pub fn low() -> Risk {
        Risk::Low
    }

    /// [`Risk::Medium`]
    pub fn medium() -> Risk {
        Risk::Medium
    }

    /// [`Risk::High`]
    pub fn high() -> Risk {
        Risk::High
    }

    /// [`Risk::Critical`]
    pub fn critical() -> Risk {
        Risk::Critical
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
pub struct Argument<'a> {
    name: &'a str,
    treatment: Treatment<'a>,
    by: Option<&'a str>,
}

/// What becomes of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment<'a> {
    /// Shown on the card and committed to.
    Shown,
    /// Never shown; committed to under the store's key.
    Secret,
    /// Neither shown nor committed to, for the given reason.
    Skipped(&'a str),
}

impl<'a> Argument<'a> {
    /// An argument that people see.
    pub const fn shown(name: &'a str) -> Self {
        Self { name, treatment: Treatment::Shown, by: None }
    }

    /// An argument in whose place people see what an expression gives.
    pub const fn shown_as(name: &'a str, expression: &'a str) -> Self {
        Self { by: Some(expression), ..Self::shown(name) }
    }

    /// An argument that nobody sees.
    pub const fn secret(name: &'a str) -> Self {
        Self { name, treatment: Treatment::Secret, by: None }
    }

    /// An argument that nobody sees, and in whose place what an expression gives is bound.
    pub const fn secret_as(name: &'a str, expression: &'a str) -> Self {
        Self { by: Some(expression), ..Self::secret(name) }
    }

    /// An argument that is left out, and why.
    pub const fn skipped(name: &'a str, why: &'a str) -> Self {
        Self { name, treatment: Treatment::Skipped(why), by: None }
    }

    /// Its name in the code.
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// What becomes of it.
    pub const fn treatment(&self) -> Treatment<'a> {
        self.treatment
    }

    /// The expression, as text, whose value stands in its place; `None` if the argument itself does.
    pub const fn by(&self) -> Option<&'a str> {
        self.by
    }
}

/// What is known of an action before its arguments are.
///
/// Made by `#[requires_approval]`, or by a call without it; built by hand only in tests of a policy.
#[derive(Debug, Clone)]
pub struct ActionSite {
    pub(crate) name: ActionName,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) risk: Option<Risk>,
    pub(crate) risk_by: Option<&'static str>,
    pub(crate) sensitivity: Option<&'static str>,
    pub(crate) reason: Option<&'static str>,
    pub(crate) resource: Option<&'static str>,
    pub(crate) key: Option<&'static str>,
    pub(crate) arguments: &'static [Argument<'static>],
    pub(crate) labels: &'static [(&'static str, &'static str)],
    pub(crate) reviewers: Option<u32>,
    pub(crate) from_any: &'static [&'static str],
    pub(crate) from_each: &'static [&'static str],
    pub(crate) decide_within: Option<Duration>,
    pub(crate) use_within: Option<Duration>,
    pub(crate) wait: Option<Duration>,
    pub(crate) rerunnable: bool,
    pub(crate) approvals: Option<&'static str>,
    /// What a call without the attribute says in words that no code holds.
    pub(crate) given: Option<Box<Given>>,
}

impl ActionSite {
    /// An action with its stable name and where it stands in the code.
    pub const fn new(name: &'static str, file: &'static str, line: u32) -> Self {
        Self {
            name: ActionName::of_code(name),
            file,
            line,
            risk: None,
            risk_by: None,
            sensitivity: None,
            reason: None,
            resource: None,
            key: None,
            arguments: &[],
            labels: &[],
            reviewers: None,
            from_any: &[],
            from_each: &[],
            decide_within: None,
            use_within: None,
            wait: None,
            rerunnable: false,
            approvals: None,
            given: None,
        }
    }

    /// Declares the risk; left out when it is an expression over the arguments.
    #[must_use]
    pub const fn risk(mut self, risk: Risk) -> Self {
        self.risk = Some(risk);
        self
    }

    /// The expression, as text, that gives the risk.
    #[must_use]
    pub const fn risk_by(mut self, expression: &'static str) -> Self {
        self.risk_by = Some(expression);
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
    pub const fn arguments(mut self, arguments: &'static [Argument<'static>]) -> Self {
        self.arguments = arguments;
        self
    }

    /// The labels: of each its name, and the expression that gives it, as text.
    #[must_use]
    pub const fn labels(mut self, labels: &'static [(&'static str, &'static str)]) -> Self {
        self.labels = labels;
        self
    }

    /// The fewest people who must say yes, 1 to 32. Policy may ask for more. A site that names people or groups always
    /// asks, whatever its risk.
    #[must_use]
    pub const fn reviewers(mut self, count: u32) -> Self {
        self.reviewers = Some(count);
        self
    }

    /// The groups that the reviewers must come from, any of them. Not beside [`from_each`](Self::from_each).
    #[must_use]
    pub const fn from_any(mut self, groups: &'static [&'static str]) -> Self {
        self.from_any = groups;
        self
    }

    /// The groups of which each must say yes, by a person of its own.
    #[must_use]
    pub const fn from_each(mut self, groups: &'static [&'static str]) -> Self {
        self.from_each = groups;
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

    /// The expression, as text, that gives the handle which the author names.
    #[must_use]
    pub const fn by(mut self, expression: &'static str) -> Self {
        self.approvals = Some(expression);
        self
    }

    /// The stable name.
    pub const fn name(&self) -> &str {
        self.name.as_str()
    }

    /// The declared risk, if it is a word.
    pub const fn declared_risk(&self) -> Option<Risk> {
        self.risk
    }

    /// The declared sensitivity, such as `pii`.
    pub fn declared_sensitivity(&self) -> Option<&str> {
        self.given.as_deref().and_then(Given::sensitivity).or(self.sensitivity)
    }

    /// File and line of the attribute, or of the call without one.
    pub const fn place(&self) -> (&'static str, u32) {
        (self.file, self.line)
    }

    /// The declared arguments, in order.
    pub fn declared_arguments(&self) -> impl Iterator<Item = Argument<'_>> {
        let given = self.given.as_deref().into_iter().flat_map(Given::arguments);
        self.arguments.iter().copied().chain(given)
    }

    /// The least that the code asks for: so many people, from such groups. `None` leaves it to policy.
    pub fn declared_quorum(&self) -> Option<Quorum> {
        if !self.declares_quorum() {
            return None;
        }
        let given = self.given.as_deref();
        let any: Vec<&str> =
            self.from_any.iter().copied().chain(given.into_iter().flat_map(Given::any_of)).collect();
        let each: Vec<&str> =
            self.from_each.iter().copied().chain(given.into_iter().flat_map(Given::each_of)).collect();
        let count = self.reviewers.unwrap_or(1);
        if each.is_empty() {
            return Some(Quorum::people_from(count, any));
        }
        let mut slots: Vec<Quorum> = each.iter().map(|group| Quorum::people_from(1, [*group])).collect();
        // More people than groups: the rest may come from anywhere.
        let more = count.saturating_sub(u32::try_from(each.len()).unwrap_or(u32::MAX));
        if more > 0 {
            slots.push(Quorum::people(more));
        }
        Some(Quorum::All(slots))
    }

    /// Whether the code asks for people of its own, so that no policy can let a call run freely.
    pub(crate) fn declares_quorum(&self) -> bool {
        self.reviewers.is_some()
            || !self.from_any.is_empty()
            || !self.from_each.is_empty()
            || self.given.as_deref().is_some_and(Given::names_groups)
    }

    /// Whether calls of this action carry a key.
    pub fn is_keyed(&self) -> bool {
        self.key.is_some() || self.given.as_deref().is_some_and(Given::is_keyed)
    }

    /// Whether the body may run again after a crash.
    pub const fn is_rerunnable(&self) -> bool {
        self.rerunnable
    }
}

/// Whether a gated function of this binary has the name.
pub(crate) fn is_gated_function(name: &str) -> bool {
    static NAMES: LazyLock<HashSet<&str>> =
        LazyLock::new(|| sites().unwrap_or_default().iter().map(ActionSite::name).collect());
    NAMES.contains(name)
}
