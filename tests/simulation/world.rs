//! What a run knows of itself: time, what happened, what was counted, and what may not be.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use approvals::id::{RequestId, Seq};
use approvals::ledger::{Answer, Event, Memory, Record, Store as _};
use approvals::request::Digest;
use approvals::time::Timestamp;

use crate::clock::{SimClock, Wall};
use crate::plan::{AGENT, Fault, Plan, Point, SECOND};

/// One life of a host, from its start to its crash.
#[derive(Clone)]
pub(crate) struct Life {
    pub(crate) host: &'static str,
    pub(crate) number: usize,
    over: Arc<AtomicBool>,
}

impl Life {
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(SeqCst)
    }
}

impl Display for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}#{}", self.host, self.number)
    }
}

/// What somebody at the endpoint decided, in truth.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Made {
    pub(crate) request: RequestId,
    pub(crate) digest: String,
    pub(crate) person: String,
    pub(crate) denies: bool,
}

impl Made {
    pub(crate) fn new(request: RequestId, digest: &Digest, person: &str, answer: Answer) -> Self {
        let denies = answer == Answer::Deny;
        Self { request, digest: digest.to_string(), person: person.to_owned(), denies }
    }
}

/// A decision on its way, as somebody who listens there keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Captured {
    pub(crate) at: Duration,
    pub(crate) id: String,
    pub(crate) timestamp: String,
    pub(crate) signature: String,
    pub(crate) body: String,
}

#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) now: Duration,
    pub(crate) trace: Vec<String>,
    pub(crate) fired: BTreeMap<&'static str, u64>,
    pub(crate) broken: Vec<String>,
    offsets: BTreeMap<Wall, i64>,
    /// When a wall clock jumped last.
    pub(crate) jumped: Option<Duration>,
    lives: BTreeMap<&'static str, (usize, Option<Arc<AtomicBool>>)>,
    /// What is wrong right now, and until when.
    windows: Vec<(Fault, Duration)>,
    pub(crate) armed: Vec<Point>,
    /// Hosts that lose their power after this turn.
    pub(crate) falls: Vec<&'static str>,
    pub(crate) made: BTreeSet<Made>,
    /// Decisions that the endpoint need not send again, and what it was told of them.
    pub(crate) told: BTreeMap<String, (Made, String)>,
    pub(crate) captured: Vec<Captured>,
    /// Per call, how often its body began and ended.
    pub(crate) begun: BTreeMap<usize, u64>,
    pub(crate) ended: BTreeMap<usize, u64>,
    /// What became of a call, in the memory of whoever made it.
    pub(crate) done: BTreeMap<(usize, &'static str), String>,
    pub(crate) last_done: Duration,
    /// Calls without a key that were made once.
    pub(crate) made_once: BTreeSet<usize>,
    /// Messages of the kind `approval.requested`, by request: their ids.
    pub(crate) messages: BTreeMap<RequestId, BTreeSet<String>>,
    /// How often the router sent a stranger away, and how many the poll may have brought.
    pub(crate) strangers: u64,
    pub(crate) strangers_at_most: u64,
    /// How many of their acts are behind them.
    pub(crate) strangers_left: usize,
    pub(crate) last_stranger: Option<Duration>,
    /// When counts of strangers were recorded, and by which life.
    pub(crate) counts: Vec<(String, Duration, u64)>,
    /// What strangers are told. One text, or they learn something.
    pub(crate) refusals: BTreeSet<String>,
    /// Bodies that arrived at an agent.
    pub(crate) arrived: BTreeSet<(&'static str, String)>,
    /// Per life and message, until when the endpoint asked to hear no more of it.
    pub(crate) silence: BTreeMap<(String, String), Duration>,
    /// How far the newest decision was made that arrived, by host.
    pub(crate) newest: BTreeMap<&'static str, u64>,
    /// Decisions that the endpoint knows of nobody having taken.
    pub(crate) waiting: BTreeSet<String>,
    /// Digest and nonce of the cards that were sent, and the call that they are of.
    pub(crate) nonces: BTreeMap<RequestId, (Digest, String)>,
    pub(crate) call_of: BTreeMap<RequestId, usize>,
    /// When a host was cut off from the endpoint.
    pub(crate) parted: Vec<(&'static str, Duration, Duration)>,
    /// Of a defective agent: the cursor that it keeps over restarts.
    pub(crate) kept_cursor: Option<String>,
}

/// Clones are the same world.
#[derive(Clone)]
pub(crate) struct World {
    facts: Arc<Mutex<Facts>>,
    pub(crate) plan: Arc<Plan>,
    /// The disk: it outlives every host.
    pub(crate) ledger: Memory,
}

pub(crate) fn noon() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

impl World {
    pub(crate) fn new(plan: Plan) -> Self {
        let facts = Arc::new(Mutex::new(Facts::default()));
        let plan = Arc::new(plan);
        // The clock of the store needs the world, and the world the store.
        let without =
            Self { facts: Arc::clone(&facts), plan: Arc::clone(&plan), ledger: Memory::new().unwrap() };
        let clock = SimClock { world: without, wall: Wall::Store, life: None };
        Self { facts, plan, ledger: Memory::with_clock(Arc::new(clock)).unwrap() }
    }

    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since the beginning, in whole milliseconds.
    pub(crate) fn now(&self) -> Duration {
        let mut facts = self.facts();
        // Outside of a host's turn, and in what a crash drops, time stands still.
        if tokio::runtime::Handle::try_current().is_ok()
            && let Some(elapsed) = turmoil::sim_elapsed()
        {
            let micros = u64::try_from(elapsed.as_micros()).unwrap();
            // Each host has its own turn: what another one did in the same tick may be later than this.
            facts.now = Duration::from_millis((micros + 500) / 1000);
        }
        facts.now
    }

    pub(crate) fn wall(&self, wall: Wall) -> Timestamp {
        let now = self.now();
        let offset = self.facts().offsets.get(&wall).copied().unwrap_or_default();
        let micros = i64::try_from(now.as_micros()).unwrap();
        Timestamp::from_micros(noon().as_micros() + micros + offset * 1_000_000)
    }

    /// Sets a wall clock on by so many seconds, or back. One jump that is undone leaves the others as they are: a clock
    /// that is set right says what those say that jumped for good.
    pub(crate) fn move_wall(&self, wall: Wall, seconds: i64) {
        let now = self.now();
        let mut facts = self.facts();
        *facts.offsets.entry(wall).or_default() += seconds;
        facts.jumped = Some(now);
    }

    pub(crate) fn note(&self, what: impl Display) {
        let now = self.now();
        self.facts().trace.push(format!("{:>9.3} {what}", now.as_secs_f64()));
    }

    /// Somebody was sent away at the router.
    pub(crate) fn stranger(&self) {
        let now = self.now();
        let mut facts = self.facts();
        facts.strangers += 1;
        facts.last_stranger = Some(now);
    }

    /// A fault took effect.
    pub(crate) fn fired(&self, fault: &'static str) {
        self.note(format_args!("! {fault}"));
        *self.facts().fired.entry(fault).or_default() += 1;
    }

    /// What must not be, is.
    pub(crate) fn broken(&self, what: impl Display) {
        self.note(format_args!("BROKEN {what}"));
        self.facts().broken.push(what.to_string());
    }

    pub(crate) fn begin(&self, host: &'static str) -> Life {
        let over = Arc::new(AtomicBool::new(false));
        let number = {
            let mut facts = self.facts();
            let (number, life) = facts.lives.entry(host).or_default();
            *number += 1;
            *life = Some(Arc::clone(&over));
            *number
        };
        let life = Life { host, number, over };
        self.note(format_args!("{life} starts"));
        life
    }

    /// The power is gone: nothing of this life writes or sends from now on.
    pub(crate) fn end(&self, host: &'static str) {
        if let Some((_, Some(over))) = self.facts().lives.get(host) {
            over.store(true, SeqCst);
        }
    }

    /// The power goes at this very point, if that was planned; nothing comes after it.
    pub(crate) async fn may_fall(&self, point: Point, life: &Life) {
        let armed = {
            let mut facts = self.facts();
            let place = facts.armed.iter().position(|armed| *armed == point);
            place.map(|place| facts.armed.remove(place)).is_some()
        };
        if armed {
            self.fired(point.name());
            self.end(life.host);
            self.facts().falls.push(life.host);
            std::future::pending::<()>().await;
        }
    }

    /// Whether a call is yet to come to its end, in the memory of somebody who makes it.
    pub(crate) fn has_open_calls(&self) -> bool {
        !self.open_calls().is_empty()
    }

    /// The calls that have not ended, by the hosts that make them.
    pub(crate) fn open_calls(&self) -> Vec<(usize, &'static str)> {
        let facts = self.facts();
        let mut open = Vec::new();
        for (number, call) in self.plan.calls.iter().enumerate() {
            let second = self.plan.second && call.keyed;
            let hosts = [Some(AGENT), second.then_some(SECOND)].into_iter().flatten();
            open.extend(
                hosts.filter(|host| !facts.done.contains_key(&(number, *host))).map(|host| (number, host)),
            );
        }
        open
    }

    /// Whether a host was cut off from the endpoint at any time since then.
    pub(crate) fn was_parted(&self, host: &str, since: Duration) -> bool {
        let now = self.now();
        let facts = self.facts();
        facts.parted.iter().any(|(cut, from, until)| *cut == host && *from <= now && *until >= since)
    }

    /// How many claims are durable.
    pub(crate) async fn started(&self) -> u64 {
        let records = self.ledger.records(Seq::START, usize::MAX).await.unwrap();
        let is = |record: &&Record| matches!(record.body.event, Event::Started { .. });
        records.iter().filter(is).count() as u64
    }

    pub(crate) fn open_window(&self, fault: Fault, until: Duration) {
        self.facts().windows.push((fault, until));
    }

    pub(crate) fn close_windows(&self) {
        self.facts().windows.clear();
        self.facts().armed.clear();
    }

    /// The first fault that is on and that this is about.
    pub(crate) fn window<T>(&self, of: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let now = self.now();
        let facts = self.facts();
        facts.windows.iter().filter(|(_, until)| *until > now).find_map(|(fault, _)| of(fault))
    }
}
