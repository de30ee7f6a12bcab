//! What a rule is given: the medium, the ledger, the people, and the words for what happens.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;

use super::call::Ask;
use super::ledger::Ledger;
use super::life::{Life, OWNER, Start};
use super::watched::{Printable, Replied};
use super::{Abilities, Ability, Act, Acted, BackendUnderTest, Does, Fault, View, Who};
use crate::card::{Card, Shown};
use crate::conformance::SetupError;
use crate::conformance::check::{Checked, Failure};
use crate::desk::{Desk, Review, Way, WayKind};
use crate::error::ApprovalError;
use crate::id::{RequestId, SystemChance};
use crate::ledger::{Answer, Env, Event, Ignored, Memory, Record, Reviewed, Store, Stream};
use crate::people::{Assurance, Identity, People, Person};
use crate::request::Digest;
use crate::state::{Phase, State};
use crate::testing::ManualClock;
use crate::time::Timestamp;

/// Who the first and the second person of the medium are in the directory.
pub(super) const ANN: &str = "ann";
pub(super) const BEN: &str = "ben";
/// People who answer elsewhere, and their provider.
pub(super) const ZOE: &str = "zoe";
pub(super) const YAN: &str = "yan";
const ELSEWHERE: &str = "elsewhere, not on this medium";

/// A [`BackendUnderTest`] and one of its media, without their types.
#[async_trait]
pub(super) trait Ground: Send + Sync {
    async fn start(&self) -> Result<Arc<dyn Printable>, SetupError>;
    fn identity(&self, who: Who) -> Identity;
    async fn view(&self, request: RequestId) -> Result<View, SetupError>;
    async fn act(&self, act: Act) -> Result<Acted, SetupError>;
    async fn fault(&self, fault: Option<Fault>) -> Result<(), SetupError>;
    fn secrets(&self) -> Vec<String>;
}

struct Laid<U: BackendUnderTest> {
    under_test: Arc<U>,
    medium: U::Medium,
}

#[async_trait]
impl<U: BackendUnderTest> Ground for Laid<U> {
    async fn start(&self) -> Result<Arc<dyn Printable>, SetupError> {
        Ok(Arc::new(self.under_test.start(&self.medium).await?))
    }

    fn identity(&self, who: Who) -> Identity {
        self.under_test.identity(&self.medium, who)
    }

    async fn view(&self, request: RequestId) -> Result<View, SetupError> {
        self.under_test.view(&self.medium, request).await
    }

    async fn act(&self, act: Act) -> Result<Acted, SetupError> {
        self.under_test.act(&self.medium, act).await
    }

    async fn fault(&self, fault: Option<Fault>) -> Result<(), SetupError> {
        self.under_test.fault(&self.medium, fault).await
    }

    fn secrets(&self) -> Vec<String> {
        self.under_test.secrets(&self.medium)
    }
}

pub(super) struct Bench {
    ground: Arc<dyn Ground>,
    pub(super) ledger: Ledger,
    pub(super) clock: ManualClock,
    patience: Duration,
    able: Abilities,
    exercised: Mutex<BTreeSet<Ability>>,
}

/// A request that waits for people.
pub(super) struct Asked {
    pub(super) request: RequestId,
    digest: Digest,
    call: JoinHandle<Result<(), ApprovalError>>,
    runs: Arc<AtomicUsize>,
}

impl Asked {
    /// How often the body has run.
    pub(super) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    /// The caller goes away.
    pub(super) fn drop_the_call(&self) {
        self.call.abort();
    }
}

fn of_setup(error: SetupError) -> Failure {
    Failure::of_setup(&error)
}

impl Bench {
    pub(super) async fn lay<U: BackendUnderTest>(under_test: Arc<U>) -> Result<Self, Failure> {
        let clock = ManualClock::at(Timestamp::from_micros(1_900_000_000_123_456));
        let medium = under_test.medium().await.map_err(of_setup)?;
        let (patience, able) = (under_test.patience(), under_test.abilities());
        Ok(Self {
            ground: Arc::new(Laid { under_test, medium }),
            ledger: Ledger::of(Memory::with_clock(Arc::new(clock.clone()))?),
            clock,
            patience,
            able,
            exercised: Mutex::default(),
        })
    }

    pub(super) fn can(&self, ability: Ability) -> bool {
        self.able.contains(&ability)
    }

    fn exercise(&self, ability: Ability) {
        self.exercised.lock().unwrap_or_else(PoisonError::into_inner).insert(ability);
    }

    /// Fails if one of these was claimed and never came to be: what did not happen proves nothing.
    pub(super) fn has_exercised(&self, needs: &[Ability]) -> Checked {
        let exercised = self.exercised.lock().unwrap_or_else(PoisonError::into_inner);
        for need in needs {
            ensure!(exercised.contains(need), "`{need}` is claimed and was never exercised");
        }
        Ok(())
    }

    /// Fails when the future does not end in time. Never waits for a clock.
    async fn soon<T>(&self, what: &str, future: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::time::timeout(self.patience, future)
            .await
            .map_err(|_| Failure(format!("{what}: not within {:?}", self.patience)))
    }

    /// A process in which one person is enough.
    pub(super) async fn life(&self) -> Result<Life, Failure> {
        self.life_of(1).await
    }

    /// A process in which so many people have to approve.
    pub(super) async fn life_of(&self, quorum: u32) -> Result<Life, Failure> {
        let start = Start {
            ground: Arc::clone(&self.ground),
            store: self.ledger.clone(),
            clock: Arc::new(self.clock.clone()),
            people: self.people()?,
            quorum,
        };
        let life = self.soon("the backend was not up", Life::start(start)).await??;
        if life.backend.capabilities().cards_outlive_process {
            self.exercise(Ability::Outlive);
        }
        Ok(life)
    }

    pub(super) fn identity(&self, who: Who) -> Identity {
        self.ground.identity(who)
    }

    fn people(&self) -> Result<People, Failure> {
        let known = |id: &str, who: Who| {
            let identity = self.identity(who);
            Person::new(id).known_as(identity.provider().clone(), identity.subject())
        };
        let mut people = vec![Person::new(OWNER), known(ANN, Who::First)];
        if self.can(Ability::SecondPerson) {
            people.push(known(BEN, Who::Second));
        }
        people.extend([ZOE, YAN].map(|id| Person::new(id).known_as(ELSEWHERE, id)));
        Ok(People::new(people)?)
    }

    /// Calls, and returns once the request is on record.
    pub(super) async fn ask(&self, life: &Life, ask: Ask) -> Result<Asked, Failure> {
        let mut seen = self.ledger.last().await?;
        let runs = Arc::default();
        let call = life.call(ask, Arc::clone(&runs));
        let asked = async {
            loop {
                let records = self.ledger.records(seen, 1_000).await?;
                for record in records {
                    seen = record.seq;
                    if let (Event::Requested(requested), Some(request)) =
                        (&record.body.event, record.body.stream.request())
                    {
                        return Ok::<_, Failure>((request, requested.digest()?));
                    }
                }
                ensure!(!call.is_finished(), "a call ended before it asked");
                self.ledger.wait_past(seen).await?;
            }
        };
        let (request, digest) = self.soon("a call did not ask", asked).await??;
        Ok(Asked { request, digest, call, runs })
    }

    /// Calls, and returns once the card stands.
    pub(super) async fn ask_and_show(&self, life: &Life, ask: Ask) -> Result<(Asked, Shown), Failure> {
        let asked = self.ask(life, ask).await?;
        let shown = self.stands(life, &asked).await?;
        Ok((asked, shown))
    }

    /// The call of an earlier process, made again by this one.
    pub(super) fn attach(&self, life: &Life, ask: Ask, to: &Asked) -> Asked {
        let runs = Arc::default();
        let call = life.call(ask, Arc::clone(&runs));
        Asked { request: to.request, digest: to.digest, call, runs }
    }

    /// Returns once it is on record that the card stands; how much of the request it shows.
    pub(super) async fn stands(&self, life: &Life, asked: &Asked) -> Result<Shown, Failure> {
        let placed = |record: &Record| match &record.body.event {
            Event::Presented { way, shown, .. } if *way == life.way => Some(Ok(*shown)),
            Event::PresentFailed { why, .. } => Some(Err(Failure(format!("a card was not placed: {why}")))),
            _ => None,
        };
        self.record(asked, "a card was not placed", placed).await?
    }

    /// Returns once it is on record so often that the card was placed.
    pub(super) async fn placed_times(&self, asked: &Asked, times: usize) -> Checked {
        let placed = async {
            loop {
                let last = self.ledger.last().await?;
                let history = self.history(asked).await?;
                let placings = history.iter().filter(|r| matches!(r.body.event, Event::Presented { .. }));
                if placings.count() >= times {
                    return Ok(());
                }
                self.ledger.wait_past(last).await?;
            }
        };
        self.soon("no record says that the card was placed", placed).await?
    }

    /// The first record of a request that is looked for, once it is there.
    pub(super) async fn record<T>(
        &self,
        asked: &Asked,
        what: &str,
        wanted: impl Fn(&Record) -> Option<T>,
    ) -> Result<T, Failure> {
        let found = async {
            loop {
                let last = self.ledger.last().await?;
                if let Some(found) = self.history(asked).await?.iter().find_map(&wanted) {
                    return Ok(found);
                }
                self.ledger.wait_past(last).await?;
            }
        };
        self.soon(what, found).await?
    }

    /// Returns once the backend has replied so about a request; the n-th time, from 1.
    pub(super) async fn replied(
        &self,
        life: &Life,
        what: &str,
        times: usize,
        wanted: impl Fn(&Replied) -> bool,
    ) -> Result<Replied, Failure> {
        let mut replies = life.replies.clone();
        let find = |replies: &Vec<Replied>| {
            replies.iter().filter(|reply| wanted(reply)).nth(times.saturating_sub(1)).cloned()
        };
        let found = self.soon(what, replies.wait_for(|replies| find(replies).is_some())).await??;
        find(&found).ok_or_else(|| Failure(what.to_owned()))
    }

    pub(super) async fn history(&self, asked: &Asked) -> Result<Vec<Record>, Failure> {
        Ok(self.ledger.history(Stream::Request(asked.request)).await?)
    }

    async fn state(&self, asked: &Asked) -> Result<State, Failure> {
        Ok(State::fold(&self.history(asked).await?)?)
    }

    pub(super) async fn phase(&self, asked: &Asked) -> Result<Phase, Failure> {
        Ok(self.state(asked).await?.phase())
    }

    /// The card as core would make it now.
    pub(super) async fn card(&self, asked: &Asked) -> Result<Card, Failure> {
        let history = self.history(asked).await?;
        let state = State::fold(&history)?;
        Card::of(&history, &state).ok_or_else(|| Failure("there is no card of this request".to_owned()))
    }

    /// The answers that counted.
    pub(super) async fn reviews(&self, asked: &Asked) -> Result<Vec<Reviewed>, Failure> {
        let reviewed = |record: Record| match &record.body.event {
            Event::Reviewed(reviewed) => Some(reviewed.clone()),
            _ => None,
        };
        Ok(self.history(asked).await?.into_iter().filter_map(reviewed).collect())
    }

    /// The answers that did not, once there is one.
    pub(super) async fn ignored(&self, asked: &Asked) -> Result<Ignored, Failure> {
        let ignored = |record: &Record| match &record.body.event {
            Event::Ignored(ignored) => Some(ignored.clone()),
            _ => None,
        };
        self.record(asked, "no record says that the answer does not count", ignored).await
    }

    /// How the call ended.
    pub(super) async fn outcome(&self, asked: &mut Asked) -> Result<Result<(), ApprovalError>, Failure> {
        Ok(self.soon("the call did not end", &mut asked.call).await??)
    }

    pub(super) async fn view(&self, asked: &Asked) -> Result<View, Failure> {
        self.ground.view(asked.request).await.map_err(of_setup)
    }

    /// Somebody does something; whether there was something to do it with.
    pub(super) async fn try_act(&self, asked: &Asked, who: Who, does: Does) -> Result<Acted, Failure> {
        let act = Act { request: asked.request, digest: asked.digest, who, does };
        let acted = self.soon("the backend did not deal with an answer", self.ground.act(act)).await?;
        let acted = acted.map_err(of_setup)?;
        if acted == Acted::Delivered {
            self.exercise(does.needs());
            if who == Who::Second {
                self.exercise(Ability::SecondPerson);
            }
        }
        Ok(acted)
    }

    pub(super) async fn act_as(&self, asked: &Asked, who: Who, does: Does) -> Checked {
        let acted = self.try_act(asked, who, does).await?;
        ensure!(
            acted == Acted::Delivered,
            "`{:?}` is claimed and the medium offered nothing to do it with",
            does.needs()
        );
        Ok(())
    }

    pub(super) async fn act(&self, asked: &Asked, does: Does) -> Checked {
        self.act_as(asked, Who::First, does).await
    }

    /// Somebody answers through another way in.
    pub(super) async fn elsewhere(&self, asked: &Asked, person: &str, answer: Answer) -> Checked {
        let desk = Desk {
            store: Arc::new(self.ledger.clone()),
            directory: Arc::new(self.people()?),
            clock: Arc::new(self.clock.clone()),
            chance: Arc::new(SystemChance),
            node: ELSEWHERE.into(),
            env: Env::Test,
            way: Way {
                id: ELSEWHERE.into(),
                provider: ELSEWHERE.into(),
                assurance: Assurance::Signed,
                kind: WayKind::Backend,
            },
            strangers: Arc::default(),
            here: None,
            patience: None,
        };
        let mut review = Review::approve(asked.request, asked.digest);
        review.answer = answer;
        desk.submit(&Identity::new(ELSEWHERE, person), review).await?;
        Ok(())
    }

    pub(super) async fn fault(&self, fault: Fault) -> Checked {
        self.ground.fault(Some(fault)).await.map_err(of_setup)
    }

    /// What was broken has shown.
    pub(super) fn fired(&self, fault: Fault) {
        self.exercise(fault.needs());
    }

    pub(super) async fn mend(&self) -> Checked {
        self.ground.fault(None).await.map_err(of_setup)
    }

    /// The backend's own secrets: at least one where they are claimed.
    pub(super) fn secrets(&self) -> Vec<String> {
        let secrets: Vec<_> = self.ground.secrets().into_iter().filter(|secret| !secret.is_empty()).collect();
        if !secrets.is_empty() {
            self.exercise(Ability::Secrets);
        }
        secrets
    }

    /// Returns once the card shows the end of its request, as core has told it.
    pub(super) async fn told(&self, life: &Life, asked: &Asked, phase: &str) -> Checked {
        let request = asked.request.to_string();
        let news = |reply: &Replied| match reply {
            Replied::Updated { request: of, phase: at, .. } => *of == request && at == phase,
            Replied::Presented { .. } => false,
        };
        self.replied(life, "the backend did not deal with the end of a request", 1, news).await?;
        Ok(())
    }

    /// Returns once the backend has dealt with the news of so many answers.
    pub(super) async fn told_of(&self, life: &Life, asked: &Asked, answers: usize) -> Checked {
        let request = asked.request.to_string();
        let news = |reply: &Replied| match reply {
            Replied::Updated { request: of, answers: n, .. } => *of == request && *n == answers,
            Replied::Presented { .. } => false,
        };
        self.replied(life, "the backend was not told of an answer, or did not deal with it", 1, news).await?;
        Ok(())
    }

    /// Moves time on, a second at a time, until the future ends.
    pub(super) async fn while_time_passes<T>(
        &self,
        what: &str,
        future: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let passing = async {
            tokio::pin!(future);
            loop {
                // A turn for those who wait: time that runs faster than they do would run out.
                match tokio::time::timeout(Duration::from_millis(20), &mut future).await {
                    Ok(ended) => return ended,
                    Err(_) => self.clock.advance(Duration::from_secs(1)),
                }
            }
        };
        self.soon(what, passing).await?
    }
}
