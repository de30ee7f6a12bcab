//! Calls, people and a shutdown that all come at once, and what has to be true afterwards.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use approvals_races_core::action::ActionSite;
use approvals_races_core::action::Risk;
use approvals_races_core::async_trait;
use approvals_races_core::call::Call;
use approvals_races_core::desk::{DeskError, Outcome, Reply, Review};
use approvals_races_core::error::{ApprovalError, ErrorKind};
use approvals_races_core::handle::Approvals;
use approvals_races_core::id::{Chance, NoChance, PolicyVersion, RequestId, Seq};
use approvals_races_core::ledger::{Answer, Event, Finish, Record, Store, Stream};
use approvals_races_core::policy::{Policy, PolicyError, RiskPolicy, Ruling, SiteRuling};
use approvals_races_core::state::{Phase, State};
use approvals_races_core::testing::{ManualClock, MockBackend, ids};
use shuttle::future::{JoinHandle, spawn, yield_now};
use shuttle::rand::{Rng, RngCore, thread_rng};

use crate::watched::Watched;

/// What a run may show, counted over all schedules.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) ran: AtomicUsize,
    pub(crate) together: AtomicUsize,
    pub(crate) apart: AtomicUsize,
    pub(crate) denied: AtomicUsize,
    pub(crate) denied_while_running: AtomicUsize,
    pub(crate) not_run: AtomicUsize,
    pub(crate) cut_off: AtomicUsize,
    pub(crate) running: AtomicUsize,
    pub(crate) sent_away: AtomicUsize,
}

fn count(what: &AtomicUsize) {
    what.fetch_add(1, SeqCst);
}

/// Who comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) keyed: bool,
    pub(crate) callers: usize,
    pub(crate) denies: bool,
    pub(crate) leaves: bool,
    pub(crate) shuts_down: bool,
    /// Policy takes a turn to answer, and no verdict brings a claim along.
    pub(crate) thoughtful: bool,
}

fn coin() -> bool {
    thread_rng().gen_bool(0.5)
}

impl Plan {
    /// Two calls of one key.
    pub(crate) fn of_one_key() -> Self {
        Self { keyed: true, callers: 2, denies: false, leaves: false, shuts_down: false, thoughtful: coin() }
    }

    /// Anything may come of it.
    pub(crate) fn drawn() -> Self {
        let (keyed, shuts_down) = (coin(), coin());
        // A caller who comes after a claim that was given back asks anew, and only a shutdown answers then.
        let callers = if keyed && shuts_down && coin() { 2 } else { 1 };
        Self {
            keyed,
            callers,
            denies: coin(),
            leaves: coin(),
            shuts_down,
            thoughtful: thread_rng().gen_bool(0.3),
        }
    }
}

/// Numbers that shuttle draws, so that a schedule is all that a run depends on.
pub(crate) struct Drawn;

impl Chance for Drawn {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoChance> {
        thread_rng().fill_bytes(bytes);
        Ok(())
    }
}

struct Thoughtful(bool);

#[async_trait]
impl Policy for Thoughtful {
    fn version(&self) -> PolicyVersion {
        "races".into()
    }

    fn rule_site(&self, _: &ActionSite, _: Risk) -> SiteRuling {
        SiteRuling::NeedsCall
    }

    async fn rule(&self, call: &Call) -> Result<Ruling, PolicyError> {
        if self.0 {
            yield_now().await;
        }
        RiskPolicy::default().rule(call).await
    }
}

/// How often a body began, and whether one began before its claim was on record.
#[derive(Clone, Default)]
struct Bodies {
    begun: Arc<AtomicUsize>,
    early: Arc<AtomicBool>,
}

async fn call(
    approvals: Approvals,
    store: Watched,
    keyed: bool,
    bodies: Bodies,
) -> Result<(), ApprovalError> {
    let call = Call::new("races.pay").risk(Risk::High).arg("cents", &5_u64);
    let call = if keyed { call.key("R-1") } else { call };
    let body = || async move {
        count(&bodies.begun);
        let records = store.records(Seq::START, usize::MAX).await.unwrap();
        // law 7: durable, and to be seen by everybody, before the first line of the body
        if !records.iter().any(|record| matches!(record.body.event, Event::Started { .. })) {
            bodies.early.store(true, SeqCst);
        }
        yield_now().await;
        Ok(())
    };
    approvals.gate(call).run(body).await
}

/// Lets everybody come at once, and judges what became of it.
pub(crate) async fn contest(plan: Plan, store: Watched, clock: ManualClock, seen: &Seen) {
    let mock = MockBackend::with_clock(clock);
    let builder = Approvals::test_builder(&mock).store(store.clone()).chance(Arc::new(Drawn));
    let approvals = builder.policy(Thoughtful(plan.thoughtful)).build().await.unwrap();
    let bodies = Bodies::default();
    let calls: Vec<JoinHandle<_>> = (0..plan.callers)
        .map(|_| spawn(call(approvals.clone(), store.clone(), plan.keyed, bodies.clone())))
        .collect();
    let card = mock.presented(1).await.remove(0);
    let (request, digest) = ids(&card).unwrap();

    let answers = |person: &'static str, review: Review| {
        let mock = mock.clone();
        spawn(async move { mock.submit(person, review).await })
    };
    let yes = answers("ann", Review::approve(request, digest));
    let no = plan.denies.then(|| answers("bob", Review::deny(request, digest)));
    let stop = plan.shuts_down.then(|| {
        let approvals = approvals.clone();
        spawn(async move { approvals.shutdown().await.unwrap() })
    });
    if plan.leaves {
        for _ in 0..thread_rng().gen_range(0..40) {
            yield_now().await;
        }
        calls.first().unwrap().abort();
    }
    let mut ends = Vec::new();
    for call in calls {
        ends.push(call.await.ok());
    }
    let yes = yes.await.unwrap();
    let no = match no {
        Some(no) => Some(no.await.unwrap()),
        None => None,
    };
    match stop {
        Some(stop) => stop.await.unwrap(),
        None => approvals.shutdown().await.unwrap(),
    }
    drop(approvals);
    let judged = Judged { plan, request, bodies, ends, yes, no };
    judged.judge(&store, seen).await;
}

struct Judged {
    plan: Plan,
    request: RequestId,
    bodies: Bodies,
    /// `None` for a call that was dropped.
    ends: Vec<Option<Result<(), ApprovalError>>>,
    yes: Result<Reply, DeskError>,
    no: Option<Result<Reply, DeskError>>,
}

fn counted(reply: &Result<Reply, DeskError>) -> Option<Phase> {
    match &reply.as_ref().ok()?.outcome {
        Outcome::Counted { phase, .. } => Some(*phase),
        Outcome::Ignored(_) => None,
    }
}

fn reviewed(history: &[Record], answer: Answer) -> usize {
    let of = |event: &Event| matches!(event, Event::Reviewed(review) if review.answer == answer);
    history.iter().filter(|record| of(&record.body.event)).count()
}

impl Judged {
    async fn judge(self, store: &Watched, seen: &Seen) {
        let Self { plan, request, bodies, ends, yes, no } = self;
        let records = store.records(Seq::START, usize::MAX).await.unwrap();
        let begun = bodies.begun.load(SeqCst);
        assert!(!bodies.early.load(SeqCst), "a body began before its claim was on record");
        assert!(begun <= 1, "one approval, {begun} bodies");

        let requests: BTreeSet<RequestId> = records.iter().filter_map(|r| r.body.stream.request()).collect();
        let mut ran = 0;
        for request in requests {
            let history: Vec<Record> =
                records.iter().filter(|r| r.body.stream == Stream::Request(request)).cloned().collect();
            let state = State::fold(&history).unwrap_or_else(|error| panic!("does not fold: {error}"));
            assert_ne!(state.phase(), Phase::Executing, "claimed for ever");
            let starts = history.iter().filter(|r| matches!(r.body.event, Event::Started { .. })).count();
            let not_run =
                |event: &Event| matches!(event, Event::Finished { outcome: Finish::NotRun { .. }, .. });
            let returned = history.iter().filter(|r| not_run(&r.body.event)).count();
            let lost = history.iter().filter(|r| matches!(r.body.event, Event::Lost { .. })).count();
            ran += starts - returned;
            (0..returned).for_each(|_| count(&seen.not_run));
            (0..lost).for_each(|_| count(&seen.cut_off));
        }
        assert_eq!(begun, ran, "the ledger says that {ran} bodies began");

        let history = store.history(request.into()).await.unwrap();
        let place = |of: fn(&Event) -> bool| history.iter().position(|record| of(&record.body.event));
        let said_yes =
            |event: &Event| matches!(event, Event::Reviewed(review) if review.answer == Answer::Approve);
        let approved = place(said_yes);
        let started = place(|event| matches!(event, Event::Started { .. }));
        if let Some(phase) = counted(&yes) {
            assert_eq!(
                reviewed(&history, Answer::Approve),
                1,
                "an approval that counted as {phase} is not on record"
            );
        }
        if let Some(phase) = no.as_ref().and_then(counted) {
            assert_eq!(
                reviewed(&history, Answer::Deny),
                1,
                "a denial that counted as {phase} is not on record"
            );
            match phase {
                Phase::Denied => {
                    assert_eq!(begun, 0, "denied, and run");
                    count(&seen.denied);
                }
                _ => count(&seen.denied_while_running),
            }
        }
        let mut tries = store.together();
        let all = tries.len();
        tries.sort();
        tries.dedup();
        assert_eq!(all, tries.len(), "one offer was taken twice");

        for end in ends.iter().flatten() {
            match end {
                Ok(()) => assert_eq!(begun, 1, "a call gave a value that no body made"),
                Err(error) if error.kind() == ErrorKind::Running => count(&seen.running),
                Err(error) if plan.shuts_down => {
                    let _ = error;
                    count(&seen.sent_away);
                }
                Err(_) => {}
            }
        }
        let nothing_against = !plan.denies && !plan.leaves && !plan.shuts_down;
        if nothing_against {
            assert_eq!(begun, 1, "approved, and nothing ran: {ends:?}");
        }
        if let (1, Some(approved), Some(started)) = (begun, approved, started) {
            count(&seen.ran);
            count(if started == approved + 1 && all > 0 { &seen.together } else { &seen.apart });
        }
    }
}
