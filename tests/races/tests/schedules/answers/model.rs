//! One request as its people and callers are promised to see it, written apart from the production state machine.

use std::collections::BTreeMap;

use approvals_races_core::error::ErrorKind;
use approvals_races_core::ledger::{Answer, IgnoredWhy};
use approvals_races_core::state::Phase;
use stateright::semantics::SequentialSpec;

/// What somebody does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Op {
    /// A person who may decide answers.
    Answers(&'static str, Answer),
    /// The owner of the agent takes it back, or says no to it, which is the same.
    TakesBack,
    /// The gated call is made, and the body begins or the caller is told why not.
    Calls,
    /// The body is over.
    Ends,
    /// Somebody looks.
    Looks,
}

/// What they are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ret {
    Counted(Phase),
    Ignored(IgnoredWhy),
    /// The body begins.
    Runs,
    Refused(ErrorKind),
    /// The key has a request of the next round by now.
    AsksAnew,
    Over,
    Stands(Phase),
}

/// The request, once it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    takes: usize,
    said: BTreeMap<&'static str, Answer>,
    phase: Phase,
}

impl Request {
    /// One that takes so many people.
    pub(crate) fn of(takes: usize) -> Self {
        Self { takes, said: BTreeMap::new(), phase: Phase::Pending }
    }

    fn answers(&mut self, who: &'static str, answer: Answer) -> Ret {
        match (self.said.get(who), answer) {
            (None, _) | (Some(Answer::Approve), Answer::Deny) => {}
            _ => return Ret::Ignored(IgnoredWhy::AnsweredBefore),
        }
        let next = match (self.phase, answer) {
            (Phase::Pending | Phase::Approved, Answer::Deny) => Phase::Denied,
            (Phase::Executing, Answer::Deny) => Phase::Executing,
            (Phase::Pending, Answer::Approve) => {
                let yes = 1 + self.said.values().filter(|said| **said == Answer::Approve).count();
                if yes >= self.takes { Phase::Approved } else { Phase::Pending }
            }
            _ => return Ret::Ignored(IgnoredWhy::AlreadyDecided),
        };
        self.said.insert(who, answer);
        self.phase = next;
        Ret::Counted(next)
    }

    /// What a caller is told; `None` as long as there is nothing to tell, for a call waits.
    fn calls(&mut self) -> Option<Ret> {
        Some(match self.phase {
            Phase::Approved => {
                self.phase = Phase::Executing;
                Ret::Runs
            }
            Phase::Executing => Ret::Refused(ErrorKind::Running),
            Phase::Succeeded => Ret::Refused(ErrorKind::AlreadyRan),
            Phase::Denied => Ret::Refused(ErrorKind::Denied),
            Phase::Cancelled => Ret::Refused(ErrorKind::Cancelled),
            _ => return None,
        })
    }
}

impl SequentialSpec for Request {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        match op {
            Op::Answers(who, answer) => self.answers(who, *answer),
            Op::TakesBack if matches!(self.phase, Phase::Pending | Phase::Approved) => {
                self.phase = Phase::Cancelled;
                Ret::Counted(Phase::Cancelled)
            }
            Op::TakesBack => Ret::Ignored(IgnoredWhy::AlreadyDecided),
            Op::Calls => self.calls().unwrap_or(Ret::Stands(self.phase)),
            Op::Ends => {
                self.phase = Phase::Succeeded;
                Ret::Over
            }
            Op::Looks => Ret::Stands(self.phase),
        }
    }

    fn is_valid_step(&mut self, op: &Op, ret: &Ret) -> bool {
        match (op, ret) {
            // Whoever waited for this request is told of its end; whoever comes after that opens the next round.
            (Op::Calls, Ret::AsksAnew) => self.phase == Phase::Cancelled,
            // Without a verdict a call gets no answer, so its turn comes later.
            (Op::Calls, Ret::Stands(_)) => false,
            (Op::Ends, _) if self.phase != Phase::Executing => false,
            // The requester's own no, given as an answer: that there is a verdict already is not told to them.
            (Op::TakesBack, Ret::Ignored(IgnoredWhy::Requester)) => {
                self.invoke(op) == Ret::Ignored(IgnoredWhy::AlreadyDecided)
            }
            _ => self.invoke(op) == *ret,
        }
    }
}
