//! A bench with everything handed in, and parts of it that fail on demand.

mod faulty;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals::card::Card;
use approvals::desk::{DeskError, Outcome, Reply, Review};
use approvals::id::{PersonId, PolicyVersion, RequestId};
use approvals::ledger::IgnoredWhy;
use approvals::people::{Directory, DirectoryError};
use approvals::policy::{PolicyError, Ruling, SiteRuling};
use approvals::request::Requirement;
use approvals::state::Phase;
use approvals::testing::{ManualClock, MockBackend, PROVIDER, ids};
use approvals::time::Timestamp;
use approvals::{
    ActionSite, ApprovalError, Approvals, Builder, Call, ErrorKind, Identity, Person, Policy, Risk,
    RiskPolicy, ShutdownError, requires_approval,
};
use async_trait::async_trait;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use self::faulty::{Does, Faulty};
pub(crate) use approvals_test_support::at_once;

pub(crate) type Res<T> = Result<T, ApprovalError>;

/// Counts how often a body runs; may keep it from ending.
#[derive(Clone, Default)]
pub(crate) struct Runs {
    count: Arc<AtomicUsize>,
    hold: Option<Hold>,
}

impl Runs {
    pub(crate) fn held_by(hold: &Hold) -> Self {
        Self { count: Arc::default(), hold: Some(hold.clone()) }
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(SeqCst)
    }

    pub(crate) async fn enter(&self) {
        self.count.fetch_add(1, SeqCst);
        if let Some(hold) = &self.hold {
            hold.pass().await;
        }
    }
}

#[requires_approval(risk = "high", action = "bench.wipe", reason = "wipes {disk}")]
pub(crate) async fn wipe(#[approval(skip = "counts the runs")] runs: Runs, disk: &str) -> Res<usize> {
    runs.enter().await;
    Ok(disk.len())
}

#[requires_approval(risk = "high", action = "bench.pay", key = "{invoice}")]
pub(crate) async fn pay(
    #[approval(skip = "counts the runs")] runs: Runs,
    invoice: &str,
    cents: u64,
) -> Res<u64> {
    runs.enter().await;
    let _ = invoice;
    Ok(cents)
}

#[requires_approval(risk = "high", action = "bench.sync", key = "{name}", rerunnable)]
pub(crate) async fn sync(#[approval(skip = "counts the runs")] runs: Runs, name: &str) -> Res<usize> {
    runs.enter().await;
    Ok(name.len())
}

#[requires_approval(risk = "high", action = "bench.patient", key = "{name}", wait = "30s")]
pub(crate) async fn patient(#[approval(skip = "counts the runs")] runs: Runs, name: &str) -> Res<usize> {
    runs.enter().await;
    Ok(name.len())
}

#[requires_approval(risk = "low", action = "bench.peek")]
pub(crate) async fn peek(#[approval(skip = "counts the runs")] runs: Runs, disk: &str) -> Res<usize> {
    runs.enter().await;
    Ok(disk.len())
}

/// Skips nothing, so that policy may raise it to critical.
#[requires_approval(risk = "high", action = "bench.erase")]
pub(crate) async fn erase(disk: &str) -> Res<usize> {
    Ok(disk.len())
}

/// Everything that approvals are made of, in the test's hands.
pub(crate) struct Bench {
    pub(crate) mock: MockBackend,
    pub(crate) clock: ManualClock,
    pub(crate) store: Faulty,
    pub(crate) policy: Script,
    pub(crate) people: Crowd,
    pub(crate) runs: Runs,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::at(noon());
        Self::over(Faulty::on(&clock), clock)
    }

    pub(crate) fn over(store: Faulty, clock: ManualClock) -> Self {
        Self {
            mock: MockBackend::new(),
            store,
            clock,
            policy: Script::default(),
            people: Crowd::default(),
            runs: Runs::default(),
        }
    }

    pub(crate) fn builder(&self) -> Builder {
        Approvals::test_builder(&self.mock)
            .store(self.store.clone())
            .clock(Arc::new(self.clock.clone()))
            .policy(self.policy.clone())
            .directory(self.people.clone())
    }

    pub(crate) async fn up(&self) -> Approvals {
        self.builder().build().await.unwrap()
    }

    /// The first card, once it is there.
    pub(crate) async fn card(&self) -> Card {
        self.nth_card(1).await
    }

    /// The newest card, once there are so many.
    pub(crate) async fn nth_card(&self, cards: usize) -> Card {
        let presented = tokio::time::timeout(PATIENCE, self.mock.presented(cards)).await;
        presented.unwrap_or_else(|_| panic!("card {cards} was never presented")).remove(cards - 1)
    }

    pub(crate) async fn approve(&self, card: &Card) -> Reply {
        self.mock.submit("reviewer", yes(card)).await.unwrap()
    }

    pub(crate) async fn deny(&self, card: &Card) -> Reply {
        self.mock.submit("reviewer", no(card)).await.unwrap()
    }

    pub(crate) async fn phase(&self, request: RequestId) -> Phase {
        self.store.state(request).await.phase()
    }

    /// Stops cleanly; the ledger must be intact and nothing may be left claimed.
    pub(crate) async fn ends(&self, approvals: Approvals) {
        self.all_end([approvals]).await;
    }

    /// The same of several handles over the ledger: what one has claimed, its own shutdown ends.
    pub(crate) async fn all_end(&self, handles: impl IntoIterator<Item = Approvals>) {
        for approvals in handles {
            approvals.shutdown().await.unwrap();
        }
        for request in self.store.intact().await {
            assert_ne!(self.phase(request).await, Phase::Executing, "{request} is claimed for ever");
        }
    }
}

/// A call without a key that asks people.
pub(crate) fn waiting(bench: &Bench, approvals: &Approvals) -> JoinHandle<Res<usize>> {
    tokio::spawn(approvals.scope(wipe(bench.runs.clone(), "sda")))
}

/// The same, once its card is there.
pub(crate) async fn asked(bench: &Bench, approvals: &Approvals) -> (JoinHandle<Res<usize>>, Card) {
    let call = waiting(bench, approvals);
    (call, bench.card().await)
}

/// One with a key, the same each time.
pub(crate) fn keyed(bench: &Bench, approvals: &Approvals) -> JoinHandle<Res<u64>> {
    tokio::spawn(approvals.scope(pay(bench.runs.clone(), "R-1", 5)))
}

/// A keyed call that was made and given up, so that its request stands without anybody who waits.
pub(crate) async fn parked(bench: &Bench, approvals: &Approvals) -> Card {
    let call = keyed(bench, approvals);
    let card = bench.card().await;
    call.abort();
    let _ = call.await;
    card
}

/// A review that is on its way to the desk.
pub(crate) fn submitting(
    mock: &MockBackend,
    person: &'static str,
    review: Review,
) -> JoinHandle<Result<Reply, DeskError>> {
    let mock = mock.clone();
    tokio::spawn(async move { mock.submit(person, review).await })
}

/// A shutdown that is under way.
pub(crate) fn shutting_down(approvals: &Approvals) -> JoinHandle<Result<(), ShutdownError>> {
    let approvals = approvals.clone();
    tokio::spawn(async move { approvals.shutdown().await })
}

/// One with that key that is approved and in its body, where it stays until the door opens.
pub(crate) async fn in_the_body(bench: &Bench, approvals: &Approvals) -> (JoinHandle<Res<u64>>, Runs, Hold) {
    let hold = Hold::new();
    let runs = Runs::held_by(&hold);
    bench.mock.approve();
    let call = tokio::spawn(approvals.scope(pay(runs.clone(), "R-1", 5)));
    hold.reached(1).await;
    (call, runs, hold)
}

pub(crate) fn noon() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn request_of(card: &Card) -> RequestId {
    ids(card).unwrap().0
}

pub(crate) fn yes(card: &Card) -> Review {
    let (request, digest) = ids(card).unwrap();
    Review::approve(request, digest)
}

pub(crate) fn no(card: &Card) -> Review {
    let (request, digest) = ids(card).unwrap();
    Review::deny(request, digest)
}

pub(crate) fn counted(reply: &Reply) -> Phase {
    match &reply.outcome {
        Outcome::Counted { phase, .. } => *phase,
        Outcome::Ignored(why) => panic!("ignored: {why}"),
    }
}

pub(crate) fn ignored(reply: &Reply) -> IgnoredWhy {
    match &reply.outcome {
        Outcome::Ignored(why) => *why,
        counted @ Outcome::Counted { .. } => panic!("{counted:?}"),
    }
}

/// The refusal is of this kind, and its message says each of these things.
pub(crate) fn refused<T: std::fmt::Debug>(outcome: Res<T>, kind: ErrorKind, says: &[&str]) -> ApprovalError {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    for word in says {
        assert!(error.to_string().contains(word), "`{word}` is missing in: {error}");
    }
    error
}

/// Runs a process's life on a runtime of its own. What is left at its end is cut off, as by a kill.
pub(crate) fn life<F: Future>(work: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

/// Lets every task do what it can without time passing.
pub(crate) async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Moves time on, a step at a time, until the task is over.
pub(crate) async fn drive<T>(clock: &ManualClock, step: Duration, task: JoinHandle<T>) -> T {
    for _ in 0..10_000 {
        settle().await;
        if task.is_finished() {
            return task.await.unwrap();
        }
        clock.advance(step);
    }
    panic!("the task never ends");
}

/// Lets time pass, second by second.
pub(crate) async fn pass(clock: &ManualClock, time: Duration) {
    for _ in 0..time.as_secs() {
        settle().await;
        clock.advance(Duration::from_secs(1));
    }
    settle().await;
}

/// How long a test waits, by the real clock, for what has to come: only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A door that keeps whoever comes to it until it is opened.
#[derive(Clone)]
pub(crate) struct Hold(Arc<(watch::Sender<usize>, watch::Sender<bool>)>);

impl Hold {
    pub(crate) fn new() -> Self {
        Self(Arc::new((watch::Sender::new(0), watch::Sender::new(false))))
    }

    pub(crate) async fn pass(&self) {
        self.0.0.send_modify(|reached| *reached += 1);
        self.0.1.subscribe().wait_for(|open| *open).await.unwrap();
    }

    /// How many have come.
    pub(crate) fn count(&self) -> usize {
        *self.0.0.borrow()
    }

    /// Returns once so many have come.
    pub(crate) async fn reached(&self, count: usize) {
        let mut reached = self.0.0.subscribe();
        let reached = reached.wait_for(|reached| *reached >= count);
        tokio::time::timeout(PATIENCE, reached).await.expect("nobody came to the door").unwrap();
    }

    pub(crate) fn open(&self) {
        self.0.1.send_replace(true);
    }
}

/// What a policy says.
#[derive(Clone)]
pub(crate) enum Says {
    Usual,
    /// The usual, and not at the first poll: no verdict brings a claim along.
    Late,
    Run,
    Ask(Requirement),
    Refuse,
    Fail,
    /// Lets the call run, once the door opens.
    Hold(Hold),
}

/// A policy that is changed while it is in force.
#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<(Option<SiteRuling>, Says)>>);

impl Default for Script {
    fn default() -> Self {
        Self(Arc::new(Mutex::new((None, Says::Usual))))
    }
}

impl Script {
    pub(crate) fn says(&self, says: Says) {
        self.0.lock().unwrap().1 = says;
    }

    /// Asks this quorum at risk high.
    pub(crate) fn asks(&self, quorum: approvals::request::Quorum) {
        self.says(Says::Ask(Requirement { quorum, ..Requirement::at(Risk::High) }));
    }

    pub(crate) fn site(&self, ruling: SiteRuling) {
        self.0.lock().unwrap().0 = Some(ruling);
    }
}

#[async_trait]
impl Policy for Script {
    fn version(&self) -> PolicyVersion {
        "script".into()
    }

    fn rule_site(&self, site: &ActionSite, risk: Risk) -> SiteRuling {
        let (ruling, says) = self.0.lock().unwrap().clone();
        match (ruling, says) {
            (Some(ruling), _) => ruling,
            (None, Says::Usual) => RiskPolicy::default().rule_site(site, risk),
            (None, _) => SiteRuling::NeedsCall,
        }
    }

    async fn rule(&self, call: &Call) -> Result<Ruling, PolicyError> {
        let says = self.0.lock().unwrap().1.clone();
        match says {
            Says::Usual => RiskPolicy::default().rule(call).await,
            Says::Late => {
                tokio::task::yield_now().await;
                RiskPolicy::default().rule(call).await
            }
            Says::Run => Ok(Ruling::Run),
            Says::Ask(requirement) => Ok(Ruling::Ask(requirement)),
            Says::Refuse => Ok(Ruling::Refuse("frozen until Monday".to_owned())),
            Says::Hold(hold) => {
                hold.pass().await;
                Ok(Ruling::Run)
            }
            Says::Fail => Err(PolicyError("the rules are gone".to_owned())),
        }
    }
}

/// A directory in which everybody is somebody, until it is told otherwise.
#[derive(Clone, Default)]
pub(crate) struct Crowd(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    fails: bool,
    gone: BTreeSet<PersonId>,
    aliases: BTreeMap<String, PersonId>,
    groups: BTreeMap<PersonId, BTreeSet<String>>,
    members: Option<Vec<PersonId>>,
}

impl Crowd {
    fn known(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.0.lock().unwrap());
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.known(|known| known.fails = fails);
    }

    pub(crate) fn remove(&self, person: &str) {
        self.known(|known| {
            known.gone.insert(person.into());
        });
    }

    pub(crate) fn alias(&self, alias: &str, person: &str) {
        self.known(|known| drop(known.aliases.insert(alias.to_owned(), person.into())));
    }

    pub(crate) fn groups(&self, person: &str, groups: &[&str]) {
        let groups = groups.iter().map(|group| (*group).to_owned()).collect();
        self.known(|known| drop(known.groups.insert(person.into(), groups)));
    }

    /// These are all there are.
    pub(crate) fn only(&self, people: &[&str]) {
        self.known(|known| {
            known.members = Some(people.iter().map(|person| PersonId::new(*person)).collect())
        });
    }
}

impl Known {
    fn person(&self, id: &PersonId) -> Option<Person> {
        let listed = self.members.as_ref().is_none_or(|members| members.contains(id));
        if !listed || self.gone.contains(id) {
            return None;
        }
        let person = Person::new(id.clone()).known_as(PROVIDER, id.as_str());
        let aliases = self.aliases.iter().filter(|(_, person)| *person == id);
        let person = aliases.fold(person, |person, (alias, _)| person.known_as(PROVIDER, alias));
        let groups = self.groups.get(id).into_iter().flatten();
        Some(groups.fold(person, |person, group| person.in_group(group.as_str())))
    }

    fn check(&self) -> Result<(), DirectoryError> {
        if self.fails { Err(DirectoryError("the line is dead".to_owned())) } else { Ok(()) }
    }
}

#[async_trait]
impl Directory for Crowd {
    async fn resolve(&self, identity: &Identity) -> Result<Option<Person>, DirectoryError> {
        let known = self.0.lock().unwrap();
        known.check()?;
        let own = PersonId::new(identity.subject());
        Ok(known.person(known.aliases.get(identity.subject()).unwrap_or(&own)))
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, DirectoryError> {
        let known = self.0.lock().unwrap();
        known.check()?;
        Ok(known.person(id))
    }

    async fn members(
        &self,
        groups: &[approvals::id::GroupId],
    ) -> Result<Option<Vec<Person>>, DirectoryError> {
        let known = self.0.lock().unwrap();
        known.check()?;
        let Some(members) = &known.members else { return Ok(None) };
        let people = members.iter().filter_map(|id| known.person(id));
        let member =
            |person: &Person| groups.is_empty() || groups.iter().any(|g| person.groups().contains(g));
        Ok(Some(people.filter(member).collect()))
    }
}
