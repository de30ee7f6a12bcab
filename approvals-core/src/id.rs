//! Names and numbers that point at things, each a type of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

text_id! {
    /// One canonical human, as the directory names them.
    PersonId
}
text_id! {
    /// A group of people, as the directory names it.
    GroupId
}
text_id! {
    /// An agent: the program that asks.
    AgentId
}
text_id! {
    /// Who vouches for an identity: `os`, `slack`, `oidc`, ….
    ProviderId
}
text_id! {
    /// A backend or surface, by the name it is registered under.
    WayId
}
text_id! {
    /// A process in the ledger: `<host>/<agent>`, `<host>/<agent>/2`, ….
    NodeName
}
text_id! {
    /// A version of a policy, as it names itself.
    PolicyVersion
}
text_id! {
    /// Where a backend put a card: a message id, a URL. Opaque to everyone else.
    Reference
}

/// A request: UUIDv7 for a call without a key, UUIDv8 derived from the key for a keyed one
/// ([`RequestId::of_key`], `docs/digest.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(Uuid);

impl RequestId {
    /// Takes an id that was made elsewhere.
    pub const fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }

    /// The id as a UUID (RFC 9562).
    pub const fn as_uuid(&self) -> Uuid {
        self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A text that is not a request id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a request id; copy it from `approvals list`")]
pub struct InvalidRequestId(String);

impl FromStr for RequestId {
    type Err = InvalidRequestId;

    fn from_str(text: &str) -> Result<Self, InvalidRequestId> {
        Uuid::try_parse(text).map(Self).map_err(|_| InvalidRequestId(text.to_owned()))
    }
}

/// One claim of an approved request, fresh for each attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimId(Uuid);

impl ClaimId {
    /// Takes an id that was made elsewhere.
    pub const fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }
}

/// A place in the ledger: 1 for the first record, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// Before the first record.
    pub const START: Self = Self(0);

    /// The place after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// How often a stream has moved: 0 before `requested`, one more with every event that is not a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// The version after one more event.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Where chance comes from. Handed in, so that a test repeats itself.
pub trait Chance: Send + Sync + 'static {
    /// Fills the bytes.
    ///
    /// # Errors
    /// If the operating system has no randomness to give.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoChance>;
}

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoChance;

/// Randomness of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemChance;

impl Chance for SystemChance {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoChance> {
        getrandom::fill(bytes).map_err(|_| NoChance)
    }
}

/// An id in the order of time (UUIDv7, RFC 9562 section 5.7), from the given time and chance.
pub(crate) fn uuid_v7(now: crate::time::Timestamp, chance: &dyn Chance) -> Result<Uuid, NoChance> {
    let mut random = [0; 10];
    chance.fill(&mut random)?;
    let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}
