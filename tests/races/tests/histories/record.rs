//! Threads that work on one request at once, and a record of who began and ended when.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use approvals::conformance::sample::{Sample, claim, finished, lost, started, viewed_by, withdrawn};
use approvals::id::{ClaimId, Version};
use approvals::ledger::{Append, Event, Store, StoreErrorKind};
use approvals::testing::ManualClock;
use approvals_races::Dice;
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

use crate::noon;
use crate::spec::{Op, Register, Ret, like};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Parks the thread until the future is there.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// The doors to one ledger. Who uses the first may claim.
pub(crate) struct Bench {
    pub(crate) clock: ManualClock,
    pub(crate) stores: Vec<Arc<dyn Store>>,
}

struct Done {
    thread: usize,
    begun: u64,
    ended: u64,
    op: Op,
    ret: Ret,
}

/// What the threads of one history did.
pub(crate) struct Recorded {
    start: Register,
    done: Vec<Done>,
}

/// One thread and what it knows.
struct Worker<'a> {
    store: &'a dyn Store,
    sample: &'a Sample,
    dice: Dice,
    claims: bool,
    claim: Option<ClaimId>,
    seen: Version,
}

impl Bench {
    /// Opens a request and has two to four threads do a few things each.
    pub(crate) fn record(&self, mut dice: Dice, operations: &mut u64) -> Recorded {
        self.clock.set(noon());
        let sample = match dice.below(2) {
            0 => Sample::new(),
            _ => Sample::new().rerunnable(),
        };
        let sample = sample.people(1 + u32::try_from(dice.below(2)).unwrap());
        block_on(self.stores[0].append(sample.opens())).unwrap();
        let history = block_on(self.stores[0].history(sample.stream())).unwrap();
        // One in four has run out of time: nobody may approve it, and anybody may say so.
        if dice.below(4) == 0 {
            self.clock.set(noon().after(Duration::from_secs(24 * 3600)));
        }
        let now = approvals::time::Clock::now(&self.clock);
        let start = Register::of(&history, like(&history[0].body, now));

        let threads = 2 + dice.below(3);
        // The checker tries orders: fewer threads may do more.
        let each = if threads == 2 { 4 } else { 3 };
        let (tick, gate) = (AtomicU64::new(0), Barrier::new(usize::try_from(threads).unwrap()));
        let done = thread::scope(|scope| {
            let workers = (0..usize::try_from(threads).unwrap()).map(|thread| {
                let door = thread % self.stores.len();
                let mut worker = Worker {
                    store: &*self.stores[door],
                    sample: &sample,
                    dice: dice.fork(),
                    claims: door == 0,
                    claim: None,
                    seen: Version(1),
                };
                let (tick, gate) = (&tick, &gate);
                scope.spawn(move || {
                    gate.wait();
                    let mut done = Vec::new();
                    for _ in 0..each {
                        let op = worker.draw();
                        let begun = tick.fetch_add(1, SeqCst);
                        worker.pauses();
                        let ret = worker.does(&op);
                        worker.pauses();
                        let ended = tick.fetch_add(1, SeqCst);
                        worker.learns(&op, &ret);
                        done.push(Done { thread, begun, ended, op, ret });
                    }
                    done
                })
            });
            let workers: Vec<_> = workers.collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
        });
        *operations += done.len() as u64;
        Recorded { start, done }
    }
}

impl Worker<'_> {
    fn draw(&mut self) -> Op {
        let sample = self.sample;
        let event = match self.dice.below(12) {
            0 | 1 => return Op::Read,
            2 => return Op::Note(viewed_by("dan")),
            3 => sample.approved_by("ann"),
            4 => sample.approved_by("ben"),
            5 => sample.denied_by("cy"),
            6 => withdrawn(),
            7 => Event::Expired {},
            8 => match self.claim {
                Some(claim) => lost(claim),
                None => sample.approved_by("eve"),
            },
            _ => match self.claim {
                Some(claim) => finished(claim),
                None if self.claims => started(claim()),
                None => sample.approved_by("eve"),
            },
        };
        if self.dice.below(3) == 0 { Op::At(self.seen, event) } else { Op::Move(event) }
    }

    /// Gives the others a chance to come in between.
    fn pauses(&mut self) {
        if self.dice.below(2) == 0 {
            thread::yield_now();
        }
    }

    fn does(&self, op: &Op) -> Ret {
        match op {
            Op::Read => Ret::of(&block_on(self.store.history(self.sample.stream())).unwrap()),
            Op::Note(event) => self.append(self.sample.note(event.clone())),
            Op::At(version, event) => self.append(self.sample.at(version.0, [event.clone()])),
            Op::Move(event) => loop {
                let history = block_on(self.store.history(self.sample.stream())).unwrap();
                let version = history.last().unwrap().body.version;
                match self.append(self.sample.at(version.0, [event.clone()])) {
                    Ret::Conflict => thread::yield_now(),
                    ret => return ret,
                }
            },
        }
    }

    fn append(&self, append: Append) -> Ret {
        match block_on(self.store.append(append)) {
            Ok(appended) => Ret::Wrote(appended.seq, appended.version),
            Err(error) => match error.kind() {
                StoreErrorKind::Conflict => Ret::Conflict,
                StoreErrorKind::Illegal(illegal) => Ret::Refused(illegal.clone()),
                _ => panic!("{error}"),
            },
        }
    }

    fn learns(&mut self, op: &Op, ret: &Ret) {
        match ret {
            Ret::Wrote(_, version) => {
                self.seen = *version;
                match op {
                    Op::At(_, Event::Started { claim }) | Op::Move(Event::Started { claim }) => {
                        self.claim = Some(*claim);
                    }
                    _ => {}
                }
            }
            Ret::Read(lines) => self.seen = lines.last().unwrap().1,
            Ret::Conflict | Ret::Refused(_) => {}
        }
    }
}

impl Recorded {
    /// Whether any two operations were under way at once.
    pub(crate) fn overlaps(&self) -> bool {
        let at_once = |one: &Done, other: &Done| {
            one.thread < other.thread && one.begun < other.ended && other.begun < one.ended
        };
        self.done.iter().any(|one| self.done.iter().any(|other| at_once(one, other)))
    }

    /// Says what happened if no order of the operations explains it.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut tester = LinearizabilityTester::new(self.start.clone());
        let mut moments: Vec<(u64, &Done)> =
            self.done.iter().flat_map(|done| [(done.begun, done), (done.ended, done)]).collect();
        moments.sort_by_key(|(moment, _)| *moment);
        for (moment, done) in &moments {
            let noted = if *moment == done.begun {
                tester.on_invoke(done.thread, done.op.clone()).map(drop)
            } else {
                tester.on_return(done.thread, done.ret.clone()).map(drop)
            };
            noted.unwrap();
        }
        if tester.is_consistent() {
            return Ok(());
        }
        let line = |(moment, done): &(u64, &Done)| match *moment == done.begun {
            true => format!("{moment:3} thread {}: {:?}", done.thread, done.op),
            false => format!("{moment:3} thread {}: -> {:?}", done.thread, done.ret),
        };
        Err(moments.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}
