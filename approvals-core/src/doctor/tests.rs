//! What the doctor finds in a ledger in memory, and in a process.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::look::Live;
use super::{Doctor, Finding, Report, Severity, requests};
use crate::action::Risk;
use crate::backend::{Backend, BackendError, Capabilities, Presented};
use crate::card::{Card, Shown};
use crate::handle::Approvals;
use crate::id::RequestId;
use crate::ledger::{Append, Env, Event, Memory, PresentFailure, Store as _, Stream, Summary};
use crate::people::{Agent, Assurance, People, Person, Principal};
use crate::policy::RiskPolicy;
use crate::request::{Quorum, Requested, Requirement};
use crate::state::tests::kit::{lost, requested, requirement, start, started};
use crate::state::{Phase, State};
use crate::testing::ManualClock;

/// A ledger, the clock that it is written by, and its people: olga and hank ask, ann and ben may decide.
struct Bench {
    clock: ManualClock,
    store: Memory,
    people: People,
}

impl Bench {
    fn new() -> Self {
        let clock = ManualClock::at(start());
        let store = Memory::with_clock(Arc::new(clock.clone())).unwrap();
        let people = ["olga", "hank", "ann", "ben"].map(|id| Person::new(id).known_as("os", id));
        Self { clock, store, people: People::new(people).unwrap() }
    }

    async fn append(&self, stream: Stream, at: Option<u64>, event: Event) {
        let expected = at.map(|at| (0..at).fold(Default::default(), |at: crate::id::Version, _| at.next()));
        let events = vec![event.into()];
        let append = Append { stream, expected, env: Env::Live, node: "h/bot".into(), events };
        self.store.append(append).await.unwrap();
    }

    /// Opens a request that lives for an hour.
    async fn ask(&self, number: u128, change: impl FnOnce(&mut Requested)) -> RequestId {
        let id = RequestId::from_uuid(uuid::Uuid::from_u128(number));
        let hour = Duration::from_secs(3_600);
        let mut asked = requested(Requirement {
            decide_within: hour,
            use_within: hour,
            ..requirement(Quorum::people(1))
        });
        asked.terms.open_to_store = true;
        change(&mut asked);
        self.append(id.into(), Some(0), Event::Requested(asked.into())).await;
        id
    }

    async fn yes(&self, id: RequestId, at: u64) {
        let state = State::fold(&self.store.history(id.into()).await.unwrap()).unwrap();
        let reviewed = crate::ledger::Reviewed {
            answer: crate::ledger::Answer::Approve,
            by: "ann".into(),
            groups: Default::default(),
            assurance: Assurance::Local,
            way: "store".into(),
            digest: state.opened().unwrap().digest,
            comment: None,
        };
        self.append(id.into(), Some(at), Event::Reviewed(reviewed)).await;
    }

    async fn look(&self) -> Report {
        use crate::time::Clock as _;
        Doctor::new(&self.store).directory(&self.people).now(self.clock.now()).look().await
    }
}

fn found<'a>(report: &'a Report, check: &str, about: &str) -> Vec<&'a Finding> {
    report.findings.iter().filter(|one| one.check == check && one.subject.contains(about)).collect()
}

#[track_caller]
fn assert_found(report: &Report, severity: Severity, check: &str, about: &str, says: &str) {
    let fits = |one: &&Finding| one.severity == severity && one.to_string().contains(says);
    let all = found(report, check, about);
    assert!(all.into_iter().any(|one| fits(&one)), "no {severity} {check} {about}: {says}\nin\n{report}");
}

fn presented(way: &str, shown: Shown) -> Event {
    Event::Presented { way: way.into(), reference: "m1".into(), shown }
}

fn failed(way: &str, why: PresentFailure) -> Event {
    Event::PresentFailed { way: way.into(), why }
}

#[tokio::test]
async fn an_empty_ledger_and_a_sound_one_have_nothing_wrong() {
    let bench = Bench::new();
    assert_eq!(bench.look().await.count(Severity::Ok), bench.look().await.findings.len());
    bench.ask(1, |_| {}).await;
    let report = bench.look().await;
    assert!(report.is_healthy() && report.count(Severity::Warning) == 0, "{report}");
    assert_found(&report, Severity::Ok, "request", "1 pending", "people and a way in");
}

#[tokio::test]
async fn a_clock_that_went_back_is_told_by_how_far() {
    let bench = Bench::new();
    bench.clock.advance(Duration::from_secs(600));
    bench.ask(1, |_| {}).await;
    for (back, severity) in [(1, Severity::Ok), (30, Severity::Warning), (300, Severity::Problem)] {
        bench.clock.set(start().after(Duration::from_secs(600 - back)));
        let report = bench.look().await;
        assert_eq!(found(&report, "clock", "")[0].severity, severity, "{back} s\n{report}");
    }
}

#[tokio::test]
async fn a_history_that_does_not_fold_and_an_index_that_disagrees_are_told_apart() {
    let bench = Bench::new();
    let id = bench.ask(1, |_| {}).await;
    bench.yes(id, 1).await;
    let whole = bench.store.history(id.into()).await.unwrap();
    let summary = Summary::of(&State::fold(&whole).unwrap()).unwrap();
    assert!(requests::read(summary.clone(), whole.clone()).is_ok());
    let listed_before = Summary::of(&State::fold(&whole[..1]).unwrap()).unwrap();
    let moved: Result<Live, _> = requests::read(listed_before, whole.clone());
    assert_eq!(moved.ok().unwrap().state.phase(), Phase::Approved, "it moved since it was listed");

    let broken = requests::read(summary.clone(), whole[1..].to_vec()).err().unwrap();
    assert_eq!((broken.severity, broken.check), (Severity::Problem, "history"));
    assert!(broken.says.contains("cannot follow"), "{broken}");
    let stale = requests::read(Summary { phase: Phase::Executing, ..summary }, whole).err().unwrap();
    assert_eq!((stale.severity, stale.check), (Severity::Warning, "index"));
    assert!(stale.to_string().contains("rebuild_index"), "{stale}");
}

#[tokio::test]
async fn policies_that_differ_are_named_with_how_many_were_asked_under_each() {
    let bench = Bench::new();
    for (number, policy) in [(1, "p1"), (2, "p2"), (3, "p2")] {
        bench.ask(number, |asked| asked.terms.policy = policy.into()).await;
    }
    assert_found(&bench.look().await, Severity::Warning, "policy", "p1 (1), p2 (2)", "different policies");
}

#[tokio::test]
async fn a_backend_that_fails_is_told_with_its_reason_and_when_it_last_worked() {
    let bench = Bench::new();
    let id = bench.ask(1, |_| {}).await;
    bench.append(id.into(), None, presented("slack", Shown::Everything)).await;
    let at = "1970-01-01T00:16:40";
    assert_found(&bench.look().await, Severity::Ok, "backend", "slack", at);
    bench.clock.advance(Duration::from_secs(60));
    bench.append(id.into(), None, failed("slack", PresentFailure::Rejected)).await;
    bench.append(id.into(), None, failed("terminal", PresentFailure::NoTty)).await;
    let report = bench.look().await;
    assert_found(&report, Severity::Warning, "backend", "slack", "refused by the service");
    assert_found(&report, Severity::Warning, "backend", "slack", &format!("it last presented one at {at}"));
    assert_found(&report, Severity::Warning, "backend", "slack", "credentials");
    assert_found(&report, Severity::Warning, "backend", "terminal", "no record says");
    bench.append(id.into(), None, presented("slack", Shown::Everything)).await;
    assert_found(&bench.look().await, Severity::Ok, "backend", "slack", "00:17:40");
}

#[tokio::test]
async fn a_request_that_reached_nobody_is_a_problem_once_it_had_time_to() {
    let bench = Bench::new();
    let id = bench.ask(1, |asked| asked.terms.open_to_store = false).await;
    bench.append(id.into(), None, failed("terminal", PresentFailure::NoTty)).await;
    let name = id.to_string();
    assert_found(&bench.look().await, Severity::Warning, "request", &name, "stands nowhere");
    bench.clock.advance(Duration::from_secs(60));
    assert_found(&bench.look().await, Severity::Problem, "request", &name, "(terminal: no terminal)");
    bench.append(id.into(), None, presented("slack", Shown::Part { hidden: 2 })).await;
    assert_found(&bench.look().await, Severity::Problem, "request", &name, "in part only");
    bench.append(id.into(), None, presented("teams", Shown::Everything)).await;
    assert!(found(&bench.look().await, "request", &name).is_empty());
}

#[tokio::test]
async fn nobody_is_counted_twice_and_the_requester_never() {
    let bench = Bench::new();
    let two = |asked: &mut Requested| asked.terms.requirement.quorum = Quorum::people(2);
    let fine = bench.ask(1, two).await;
    bench.yes(fine, 1).await;
    let three = bench.ask(2, |asked| asked.terms.requirement.quorum = Quorum::people(3)).await;
    bench.yes(three, 1).await;
    let by_code = bench.ask(3, |asked| asked.call.quorum = Some(Quorum::people_from(1, ["sre"]))).await;
    let alone = bench
        .ask(4, |asked| {
            asked.terms.requirement.quorum = Quorum::people(3);
            asked.terms.requirement.single_operator = true;
        })
        .await;
    let report = bench.look().await;
    for id in [fine, alone] {
        assert!(found(&report, "request", &id.to_string()).is_empty(), "{report}");
    }
    let name = three.to_string();
    assert_found(&report, Severity::Problem, "request", &name, "3 people, and 2 besides the requester");
    assert_found(&report, Severity::Problem, "request", &by_code.to_string(), "1 person from sre");
    assert_found(&report, Severity::Warning, "group", "sre", "nobody is in it");
    // What is overdue waits for nobody any more.
    bench.clock.advance(Duration::from_secs(3_600));
    assert!(found(&bench.look().await, "request", "").is_empty());
    assert!(found(&bench.look().await, "group", "").is_empty());
}

#[tokio::test]
async fn a_requester_whom_the_directory_cannot_exclude_is_a_problem() {
    let bench = Bench::new();
    bench.ask(1, |asked| asked.call.requester.owner = "paul".into()).await;
    bench
        .ask(2, |asked| asked.call.requester.on_behalf_of = Some(Principal::External("BEN".to_owned())))
        .await;
    let report = bench.look().await;
    assert_found(&report, Severity::Problem, "people", "paul", "not in the directory");
    assert_found(&report, Severity::Problem, "people", "BEN", "they are ben");
}

#[tokio::test]
async fn a_run_that_was_cut_off_needs_a_person_unless_it_may_run_again() {
    let bench = Bench::new();
    for (number, rerunnable) in [(1, false), (2, true)] {
        let id = bench.ask(number, |asked| asked.call.rerunnable = rerunnable).await;
        bench.yes(id, 1).await;
        bench.append(id.into(), Some(2), started(number)).await;
        assert_found(&bench.look().await, Severity::Ok, "run", &id.to_string(), "runs on h/bot");
        bench.append(id.into(), Some(3), lost(number)).await;
        let (severity, says) = match rerunnable {
            false => (Severity::Problem, "check what it did, and say `approvals reconcile"),
            true => (Severity::Warning, "make the same call again"),
        };
        assert_found(&bench.look().await, severity, "run", &id.to_string(), says);
    }
    bench.clock.advance(Duration::from_secs(3_600));
    assert_eq!(
        found(&bench.look().await, "run", "").iter().filter(|f| f.severity == Severity::Problem).count(),
        2
    );
}

#[tokio::test]
async fn a_node_that_started_anew_is_not_the_one_that_claimed() {
    let bench = Bench::new();
    let up = || Event::Up { build: "test".to_owned(), policy: "p1".into() };
    bench.append(Stream::System, None, up()).await;
    let id = bench.ask(1, |_| {}).await;
    bench.yes(id, 1).await;
    bench.append(id.into(), Some(2), started(1)).await;
    assert_found(&bench.look().await, Severity::Ok, "run", &id.to_string(), "runs on");
    assert_found(&bench.look().await, Severity::Ok, "node", "h/bot", "not down since");
    bench.append(Stream::System, None, up()).await;
    assert_found(&bench.look().await, Severity::Problem, "run", &id.to_string(), "is gone");
}

/// What a backend answers when it is asked whether it could present.
#[derive(Clone, Copy)]
enum Says {
    Yes,
    No { soon: bool },
    Panics,
    Hangs,
}

struct Odd(Says);

#[async_trait]
impl Backend for Odd {
    fn name(&self) -> &str {
        "odd"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { provider: "os".into(), assurance: Assurance::Local, cards_outlive_process: false }
    }

    async fn check(&self) -> Result<(), BackendError> {
        match self.0 {
            Says::Yes => Ok(()),
            Says::No { soon: true } => Err(BackendError::temporary(PresentFailure::Unreachable, "no route")),
            Says::No { soon: false } => {
                Err(BackendError::permanent(PresentFailure::Rejected, "token expired"))
            }
            Says::Panics => panic!("in a backend"),
            Says::Hangs => std::future::pending().await,
        }
    }

    async fn present(&self, _card: &Card) -> Result<Presented, BackendError> {
        panic!("the doctor sends nobody anything")
    }
}

async fn handle(says: Says, bench: &Bench) -> Approvals {
    let people = ["olga", "hank", "ann"].map(|id| Person::new(id).known_as("os", id));
    Approvals::builder()
        .agent(Agent::new("bot").owned_by("olga"))
        .policy(RiskPolicy::ask_from(Risk::Medium))
        .directory(People::new(people).unwrap())
        .store(bench.store.clone())
        .clock(Arc::new(bench.clock.clone()))
        .backend(Odd(says))
        .build()
        .await
        .unwrap()
}

#[tokio::test]
async fn each_backend_of_a_handle_is_asked_and_whatever_it_does_is_a_finding() {
    let bench = Bench::new();
    for (says, severity, text) in [
        (Says::Yes, Severity::Ok, "could present a card"),
        (Says::No { soon: true }, Severity::Warning, "no route; check the network"),
        (Says::No { soon: false }, Severity::Problem, "token expired; check the credentials"),
        (Says::Panics, Severity::Problem, "the backend panicked"),
    ] {
        let approvals = handle(says, &bench).await;
        let before = bench.store.last().await.unwrap();
        let report = approvals.doctor().await;
        assert_found(&report, severity, "backend", "odd", text);
        assert_found(&report, Severity::Ok, "policy", "", "rules in this process");
        assert_found(&report, Severity::Ok, "node", approvals.node().as_str(), "is up since");
        assert_eq!(bench.store.last().await.unwrap(), before, "it writes nothing");
        approvals.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn a_backend_that_does_not_answer_is_given_up() {
    let bench = Bench::new();
    let approvals = handle(Says::Hangs, &bench).await;
    // The keeper's sleep, and the doctor's.
    let move_on = async {
        bench.clock.until_asleep(2).await;
        bench.clock.advance(Duration::from_secs(10));
    };
    let (report, ()) = tokio::join!(approvals.doctor(), move_on);
    assert_found(&report, Severity::Warning, "backend", "odd", "no answer in time");
    approvals.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_handle_tells_of_requests_that_its_policy_did_not_ask_and_its_backends_cannot_carry() {
    let bench = Bench::new();
    let approvals = handle(Says::Yes, &bench).await;
    let strong = bench
        .ask(1, |asked| {
            asked.terms.requirement.assurance = Assurance::Sso;
            asked.call.requester.agent = "bot".into();
        })
        .await;
    let report = approvals.doctor().await;
    assert_found(
        &report,
        Severity::Warning,
        "policy",
        "",
        "1 open requests of this agent were asked under another one",
    );
    assert_found(&report, Severity::Problem, "request", &strong.to_string(), "the strongest has: local");
    approvals.shutdown().await.unwrap();
}

#[test]
fn a_finding_shows_what_hostile_text_hides() {
    let shown = Finding::problem("node", "a\u{1b}[2J\nok: b", "x\u{202e}", "y\r").to_string();
    assert!(!shown.contains(|c: char| c.is_control() || c == '\u{202e}'), "{shown}");
    let report = Report { findings: vec![Finding::ok("clock", "now", "fine")] };
    assert_eq!(report.to_string(), "ok: clock now: fine\n");
}

#[test]
fn looking_can_be_spawned() {
    fn is_send<T: Send>(_: &T) {}
    let bench = Bench::new();
    is_send(&Doctor::new(&bench.store).directory(&bench.people).look());
    is_send(&async { Approvals::builder().build().await.unwrap().doctor().await });
}
