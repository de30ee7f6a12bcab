//! A request: a call that waits for people, what it is bound to, and what it takes.

mod chain;
mod commit;
mod quorum;
mod requirement;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::chain::{Chain, Outer};
pub use self::commit::{Commitment, SecretDigest, Seed, StoreKey};
#[cfg(test)]
pub(crate) use self::quorum::tests::{is_met_by_brute_force, some_quorum};
pub use self::quorum::{InvalidQuorum, Quorum};
pub use self::requirement::{InvalidRequirement, Requirement};
use crate::action::Risk;
use crate::bytes::hex_bytes;
use crate::capture::{self, CaptureError};
use crate::id::{AgentId, GroupId, PolicyVersion, RequestId};
use crate::people::Requester;

hex_bytes! {
    /// What people see, what is approved and what runs: SHA-256 over the canonical bytes of a request
    /// (`docs/digest.md`). Never changes.
    Digest
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({})", self.prefix())
    }
}

impl Digest {
    /// The first twelve hexadecimal digits, as cards show them.
    pub fn prefix(&self) -> String {
        self.to_hex().chars().take(12).collect()
    }
}

/// Which action is called by whom with what: rebuilt from the live values and compared byte for byte.
///
/// Ids and author's text stand here as they are; values and free text only as commitments.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallFacts {
    /// The stable name of the action.
    pub action: String,
    /// The risk that the author declared.
    pub risk: Risk,
    /// What kind of data it touches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<String>,
    /// The declared arguments, in order.
    pub arguments: Vec<ArgumentFact>,
    /// The author's reason with the arguments filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Commitment>,
    /// What the call touches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Commitment>,
    /// Labels by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, Commitment>,
    /// Who asks.
    pub requester: Requester,
    /// Whether the body may run again after a crash.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rerunnable: bool,
    /// The least that the action's code asks for. Policy may only add to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<Quorum>,
}

impl CallFacts {
    /// What the live call is compared by, right before its body: SHA-256 over the canonical JSON of `[call, key]`. It
    /// stands for the arguments while a call waits, however large they are.
    ///
    /// # Errors
    /// If it holds what JSON cannot hold exactly, which nothing does that the gate captured.
    pub(crate) fn bound_to(&self, key: Option<&str>) -> Result<Digest, CaptureError> {
        let mut hash = Sha256::new();
        hash.update(b"approvals/call/v1\0");
        hash.update(capture::canonical(&(self, key))?);
        Ok(Digest::from_bytes(hash.finalize().into()))
    }
}

/// One argument of a call, as a record holds it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ArgumentFact {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub value: ArgumentValue,
}

/// What stands in a record for an argument's value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArgumentValue {
    /// Commitment to the value, which stands in the payload.
    Shown(Commitment),
    /// Commitment to the keyed digest of the value, which stands nowhere.
    Secret(Commitment),
    /// Left out, and why.
    Skipped(String),
}

/// On which terms a call may run: frozen with the request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Terms {
    /// Quorum, assurance, clocks and effective risk.
    pub requirement: Requirement,
    /// The policy that ruled.
    pub policy: PolicyVersion,
    /// Sixteen random bytes in hexadecimal, so that no two requests share a digest.
    pub nonce: String,
    /// The crate that made the request, with its version.
    pub build: String,
    /// Whether surfaces that read the store (the program `approvals`) may answer.
    pub open_to_store: bool,
    /// The round, for a keyed call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<u64>,
    /// The gated bodies that the call was made in. Not of the call: the same one may be made elsewhere under its key.
    #[serde(default, skip_serializing_if = "Chain::is_empty")]
    pub inside: Chain,
}

/// The event that opens a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Requested {
    /// What is asked for.
    pub call: CallFacts,
    /// On which terms.
    pub terms: Terms,
}

impl Requested {
    /// Every quorum that has to be met: policy's and the code's, unless one is part of the other. The same people may
    /// fill both.
    pub fn quorums(&self) -> impl Iterator<Item = &Quorum> {
        self.terms.requirement.quorum.beside(self.call.quorum.as_ref())
    }

    /// Whether these people, each given by their groups, are enough.
    pub fn is_met_by(&self, people: &[&BTreeSet<GroupId>]) -> bool {
        self.quorums().all(|quorum| quorum.is_met_by(people))
    }

    /// Whether a person of these groups could count.
    pub fn has_place_for(&self, groups: &BTreeSet<GroupId>) -> bool {
        self.quorums().any(|quorum| quorum.has_place_for(groups))
    }

    /// Whether it can stand.
    ///
    /// # Errors
    /// For a requirement that cannot stand, or a quorum of the code's that cannot.
    pub fn validate(&self) -> Result<(), InvalidRequirement> {
        self.terms.requirement.validate()?;
        Ok(self.call.quorum.as_ref().map_or(Ok(()), Quorum::validate)?)
    }

    /// The digest of the request: SHA-256("approvals/request/v1" ‖ 0 ‖ canonical JSON of `{call, terms}`).
    ///
    /// # Errors
    /// If it holds what JSON cannot hold exactly, which nothing does that the gate captured.
    pub fn digest(&self) -> Result<Digest, CaptureError> {
        Ok(Self::digest_of(&capture::canonical(self)?))
    }

    /// The digest of the request with these canonical bytes.
    pub(crate) fn digest_of(canonical: &[u8]) -> Digest {
        let mut hash = Sha256::new();
        hash.update(b"approvals/request/v1\0");
        hash.update(canonical);
        Digest::from_bytes(hash.finalize().into())
    }
}

impl RequestId {
    /// The id of a keyed request: UUIDv8 (RFC 9562 section 5.8) of the first 16 bytes of
    /// SHA-256("approvals/key/v1" ‖ 0 ‖ canonical JSON of `[namespace, agent, action, key, round]`).
    ///
    /// # Errors
    /// If the round is beyond 2^53 − 1, which JSON does not hold exactly.
    pub fn of_key(
        namespace: &str,
        agent: &AgentId,
        action: &str,
        key: &str,
        round: u64,
    ) -> Result<Self, CaptureError> {
        let mut hash = Sha256::new();
        hash.update(b"approvals/key/v1\0");
        hash.update(capture::canonical(&(namespace, agent, action, key, round))?);
        let digest: [u8; 32] = hash.finalize().into();
        let (head, _) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        Ok(Self::from_uuid(uuid::Builder::from_custom_bytes(*head).into_uuid()))
    }
}
