//! From the model's small entries to the events of the ledger.

use approvals_core::id::{NodeName, PersonId};
use approvals_core::ledger::{
    Answer, CancelWhy, Event, Finish, Ignored, IgnoredWhat, IgnoredWhy, NotRunWhy, Reconciliation, Reviewed,
};
use approvals_core::people::Assurance;
use approvals_core::request::{Commitment, Digest};
use approvals_core::time::Timestamp;

use crate::ledger::{Attempt, Log, What};
use crate::request::{Asked, TICK, requested};

/// What it is in the ledger of this request.
pub(crate) fn event(log: &Log, asked: Asked, what: What) -> Event {
    let digest = log.state().opened().map_or(Digest::from_bytes([0; 32]), |opened| opened.digest);
    let reason = || Commitment::from_bytes([0; 32]);
    let finished = |attempt: Attempt, outcome| Event::Finished { claim: attempt.id(), outcome };
    match what {
        What::Requested { argument, nonce } => {
            Event::Requested(requested(asked, argument, nonce, log.number()).into())
        }
        What::Reviewed { by, mask, approve, .. } => Event::Reviewed(Reviewed {
            answer: if approve { Answer::Approve } else { Answer::Deny },
            by: PersonId::new(mask.id(by)),
            groups: mask.groups(by),
            assurance: Assurance::Chat,
            way: "chat".into(),
            digest,
            comment: None,
        }),
        What::Overridden { by, mask } => Event::Overridden {
            by: PersonId::new(mask.id(by)),
            assurance: Assurance::Chat,
            digest,
            reason: reason(),
        },
        What::Expired => Event::Expired {},
        What::Withdrawn => Event::Cancelled { by: None, why: CancelWhy::Withdrawn },
        What::Stopped => Event::Cancelled { by: None, why: CancelWhy::Policy },
        What::Revoked { by } => {
            Event::Cancelled { by: Some(PersonId::new(by.id())), why: CancelWhy::Requester }
        }
        What::Started(attempt) => Event::Started { claim: attempt.id() },
        What::Ended(attempt) => finished(attempt, Finish::Ok {}),
        What::NotRun(attempt) => finished(attempt, Finish::NotRun { why: NotRunWhy::CallerGone }),
        What::Lost(attempt) => Event::Lost { claim: attempt.id() },
        What::Reconciled { by, mask, ran } => Event::Reconciled {
            outcome: if ran { Reconciliation::Ran } else { Reconciliation::DidNotRun },
            by: PersonId::new(mask.id(by)),
            reason: reason(),
        },
        What::Ignored => Event::Ignored(Ignored {
            what: IgnoredWhat::Approve,
            why: IgnoredWhy::AlreadyDecided,
            by: None,
            way: None,
            identity: None,
        }),
    }
}

/// The name that a node writes under.
pub(crate) fn node_name(node: u8) -> NodeName {
    NodeName::new(format!("host/{node}"))
}

/// The time of a tick.
pub(crate) fn time(tick: u8) -> Timestamp {
    Timestamp::EPOCH.after(TICK * u32::from(tick))
}

/// The tick of a time, rounded down.
pub(crate) fn tick(time: Timestamp) -> u8 {
    u8::try_from(time.as_micros() / 1_000_000).unwrap_or(u8::MAX)
}
