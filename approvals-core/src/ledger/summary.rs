//! The fold of a request kept as an index, so that listing needs no replay. Rebuildable; a claim never reads it.

use serde::{Deserialize, Serialize};

use crate::action::Risk;
use crate::id::{AgentId, NodeName, RequestId};
use crate::ledger::Env;
use crate::request::Digest;
use crate::state::{Phase, State};
use crate::time::Timestamp;

/// One line about a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Summary {
    /// Which request.
    pub id: RequestId,
    /// Which action.
    pub action: String,
    /// Its effective risk.
    pub risk: Risk,
    /// Where it stands.
    pub phase: Phase,
    /// What people see and approve.
    pub digest: Digest,
    /// Who asks.
    pub agent: AgentId,
    /// When it was opened.
    pub requested_at: Timestamp,
    /// The clock that runs, while one does.
    pub deadline: Option<Timestamp>,
    /// Which process claimed it last.
    pub claimed_by: Option<NodeName>,
    /// Live or test.
    pub env: Env,
}

impl Summary {
    /// The summary of a state; `None` while nothing was requested.
    pub fn of(state: &State) -> Option<Self> {
        let opened = state.opened()?;
        Some(Self {
            id: opened.id,
            action: opened.requested.call.action.clone(),
            risk: opened.requirement().risk,
            phase: state.phase(),
            digest: opened.digest,
            agent: opened.requested.call.requester.agent.clone(),
            requested_at: opened.at,
            deadline: state.deadline(),
            claimed_by: state.claim().map(|claim| claim.node.clone()),
            env: opened.env,
        })
    }
}

impl Serialize for Phase {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Phase {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_name(&text).ok_or_else(|| serde::de::Error::custom("unknown phase"))
    }
}
