//! A run: the hosts, the network between them, and what the plan does to both.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use turmoil::Sim;

use crate::clock::Wall;
use crate::defect::Defect;
use crate::endpoint::Endpoint;
use crate::judge;
use crate::panics::told;
use crate::plan::{AGENT, ENDPOINT, Fault, Happening, PATIENCE, Plan, SECOND, STRANGER};
use crate::world::World;
use crate::{agent, stranger};

/// A host's turn, and the grain of the network.
const TICK: Duration = Duration::from_millis(100);
/// How long a host is down that lost its power at a point of its own work.
const DOWN: Duration = Duration::from_secs(3);
/// What strangers were counted for is on record by then.
const COUNTED: Duration = Duration::from_secs(63);

/// What came of a run.
pub(crate) struct Outcome {
    /// How to have this run again.
    again: String,
    pub(crate) trace: Vec<String>,
    pub(crate) fired: BTreeMap<&'static str, u64>,
    /// What must not be and was.
    pub(crate) broken: Vec<String>,
    /// Where each request came to, by what it is called there.
    pub(crate) phases: Vec<&'static str>,
    pub(crate) bodies: u64,
}

impl Outcome {
    /// Everything that must hold held.
    #[track_caller]
    pub(crate) fn holds(&self) {
        assert!(self.broken.is_empty(), "{}", self.report());
    }

    /// This took effect.
    #[track_caller]
    pub(crate) fn fired(&self, fault: &str) {
        assert!(self.fired.contains_key(fault), "`{fault}` never fired\n{}", self.report());
    }

    /// What to read, and how to have it again.
    pub(crate) fn report(&self) -> String {
        let mut text = String::new();
        for line in &self.trace {
            let _ = writeln!(text, "{line}");
        }
        for broken in &self.broken {
            let _ = writeln!(text, "broken: {broken}");
        }
        text.push_str(&self.again);
        text
    }
}

/// Runs a plan to its end and judges it. Whatever panics in it breaks it.
pub(crate) fn run(plan: Plan, defect: Option<Defect>) -> Outcome {
    let again = again(&plan, defect);
    let world = World::new(plan);
    let (phases, panicked) = told(&again, || go(&world, defect));
    let mut facts = world.facts();
    let mut broken = std::mem::take(&mut facts.broken);
    broken.extend(panicked);
    Outcome {
        again,
        trace: std::mem::take(&mut facts.trace),
        fired: std::mem::take(&mut facts.fired),
        broken,
        phases: phases.unwrap_or_default(),
        bodies: facts.begun.values().sum(),
    }
}

/// The command that has this run again: its seed, where that is all that it depends on, or its test.
fn again(plan: &Plan, defect: Option<Defect>) -> String {
    let seed = plan.seed;
    if plan.drawn && defect.is_none() {
        return format!(
            "again: APPROVALS_SEED={seed} cargo test -p approvals-simulation one_seed_holds -- --nocapture"
        );
    }
    let thread = std::thread::current();
    let test = thread.name().unwrap_or_default().to_owned();
    let defect = defect.map_or_else(String::new, |defect| format!(" with {defect:?}"));
    format!("again: seed {seed}{defect} in `cargo test -p approvals-simulation {test} -- --nocapture`")
}

fn go(world: &World, defect: Option<Defect>) -> Vec<&'static str> {
    let endpoint = Endpoint::new(world);
    let mut sim = turmoil::Builder::new()
        .rng_seed(world.plan.seed)
        .epoch(SystemTime::UNIX_EPOCH)
        .simulation_duration(Duration::from_secs(100_000))
        .tick_duration(TICK)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(60))
        .enable_random_order()
        .build();
    for host in [AGENT, SECOND] {
        let world = world.clone();
        sim.host(host, move || agent::live(world.clone(), host, defect));
    }
    sim.host(ENDPOINT, {
        let endpoint = endpoint.clone();
        move || endpoint.clone().live()
    });
    sim.host(STRANGER, {
        let world = world.clone();
        move || stranger::live(world.clone())
    });
    let mut course = Course::new(world);
    while !course.is_over(&endpoint) {
        course.turn(&mut sim);
        sim.step().unwrap();
        course.fall(&mut sim);
    }
    // What is dropped now must not go on writing.
    for host in [AGENT, SECOND, ENDPOINT] {
        world.end(host);
    }
    judge::judge(world)
}

/// What the plan has yet to do.
struct Course {
    world: World,
    ahead: Vec<Happening>,
    /// What is to be undone, and when.
    undo: Vec<(Duration, Undo)>,
    healed: bool,
}

#[derive(Clone, Copy)]
enum Undo {
    Partition(&'static str),
    SlowLink(&'static str),
    Down(&'static str),
    Jump(&'static [Wall], i64),
}

impl Course {
    fn new(world: &World) -> Self {
        let mut ahead = world.plan.happens.clone();
        ahead.sort_by_key(|happening| happening.at);
        Self { world: world.clone(), ahead, undo: Vec::new(), healed: false }
    }

    fn turn(&mut self, sim: &mut Sim<'_>) {
        let now = sim.elapsed();
        self.world.facts().now = now;
        while self.ahead.first().is_some_and(|happening| happening.at <= now) {
            let happening = self.ahead.remove(0);
            self.happens(sim, &happening);
        }
        if !self.healed && now >= self.world.plan.heals {
            self.healed = true;
            self.world.note("everything is mended");
            self.world.close_windows();
            self.undo.iter_mut().for_each(|(at, _)| *at = now);
        }
        let (due, later) = std::mem::take(&mut self.undo).into_iter().partition(|(at, _)| *at <= now);
        self.undo = later;
        for (_, undo) in due {
            self.undoes(sim, undo);
        }
    }

    fn happens(&mut self, sim: &mut Sim<'_>, happening: &Happening) {
        let now = self.world.now();
        let until = now + happening.lasts;
        if !matches!(happening.fault, Fault::Stranger(_)) {
            self.world.note(format_args!("plan: {:?} for {:?}", happening.fault, happening.lasts));
        }
        match happening.fault {
            Fault::Partition { agent, from_agent, to_agent } => {
                if from_agent {
                    sim.partition_oneway(agent, ENDPOINT);
                }
                if to_agent {
                    sim.partition_oneway(ENDPOINT, agent);
                }
                self.world.facts().parted.push((agent, now, until));
                self.undo.push((until, Undo::Partition(agent)));
            }
            Fault::SlowLink { agent, latency } => {
                sim.set_link_latency(agent, ENDPOINT, latency);
                self.world.open_window(happening.fault, until);
                self.undo.push((until, Undo::SlowLink(agent)));
            }
            Fault::CrashAgent { agent, down } => {
                let works = self.world.has_open_calls();
                self.crash(sim, agent, down);
                if works && (agent == AGENT || self.world.plan.second) {
                    self.world.fired("crash of an agent");
                }
            }
            Fault::CrashEndpoint { down } => {
                if self.world.has_open_calls() {
                    self.world.fired("crash of the endpoint");
                }
                self.crash(sim, ENDPOINT, down);
            }
            Fault::CrashAt(point) => self.world.facts().armed.push(point),
            Fault::Jump { walls, seconds, stays } => {
                for wall in walls {
                    self.world.move_wall(*wall, seconds);
                }
                if self.world.has_open_calls() {
                    self.world.fired(match (seconds > 0, walls.len() == Wall::ALL.len()) {
                        (true, true) => "all wall clocks jump forwards",
                        (false, true) => "all wall clocks jump backwards",
                        (true, false) => "a wall clock jumps forwards",
                        (false, false) => "a wall clock jumps backwards",
                    });
                }
                if !stays {
                    self.undo.push((until, Undo::Jump(walls, seconds)));
                }
            }
            Fault::Stranger(_) => {}
            fault => self.world.open_window(fault, until),
        }
    }

    fn undoes(&mut self, sim: &mut Sim<'_>, undo: Undo) {
        match undo {
            Undo::Partition(agent) => {
                sim.repair(agent, ENDPOINT);
                // What was on its way then is gone; what was cut stays cut until somebody notices.
                let now = self.world.now();
                for (cut, _, until) in &mut self.world.facts().parted {
                    if *cut == agent {
                        *until = now.min(*until);
                    }
                }
            }
            Undo::SlowLink(agent) => {
                sim.set_link_latency(agent, ENDPOINT, Duration::from_millis(1));
                sim.set_link_max_message_latency(agent, ENDPOINT, Duration::from_millis(60));
            }
            Undo::Down(host) => {
                if !sim.is_host_running(host) {
                    sim.bounce(host);
                    self.world.fired("restart");
                }
            }
            Undo::Jump(walls, seconds) => {
                for wall in walls {
                    self.world.move_wall(*wall, -seconds);
                }
            }
        }
    }

    /// The hosts that lost their power in this turn.
    fn fall(&mut self, sim: &mut Sim<'_>) {
        let falls = std::mem::take(&mut self.world.facts().falls);
        for host in falls {
            self.crash(sim, host, DOWN);
        }
    }

    fn crash(&mut self, sim: &mut Sim<'_>, host: &'static str, down: Duration) {
        if !sim.is_host_running(host) {
            return;
        }
        self.world.end(host);
        self.world.note(format_args!("{host} crashes"));
        sim.crash(host);
        self.undo.push((self.world.now() + down, Undo::Down(host)));
    }

    fn is_over(&self, endpoint: &Endpoint) -> bool {
        let world = &self.world;
        let now = world.now();
        let heals = world.plan.heals;
        if now > heals + PATIENCE {
            return true;
        }
        let strangers = world.plan.happens.iter().filter(|h| matches!(h.fault, Fault::Stranger(_))).count();
        let facts = world.facts();
        // A clock must have rung for whoever was counted last.
        let quiet = facts.last_stranger.is_none_or(|last| now > last + COUNTED);
        let settled = now > heals.max(facts.last_done) + DOWN && facts.strangers_left >= strangers;
        drop(facts);
        settled && quiet && self.undo.is_empty() && !world.has_open_calls() && endpoint.is_idle()
    }
}
