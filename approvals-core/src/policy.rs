//! Policy: what a call takes.

#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;

use crate::action::{ActionSite, Risk};
use crate::call::Call;
use crate::id::{GroupId, PolicyVersion};
use crate::people::Assurance;
use crate::request::{Quorum, Requirement};

/// Rules calls, in two steps.
///
/// Policy may raise what the author declared and never lower it. Once a request exists, policy is asked once more at
/// the claim, where it may only stop (law 10). It may be asked more often than that, and its future dropped at the first
/// poll that is not ready: a verdict in this process does not wait for an answer. Count nothing in it.
///
/// ```
/// use approvals_core::async_trait;
/// use approvals_core::call::Call;
/// use approvals_core::id::PolicyVersion;
/// use approvals_core::policy::{Policy, PolicyError, Ruling};
/// use approvals_core::request::{Quorum, Requirement};
///
/// /// Two people of finance for large sums, the default for everything else.
/// struct Finance;
///
/// #[async_trait]
/// impl Policy for Finance {
///     fn version(&self) -> PolicyVersion {
///         PolicyVersion::new("finance/1")
///     }
///
///     async fn rule(&self, call: &Call) -> Result<Ruling, PolicyError> {
///         let mut requirement = Requirement::for_call(call);
///         if call.argument_as::<u64>("cents").is_some_and(|cents| cents > 1_000_000) {
///             requirement.quorum = Quorum::people_from(2, ["finance"]);
///         }
///         Ok(Ruling::Ask(requirement))
///     }
/// }
/// ```
#[async_trait]
pub trait Policy: Send + Sync + 'static {
    /// What this policy is called in records; change it whenever the rules change.
    fn version(&self) -> PolicyVersion;

    /// Rules by site and risk alone, without the arguments. This is the fast path: a call that runs by it is not
    /// even captured. Must be quick and must not block.
    fn rule_site(&self, site: &ActionSite, risk: Risk) -> SiteRuling {
        let _ = (site, risk);
        SiteRuling::NeedsCall
    }

    /// Rules a call by all that is known of it.
    ///
    /// # Errors
    /// An error keeps the gate shut (law 6).
    async fn rule(&self, call: &Call) -> Result<Ruling, PolicyError>;
}

/// What a policy says of a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SiteRuling {
    /// Every such call runs without asking.
    Run,
    /// No such call runs.
    Refuse,
    /// It depends on the call.
    NeedsCall,
}

/// What a policy says of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// Run without asking.
    Run,
    /// Ask people.
    Ask(Requirement),
    /// Do not run, for this reason.
    Refuse(String),
}

/// A policy could not rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the policy could not rule: {0}")]
pub struct PolicyError(pub String);

impl Requirement {
    /// The default for a call: that of its risk, with the author's clocks and reviewers. What a policy of one's own
    /// starts from.
    pub fn for_call(call: &Call) -> Self {
        let mut requirement = Self::at(call.risk());
        if let Some(quorum) = call.site().declared_quorum() {
            requirement.quorum = quorum;
        }
        if let Some(decide_within) = call.site().decide_within {
            requirement.decide_within = decide_within;
        }
        if let Some(use_within) = call.site().use_within {
            requirement.use_within = use_within;
        }
        requirement
    }
}

/// Rules by risk alone. The default asks one person from `medium` up, with assurance `sso` when critical.
///
/// ```
/// use approvals_core::{action::Risk, policy::RiskPolicy};
/// let policy = RiskPolicy::ask_from(Risk::Medium).people(2, Risk::Critical).from(["sre"], Risk::High);
///
/// use approvals_core::policy::Policy as _;
/// // It stands in every record that it ruled.
/// assert_eq!(policy.version().as_str(), "risk/1 ask=medium people=2@critical from=sre@high");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RiskPolicy {
    ask_from: Risk,
    refuse_from: Option<Risk>,
    people: Vec<(Risk, u32)>,
    groups: Vec<(Risk, Vec<GroupId>)>,
    assurance: Vec<(Risk, Assurance)>,
    decide_within: Option<Duration>,
    use_within: Option<Duration>,
}

impl Default for RiskPolicy {
    fn default() -> Self {
        Self::ask_from(Risk::Medium)
    }
}

impl RiskPolicy {
    /// Asks one person from this risk up; below it, calls run freely.
    pub fn ask_from(risk: Risk) -> Self {
        Self {
            ask_from: risk,
            refuse_from: None,
            people: Vec::new(),
            groups: Vec::new(),
            assurance: Vec::new(),
            decide_within: None,
            use_within: None,
        }
    }

    /// Life of every request, in place of the author's and the default. 1 s to 30 d.
    #[must_use]
    pub fn decide_within(mut self, time: Duration) -> Self {
        self.decide_within = Some(time);
        self
    }

    /// Life of every permit after approval, in place of the author's and the default. 1 s to 30 d.
    #[must_use]
    pub fn use_within(mut self, time: Duration) -> Self {
        self.use_within = Some(time);
        self
    }

    /// Refuses every call from this risk up.
    #[must_use]
    pub fn refuse_from(mut self, risk: Risk) -> Self {
        self.refuse_from = Some(risk);
        self
    }

    /// Asks for so many distinct people from this risk up, 1 to 32.
    #[must_use]
    pub fn people(mut self, count: u32, from: Risk) -> Self {
        self.people.push((from, count));
        self
    }

    /// From this risk up, only people of one of these groups decide.
    #[must_use]
    pub fn from<G: Into<GroupId>>(mut self, groups: impl IntoIterator<Item = G>, from: Risk) -> Self {
        self.groups.push((from, groups.into_iter().map(Into::into).collect()));
        self
    }

    /// From this risk up, approvals need this assurance. Default: `local`, and `sso` when critical.
    #[must_use]
    pub fn assurance(mut self, assurance: Assurance, from: Risk) -> Self {
        self.assurance.push((from, assurance));
        self
    }

    /// The rule with the highest threshold that the risk reaches; of equal ones, the last given.
    fn reached<T>(rules: &[(Risk, T)], risk: Risk) -> Option<&T> {
        rules.iter().filter(|(from, _)| *from <= risk).max_by_key(|(from, _)| *from).map(|(_, rule)| rule)
    }

    fn rule_risk(&self, risk: Risk) -> SiteRuling {
        if self.refuse_from.is_some_and(|from| risk >= from) {
            SiteRuling::Refuse
        } else if risk < self.ask_from {
            SiteRuling::Run
        } else {
            SiteRuling::NeedsCall
        }
    }
}

#[async_trait]
impl Policy for RiskPolicy {
    fn version(&self) -> PolicyVersion {
        let mut version = format!("risk/1 ask={}", self.ask_from);
        if let Some(risk) = self.refuse_from {
            version.push_str(&format!(" refuse={risk}"));
        }
        for (risk, count) in &self.people {
            version.push_str(&format!(" people={count}@{risk}"));
        }
        for (risk, groups) in &self.groups {
            let groups: Vec<&str> = groups.iter().map(GroupId::as_str).collect();
            version.push_str(&format!(" from={}@{risk}", groups.join("|")));
        }
        for (risk, assurance) in &self.assurance {
            version.push_str(&format!(" assurance={assurance}@{risk}"));
        }
        for (name, time) in [("decide", self.decide_within), ("use", self.use_within)] {
            if let Some(time) = time {
                version.push_str(&format!(" {name}={}ms", time.as_millis()));
            }
        }
        PolicyVersion::new(version)
    }

    fn rule_site(&self, _: &ActionSite, risk: Risk) -> SiteRuling {
        self.rule_risk(risk)
    }

    async fn rule(&self, call: &Call) -> Result<Ruling, PolicyError> {
        let risk = call.risk();
        Ok(match self.rule_risk(risk) {
            SiteRuling::Run => Ruling::Run,
            SiteRuling::Refuse => Ruling::Refuse(format!("actions of risk {risk} are refused")),
            SiteRuling::NeedsCall => {
                let mut requirement = Requirement::for_call(call);
                let count = Self::reached(&self.people, risk).copied().unwrap_or(1);
                let groups = Self::reached(&self.groups, risk).cloned().unwrap_or_default();
                requirement.quorum = Quorum::people_from(count, groups);
                if let Some(assurance) = Self::reached(&self.assurance, risk) {
                    requirement.assurance = *assurance;
                }
                requirement.decide_within = self.decide_within.unwrap_or(requirement.decide_within);
                requirement.use_within = self.use_within.unwrap_or(requirement.use_within);
                Ruling::Ask(requirement)
            }
        })
    }
}
