//! What people, callers and the owner are told through the desk and the gate, as histories that are judged for
//! linearizability: an order has to exist in which the request of [`model`] would have told each of them the same.
//!
//! People answer through backends of one or two processes over one ledger, and through a surface of neither; answers come
//! twice; the owner takes the request back; calls of one key are made before and while that goes on. A call that waits
//! has its turn once there is a verdict, and a body that ends has its turn before its process is shut down.

mod model;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use approvals_races_core::action::{ActionSite, Risk};
use approvals_races_core::async_trait;
use approvals_races_core::call::Call;
use approvals_races_core::desk::{Desk, DeskError, Outcome, Reply, Review, Way, WayKind};
use approvals_races_core::error::{ApprovalError, ErrorKind};
use approvals_races_core::handle::Approvals;
use approvals_races_core::id::{PolicyVersion, RequestId};
use approvals_races_core::ledger::{Answer, IgnoredWhy, Memory, Store};
use approvals_races_core::people::{Assurance, Identity};
use approvals_races_core::policy::{Policy, PolicyError, RiskPolicy, Ruling, SiteRuling};
use approvals_races_core::request::Digest;
use approvals_races_core::state::{Phase, State};
use approvals_races_core::testing::{ManualClock, MockBackend, PROVIDER, ids};
use approvals_races_core::time::{Clock, SystemClock};
use shuttle::future::{JoinHandle, block_on, spawn, yield_now};
use shuttle::rand::{Rng, thread_rng};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};

use self::model::{Op, Request, Ret};
use crate::claims::all_seen;
use crate::explore::{explore, shows};
use crate::room::Drawn;
use crate::shelf::{Defect as StoreDefect, Shelf};
use crate::watched::Watched;

const PEOPLE: [&str; 3] = ["ann", "ben", "cy"];
/// Who answers last, so that nobody waits for ever.
const LAST: &str = "zoe";
const OWNER: &str = "owner";

/// What is wrong with the desk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Defect {
    None,
    /// An answer that came after the verdict is said to have counted.
    LateCounts,
    /// An answer that comes once more is said to have counted once more.
    TwiceCounts,
    /// A retraction is acknowledged, whatever became of it.
    AlwaysTakenBack,
}

#[derive(Default)]
struct Seen {
    ran: AtomicUsize,
    running: AtomicUsize,
    ran_before: AtomicUsize,
    denied: AtomicUsize,
    taken_back: AtomicUsize,
    anew: AtomicUsize,
    late: AtomicUsize,
    twice: AtomicUsize,
    no_while_running: AtomicUsize,
}

impl Seen {
    fn all(&self) -> [(&'static str, &AtomicUsize); 9] {
        [
            ("ran", &self.ran),
            ("found it running", &self.running),
            ("found that it ran", &self.ran_before),
            ("denied", &self.denied),
            ("taken back", &self.taken_back),
            ("asked anew", &self.anew),
            ("answered after the verdict", &self.late),
            ("answered twice", &self.twice),
            ("denied while it ran", &self.no_while_running),
        ]
    }

    fn count(&self, ret: &Ret) {
        let counter = match ret {
            Ret::Runs => &self.ran,
            Ret::Refused(ErrorKind::Running) => &self.running,
            Ret::Refused(ErrorKind::AlreadyRan) => &self.ran_before,
            Ret::Refused(ErrorKind::Denied) => &self.denied,
            Ret::Counted(Phase::Cancelled) => &self.taken_back,
            Ret::AsksAnew => &self.anew,
            Ret::Ignored(IgnoredWhy::AlreadyDecided) => &self.late,
            Ret::Ignored(IgnoredWhy::AnsweredBefore) => &self.twice,
            Ret::Counted(Phase::Executing) => &self.no_while_running,
            _ => return,
        };
        counter.fetch_add(1, SeqCst);
    }
}

/// Who began what, and was told what, in the order in which it happened.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<(usize, Moment)>>>);

#[derive(Debug, Clone)]
enum Moment {
    Does(Op),
    IsTold(Ret),
}

impl Journal {
    fn does(&self, who: usize, op: Op) {
        self.0.lock().unwrap().push((who, Moment::Does(op)));
    }

    fn is_told(&self, who: usize, ret: Ret) {
        self.0.lock().unwrap().push((who, Moment::IsTold(ret)));
    }

    fn judge(&self, start: Request, seen: &Seen) {
        let moments = self.0.lock().unwrap().clone();
        let mut tester = LinearizabilityTester::new(start);
        for (who, moment) in &moments {
            let noted = match moment {
                Moment::Does(op) => tester.on_invoke(*who, op.clone()).map(drop),
                Moment::IsTold(ret) => {
                    seen.count(ret);
                    tester.on_return(*who, ret.clone()).map(drop)
                }
            };
            noted.unwrap();
        }
        let lines = || moments.iter().map(|(who, moment)| format!("{who:3} {moment:?}")).collect::<Vec<_>>();
        assert!(tester.is_consistent(), "not linearizable:\n{}", lines().join("\n"));
    }
}

/// The default policy for so many people, which may take a turn to answer.
struct Asks {
    people: u32,
    thoughtful: bool,
}

#[async_trait]
impl Policy for Asks {
    fn version(&self) -> PolicyVersion {
        "races".into()
    }

    fn rule_site(&self, _: &ActionSite, _: Risk) -> SiteRuling {
        SiteRuling::NeedsCall
    }

    async fn rule(&self, call: &Call) -> Result<Ruling, PolicyError> {
        if self.thoughtful {
            yield_now().await;
        }
        RiskPolicy::default().people(self.people, Risk::Medium).rule(call).await
    }
}

/// A way to answer.
#[derive(Clone)]
enum Door {
    Backend(MockBackend),
    Surface(Desk),
}

impl Door {
    async fn submit(&self, person: &str, review: Review) -> Result<Reply, DeskError> {
        match self {
            Self::Backend(mock) => mock.submit(person, review).await,
            Self::Surface(desk) => desk.submit(&Identity::new(PROVIDER, person), review).await,
        }
    }
}

/// The request as those who answer it know it, and where they write down what they are told.
#[derive(Clone)]
struct Asked {
    request: RequestId,
    digest: Digest,
    journal: Journal,
    defect: Defect,
}

fn told(reply: Result<Reply, DeskError>) -> Ret {
    match reply.unwrap_or_else(|error| panic!("the desk failed: {error}")).outcome {
        Outcome::Counted { phase, .. } => Ret::Counted(phase),
        Outcome::Ignored(why) => Ret::Ignored(why),
    }
}

impl Asked {
    fn review(&self, answer: Answer) -> Review {
        match answer {
            Answer::Approve => Review::approve(self.request, self.digest),
            Answer::Deny => Review::deny(self.request, self.digest),
        }
    }

    async fn answers(&self, thread: usize, door: &Door, who: &'static str, answer: Answer) {
        self.journal.does(thread, Op::Answers(who, answer));
        let ret = match (self.defect, told(door.submit(who, self.review(answer)).await)) {
            (Defect::LateCounts, Ret::Ignored(IgnoredWhy::AlreadyDecided))
            | (Defect::TwiceCounts, Ret::Ignored(IgnoredWhy::AnsweredBefore)) => Ret::Counted(match answer {
                Answer::Approve => Phase::Approved,
                Answer::Deny => Phase::Denied,
            }),
            (_, ret) => ret,
        };
        self.journal.is_told(thread, ret);
    }

    async fn is_taken_back(&self, thread: usize, door: &Door, surface: &Desk) {
        self.journal.does(thread, Op::TakesBack);
        let reply = match coin() {
            true => door.submit(OWNER, self.review(Answer::Deny)).await,
            false => {
                let owner = Identity::new(PROVIDER, OWNER);
                surface.cancel(&owner, self.request, self.digest, "not needed any more").await
            }
        };
        let ret = match told(reply) {
            Ret::Ignored(_) if self.defect == Defect::AlwaysTakenBack => Ret::Counted(Phase::Cancelled),
            ret => ret,
        };
        self.journal.is_told(thread, ret);
    }
}

fn coin() -> bool {
    thread_rng().gen_bool(0.5)
}

async fn turns(most: usize) {
    for _ in 0..thread_rng().gen_range(0..=most) {
        yield_now().await;
    }
}

/// A call of the key, which another one may have made already. A round that is opened anew is none of this history.
async fn calls(approvals: Approvals, thread: usize, journal: Journal, first: Arc<Mutex<Option<RequestId>>>) {
    let call = Call::new("races.pay").risk(Risk::High).arg("cents", &5_u64).key("R-1");
    journal.does(thread, Op::Calls);
    let body = || {
        let journal = journal.clone();
        async move {
            journal.is_told(thread, Ret::Runs);
            turns(6).await;
            journal.does(ENDS + thread, Op::Ends);
            Ok::<_, ApprovalError>(())
        }
    };
    let Err(error) = approvals.gate(call).run(body).await else { return };
    let ours = first.lock().unwrap().is_none_or(|first| error.request() == Some(first));
    journal.is_told(thread, if ours { Ret::Refused(error.kind()) } else { Ret::AsksAnew });
}

/// Threads of the history: callers, people, those who post an answer once more, the owner, bodies.
const CALLERS: usize = 0;
const ANSWERS: usize = 10;
const ECHOES: usize = 20;
const TAKES_BACK: usize = 30;
const FINALE: usize = 31;
const ENDS: usize = 40;

/// One history of one key over a store, through so many processes.
async fn history(store: Watched, clock: ManualClock, processes: usize, defect: Defect, seen: &Seen) {
    let takes = thread_rng().gen_range(1..=2);
    let mut mocks = Vec::new();
    let mut agents = Vec::new();
    for process in 0..processes {
        let mock = MockBackend::with_clock(clock.clone());
        let policy = Asks { people: takes, thoughtful: thread_rng().gen_bool(0.3) };
        let builder = Approvals::test_builder(&mock).store(store.clone()).chance(Arc::new(Drawn));
        let builder = builder.policy(policy).open_to_store().node(format!("host/agent/{process}"));
        agents.push(builder.build().await.unwrap());
        mocks.push(mock);
    }
    let way = Way {
        id: "surface".into(),
        provider: PROVIDER.into(),
        assurance: Assurance::Local,
        kind: WayKind::Surface,
    };
    let surface = Desk::new(Arc::new(store.clone()), Arc::new(mocks[0].people()), way, "host/surface");
    let mut doors: Vec<Door> = mocks.iter().cloned().map(Door::Backend).collect();
    doors.push(Door::Surface(surface.clone()));
    let a_door = || doors[thread_rng().gen_range(0..doors.len())].clone();

    let (journal, first) = (Journal::default(), Arc::new(Mutex::new(None)));
    let caller = |number: usize| {
        let approvals = agents[number % agents.len()].clone();
        calls(approvals, CALLERS + number, journal.clone(), Arc::clone(&first))
    };
    let mut callers = vec![spawn(caller(0))];
    let card = mocks[0].presented(1).await.remove(0);
    let (request, digest) = ids(&card).unwrap();
    *first.lock().unwrap() = Some(request);
    for number in 1..thread_rng().gen_range(2..=3) {
        let caller = caller(number);
        callers.push(spawn(async move {
            turns(30).await;
            caller.await;
        }));
    }
    let sweepers: Vec<JoinHandle<()>> = mocks.iter().map(|mock| sweep(mock.clone(), request)).collect();

    let asked = Asked { request, digest, journal: journal.clone(), defect };
    let mut others = Vec::new();
    for (number, who) in PEOPLE.into_iter().enumerate() {
        let answer = if thread_rng().gen_bool(0.75) { Answer::Approve } else { Answer::Deny };
        let then = thread_rng().gen_bool(0.3).then_some(Answer::Deny);
        let echoes = coin();
        for thread in [Some(ANSWERS + number), echoes.then_some(ECHOES + number)].into_iter().flatten() {
            let (asked, door) = (asked.clone(), a_door());
            others.push(spawn(async move {
                turns(12).await;
                asked.answers(thread, &door, who, answer).await;
                if let Some(answer) = then.filter(|_| thread < ECHOES) {
                    turns(12).await;
                    asked.answers(thread, &door, who, answer).await;
                }
            }));
        }
    }
    if thread_rng().gen_bool(0.4) {
        let (asked, door) = (asked.clone(), a_door());
        others.push(spawn(async move {
            turns(30).await;
            asked.is_taken_back(TAKES_BACK, &door, &surface).await;
        }));
    }
    for other in others {
        other.await.unwrap();
    }
    asked.answers(FINALE, &doors[0], LAST, Answer::Deny).await;
    for caller in callers {
        caller.await.unwrap();
    }
    for sweeper in sweepers {
        sweeper.abort();
    }
    for approvals in agents {
        approvals.shutdown().await.unwrap();
    }
    end_bodies(&journal);
    let phase = State::fold(&store.history(request.into()).await.unwrap()).unwrap().phase();
    journal.does(FINALE, Op::Looks);
    journal.is_told(FINALE, Ret::Stands(phase));
    journal.judge(Request::of(takes as usize), seen);
}

/// That a body is over is on record once its process was shut down.
fn end_bodies(journal: &Journal) {
    let ended: Vec<usize> = {
        let moments = journal.0.lock().unwrap();
        let ends = |(who, moment): &(usize, Moment)| matches!(moment, Moment::Does(Op::Ends)).then_some(*who);
        moments.iter().filter_map(ends).collect()
    };
    ended.into_iter().for_each(|who| journal.is_told(who, Ret::Over));
}

/// Says no to every other request, so that whoever opened the next round is let go.
fn sweep(mock: MockBackend, first: RequestId) -> JoinHandle<()> {
    spawn(async move {
        for number in 1.. {
            let card = mock.presented(number).await.remove(number - 1);
            let (request, digest) = ids(&card).unwrap();
            if request != first {
                mock.submit(LAST, Review::deny(request, digest)).await.unwrap();
            }
        }
    })
}

/// It stands still at the time that the surface has, whose clock is the system's.
fn clock() -> ManualClock {
    ManualClock::at(SystemClock.now())
}

fn over_memory(processes: usize, defect: Defect, seen: &Seen) {
    let clock = clock();
    let store = Watched::over(Memory::with_clock(Arc::new(clock.clone())).unwrap());
    block_on(history(store, clock, processes, defect, seen));
}

fn over_shelf(defect: StoreDefect) -> impl Fn() + Send + Sync + 'static {
    move || {
        let clock = clock();
        let store = Watched::over(Shelf::with(defect, clock.clone()));
        block_on(history(store, clock, 1, Defect::None, &Seen::default()));
    }
}

#[test]
fn what_people_and_callers_of_one_process_are_told_is_one_story() {
    let seen = Arc::new(Seen::default());
    let shared = Arc::clone(&seen);
    explore(1_000, move || over_memory(1, Defect::None, &shared));
    all_seen(seen.all());
}

#[test]
fn what_people_and_callers_of_two_processes_are_told_is_one_story() {
    let seen = Arc::new(Seen::default());
    let shared = Arc::clone(&seen);
    explore(500, move || over_memory(2, Defect::None, &shared));
    all_seen(seen.all());
}

#[test]
fn a_desk_that_counts_what_came_after_the_verdict_is_found() {
    shows(500, &["not linearizable"], || over_memory(1, Defect::LateCounts, &Seen::default()));
}

#[test]
fn a_desk_that_counts_an_answer_twice_is_found() {
    shows(500, &["not linearizable"], || over_memory(1, Defect::TwiceCounts, &Seen::default()));
}

#[test]
fn a_desk_that_acknowledges_a_retraction_after_the_claim_is_found() {
    shows(500, &["not linearizable"], || over_memory(1, Defect::AlwaysTakenBack, &Seen::default()));
}

#[test]
fn a_claim_that_is_no_compare_and_set_shows_in_what_its_callers_are_told() {
    shows(2_000, &["not linearizable"], over_shelf(StoreDefect::TwoWinners));
}
