//! A bench with everything handed in, and parts of it that fail on demand.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals::card::Card;
use approvals::desk::{Outcome, Receipt, Review};
use approvals::id::{NodeName, PersonId, PolicyVersion, RequestId, Seq};
use approvals::ledger::{
    Append, Appended, Cursor, Env, Event, Filter, IgnoredWhy, Memory, NodeHold, Page, Record, Store,
    StoreError, StoreErrorKind, Stream,
};
use approvals::people::{Directory, DirectoryError};
use approvals::policy::{PolicyError, Ruling, SiteRuling};
use approvals::request::{Requirement, StoreKey};
use approvals::state::{Phase, State};
use approvals::testing::{ManualClock, MockBackend, PROVIDER, ids};
use approvals::time::Timestamp;
use approvals::{
    ActionSite, ApprovalError, Approvals, Builder, Call, ErrorKind, Identity, Person, Policy, Risk,
    RiskPolicy, requires_approval,
};
use async_trait::async_trait;
use tokio::sync::watch;
use tokio::task::JoinHandle;

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
        Self {
            mock: MockBackend::new(),
            store: Faulty::on(&clock),
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
        let patience = Duration::from_secs(20);
        let presented = tokio::time::timeout(patience, self.mock.presented(cards)).await;
        presented.unwrap_or_else(|_| panic!("card {cards} was never presented")).remove(cards - 1)
    }

    pub(crate) async fn approve(&self, card: &Card) -> Receipt {
        self.mock.submit("reviewer", yes(card)).await.unwrap()
    }

    pub(crate) async fn deny(&self, card: &Card) -> Receipt {
        self.mock.submit("reviewer", no(card)).await.unwrap()
    }

    pub(crate) async fn phase(&self, request: RequestId) -> Phase {
        self.store.state(request).await.phase()
    }

    /// Stops cleanly; the ledger must be intact and nothing may be left claimed.
    pub(crate) async fn ends(&self, approvals: Approvals) {
        approvals.shutdown().await.unwrap();
        for request in self.store.intact().await {
            assert_ne!(self.phase(request).await, Phase::Executing, "{request} is claimed for ever");
        }
    }
}

pub(crate) fn noon() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

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

pub(crate) fn counted(receipt: &Receipt) -> Phase {
    match &receipt.outcome {
        Outcome::Counted { phase, .. } => *phase,
        Outcome::Ignored(why) => panic!("ignored: {why}"),
    }
}

pub(crate) fn ignored(receipt: &Receipt) -> IgnoredWhy {
    match &receipt.outcome {
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

pub(crate) async fn until(what: &str, mut is: impl FnMut() -> bool) {
    for _ in 0..100_000 {
        if is() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("never: {what}");
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

    /// Returns once so many have come.
    pub(crate) async fn reached(&self, count: usize) {
        self.0.0.subscribe().wait_for(|reached| *reached >= count).await.unwrap();
    }

    pub(crate) fn open(&self) {
        self.0.1.send_replace(true);
    }
}

/// What goes wrong in a store.
#[derive(Clone)]
pub(crate) enum Does {
    /// Nothing is written, and it says so.
    Fail,
    /// What is read is damaged.
    Damage,
    /// It is written, and the reply is lost.
    LoseReply,
    /// As before, and that many reads of histories fail afterwards.
    LoseReplyAndSight(usize),
    /// It is written once the door opens, even if the caller is gone by then.
    Hold(Hold),
}

struct Fault {
    on: &'static str,
    left: usize,
    does: Does,
    fired: Fired,
}

/// How often a fault has fired. A fault that never fires proves nothing.
#[derive(Clone, Default)]
pub(crate) struct Fired(Arc<AtomicUsize>);

impl Fired {
    pub(crate) fn times(&self) -> usize {
        self.0.load(SeqCst)
    }
}

/// The ledger in memory with faults: by the name of an event that is appended, or `history` for reads.
#[derive(Clone)]
pub(crate) struct Faulty {
    memory: Memory,
    faults: Arc<Mutex<Vec<Fault>>>,
    slow: Arc<AtomicBool>,
    reads: Arc<AtomicUsize>,
}

impl Faulty {
    pub(crate) fn on(clock: &ManualClock) -> Self {
        let memory = Memory::with_clock(Arc::new(clock.clone())).unwrap();
        Self { memory, faults: Arc::default(), slow: Arc::default(), reads: Arc::default() }
    }

    pub(crate) fn fault(&self, on: &'static str, times: usize, does: Does) -> Fired {
        let fired = Fired::default();
        self.faults.lock().unwrap().push(Fault { on, left: times, does, fired: fired.clone() });
        fired
    }

    pub(crate) fn heal(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// From now on every call takes several turns, and appends end although their caller is gone.
    pub(crate) fn slow_down(&self) {
        self.slow.store(true, SeqCst);
    }

    /// How often histories were read.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(SeqCst)
    }

    fn trouble(&self, names: &[&str]) -> Option<Does> {
        let mut faults = self.faults.lock().unwrap();
        let fault = faults.iter_mut().find(|fault| fault.left > 0 && names.contains(&fault.on))?;
        fault.left -= 1;
        fault.fired.0.fetch_add(1, SeqCst);
        Some(fault.does.clone())
    }

    async fn dawdle(&self) {
        if self.slow.load(SeqCst) {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn records(&self) -> Vec<Record> {
        self.memory.records(Seq::START, usize::MAX).await.unwrap()
    }

    pub(crate) async fn of(&self, stream: Stream) -> Vec<Record> {
        self.memory.history(stream).await.unwrap()
    }

    pub(crate) async fn names(&self, stream: Stream) -> Vec<&'static str> {
        self.of(stream).await.iter().map(|record| record.body.event.name()).collect()
    }

    /// Appends an event to a request, as another process would.
    pub(crate) async fn write(&self, request: RequestId, event: Event) {
        let expected = Some(self.state(request).await.version());
        let (env, node) = (Env::Test, "elsewhere".into());
        let append = Append { stream: request.into(), expected, env, node, events: vec![event.into()] };
        self.memory.append(append).await.unwrap();
    }

    /// What happened to a request, without the notes of its cards.
    pub(crate) async fn story(&self, request: RequestId) -> Vec<&'static str> {
        let names = self.names(request.into()).await;
        names.into_iter().filter(|name| !["presented", "updated"].contains(name)).collect()
    }

    pub(crate) async fn state(&self, request: RequestId) -> State {
        State::fold(&self.of(request.into()).await).unwrap()
    }

    /// Every request, in the order of their opening. Each history folds, and every byte reads as what it says.
    pub(crate) async fn intact(&self) -> Vec<RequestId> {
        let mut requests = Vec::new();
        for (place, record) in self.records().await.iter().enumerate() {
            assert_eq!(record.seq, Seq(place as u64 + 1));
            let payload = record.payload.as_ref().map(|payload| payload.to_bytes().unwrap());
            let read =
                Record::from_stored(record.seq, record.bytes.clone(), payload.as_deref(), None).unwrap();
            assert_eq!(read.body, record.body);
            if let (Some(request), Event::Requested(_)) = (record.body.stream.request(), &record.body.event) {
                requests.push(request);
                self.state(request).await;
            }
        }
        requests
    }

    /// Everything that is stored, as text to look for what must not be there.
    pub(crate) async fn text(&self) -> String {
        let mut text = String::new();
        for record in self.records().await {
            text.push_str(&String::from_utf8_lossy(&record.bytes));
            if let Some(payload) = record.payload {
                text.push_str(&String::from_utf8_lossy(&payload.to_bytes().unwrap()));
            }
        }
        text
    }
}

fn broken() -> StoreError {
    StoreError::new(StoreErrorKind::Other, "the disk is broken; mend it")
}

#[async_trait]
impl Store for Faulty {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        let names: Vec<&str> = append.events.iter().map(|new| new.event.name()).collect();
        let trouble = self.trouble(&names);
        match trouble {
            Some(Does::Fail | Does::Damage) => Err(broken()),
            Some(Does::LoseReply) => self.memory.append(append).await.and(Err(broken())),
            Some(Does::LoseReplyAndSight(reads)) => {
                self.memory.append(append).await?;
                self.fault("history", reads, Does::Fail);
                Err(broken())
            }
            Some(Does::Hold(hold)) => {
                let memory = self.memory.clone();
                let late = async move {
                    hold.pass().await;
                    memory.append(append).await
                };
                tokio::spawn(late).await.unwrap()
            }
            None if self.slow.load(SeqCst) => {
                let store = self.clone();
                let late = async move {
                    store.dawdle().await;
                    let appended = store.memory.append(append).await;
                    store.dawdle().await;
                    appended
                };
                tokio::spawn(late).await.unwrap()
            }
            None => self.memory.append(append).await,
        }
    }

    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError> {
        self.reads.fetch_add(1, SeqCst);
        self.dawdle().await;
        match self.trouble(&["history"]) {
            Some(Does::Damage) => {
                Err(StoreError::new(StoreErrorKind::Corrupt, "a record is damaged; mend it"))
            }
            Some(_) => Err(broken()),
            None => self.memory.history(stream).await,
        }
    }

    async fn list(&self, filter: &Filter, after: Option<Cursor>, limit: usize) -> Result<Page, StoreError> {
        self.memory.list(filter, after, limit).await
    }

    async fn records(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.memory.records(after, limit).await
    }

    async fn last(&self) -> Result<Seq, StoreError> {
        self.memory.last().await
    }

    async fn wait_past(&self, after: Seq) -> Result<(), StoreError> {
        self.memory.wait_past(after).await
    }

    async fn hold_node(&self, node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        self.memory.hold_node(node).await
    }

    fn key(&self) -> &StoreKey {
        self.memory.key()
    }
}

/// What a policy says.
#[derive(Clone)]
pub(crate) enum Says {
    Usual,
    Run,
    Ask(Requirement),
    Refuse,
    Fail,
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
            Says::Run => Ok(Ruling::Run),
            Says::Ask(requirement) => Ok(Ruling::Ask(requirement)),
            Says::Refuse => Ok(Ruling::Refuse("frozen until Monday".to_owned())),
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
        self.known(|known| drop(known.gone.insert(person.into())));
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
