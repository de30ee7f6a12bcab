//! One person's answer to one card.

use std::fmt;

use approvals_core::card::visible;
use approvals_core::id::RequestId;
use approvals_core::ledger::Answer;
use approvals_core::request::Digest;
use approvals_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::object::Object;

/// The schema of a decision.
pub const DECISION: &str = "approvals.decision/1";

/// One person's answer, as JSON.
///
/// ```
/// use approvals_backends::webhook::schema::Decision;
///
/// let body = br#"{
///     "schema": "approvals.decision/1",
///     "request": "0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5e",
///     "digest": "4f2a9c01d3e7c6b54f2a9c01d3e7c6b54f2a9c01d3e7c6b54f2a9c01d3e7c6b5",
///     "nonce": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
///     "person": "u-4711",
///     "decision": "deny",
///     "comment": "not before the audit",
///     "decided_at": "2026-11-21T22:58:03Z"
/// }"#;
/// assert_eq!(Decision::from_json(body)?.person, "u-4711");
/// # Ok::<(), approvals_backends::webhook::schema::InvalidDecision>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Always [`DECISION`].
    pub schema: DecisionSchema,
    /// The request, as the card names it.
    pub request: RequestId,
    /// The whole digest of the card that the person saw.
    pub digest: Digest,
    /// The nonce of that card.
    pub nonce: String,
    /// Who decided: the stable id of the person at the endpoint's provider, never a display name. 1 to 256 bytes.
    pub person: String,
    /// What they answer: `approve` or `deny`.
    pub decision: Answer,
    /// What they say about it, at most 4,096 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// When they decided, RFC 3339. For the record: deadlines are judged by the time at which the ledger hears of it.
    pub decided_at: Timestamp,
}

impl Decision {
    /// The longest decision, in bytes of JSON.
    pub const LONGEST: usize = 16 * 1024;
    /// The longest id of a person, in bytes.
    pub const LONGEST_PERSON: usize = 256;
    /// The longest comment, in bytes.
    pub const LONGEST_COMMENT: usize = 4 * 1024;
    const LONGEST_NONCE: usize = 64;

    /// Reads a decision. Believe none before its signature was verified.
    ///
    /// # Errors
    /// For anything that is not exactly a decision within its bounds; says what and where.
    pub fn from_json(body: &[u8]) -> Result<Self, InvalidDecision> {
        if body.len() > Self::LONGEST {
            return Err(InvalidDecision::TooLong { what: BODY, most: Self::LONGEST });
        }
        let Object(decision): Object<Self> = serde_json::from_slice(body).map_err(|error| {
            InvalidDecision::Malformed(visible(&error.to_string()).chars().take(LONGEST_WHY).collect())
        })?;
        decision.within_bounds().map(|()| decision)
    }

    /// Whether every field is within its bounds; for a decision that was read as part of something else.
    ///
    /// # Errors
    /// Names the field that is not.
    pub fn within_bounds(&self) -> Result<(), InvalidDecision> {
        let comment = self.comment.as_deref().unwrap_or_default();
        let bounds = [
            ("nonce", self.nonce.as_str(), Self::LONGEST_NONCE),
            ("person", self.person.as_str(), Self::LONGEST_PERSON),
            ("comment", comment, Self::LONGEST_COMMENT),
        ];
        for (what, text, most) in bounds {
            if text.len() > most {
                return Err(InvalidDecision::TooLong { what, most });
            }
        }
        if self.person.trim().is_empty() { Err(InvalidDecision::Nobody) } else { Ok(()) }
    }
}

impl fmt::Debug for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("request", &self.request)
            .field("decision", &self.decision)
            .finish_non_exhaustive()
    }
}

/// The part that is no field.
const BODY: &str = "the body";

fn part(what: &str) -> String {
    if what == BODY { what.to_owned() } else { format!("`{what}`") }
}

/// Characters kept of why a text is not a decision.
const LONGEST_WHY: usize = 200;

/// A body that is no decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDecision {
    /// Beyond a bound.
    #[error("{} has more than {most} bytes; send less", part(what))]
    TooLong {
        /// Which part.
        what: &'static str,
        /// The bound.
        most: usize,
    },
    /// Not the JSON of a decision, and why, in visible form.
    #[error("not a decision of `approvals.decision/1`: {0}; send exactly the fields that its page names")]
    Malformed(String),
    /// No person.
    #[error("`person` is empty; send the stable id of who decided")]
    Nobody,
}

/// The text [`DECISION`], and no other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DecisionSchema;

impl Serialize for DecisionSchema {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(DECISION)
    }
}

impl<'de> Deserialize<'de> for DecisionSchema {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let known = text == DECISION;
        known
            .then_some(Self)
            .ok_or_else(|| serde::de::Error::custom("`schema` is not `approvals.decision/1`"))
    }
}
