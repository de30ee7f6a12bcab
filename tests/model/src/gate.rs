//! The gate, step by step. Between any two steps everything else may happen.

use approvals_core::error::ErrorKind;
use approvals_core::ledger::Answer as Said;
use approvals_core::state::{Phase, Prospect};

use crate::defect::Defect;
use crate::ledger::{Attempt, Entry, Log, Refusal, What};
use crate::request::requested;
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

/// What stood against a claim when its waiter was woken. It was asked after that, so it has to have stopped it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Saw {
    pub policy: Policy,
    /// Whether those who said yes may still say it.
    pub met: bool,
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
    /// Has seen the approval: asks policy and directory again, and looks.
    AskAgain {
        request: u8,
        saw: Saw,
    },
    /// A detached task appends `started` at the version it saw. `gone`: the caller is.
    Claim {
        request: u8,
        version: u8,
        notes: u8,
        saw: Saw,
        gone: bool,
    },
    /// The desk of this process offers it a yes that completes the quorum: asks policy and directory.
    Offer {
        request: u8,
        letter: u8,
        version: u8,
        saw: Saw,
    },
    /// A detached task appends that yes and `started` as one.
    Fuse {
        request: u8,
        letter: u8,
        version: u8,
        saw: Saw,
        gone: bool,
    },
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
    /// The writer owes the end of the attempt. `again`: it has written it and does not know.
    Write {
        end: End,
        again: bool,
    },
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

    fn what(self) -> What {
        match self {
            Self::Ended(attempt) => What::Ended(attempt),
            Self::NotRun(attempt) => What::NotRun(attempt),
            Self::Lost(attempt) => What::Lost(attempt),
        }
    }
}

/// What the caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    Ran,
    RanFreely,
    /// Not executed, for this reason.
    Refused(ErrorKind),
    /// The key is taken by this request.
    KeyReused {
        request: u8,
    },
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
            Step::Rule { round } => self.rule(world, number, round),
            Step::RunFreely { round } => self.run_freely(world, round),
            Step::Ask { round } => self.ask(world, number, round),
            Step::Wait { request } => self.wake(world, request)?,
            Step::AskAgain { request, saw } => self.ask_again(world, number, request, saw),
            Step::Claim { request, version, notes, saw, gone } => {
                match self.claim(world, number, request, version, notes, saw) {
                    Ok(attempt) => self.claimed(attempt, gone),
                    Err(refusal) => self.look_again(world, request, saw, gone, refusal),
                }
            }
            Step::Offer { request, letter, version, saw } => {
                self.offer(world, number, request, letter, version, saw)
            }
            Step::Fuse { request, letter, version, saw, gone } => {
                match self.fuse(world, number, request, letter, version, saw) {
                    Some(attempt) => self.claimed(attempt, gone),
                    None => {
                        self.judge_anew(world, letter, request);
                        if gone { self.leave(request) } else { Step::Wait { request } }
                    }
                }
            }
            Step::ReadBack { .. } if self.has(Defect::NoReadBack) => {
                Step::Done(Answer::Refused(ErrorKind::Store))
            }
            Step::ReadBack { attempt, gone } => match world.log(attempt.request).runs(attempt) {
                true => self.claimed(attempt, gone),
                false if self.keyed => Step::Done(Answer::Refused(ErrorKind::Store)),
                false => Step::Withdraw { request: attempt.request },
            },
            Step::Held { attempt } => self.enter(world, number, attempt),
            Step::Body { attempt } => Step::Write { end: End::Ended(attempt), again: false },
            Step::Write { end, again } => self.write_end(world, number, end, again),
            Step::Withdraw { request } => {
                if let Ok(log) = self.append_now(world, request, What::Withdrawn, number) {
                    world.put(request, log);
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
        let state = found.log.state();
        let forgets = state.phase() == Phase::Cancelled && self.has(Defect::DenialForgottenByKey);
        if state.opens_next_round() || forgets {
            return match round + 1 < self.requests {
                true => Step::LookUp { round: round + 1 },
                false => Step::Done(Answer::Bound),
            };
        }
        if !self.is_same_call(world, number, round, self.has(Defect::NonceInLiveDigest)) {
            return Step::Done(Answer::KeyReused { request: round });
        }
        match state.prospect() {
            Prospect::Waits | Prospect::Claimable => Step::Wait { request: round },
            Prospect::Refused(kind) => Step::Done(Answer::Refused(kind)),
        }
    }

    fn rule(&self, world: &World, number: u8, round: u8) -> Step {
        match world.policy {
            Policy::Refuse => Step::Done(Answer::Refused(ErrorKind::Refused)),
            Policy::Fail if !self.has(Defect::FailedPolicyRuns) => {
                Step::Done(Answer::Refused(ErrorKind::Unavailable))
            }
            Policy::Run | Policy::Fail => Step::RunFreely { round },
            Policy::Ask if self.keyed && self.has(Defect::PolicyBeforeKey) => {
                match world.requests.get(usize::from(round)) {
                    Some(_) => self.look_up(world, number, round),
                    None => Step::Ask { round },
                }
            }
            Policy::Ask => Step::Ask { round },
        }
    }

    /// Rebuilds the call from the live argument and compares it with the one that was asked for.
    pub(crate) fn is_same_call(&self, world: &World, number: u8, request: u8, with_nonce: bool) -> bool {
        let live = requested(self.as_written(), world.nodes[usize::from(number)].argument, number, request);
        let Some(opened) = world.log(request).state().opened() else { return false };
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
        // Policy turns once: what said `Run` a moment ago has not failed since.
        world.broken.unknown_is_closed |= world.policy == Policy::Fail;
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
        match Log::new(self.as_written(), request).append(0, &[entry]) {
            Ok(log) => {
                world.requests.push(Request { log, bodies: 0, no_said: false, ignored: 0 });
                Step::Wait { request }
            }
            Err(_) => Step::Done(Answer::Refused(ErrorKind::Store)),
        }
    }

    fn wake(&self, world: &World, request: u8) -> Option<Step> {
        let log = world.log(request);
        Some(match log.state().prospect() {
            Prospect::Waits => return None,
            Prospect::Claimable => Step::AskAgain { request, saw: self.see(world, log) },
            Prospect::Refused(kind) => Step::Done(Answer::Refused(kind)),
        })
    }

    /// What policy and directory say at this moment of a claim under this history.
    pub(crate) fn see(&self, world: &World, log: &Log) -> Saw {
        let gone = self.leaver.filter(|_| world.departed).map(|leaver| leaver.id());
        let yes = log.state().answers().iter().filter(|counted| counted.answer == Said::Approve);
        let groups: Vec<_> = yes.filter(|yes| Some(yes.by.as_str()) != gone).map(|yes| &yes.groups).collect();
        let met = log.state().overridden_by().is_some() || log.state().quorum_is_met_by(&groups);
        Saw { policy: world.policy, met }
    }

    fn ask_again(&self, world: &mut World, number: u8, request: u8, saw: Saw) -> Step {
        let now = self.see(world, world.log(request));
        let fails = now.policy == Policy::Fail && !self.has(Defect::FailedPolicyRuns);
        let stops = now.policy == Policy::Refuse && !self.has(Defect::PolicyNotAskedAgain)
            || !now.met && !self.has(Defect::DirectoryNotAskedAgain);
        if fails && self.keyed {
            return Step::Done(Answer::Refused(ErrorKind::Unavailable));
        }
        if fails {
            return Step::Withdraw { request };
        }
        if !stops {
            return self.look(world, request, saw, false);
        }
        match self.append_now(world, request, What::Stopped, number) {
            Ok(log) => {
                world.put(request, log);
                Step::Done(Answer::Refused(ErrorKind::Cancelled))
            }
            Err(_) if world.log(request).state().prospect() == Prospect::Claimable => {
                Step::Done(Answer::Refused(ErrorKind::Refused))
            }
            Err(_) => Step::Wait { request },
        }
    }

    fn look(&self, world: &World, request: u8, saw: Saw, gone: bool) -> Step {
        // Who comes later is a note only to a defect.
        let notes = match self.has(Defect::IgnoredMovesTheVersion) {
            true => world.requests[usize::from(request)].ignored,
            false => 0,
        };
        Step::Claim { request, version: world.log(request).version(), notes, saw, gone }
    }

    /// The claim was refused: looks at the request anew. Policy is not asked again.
    fn look_again(&self, world: &mut World, request: u8, saw: Saw, gone: bool, refusal: Refusal) -> Step {
        let prospect = world.log(request).state().prospect();
        match (prospect, refusal) {
            (Prospect::Claimable, Refusal::Conflict) => self.look(world, request, saw, gone),
            _ if gone => self.leave(request),
            (Prospect::Claimable, Refusal::TooLate(_)) if world.log(request).phase() == Phase::Unknown => {
                Step::Done(Answer::Refused(ErrorKind::Unknown))
            }
            (Prospect::Claimable, _) => {
                let node = crate::world::DESK;
                if let Ok(log) = self.append_now(world, request, What::Expired, node) {
                    world.put(request, log);
                }
                Step::Done(Answer::Refused(ErrorKind::Expired))
            }
            (Prospect::Waits, _) => Step::Wait { request },
            (Prospect::Refused(kind), _) => Step::Done(Answer::Refused(kind)),
        }
    }

    fn leave(&self, request: u8) -> Step {
        if self.keyed { Step::Done(Answer::Gone) } else { Step::Withdraw { request } }
    }

    fn claim(
        &self,
        world: &mut World,
        number: u8,
        request: u8,
        version: u8,
        notes: u8,
        saw: Saw,
    ) -> Result<Attempt, Refusal> {
        let attempt = Attempt { node: number, request, version, fused: false };
        let moved_by_notes =
            self.has(Defect::IgnoredMovesTheVersion) && world.requests[usize::from(request)].ignored != notes;
        let appended = match moved_by_notes {
            true => Err(Refusal::Conflict),
            false => self.append(world, request, version, &[What::Started(attempt)], number),
        };
        // Law 11: nothing but notes can have come since the look, and the claim has to start over.
        let is_conflict = matches!(appended, Err(Refusal::Conflict));
        world.broken.notes_move_nothing |= is_conflict && world.log(request).version() == version;
        match appended {
            Ok(log) => {
                self.judge_claim(world, request, saw);
                world.put(request, log);
                Ok(attempt)
            }
            Err(_) if world.log(request).phase() == Phase::Executing && self.has(Defect::NoCompareAndSet) => {
                Ok(attempt)
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// What no claim may follow.
    pub(crate) fn judge_claim(&self, world: &mut World, request: u8, saw: Saw) {
        let first = if self.keyed { 0 } else { usize::from(request) };
        let so_far = &world.requests[first..=usize::from(request)];
        world.broken.denial_wins |= so_far.iter().any(|request| request.no_said);
        world.broken.policy_may_stop |= saw.policy == Policy::Refuse || !saw.met;
        world.broken.unknown_is_closed |= saw.policy == Policy::Fail;
    }

    fn claimed(&self, attempt: Attempt, gone: bool) -> Step {
        if gone { self.not_run(attempt) } else { Step::Held { attempt } }
    }

    /// What the gate appends is written, and nobody hears of it.
    pub(crate) fn lose_reply(&self, world: &mut World, number: u8) -> Option<()> {
        let next = match world.nodes[usize::from(number)].step {
            Step::Claim { request, version, notes, saw, gone } => {
                let attempt = self.claim(world, number, request, version, notes, saw).ok()?;
                Step::ReadBack { attempt, gone }
            }
            Step::Fuse { request, letter, version, saw, gone } => {
                let attempt = self.fuse(world, number, request, letter, version, saw)?;
                Step::ReadBack { attempt, gone }
            }
            Step::Write { end, again: false } => {
                self.write_end(world, number, end, false);
                Step::Write { end, again: true }
            }
            _ => return None,
        };
        world.left.lost_replies -= 1;
        world.nodes[usize::from(number)].step = next;
        Some(())
    }

    /// What the gate appends is not written, however often it is tried.
    pub(crate) fn fail_write(&self, world: &mut World, number: u8) -> Option<()> {
        let next = match world.nodes[usize::from(number)].step {
            Step::Claim { request, version, gone, .. } => {
                let attempt = Attempt { node: number, request, version, fused: false };
                match self.has(Defect::FailedClaimHolds) {
                    true => self.claimed(attempt, gone),
                    false => Step::ReadBack { attempt, gone },
                }
            }
            Step::Fuse { request, letter, gone, .. } => {
                // The way in is told that the review could not be recorded, and submits it again.
                world.copies[usize::from(letter)] += 1;
                if gone { self.leave(request) } else { Step::Wait { request } }
            }
            _ => return None,
        };
        world.left.failed_writes -= 1;
        world.nodes[usize::from(number)].step = next;
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
        let unguarded = attempt.fused && self.has(Defect::FusedWithoutGuard);
        match unguarded || self.has(Defect::NoNotRun) {
            true => Step::Done(Answer::Gone),
            false => Step::Write { end: End::NotRun(attempt), again: false },
        }
    }

    fn write_end(&self, world: &mut World, number: u8, end: End, again: bool) -> Step {
        let request = end.attempt().request;
        if again && self.has(Defect::SecondEnd) {
            let forgetful = world.log(request).forgetting(end.what());
            world.put(request, forgetful);
        }
        if matches!(end, End::NotRun(_)) && self.has(Defect::Released) {
            let released = world.log(request).before(What::Started(end.attempt()));
            world.put(request, released);
        } else if let Ok(log) = self.append_now(world, request, end.what(), number) {
            world.put(request, log);
        }
        Step::Done(if matches!(end, End::Ended(_)) { Answer::Ran } else { Answer::Gone })
    }

    /// The caller's future is dropped: a keyed call parks, one without a key takes its request back, and whoever holds
    /// the claim leaves it to the guard.
    pub(crate) fn drop_caller(&self, world: &mut World, number: u8) -> Option<()> {
        let parks = self.keyed && !self.has(Defect::KeyedWithdraws);
        let step = world.nodes[usize::from(number)].step;
        world.nodes[usize::from(number)].step = match step {
            Step::Wait { request } | Step::AskAgain { request, .. } | Step::Offer { request, .. } => {
                // The desk goes on with the review alone.
                if let Step::Offer { letter, .. } = step {
                    self.arrive(world, letter, request);
                }
                if parks { Step::Done(Answer::Gone) } else { Step::Withdraw { request } }
            }
            Step::Claim { request, version, notes, saw, gone: false } => {
                Step::Claim { request, version, notes, saw, gone: true }
            }
            Step::Fuse { request, letter, version, saw, gone: false } => {
                Step::Fuse { request, letter, version, saw, gone: true }
            }
            Step::ReadBack { attempt, gone: false } => Step::ReadBack { attempt, gone: true },
            Step::Held { attempt } => self.not_run(attempt),
            Step::Body { attempt } => Step::Write { end: End::Lost(attempt), again: false },
            _ => return None,
        };
        world.left.drops -= 1;
        Some(())
    }

    /// The process dies. A review that its desk had in hand was not acknowledged, and comes again.
    pub(crate) fn crash(world: &mut World, number: u8) -> Option<()> {
        let node = &mut world.nodes[usize::from(number)];
        if let Step::Offer { letter, .. } | Step::Fuse { letter, .. } = node.step {
            world.copies[usize::from(letter)] += 1;
        }
        node.step = Step::Down;
        world.left.crashes -= 1;
        Some(())
    }

    /// The next process of the same name closes what its predecessor held.
    pub(crate) fn restart(&self, world: &mut World, number: u8) -> Option<()> {
        for index in 0..world.requests.len() {
            let log = &world.requests[index].log;
            let held = log.attempt().filter(|held| held.node == number && log.runs(*held));
            if let Some(held) = held
                && let Ok(log) = self.append_now(world, held.request, What::Lost(held), number)
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
