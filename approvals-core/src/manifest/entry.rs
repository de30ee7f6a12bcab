//! One action, as the manifest tells it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::action::{self, ActionSite, Risk};
use crate::card::visible;

/// What the code says of one action. Without the line it stands at, which every edit above it would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Entry {
    /// The stable name.
    pub action: String,
    /// The file it stands in, with `/` between folders: within the workspace, or for a crate from elsewhere from the
    /// last folder `src` on, so that it reads the same on every machine.
    pub file: String,
    /// The declared risk; `None` if it is an expression over the arguments. In JSON a word, or `varies`.
    #[serde(with = "risk")]
    pub risk: Option<Risk>,
    /// The expression that gives the risk, on one line, as every expression here: its tokens, however they are laid out
    /// in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_by: Option<String>,
    /// What kind of data it touches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<String>,
    /// The template of the sentence that people decide on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The template of what the call touches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The template of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The declared arguments, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Argument>,
    /// The labels, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
    /// The fewest people who must say yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewers: Option<u32>,
    /// The groups that they must come from, any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from_any: Vec<String>,
    /// The groups of which each must say yes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from_each: Vec<String>,
    /// Life of a request. In JSON in seconds, as the next two.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "seconds")]
    pub decide_within: Option<Duration>,
    /// Life of a permit after approval.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "seconds")]
    pub use_within: Option<Duration>,
    /// How long a call blocks.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "seconds")]
    pub wait: Option<Duration>,
    /// Whether the body may run again under the same approval after a crash. In JSON absent if not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rerunnable: bool,
    /// The expression that gives the handle, where the author names one. It decides who is asked, by which policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<String>,
}

/// A declared argument.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Argument {
    /// Its name in the code.
    pub name: String,
    /// What becomes of it.
    pub treatment: Treatment,
    /// The expression whose value is shown or bound in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A declared label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Label {
    /// Its name.
    pub name: String,
    /// The expression that gives it.
    pub by: String,
}

/// What becomes of an argument. In JSON `"shown"`, `"secret"` or `{"skipped": "why"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Treatment {
    /// Shown on the card and committed to.
    Shown,
    /// Never shown; committed to under the store's key.
    Secret,
    /// Neither shown nor committed to, for the given reason.
    Skipped(String),
}

impl Entry {
    pub(super) fn of(site: &ActionSite) -> Self {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
        Self {
            action: site.name().to_owned(),
            file: portable(site.file),
            risk: site.risk,
            risk_by: site.risk_by.map(str::to_owned),
            sensitivity: site.sensitivity.map(str::to_owned),
            reason: site.reason.map(str::to_owned),
            resource: site.resource.map(str::to_owned),
            key: site.key.map(str::to_owned),
            arguments: site.arguments.iter().map(Argument::of).collect(),
            labels: site.labels.iter().map(Label::of).collect(),
            reviewers: site.reviewers,
            from_any: texts(site.from_any),
            from_each: texts(site.from_each),
            decide_within: site.decide_within,
            use_within: site.use_within,
            wait: site.wait,
            rerunnable: site.rerunnable,
            approvals: site.approvals.map(str::to_owned),
        }
    }

    /// The least that the code asks of people, in words; `None` leaves it to policy.
    pub(super) fn quorum(&self) -> Option<String> {
        let list = |groups: &[String]| groups.iter().map(|g| visible(g)).collect::<Vec<_>>().join(", ");
        let people = match self.reviewers {
            Some(1) => Some("1 person".to_owned()),
            Some(count) => Some(format!("{count} people")),
            None => None,
        };
        let groups = match (self.from_any.as_slice(), self.from_each.as_slice()) {
            ([], []) => return people,
            (any, []) => format!("from any of {}", list(any)),
            ([], each) => format!("from each of {}", list(each)),
            (any, each) => format!("from any of {}, from each of {}", list(any), list(each)),
        };
        Some(format!("{} {groups}", people.as_deref().unwrap_or("people")))
    }
}

impl Argument {
    fn of(argument: &action::Argument) -> Self {
        let treatment = match argument.treatment() {
            action::Treatment::Shown => Treatment::Shown,
            action::Treatment::Secret => Treatment::Secret,
            action::Treatment::Skipped(why) => Treatment::Skipped(why.to_owned()),
        };
        Self { name: argument.name().to_owned(), treatment, by: argument.by().map(str::to_owned) }
    }

    /// What becomes of it, in words.
    pub(super) fn told(&self) -> String {
        match &self.by {
            Some(by) => format!("{} as {}", self.treatment, visible(by)),
            None => self.treatment.to_string(),
        }
    }
}

impl Label {
    fn of((name, by): &(&str, &str)) -> Self {
        Self { name: (*name).to_owned(), by: (*by).to_owned() }
    }
}

impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shown => f.write_str("shown"),
            Self::Secret => f.write_str("secret"),
            Self::Skipped(why) => write!(f, "skipped: {}", visible(why)),
        }
    }
}

/// The action on its first line, and below it what is declared.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let risk = self.risk.map_or("varies", Risk::as_str);
        writeln!(f, "{}  risk {risk}  {}", visible(&self.action), visible(&self.file))?;
        let texts = [
            ("risk", &self.risk_by),
            ("reason", &self.reason),
            ("resource", &self.resource),
            ("key", &self.key),
            ("sensitivity", &self.sensitivity),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                writeln!(f, "    {name} {}", visible(text))?;
            }
        }
        for argument in &self.arguments {
            writeln!(f, "    argument {}: {}", visible(&argument.name), argument.told())?;
        }
        for Label { name, by } in &self.labels {
            writeln!(f, "    label {}: {}", visible(name), visible(by))?;
        }
        if let Some(quorum) = self.quorum() {
            writeln!(f, "    reviewers {quorum}")?;
        }
        let clocks =
            [("decide_within", self.decide_within), ("use_within", self.use_within), ("wait", self.wait)];
        for (name, clock) in clocks {
            if let Some(clock) = clock {
                writeln!(f, "    {name} {}", span(clock))?;
            }
        }
        if self.rerunnable {
            writeln!(f, "    rerunnable")?;
        }
        if let Some(handle) = &self.approvals {
            writeln!(f, "    approvals {}", visible(handle))?;
        }
        Ok(())
    }
}

/// A duration as the attribute writes it, in the largest unit that fits: `4h`.
pub(super) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let unit = [("d", 86_400), ("h", 3_600), ("m", 60)]
        .into_iter()
        .find(|(_, unit)| seconds >= *unit && seconds.is_multiple_of(*unit));
    match unit {
        Some((name, unit)) => format!("{}{name}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

/// The compiler names a file of a registry's crate by its place on this machine.
fn portable(file: &str) -> String {
    let file = file.replace('\\', "/");
    let absolute = file.starts_with('/') || file.as_bytes().get(1) == Some(&b':');
    if !absolute {
        return file;
    }
    let from = file.rfind("/src/").or_else(|| file.rfind('/')).map_or(0, |at| at + 1);
    file.get(from..).unwrap_or_default().to_owned()
}

mod risk {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::action::Risk;

    const VARIES: &str = "varies";

    pub(super) fn serialize<S: Serializer>(risk: &Option<Risk>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(risk.map_or(VARIES, Risk::as_str))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Risk>, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            VARIES => Ok(None),
            word => word.parse().map(Some).map_err(D::Error::custom),
        }
    }
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(
        time: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        time.map(|time| time.as_secs()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        u64::deserialize(deserializer).map(|seconds| Some(Duration::from_secs(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_reads_the_same_on_every_machine() {
        let files = [
            ("examples/agent.rs", "examples/agent.rs"),
            (r"agent\src\lib.rs", "agent/src/lib.rs"),
            ("/x/.cargo/registry/src/index-1f/tools-1.2.3/src/run/mod.rs", "src/run/mod.rs"),
            (r"C:\x\tools\src\lib.rs", "src/lib.rs"),
            ("/x/tools/lib.rs", "lib.rs"),
        ];
        for (file, expected) in files {
            assert_eq!(portable(file), expected);
        }
    }

    #[test]
    fn a_duration_is_told_in_its_largest_unit() {
        let told = [1, 90, 900, 14_400, 86_400, 2_592_000].map(|s| span(Duration::from_secs(s)));
        assert_eq!(told, ["1s", "90s", "15m", "4h", "1d", "30d"]);
    }
}
