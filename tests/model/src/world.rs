//! Everything that is there at one moment, and everything that can happen next.

use approvals_core::state::Phase;
use stateright::{Model, Property};

use crate::defect::Defect;
use crate::gate::{Node, Step};
use crate::ledger::{Log, What};
use crate::people::{Letter, Voter};
use crate::request::Asked;

/// The name of a process that reads and reviews: the desk, where no waiter lives.
pub(crate) const DESK: u8 = 9;

/// One configuration: who calls, who answers, what may go wrong how often.
#[derive(Debug, Clone)]
pub struct Protocol {
    pub asked: Asked,
    pub keyed: bool,
    pub nodes: u8,
    /// How often each node may call.
    pub calls: u8,
    /// The most requests: rounds of the key, or calls without one.
    pub requests: u8,
    pub letters: Vec<Letter>,
    /// Whether a review may be judged at one time and written at another.
    pub slow_desk: bool,
    /// Whether verdict and claim may be one append.
    pub fuses: bool,
    /// What policy turns into at some moment.
    pub flip: Option<Policy>,
    /// Who leaves the directory at some moment.
    pub leaver: Option<Voter>,
    /// By how many ticks the clocks of the nodes may be ahead of the store's.
    pub skews: Vec<i8>,
    pub ticks: u8,
    pub left: Left,
    pub defect: Option<Defect>,
}

/// What policy says of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Policy {
    Ask,
    Run,
    Refuse,
    /// It cannot say.
    Fail,
}

/// How often something may still go wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Left {
    pub crashes: u8,
    pub drops: u8,
    pub lost_replies: u8,
    pub failed_writes: u8,
    pub mutations: u8,
    pub overrides: u8,
    pub cancels: u8,
    pub reconciliations: u8,
}

/// One request with what the ledger does not say.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    pub log: Log,
    /// How often its body was entered.
    pub bodies: u8,
    /// Whether somebody who may was told that their no counts.
    pub no_said: bool,
    /// How many notes say that something did not count. They are judged and counted, and not kept: nothing reads them.
    pub ignored: u8,
}

/// Laws that are broken by a step and cannot be seen in what it leaves behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Broken {
    pub no_body_without_permit: bool,
    pub denial_wins: bool,
    pub shown_is_run: bool,
    pub unknown_is_closed: bool,
    pub policy_may_stop: bool,
    pub notes_move_nothing: bool,
}

/// A review that was judged and is not written yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Judged {
    pub letter: u8,
    pub request: u8,
    pub version: u8,
    /// Whether it takes the request back, as the requester's own no does.
    pub revokes: bool,
}

/// Everything at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// The store's clock.
    pub clock: u8,
    /// By how much those of the nodes are ahead.
    pub skew: i8,
    pub policy: Policy,
    /// Whether the leaver has left.
    pub departed: bool,
    pub requests: Vec<Request>,
    pub nodes: Vec<Node>,
    /// How often each letter may still arrive.
    pub copies: Vec<u8>,
    pub judged: Option<Judged>,
    pub left: Left,
    pub broken: Broken,
}

impl World {
    pub(crate) fn node_clock(&self) -> u8 {
        self.clock.saturating_add_signed(self.skew)
    }

    pub(crate) fn log(&self, request: u8) -> &Log {
        &self.requests[usize::from(request)].log
    }

    pub(crate) fn put(&mut self, request: u8, log: Log) {
        self.requests[usize::from(request)].log = log;
    }
}

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The agent calls.
    Call(u8),
    /// The gate takes its next step.
    Step(u8),
    /// The gate's append is written and the reply is lost.
    LoseReply(u8),
    /// The gate's append is not written.
    FailWrite(u8),
    /// The caller's future is dropped.
    Drop(u8),
    /// The process dies.
    Crash(u8),
    /// The next process of the same name starts.
    Restart(u8),
    /// The arguments change while the call waits.
    Mutate(u8),
    /// A node says that another node's attempt was lost.
    CallLost(u8, u8),
    /// A letter arrives for a request.
    Deliver(u8, u8),
    /// A letter arrives at the desk of the process where the waiter lives, and would complete the quorum.
    Hear {
        node: u8,
        letter: u8,
    },
    /// A letter is judged for a request and written later.
    Judge(u8, u8),
    /// The judged letter is written.
    Write,
    Override(u8, Voter),
    Cancel(u8, Voter),
    Reconcile(u8, Voter, bool),
    Expire(u8),
    FlipPolicy,
    Depart,
    Tick,
}

impl Protocol {
    /// The same configuration with a rule taken away.
    #[must_use]
    pub fn without(mut self, defect: Defect) -> Self {
        self.defect = Some(defect);
        self
    }

    fn happen(&self, world: &mut World, action: Action) -> Option<()> {
        match action {
            Action::Call(node) => self.call(world, node),
            Action::Step(node) => self.step(world, node),
            Action::LoseReply(node) => self.lose_reply(world, node),
            Action::FailWrite(node) => self.fail_write(world, node),
            Action::Drop(node) => self.drop_caller(world, node),
            Action::Crash(node) => Self::crash(world, node),
            Action::Restart(node) => self.restart(world, node),
            Action::Mutate(node) => {
                world.left.mutations -= 1;
                world.nodes[usize::from(node)].argument = 1;
                Some(())
            }
            Action::CallLost(node, request) => {
                let attempt = world.log(request).attempt()?;
                let log = self.append_now(world, request, What::Lost(attempt), node).ok()?;
                world.put(request, log);
                Some(())
            }
            Action::Deliver(letter, request) => self.deliver(world, letter, request),
            Action::Hear { node, letter } => self.hear(world, node, letter),
            Action::Judge(letter, request) => self.judge(world, letter, request),
            Action::Write => self.write(world),
            Action::Override(request, by) => self.overrule(world, request, by),
            Action::Cancel(request, by) => self.cancel(world, request, by),
            Action::Reconcile(request, by, ran) => self.reconcile(world, request, by, ran),
            Action::Expire(request) => self.expire(world, request),
            Action::FlipPolicy => {
                world.policy = self.flip.filter(|flip| *flip != world.policy)?;
                Some(())
            }
            Action::Depart => {
                world.departed = true;
                Some(())
            }
            Action::Tick => {
                world.clock += 1;
                Some(())
            }
        }
    }

    /// Whoever notices tries; the store decides.
    fn expire(&self, world: &mut World, request: u8) -> Option<()> {
        let mut log = self.append_now(world, request, What::Expired, DESK).ok()?;
        if self.has(Defect::ExpiryTakenBack) {
            log = log.forgetting(What::Expired);
        }
        world.put(request, log);
        Some(())
    }

    fn node_actions(&self, world: &World, number: u8, actions: &mut Vec<Action>) {
        let node = &world.nodes[usize::from(number)];
        let left = &world.left;
        match node.step {
            Step::Idle | Step::Done(_) => {
                if node.calls > 0 {
                    actions.push(Action::Call(number));
                }
                return;
            }
            Step::Down => {
                actions.push(Action::Restart(number));
                return;
            }
            Step::Wait { .. } if self.fuses => {
                let unread = (0..).zip(&world.copies).filter(|(_, copies)| **copies > 0);
                actions.extend(unread.map(|(letter, _)| Action::Hear { node: number, letter }));
            }
            _ => {}
        }
        let claims = matches!(node.step, Step::Claim { .. } | Step::Fuse { .. });
        if left.lost_replies > 0 && (claims || matches!(node.step, Step::Write { again: false, .. })) {
            actions.push(Action::LoseReply(number));
        }
        if left.failed_writes > 0 && claims {
            actions.push(Action::FailWrite(number));
        }
        actions.push(Action::Step(number));
        if left.drops > 0 {
            actions.push(Action::Drop(number));
        }
        if left.crashes > 0 {
            actions.push(Action::Crash(number));
        }
        let waits = matches!(node.step, Step::Wait { .. } | Step::Held { .. });
        if left.mutations > 0 && node.argument == 0 && waits {
            actions.push(Action::Mutate(number));
        }
    }

    fn request_actions(&self, world: &World, number: u8, actions: &mut Vec<Action>) {
        let log = world.log(number);
        let phase = log.phase();
        for (letter, copies) in (0..).zip(&world.copies) {
            if *copies > 0 {
                actions.push(Action::Deliver(letter, number));
                if self.slow_desk && world.judged.is_none() {
                    actions.push(Action::Judge(letter, number));
                }
            }
        }
        if matches!(phase, Phase::Pending | Phase::Approved) {
            actions.push(Action::Expire(number));
        }
        if phase == Phase::Pending && world.left.overrides > 0 {
            actions.extend([Voter::Zoe, Voter::Olga].map(|by| Action::Override(number, by)));
        }
        if world.left.cancels > 0 {
            actions.extend([Voter::Hank, Voter::Zoe].map(|by| Action::Cancel(number, by)));
        }
        let Some(attempt) = log.attempt() else { return };
        if phase == Phase::Executing {
            actions
                .extend((0..self.nodes).filter(|n| *n != attempt.node).map(|n| Action::CallLost(n, number)));
        }
        // A person vouches for a machine only when it is dead; one that is not is a hole that no protocol closes.
        let dead = world.nodes[usize::from(attempt.node)].step == Step::Down;
        if world.left.reconciliations > 0 && (phase == Phase::Unknown || phase == Phase::Executing && dead) {
            for by in [Voter::Ann, Voter::Olga, Voter::Zoe] {
                actions.extend([true, false].map(|ran| Action::Reconcile(number, by, ran)));
            }
        }
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        let begin = |skew: &i8| World {
            clock: 0,
            skew: *skew,
            policy: Policy::Ask,
            departed: false,
            requests: Vec::new(),
            nodes: (0..self.nodes).map(|_| Node::new(self.calls)).collect(),
            copies: self.letters.iter().map(|letter| letter.copies).collect(),
            judged: None,
            left: self.left,
            broken: Broken::default(),
        };
        self.skews.iter().map(begin).collect()
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for node in 0..self.nodes {
            self.node_actions(world, node, actions);
        }
        for (request, _) in (0..).zip(&world.requests) {
            self.request_actions(world, request, actions);
        }
        if world.judged.is_some() {
            actions.push(Action::Write);
        }
        if self.flip.is_some() && world.policy == Policy::Ask {
            actions.push(Action::FlipPolicy);
        }
        if self.leaver.is_some() && !world.departed {
            actions.push(Action::Depart);
        }
        if world.clock < self.ticks {
            actions.push(Action::Tick);
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        self.happen(&mut world, action)?;
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        crate::laws::properties()
    }
}
