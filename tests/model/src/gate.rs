//! The gate, step by step. Between any two steps everything else may happen.

use approvals_core::state::Phase;

use crate::defect::Defect;
use crate::fused::TakenUp;
use crate::ledger::{Attempt, Entry, Log, What, requested};
use crate::world::{Policy, Protocol, Request, World};

/// One node: the process that has its name now, and its one call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Node {
    pub step: Step,
    /// How often the agent may still call.
    pub calls: u8,
    /// The live argument.
    pub argument: u8,
    pub restarted: bool,
}

impl Node {
    pub(crate) fn new(calls: u8) -> Self {
        Self { step: Step::Idle, calls, argument: 0, restarted: false }
    }
}

/// Where the gate stands, named for what comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    Idle,
    /// Reads the request of the key in this round.
    LookUp {
        round: u8,
    },
    /// Asks policy.
    Rule {
        round: u8,
    },
    /// Policy said `Run`: looks up the key again, then runs.
    RunFreely {
        round: u8,
    },
    /// Policy said `Ask`: appends `requested` at version 0.
    Ask {
        round: u8,
    },
    /// Waits for the verdict.
    Wait {
        request: u8,
    },
    /// Has seen the approval: asks policy again. `refused`: what policy said when it woke.
    AskAgain {
        request: u8,
        version: u8,
        refused: bool,
    },
    /// A detached task appends `started`. `gone`: the caller is.
    Claim {
        request: u8,
        version: u8,
        refused: bool,
        gone: bool,
    },
    /// Has taken up a verdict: a detached task appends it with `started`.
    Together(TakenUp),
    /// The reply was lost: reads the history.
    ReadBack {
        attempt: Attempt,
        gone: bool,
    },
    /// Holds the claim: rebuilds the call, compares and enters the body without an await in between.
    Held {
        attempt: Attempt,
    },
    /// Inside the body.
    Body {
        attempt: Attempt,
    },
    /// The writer owes the end of the attempt.
    Write(End),
    /// Dropped: takes its own request back.
    Withdraw {
        request: u8,
    },
    Done(Answer),
    /// The process is dead.
    Down,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    Ended(Attempt),
    NotRun(Attempt),
    Lost(Attempt),
}

impl End {
    pub(crate) fn attempt(self) -> Attempt {
        match self {
            Self::Ended(attempt) | Self::NotRun(attempt) | Self::Lost(attempt) => attempt,
        }
    }
}

/// What the caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    Ran,
    RanFreely,
    Refused,
    /// Denied, expired, cancelled, running, unknown, or run already.
    Ended(Phase),
    KeyReused {
        request: u8,
    },
    Failed,
    /// Nobody is there to be told.
    Gone,
    /// Beyond what this model follows.
    Bound,
}

impl Protocol {
    /// The agent calls: a keyed call looks up its key before anything else.
    pub(crate) fn call(&self, world: &mut World, number: u8) -> Option<()> {
        let looks_up = self.keyed && !self.has(Defect::PolicyBeforeKey);
        let node = &mut world.nodes[usize::from(number)];
        node.calls -= 1;
        node.step = if looks_up { Step::LookUp { round: 0 } } else { Step::Rule { round: 0 } };
        Some(())
    }

    /// The gate's next step; `None` while there is nothing to do.
    pub(crate) fn step(&self, world: &mut World, number: u8) -> Option<()> {
        let next = match world.nodes[usize::from(number)].step {
            Step::LookUp { round } => self.look_up(world, number, round),
            Step::Rule { round } => match world.policy {
                Policy::Refuse => Step::Done(Answer::Refused),
                Policy::Run => Step::RunFreely { round },
                Policy::Ask if self.keyed && self.has(Defect::PolicyBeforeKey) => {
                    match world.requests.get(usize::from(round)) {
                        Some(_) => self.look_up(world, number, round),
                        None => Step::Ask { round },
                    }
                }
                Policy::Ask => Step::Ask { round },
            },
            Step::RunFreely { round } => self.run_freely(world, round),
            Step::Ask { round } => self.ask(world, number, round),
            Step::Wait { request } => self.wake(world, request)?,
            Step::AskAgain { request, version, refused } => {
                self.ask_again(world, number, request, version, refused)
            }
            Step::Claim { request, version, refused, gone } => {
                match self.claim(world, number, request, version, refused) {
                    Some(attempt) if gone => self.not_run(attempt),
                    Some(attempt) => Step::Held { attempt },
                    None if gone && !self.keyed => Step::Withdraw { request },
                    None if gone => Step::Done(Answer::Gone),
                    None => Step::Wait { request },
                }
            }
            Step::Together(taken) => self.write_both(world, number, taken),
            Step::ReadBack { .. } if self.has(Defect::NoReadBack) => Step::Done(Answer::Failed),
            Step::ReadBack { attempt, gone } => {
                let ours = world.requests[usize::from(attempt.request)].log.runs(attempt);
                match (ours, gone) {
                    (true, true) => self.not_run(attempt),
                    (true, false) => Step::Held { attempt },
                    (false, _) => Step::Done(Answer::Failed),
                }
            }
            Step::Held { attempt } => self.enter(world, number, attempt),
            Step::Body { attempt } => Step::Write(End::Ended(attempt)),
            Step::Write(end) => self.write_end(world, number, end),
            Step::Withdraw { request } => {
                if let Some(log) = self.append_now(world, request, What::Withdrawn, number) {
                    world.requests[usize::from(request)].log = log;
                }
                Step::Done(Answer::Gone)
            }
            Step::Idle | Step::Done(_) | Step::Down => return None,
        };
        world.nodes[usize::from(number)].step = next;
        Some(())
    }

    fn look_up(&self, world: &World, number: u8, round: u8) -> Step {
        let Some(found) = world.requests.get(usize::from(round)) else {
            return Step::Rule { round };
        };
        if !self.is_same_call(world, number, round, self.has(Defect::NonceInLiveDigest)) {
            return Step::Done(Answer::KeyReused { request: round });
        }
        match found.log.phase() {
            Phase::Pending | Phase::Approved => Step::Wait { request: round },
            Phase::Unknown if self.asked.rerunnable => Step::Wait { request: round },
            // Law 3: a no that came after the claim still stands when the body turns out not to have run.
            Phase::Cancelled
                if found.log.state().denied_by().is_some() && !self.has(Defect::DenialForgottenByKey) =>
            {
                Step::Done(Answer::Ended(Phase::Denied))
            }
            Phase::Expired | Phase::Cancelled if round + 1 < self.requests => {
                Step::LookUp { round: round + 1 }
            }
            Phase::Expired | Phase::Cancelled => Step::Done(Answer::Bound),
            ended => Step::Done(Answer::Ended(ended)),
        }
    }

    /// Rebuilds the call from the live argument and compares it with the one that was asked for.
    fn is_same_call(&self, world: &World, number: u8, request: u8, with_nonce: bool) -> bool {
        let live = requested(self.as_written(), world.nodes[usize::from(number)].argument, number, request);
        let Some(opened) = world.requests[usize::from(request)].log.state().opened() else { return false };
        match with_nonce {
            true => live.digest().ok() == Some(opened.digest),
            false => live.call == opened.requested.call,
        }
    }

    fn run_freely(&self, world: &mut World, round: u8) -> Step {
        // The ruling may have taken its time: a request of the key that came meanwhile is this call's request. One step
        // with the body, because what comes after this look-up comes after the call ran.
        let once = self.has(Defect::PolicyBeforeKey) || self.has(Defect::KeyLookedUpOnce);
        if self.keyed && !once && world.requests.get(usize::from(round)).is_some() {
            return Step::LookUp { round };
        }
        if self.keyed && world.requests.iter().any(|request| request.no_said) {
            world.broken.denial_wins = true;
        }
        // Law 10: what waits, or has a verdict, is not opened by a policy that has changed its mind.
        let stands = |request: &Request| !matches!(request.log.phase(), Phase::Expired | Phase::Cancelled);
        if self.keyed && world.requests.iter().any(stands) {
            world.broken.policy_may_stop = true;
        }
        Step::Done(Answer::RanFreely)
    }

    fn ask(&self, world: &mut World, number: u8, round: u8) -> Step {
        let opened = u8::try_from(world.requests.len()).unwrap_or(u8::MAX);
        let derived = self.keyed && !self.has(Defect::KeyOutsideAppend);
        if derived && round < opened {
            // Version 0 is taken: lost against the other node, so attach.
            return Step::LookUp { round };
        }
        let request = if derived { round } else { opened };
        if request >= self.requests {
            return Step::Done(Answer::Bound);
        }
        let what = What::Requested { argument: world.nodes[usize::from(number)].argument, nonce: number };
        let entry = Entry { what, node: number, stamp: world.clock, written: world.clock };
        match Log::new(self.as_written(), request).append(0, entry) {
            Some(log) => {
                world.requests.push(Request { log, bodies: 0, no_said: false });
                Step::Wait { request }
            }
            None => Step::Done(Answer::Failed),
        }
    }

    fn wake(&self, world: &World, request: u8) -> Option<Step> {
        let log = &world.requests[usize::from(request)].log;
        let claims = match log.phase() {
            Phase::Pending => return None,
            Phase::Approved => true,
            Phase::Unknown => self.asked.rerunnable && log.state().denied_by().is_none(),
            _ => false,
        };
        Some(match claims {
            true => {
                Step::AskAgain { request, version: log.version(), refused: world.policy == Policy::Refuse }
            }
            false => Step::Done(Answer::Ended(log.phase())),
        })
    }

    fn ask_again(&self, world: &mut World, number: u8, request: u8, version: u8, refused: bool) -> Step {
        if world.policy != Policy::Refuse || self.has(Defect::PolicyNotAskedAgain) {
            return Step::Claim { request, version, refused, gone: false };
        }
        match self.append(world, request, version, What::Stopped, number) {
            Some(log) => {
                world.requests[usize::from(request)].log = log;
                Step::Done(Answer::Refused)
            }
            None if world.requests[usize::from(request)].log.version() != version => Step::Wait { request },
            None => Step::Done(Answer::Refused),
        }
    }

    fn claim(
        &self,
        world: &mut World,
        number: u8,
        request: u8,
        version: u8,
        refused: bool,
    ) -> Option<Attempt> {
        let attempt = Attempt { node: number, request, version };
        match self.append(world, request, version, What::Started(attempt), number) {
            Some(log) => {
                let first = if self.keyed { 0 } else { usize::from(request) };
                let so_far = &world.requests[first..=usize::from(request)];
                world.broken.denial_wins |= so_far.iter().any(|request| request.no_said);
                world.broken.policy_may_stop |= refused;
                world.requests[usize::from(request)].log = log;
                Some(attempt)
            }
            None => {
                let moved = world.requests[usize::from(request)].log.phase() == Phase::Executing;
                (moved && self.has(Defect::NoCompareAndSet)).then_some(attempt)
            }
        }
    }

    /// The claim is written, and nobody hears of it.
    pub(crate) fn lose_reply(&self, world: &mut World, number: u8) -> Option<()> {
        let (request, version, refused, gone) = match world.nodes[usize::from(number)].step {
            Step::Claim { request, version, refused, gone } => (request, version, refused, gone),
            Step::Together(taken) => return self.lose_reply_to_both(world, number, taken),
            _ => return None,
        };
        let attempt = self.claim(world, number, request, version, refused)?;
        world.left.lost_replies -= 1;
        world.nodes[usize::from(number)].step = Step::ReadBack { attempt, gone };
        Some(())
    }

    fn enter(&self, world: &mut World, number: u8, attempt: Attempt) -> Step {
        let same = self.is_same_call(world, number, attempt.request, false);
        if !same && !self.has(Defect::NotRebuilt) {
            return self.not_run(attempt);
        }
        let request = &mut world.requests[usize::from(attempt.request)];
        request.bodies = (request.bodies + 1).min(3);
        let approved = request.log.argument() == Some(world.nodes[usize::from(number)].argument);
        world.broken.shown_is_run |= !approved;
        world.broken.no_body_without_permit |= !request.log.runs(attempt);
        Step::Body { attempt }
    }

    pub(crate) fn not_run(&self, attempt: Attempt) -> Step {
        match self.has(Defect::NoNotRun) {
            true => Step::Done(Answer::Gone),
            false => Step::Write(End::NotRun(attempt)),
        }
    }

    fn write_end(&self, world: &mut World, number: u8, end: End) -> Step {
        let (attempt, what, told) = match end {
            End::Ended(attempt) => (attempt, What::Ended(attempt), Answer::Ran),
            End::NotRun(attempt) => (attempt, What::NotRun(attempt), Answer::Gone),
            End::Lost(attempt) => (attempt, What::Lost(attempt), Answer::Gone),
        };
        let request = usize::from(attempt.request);
        if matches!(end, End::NotRun(_)) && self.has(Defect::Released) {
            world.requests[request].log = world.requests[request].log.before(attempt);
        } else if let Some(log) = self.append_now(world, attempt.request, what, number) {
            world.requests[request].log = log;
        }
        Step::Done(told)
    }

    /// The caller's future is dropped: a keyed call parks, one without a key takes its request back, and whoever holds
    /// the claim leaves it to the guard.
    pub(crate) fn drop_caller(&self, world: &mut World, number: u8) -> Option<()> {
        let parks = self.keyed && !self.has(Defect::KeyedWithdraws);
        let node = &mut world.nodes[usize::from(number)];
        node.step = match node.step {
            Step::Wait { .. } | Step::AskAgain { .. } if parks => Step::Done(Answer::Gone),
            Step::Wait { request } | Step::AskAgain { request, .. } => Step::Withdraw { request },
            Step::Claim { request, version, refused, gone: false } => {
                Step::Claim { request, version, refused, gone: true }
            }
            Step::Together(taken) if !taken.gone => Step::Together(TakenUp { gone: true, ..taken }),
            Step::ReadBack { attempt, gone: false } => Step::ReadBack { attempt, gone: true },
            Step::Held { attempt } => self.not_run(attempt),
            Step::Body { attempt } => Step::Write(End::Lost(attempt)),
            _ => return None,
        };
        world.left.drops -= 1;
        Some(())
    }

    /// The next process of the same name closes what its predecessor held.
    pub(crate) fn restart(&self, world: &mut World, number: u8) -> Option<()> {
        for index in 0..world.requests.len() {
            let log = &world.requests[index].log;
            let held = log.attempt().filter(|held| held.node == number && log.runs(*held));
            if let Some(held) = held
                && let Some(log) = self.append_now(world, held.request, What::Lost(held), number)
            {
                world.requests[index].log = log;
            }
        }
        let node = &mut world.nodes[usize::from(number)];
        node.step = Step::Idle;
        node.restarted = true;
        Some(())
    }
}
