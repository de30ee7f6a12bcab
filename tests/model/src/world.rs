//! Everything that is there at one moment, and everything that can happen next.

use approvals_core::state::Phase;
use stateright::{Model, Property};

use crate::defect::Defect;
use crate::gate::{Node, Step};
use crate::ledger::{Asked, Entry, Log, What};
use crate::people::{Letter, Voter};

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
    /// Whether a verdict may bring the claim along.
    pub fused: bool,
    /// What policy turns into at some moment.
    pub flip: Option<Policy>,
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
}

/// How often something may still go wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Left {
    pub crashes: u8,
    pub drops: u8,
    pub lost_replies: u8,
    pub mutations: u8,
    pub overrides: u8,
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
}

/// Laws that are broken by a step and cannot be seen in what it leaves behind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Broken {
    pub no_body_without_permit: bool,
    pub denial_wins: bool,
    pub shown_is_run: bool,
    pub policy_may_stop: bool,
}

/// A review that was judged and is not written yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Judged {
    pub letter: u8,
    pub request: u8,
    pub version: u8,
}

/// Everything at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    pub clock: u8,
    pub policy: Policy,
    pub requests: Vec<Request>,
    pub nodes: Vec<Node>,
    /// How often each letter may still arrive.
    pub copies: Vec<u8>,
    pub judged: Option<Judged>,
    pub left: Left,
    pub broken: Broken,
}

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The agent calls.
    Call(u8),
    /// The gate takes its next step.
    Step(u8),
    /// The claim is written and the reply is lost.
    LoseReply(u8),
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
    /// A letter is judged for a request and written later.
    Judge(u8, u8),
    /// A letter arrives where a call waits, which takes the verdict up.
    TakeUp(u8, u8),
    /// The judged letter is written.
    Write,
    Override(u8, Voter),
    Reconcile(u8, Voter, bool),
    Expire(u8),
    FlipPolicy,
    Tick,
}

impl Protocol {
    /// The same configuration with a rule taken away.
    #[must_use]
    pub fn without(mut self, defect: Defect) -> Self {
        self.defect = Some(defect);
        self
    }

    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// What a request asks for in the ledger. A defect that blinds the judge weakens the quorum that it goes by.
    pub(crate) fn as_written(&self) -> Asked {
        match self.has(Defect::SlotsNotMatched) {
            true => Asked { quorum: self.asked.quorum.unmatched(), ..self.asked },
            false => self.asked,
        }
    }

    /// Appends to a request at an expected version. Where a defect weakens the judge, it is handed what it lets pass.
    pub(crate) fn append(
        &self,
        world: &World,
        request: u8,
        expected: u8,
        what: What,
        node: u8,
    ) -> Option<Log> {
        let log = &world.requests[usize::from(request)].log;
        let mut entry = Entry { what, node, stamp: world.clock, written: world.clock };
        let phase = log.phase();
        let cancels = matches!(what, What::Withdrawn | What::Stopped | What::Revoked { .. });
        let timely = match what {
            What::Started(_) if phase == Phase::Unknown => {
                self.has(Defect::TimeUnchecked) || self.has(Defect::RerunUnbounded)
            }
            What::Started(_) | What::Overridden { .. } | What::Reviewed { approve: true, .. } => {
                self.has(Defect::TimeUnchecked)
            }
            _ => false,
        };
        let deadline = log.state().use_by().or_else(|| log.state().deadline());
        match (what, deadline) {
            (What::Lost(attempt), _) if self.has(Defect::LostByAnybody) => entry.node = attempt.node,
            (_, Some(deadline)) if timely => {
                let last =
                    u8::try_from(deadline.as_micros() / 1_000_000).unwrap_or(u8::MAX).saturating_sub(1);
                entry.stamp = entry.stamp.min(last);
            }
            _ if cancels && phase == Phase::Approved && self.has(Defect::ApprovedCannotBeCancelled) => {
                return None;
            }
            _ => {}
        }
        log.append(expected, entry)
    }

    /// Appends at whatever version the request stands.
    pub(crate) fn append_now(&self, world: &World, request: u8, what: What, node: u8) -> Option<Log> {
        let version = world.requests[usize::from(request)].log.version();
        self.append(world, request, version, what, node)
    }

    fn happen(&self, world: &mut World, action: Action) -> Option<()> {
        match action {
            Action::Call(node) => self.call(world, node),
            Action::Step(node) => self.step(world, node),
            Action::LoseReply(node) => self.lose_reply(world, node),
            Action::Drop(node) => self.drop_caller(world, node),
            Action::Crash(node) => {
                world.left.crashes -= 1;
                world.nodes[usize::from(node)].step = Step::Down;
                Some(())
            }
            Action::Restart(node) => self.restart(world, node),
            Action::Mutate(node) => {
                world.left.mutations -= 1;
                world.nodes[usize::from(node)].argument = 1;
                Some(())
            }
            Action::CallLost(node, request) => {
                let attempt = world.requests[usize::from(request)].log.attempt()?;
                let log = self.append_now(world, request, What::Lost(attempt), node)?;
                world.requests[usize::from(request)].log = log;
                Some(())
            }
            Action::Deliver(letter, request) => self.deliver(world, letter, request),
            Action::Judge(letter, request) => self.judge(world, letter, request),
            Action::TakeUp(node, letter) => self.take_up(world, node, letter),
            Action::Write => self.write(world),
            Action::Override(request, by) => self.overrule(world, request, by),
            Action::Reconcile(request, by, ran) => self.reconcile(world, request, by, ran),
            Action::Expire(request) => {
                let log = self.append_now(world, request, What::Expired, 0)?;
                world.requests[usize::from(request)].log = log;
                Some(())
            }
            Action::FlipPolicy => {
                world.policy = self.flip.filter(|flip| *flip != world.policy)?;
                Some(())
            }
            Action::Tick => {
                world.clock += 1;
                Some(())
            }
        }
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
            Step::Claim { .. } | Step::Together(_) if left.lost_replies > 0 => {
                actions.push(Action::LoseReply(number))
            }
            _ => {}
        }
        if self.fused && matches!(node.step, Step::Wait { .. }) {
            let letters = (0..).zip(&world.copies).filter(|(_, copies)| **copies > 0);
            actions.extend(letters.map(|(letter, _)| Action::TakeUp(number, letter)));
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
        let log = &world.requests[usize::from(number)].log;
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
        let Some(attempt) = log.attempt() else { return };
        if phase == Phase::Executing {
            actions
                .extend((0..self.nodes).filter(|n| *n != attempt.node).map(|n| Action::CallLost(n, number)));
        }
        // A person vouches for a machine only when it is dead; one that is not is a hole that no protocol closes.
        let dead = world.nodes[usize::from(attempt.node)].step == Step::Down;
        if world.left.reconciliations > 0 && (phase == Phase::Unknown || phase == Phase::Executing && dead) {
            for by in [Voter::Zoe, Voter::Olga] {
                actions.extend([true, false].map(|ran| Action::Reconcile(number, by, ran)));
            }
        }
    }
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            clock: 0,
            policy: Policy::Ask,
            requests: Vec::new(),
            nodes: (0..self.nodes).map(|_| Node::new(self.calls)).collect(),
            copies: self.letters.iter().map(|letter| letter.copies).collect(),
            judged: None,
            left: self.left,
            broken: Broken::default(),
        }]
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
