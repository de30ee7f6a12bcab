//! A request, people and records, in as few words as a test needs.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::action::Risk;
use crate::card::Shown;
use crate::id::{ClaimId, GroupId, NodeName, RequestId};
use crate::ledger::{
    Answer, Body, CancelWhy, Env, Event, FORMAT, Finish, Ignored, IgnoredWhat, IgnoredWhy, NotRunWhy,
    Reconciliation, Reviewed, Stream,
};
use crate::people::{Assurance, Principal, Requester};
use crate::request::{
    ArgumentFact, ArgumentValue, CallFacts, Commitment, Digest, Quorum, Requested, Requirement, Terms,
};
use crate::state::{Illegal, Phase, State, apply};
use crate::time::Timestamp;

/// The agent `bot` of olga acts for hank.
pub(crate) const REQUESTERS: [&str; 3] = ["bot", "olga", "hank"];
pub(crate) const DECIDE: Duration = Duration::from_secs(10);
pub(crate) const USE: Duration = Duration::from_secs(5);
pub(crate) const TICK: Duration = Duration::from_micros(1);

pub(crate) fn id() -> RequestId {
    RequestId::from_uuid(uuid::Uuid::from_u128(7))
}

pub(crate) fn start() -> Timestamp {
    Timestamp::from_micros(1_000_000_000)
}

pub(crate) fn claim(number: u128) -> ClaimId {
    ClaimId::from_uuid(uuid::Uuid::from_u128(number))
}

pub(crate) fn groups(names: &[&str]) -> BTreeSet<GroupId> {
    names.iter().map(|name| GroupId::from(*name)).collect()
}

pub(crate) fn requirement(quorum: Quorum) -> Requirement {
    Requirement { quorum, decide_within: DECIDE, use_within: USE, ..Requirement::at(Risk::Medium) }
}

pub(crate) fn requested(requirement: Requirement) -> Requested {
    let requester =
        Requester { agent: "bot".into(), owner: "olga".into(), on_behalf_of: Some(Principal::from("hank")) };
    let value = ArgumentValue::Shown(Commitment::from_bytes([1; 32]));
    Requested {
        call: CallFacts {
            action: "dataset.export".to_owned(),
            risk: Risk::Low,
            sensitivity: None,
            arguments: vec![ArgumentFact { name: "rows".to_owned(), value }],
            reason: None,
            resource: None,
            labels: [].into(),
            requester,
            rerunnable: false,
            quorum: None,
        },
        terms: Terms {
            requirement,
            policy: "p1".into(),
            nonce: "00".repeat(16),
            build: "test".to_owned(),
            open_to_store: false,
            round: None,
            inside: crate::request::Chain::default(),
        },
    }
}

pub(crate) fn rerunnable(requirement: Requirement) -> Requested {
    let mut requested = requested(requirement);
    requested.call.rerunnable = true;
    requested
}

/// A request and what became of it so far, with a clock and a node for what comes next.
#[derive(Clone)]
pub(crate) struct History {
    pub(crate) state: State,
    pub(crate) bodies: Vec<Body>,
    pub(crate) now: Timestamp,
    pub(crate) node: NodeName,
    pub(crate) env: Env,
}

impl History {
    pub(crate) fn empty() -> Self {
        Self { state: State::default(), bodies: Vec::new(), now: start(), node: "n1".into(), env: Env::Live }
    }

    pub(crate) fn of(requested: Requested) -> Self {
        Self::empty().then(Event::Requested(requested.into()))
    }

    pub(crate) fn asking(quorum: Quorum) -> Self {
        Self::of(requested(requirement(quorum)))
    }

    /// The record that would hold this event next.
    pub(crate) fn next(&self, event: Event) -> Body {
        let at = self.state.version();
        Body {
            format: FORMAT,
            env: self.env,
            stream: Stream::Request(id()),
            version: if event.is_note() { at } else { at.next() },
            time: self.now,
            node: self.node.clone(),
            event,
        }
    }

    pub(crate) fn judge(&self, event: Event) -> Result<State, Illegal> {
        apply(&self.state, &self.next(event))
    }

    /// Why the event is refused.
    pub(crate) fn refusal(&self, event: Event) -> Illegal {
        let name = event.name();
        match self.judge(event) {
            Err(illegal) => illegal,
            Ok(state) => panic!("`{name}` is accepted and leads to {}", state.phase()),
        }
    }

    /// Adds an event that has to be legal.
    pub(crate) fn then(mut self, event: Event) -> Self {
        if let Err(illegal) = self.push(event.clone()) {
            panic!("`{}` is refused: {illegal}", event.name());
        }
        self
    }

    pub(crate) fn push(&mut self, event: Event) -> Result<(), Illegal> {
        let body = self.next(event);
        self.state = apply(&self.state, &body)?;
        self.bodies.push(body);
        Ok(())
    }

    pub(crate) fn on(mut self, node: &str) -> Self {
        self.node = node.into();
        self
    }

    pub(crate) fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    pub(crate) fn later(self, by: Duration) -> Self {
        let now = self.now.after(by);
        self.at(now)
    }

    /// One microsecond earlier.
    pub(crate) fn just_before(self) -> Self {
        let now = Timestamp::from_micros(self.now.as_micros() - 1);
        self.at(now)
    }

    pub(crate) fn phase(&self) -> Phase {
        self.state.phase()
    }

    pub(crate) fn digest(&self) -> Digest {
        self.state.opened().map_or(Digest::from_bytes([0; 32]), |opened| opened.digest)
    }

    pub(crate) fn reviewed(&self, answer: Answer, by: &str, member_of: &[&str]) -> Reviewed {
        Reviewed {
            answer,
            by: by.into(),
            groups: groups(member_of),
            assurance: Assurance::Local,
            way: "chat".into(),
            digest: self.digest(),
            comment: None,
        }
    }

    pub(crate) fn yes(&self, by: &str, member_of: &[&str]) -> Event {
        Event::Reviewed(self.reviewed(Answer::Approve, by, member_of))
    }

    pub(crate) fn no(&self, by: &str, member_of: &[&str]) -> Event {
        Event::Reviewed(self.reviewed(Answer::Deny, by, member_of))
    }

    pub(crate) fn approved_by(self, by: &str, member_of: &[&str]) -> Self {
        let yes = self.yes(by, member_of);
        self.then(yes)
    }

    pub(crate) fn denied_by(self, by: &str, member_of: &[&str]) -> Self {
        let no = self.no(by, member_of);
        self.then(no)
    }

    pub(crate) fn overridden(&self, by: &str) -> Event {
        Event::Overridden {
            by: by.into(),
            assurance: Assurance::Local,
            digest: self.digest(),
            reason: Commitment::from_bytes([2; 32]),
        }
    }
}

pub(crate) fn presented(shown: Shown) -> Event {
    Event::Presented { way: "chat".into(), reference: "message-1".into(), shown }
}

pub(crate) fn ignored() -> Event {
    Event::Ignored(Ignored {
        what: IgnoredWhat::Approve,
        why: IgnoredWhy::Unmapped,
        by: None,
        way: None,
        identity: None,
    })
}

pub(crate) fn withdrawn() -> Event {
    Event::Cancelled { by: None, why: CancelWhy::Withdrawn }
}

pub(crate) fn started(number: u128) -> Event {
    Event::Started { claim: claim(number) }
}

pub(crate) fn finished(number: u128, outcome: Finish) -> Event {
    Event::Finished { claim: claim(number), outcome }
}

pub(crate) fn failed() -> Finish {
    Finish::Err { kind: "OpsError".to_owned() }
}

pub(crate) fn not_run() -> Finish {
    Finish::NotRun { why: NotRunWhy::CallerGone }
}

pub(crate) fn lost(number: u128) -> Event {
    Event::Lost { claim: claim(number) }
}

pub(crate) fn reconciled(by: &str, outcome: Reconciliation) -> Event {
    Event::Reconciled { outcome, by: by.into(), reason: Commitment::from_bytes([3; 32]) }
}
