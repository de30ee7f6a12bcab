//! What is asked for.

use std::time::Duration;

use approvals_core::action::Risk;
use approvals_core::people::{Principal, Requester};
use approvals_core::request::{
    ArgumentFact, ArgumentValue, CallFacts, Chain, Commitment, Quorum, Requested, Requirement, Terms,
};

use crate::people::Voter;

/// Life of a request, in ticks of the model's clock.
pub(crate) const DECIDE_WITHIN: u8 = 2;
/// Life of a permit, in ticks.
pub(crate) const USE_WITHIN: u8 = 2;
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// What is asked for: the same throughout one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Asked {
    /// How many people.
    pub quorum: Crowd,
    /// Whether the body may run again after a crash.
    pub rerunnable: bool,
}

/// How many people of which groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Crowd {
    /// Anybody.
    One,
    /// Any two people.
    Two,
    /// One of group `a` and somebody else of group `b`.
    OneOfEach,
    /// The same, with each slot filled by itself: somebody of both groups is enough.
    OneOfEachUnmatched,
    /// Two people of either group.
    TwoOfEither,
}

impl Crowd {
    fn quorum(self) -> Quorum {
        match self {
            Self::One => Quorum::people(1),
            Self::Two => Quorum::people(2),
            Self::OneOfEach => {
                Quorum::All(vec![Quorum::people_from(1, ["a"]), Quorum::people_from(1, ["b"])])
            }
            // Somebody of `a` and somebody of `b`, other or not: two people, or one who is in both.
            Self::OneOfEachUnmatched => {
                Quorum::Any(vec![Self::OneOfEach.quorum(), Quorum::people_from(1, [Voter::BOTH])])
            }
            Self::TwoOfEither => Quorum::people_from(2, ["a", "b"]),
        }
    }
}

/// The request as a node would write it with its live argument and its own nonce.
pub(crate) fn requested(asked: Asked, argument: u8, nonce: u8, round: u8) -> Requested {
    let value = ArgumentValue::Shown(Commitment::from_bytes([argument; 32]));
    let requirement = Requirement {
        quorum: asked.quorum.quorum(),
        decide_within: TICK * u32::from(DECIDE_WITHIN),
        use_within: TICK * u32::from(USE_WITHIN),
        ..Requirement::at(Risk::High)
    };
    Requested {
        call: CallFacts {
            action: "dataset.export".to_owned(),
            risk: Risk::High,
            sensitivity: None,
            arguments: vec![ArgumentFact { name: "rows".to_owned(), value }],
            reason: None,
            resource: None,
            labels: [].into(),
            requester: Requester {
                agent: "bot".into(),
                owner: Principal::from(Voter::Olga.id()),
                on_behalf_of: Some(Principal::External(Voter::HANK_AT_CHAT.to_owned())),
            },
            rerunnable: asked.rerunnable,
            quorum: None,
        },
        terms: Terms {
            requirement,
            policy: "p1".into(),
            nonce: nonce.to_string(),
            build: "model".to_owned(),
            open_to_store: false,
            round: Some(u64::from(round)),
            inside: Chain::default(),
        },
    }
}
