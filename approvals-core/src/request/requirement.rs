//! What it takes for a request to be approved.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{InvalidQuorum, Quorum};
use crate::action::Risk;
use crate::people::Assurance;

/// Quorum, least assurance and two clocks; frozen on the request (law 10).
///
/// ```
/// use std::time::Duration;
///
/// use approvals_core::action::Risk;
/// use approvals_core::request::{Quorum, Requirement};
///
/// let quorum = Quorum::people_from(2, ["sre"]);
/// let night = Requirement { quorum, decide_within: Duration::from_secs(600), ..Requirement::at(Risk::High) };
/// assert!(night.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Requirement {
    /// The effective risk; never below the declared one.
    pub risk: Risk,
    /// How many people of which groups.
    pub quorum: Quorum,
    /// The least assurance of an approval.
    pub assurance: Assurance,
    /// Life of the request, from the ask. At least 1 s, at most 30 d, in whole milliseconds.
    #[serde(with = "millis", rename = "decide_within_ms")]
    pub decide_within: Duration,
    /// Life of the permit, from the approval. At least 1 s, at most 30 d, in whole milliseconds.
    #[serde(with = "millis", rename = "use_within_ms")]
    pub use_within: Duration,
    /// The requester may decide alone. Never for critical.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub single_operator: bool,
}

/// A requirement that cannot stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRequirement {
    /// The quorum cannot stand.
    #[error(transparent)]
    Quorum(#[from] InvalidQuorum),
    /// A clock out of range.
    #[error("`{0}` is not between 1 s and 30 d in whole milliseconds; choose such a time")]
    Clock(&'static str),
    /// A single operator for a critical action.
    #[error("a single operator cannot decide a critical action; take a second person, or lower the risk")]
    SingleOperatorCritical,
}

impl Requirement {
    /// Default life of a request.
    pub const DECIDE_WITHIN: Duration = Duration::from_secs(60 * 60);
    /// Default life of a permit.
    pub const USE_WITHIN: Duration = Duration::from_secs(15 * 60);
    /// The longest clock.
    pub const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    /// The default at a risk: one person, assurance `local` (`sso` when critical), 1 h to decide, 15 min to use.
    pub fn at(risk: Risk) -> Self {
        Self {
            risk,
            quorum: Quorum::people(1),
            assurance: if risk == Risk::Critical { Assurance::Sso } else { Assurance::Local },
            decide_within: Self::DECIDE_WITHIN,
            use_within: Self::USE_WITHIN,
            single_operator: false,
        }
    }

    /// Whether it can stand.
    ///
    /// # Errors
    /// If its quorum cannot stand, a clock is outside 1 s to [`LONGEST`](Self::LONGEST) or finer than a millisecond, or a
    /// single operator is granted at risk critical.
    pub fn validate(&self) -> Result<(), InvalidRequirement> {
        self.quorum.validate()?;
        for (name, clock) in [("decide_within", self.decide_within), ("use_within", self.use_within)] {
            // A record holds whole milliseconds: a finer clock would run out at another time once it is read back.
            let whole = clock.subsec_nanos().is_multiple_of(1_000_000);
            if clock < Duration::from_secs(1) || clock > Self::LONGEST || !whole {
                return Err(InvalidRequirement::Clock(name));
            }
        }
        if self.single_operator && self.risk == Risk::Critical {
            return Err(InvalidRequirement::SingleOperatorCritical);
        }
        Ok(())
    }
}

/// Durations as whole milliseconds, so that the bytes do not depend on how they were written.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
