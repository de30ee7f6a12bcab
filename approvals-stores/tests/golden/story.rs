//! One ledger in which everything of record format 1 happens. Nothing in it is left to chance.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals_core::action::Risk;
use approvals_core::capture::Value;
use approvals_core::card::Shown;
use approvals_core::id::{ClaimId, NodeName, Reference, RequestId, Version};
use approvals_core::ledger::{
    Allowed, Answer, Append, CancelWhy, Env, Event, Finish, Ignored, IgnoredWhat, IgnoredWhy, NewEvent,
    NotRunWhy, Payload, PresentFailure, Reconciliation, RefusedCall, Reviewed, Signature, Store, Stream,
};
use approvals_core::people::{Assurance, Principal, Requester};
use approvals_core::request::{
    ArgumentFact, ArgumentValue, CallFacts, Chain, Commitment, Quorum, Requested, Requirement, Seed,
    StoreKey, Terms,
};
use approvals_core::time::{Clock, Sleep, Timestamp};
use approvals_stores::Sqlite;

/// A clock that stands still until it is moved.
#[derive(Clone)]
pub(crate) struct Hand(Arc<Mutex<Timestamp>>);

impl Default for Hand {
    fn default() -> Self {
        Self(Arc::new(Mutex::new("2026-11-21T12:00:00Z".parse().unwrap())))
    }
}

impl Hand {
    pub(crate) fn pass(&self, seconds: u64) {
        let mut now = self.0.lock().unwrap();
        *now = now.after(Duration::from_secs(seconds));
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, _: Duration) -> Sleep {
        Box::pin(std::future::pending())
    }
}

pub(crate) const WHYS: [IgnoredWhy; 15] = [
    IgnoredWhy::Unmapped,
    IgnoredWhy::ForeignProvider,
    IgnoredWhy::Requester,
    IgnoredWhy::NotAReviewer,
    IgnoredWhy::AnsweredBefore,
    IgnoredWhy::OtherDigest,
    IgnoredWhy::AssuranceTooLow,
    IgnoredWhy::NotEverythingShown,
    IgnoredWhy::WayClosed,
    IgnoredWhy::AlreadyDecided,
    IgnoredWhy::TooLate,
    IgnoredWhy::UnknownRequest,
    IgnoredWhy::NotRunning,
    IgnoredWhy::KeyReused,
    IgnoredWhy::NotTheRequester,
];

const WHATS: [IgnoredWhat; 6] = [
    IgnoredWhat::Approve,
    IgnoredWhat::Deny,
    IgnoredWhat::Call,
    IgnoredWhat::Finished,
    IgnoredWhat::Cancel,
    IgnoredWhat::Reconcile,
];

pub(crate) fn key() -> StoreKey {
    StoreKey::from_bytes([9; 32])
}

pub(crate) fn id(number: u64) -> RequestId {
    format!("0192f0c1-7a3e-7c2b-9d55-{number:012x}").parse().unwrap()
}

pub(crate) fn claim(number: u64) -> ClaimId {
    ClaimId::from_uuid(id(number).as_uuid())
}

pub(crate) fn node() -> NodeName {
    "host/deploy-bot".into()
}

fn to(stream: Stream, events: Vec<NewEvent>) -> Append {
    Append { stream, expected: None, env: Env::Live, node: node(), events }
}

pub(crate) fn append(id: RequestId, at: u64, events: impl IntoIterator<Item = NewEvent>) -> Append {
    Append { expected: Some(Version(at)), ..to(id.into(), events.into_iter().collect()) }
}

fn some_text() -> Commitment {
    Seed::from_bytes([3; 32]).commit_text("reason", "because")
}

pub(crate) fn reconciled(outcome: Reconciliation) -> Event {
    Event::Reconciled { outcome, by: "kim".into(), reason: some_text() }
}

/// Within two bodies, one of which was asked about.
fn chain() -> Chain {
    let outer = id(1);
    let text = format!(
        r#"{{"bodies":[{{"action":"incident.handle"}},{{"action":"dataset.move","request":"{outer}"}}]}}"#
    );
    serde_json::from_str(&text).unwrap()
}

/// A request with everything that one can have.
fn asked(number: u64) -> (Requested, Payload) {
    let mut payload = Payload::new(Seed::from_bytes([u8::try_from(number).unwrap(); 32]));
    let rows = payload.commit("arguments.rows", Value::Text("1200".to_owned()));
    let token = payload.seed().commit_secret("arguments.token", &key().digest("token", &"s3cr3t"));
    payload.note("model", "I need this, \u{202e}trust me");
    let argument = |name: &str, value| ArgumentFact { name: name.to_owned(), value };
    let requirement = Requirement {
        quorum: Quorum::people(if number == 1 { 2 } else { 1 }),
        ..Requirement::at(Risk::High)
    };
    let call = CallFacts {
        action: "dataset.export".to_owned(),
        risk: Risk::Medium,
        sensitivity: Some("pii".to_owned()),
        arguments: vec![
            argument("rows", ArgumentValue::Shown(rows)),
            argument("token", ArgumentValue::Secret(token)),
            argument("pool", ArgumentValue::Skipped("a handle".to_owned())),
        ],
        reason: Some(payload.commit_text("reason", "exports 1200 rows")),
        resource: Some(payload.commit_text("resource", "dataset:customers")),
        labels: BTreeMap::from([("incident".to_owned(), payload.commit_text("labels.incident", "INC-7"))]),
        requester: Requester {
            agent: "deploy-bot".into(),
            owner: "olga".into(),
            on_behalf_of: Some(Principal::External("customer 7".to_owned())),
        },
        rerunnable: number == 2,
        quorum: (number == 1).then(|| Quorum::people(1)),
    };
    let terms = Terms {
        requirement,
        policy: "risk-policy/1".into(),
        nonce: format!("{number:032x}"),
        build: "action-approvals 0.1.0".to_owned(),
        open_to_store: true,
        round: number.is_multiple_of(2).then_some(0),
        inside: if number == 3 { chain() } else { Chain::default() },
    };
    (Requested { call, terms }, payload)
}

fn opens(number: u64) -> Append {
    let (requested, payload) = asked(number);
    append(id(number), 0, [NewEvent::with(Event::Requested(requested.into()), payload)])
}

fn reviewed(number: u64, answer: Answer, by: &str, assurance: Assurance) -> NewEvent {
    let mut payload = Payload::new(Seed::from_bytes([4; 32]));
    let comment = payload.commit_text("comment", "looked at it");
    let event = Event::Reviewed(Reviewed {
        answer,
        by: by.into(),
        groups: ["sre".into()].into(),
        assurance,
        way: "terminal".into(),
        digest: asked(number).0.digest().unwrap(),
        comment: Some(comment),
    });
    NewEvent { event, payload: Some(payload), signature: Some(Signature(vec![1, 2, 3])) }
}

fn yes(number: u64) -> NewEvent {
    reviewed(number, Answer::Approve, "kim", Assurance::Sso)
}

fn no(number: u64) -> NewEvent {
    reviewed(number, Answer::Deny, "lee", Assurance::Local)
}

fn started(number: u64) -> NewEvent {
    Event::Started { claim: claim(number) }.into()
}

fn finished(number: u64, outcome: Finish) -> NewEvent {
    Event::Finished { claim: claim(number), outcome }.into()
}

fn cancelled(why: CancelWhy, by: Option<&str>) -> NewEvent {
    Event::Cancelled { by: by.map(Into::into), why }.into()
}

fn notes() -> Vec<NewEvent> {
    let way = || "chat".into();
    let reference = Reference::new("C1/17.3");
    let mut notes: Vec<NewEvent> = vec![
        Event::Presented {
            way: "terminal".into(),
            reference: Reference::new("tty"),
            shown: Shown::Everything,
        }
        .into(),
        Event::Presented { way: way(), reference, shown: Shown::Part { hidden: 3 } }.into(),
        Event::Updated { way: way() }.into(),
        Event::Viewed { by: "kim".into(), way: way() }.into(),
        Event::Reminded { way: way() }.into(),
        Event::Escalated { to: ["leads".into()].into() }.into(),
        Event::Commented { by: "kim".into(), comment: some_text() }.into(),
        Event::DebtSigned { by: "kim".into() }.into(),
    ];
    let failures =
        [PresentFailure::NoTty, PresentFailure::Unreachable, PresentFailure::Rejected, PresentFailure::Other];
    notes.extend(failures.map(|why| Event::PresentFailed { way: way(), why }.into()));
    notes.extend(WHYS.iter().zip(WHATS.iter().cycle()).map(|(why, what)| {
        let identity = (*why == IgnoredWhy::Unmapped).then(some_text);
        let ignored = Ignored { what: *what, why: *why, by: Some("eve".into()), way: Some(way()), identity };
        Event::Ignored(ignored).into()
    }));
    notes
}

fn free(risk: Risk, call: Option<Box<CallFacts>>) -> NewEvent {
    let requester = asked(1).0.call.requester;
    let (action, policy) = ("dataset.peek".to_owned(), "risk-policy/1".into());
    Event::Allowed(Allowed { action, risk, requester, policy, call }).into()
}

/// Tells the story; every append a second after the one before.
pub(crate) async fn tell(store: &Sqlite, hand: &Hand) {
    for append in appends() {
        hand.pass(1);
        store.append(append).await.unwrap();
    }
    // The clocks of two of them run out: one undecided, one unused.
    hand.pass(3600);
    for number in [9, 10] {
        let at = if number == 9 { 1 } else { 2 };
        store.append(append(id(number), at, [Event::Expired {}.into()])).await.unwrap();
    }
    // What is still to be decided, used or ended.
    for (number, then) in [(11, vec![]), (12, vec![yes(12)]), (13, vec![yes(13), started(13)])] {
        store.append(opens(number)).await.unwrap();
        for (at, event) in (1..).zip(then) {
            store.append(append(id(number), at, [event])).await.unwrap();
        }
    }
    store.append(to(Stream::System, vec![Event::Down {}.into()])).await.unwrap();
}

fn appends() -> Vec<Append> {
    let build = "action-approvals 0.1.0".to_owned();
    let policy = || "risk-policy/1".into();
    let refused = RefusedCall {
        action: "dataset.drop".to_owned(),
        risk: Risk::Critical,
        requester: asked(1).0.call.requester,
        policy: policy(),
        why: some_text(),
    };
    let mut all = vec![
        to(Stream::System, vec![Event::Up { build, policy: policy() }.into()]),
        to(Stream::Allowed, vec![free(Risk::Low, None), free(Risk::Medium, Some(Box::new(asked(1).0.call)))]),
        to(Stream::Allowed, vec![Event::Refused(refused).into()]),
        to(Stream::System, vec![Event::Unauthenticated { way: "chat".into(), count: 41 }.into()]),
    ];
    // Two people, a late no, and an end: succeeded.
    let late = reviewed(1, Answer::Deny, "lee", Assurance::Chat);
    let second = reviewed(1, Answer::Approve, "mo", Assurance::Signed);
    all.extend([opens(1), to(id(1).into(), notes())]);
    all.extend(
        (1..)
            .zip([yes(1), second, started(1), late, finished(1, Finish::Ok {})])
            .map(|(at, event)| append(id(1), at, [event])),
    );
    // Cut off, run again, cut off again: unknown.
    let lost = |attempt| NewEvent::from(Event::Lost { claim: claim(attempt) });
    let moves = [yes(2), started(20), lost(20), started(21), lost(21)];
    all.push(opens(2));
    all.extend((1..).zip(moves).map(|(at, event)| append(id(2), at, [event])));
    let overridden = Event::Overridden {
        by: "zoe".into(),
        assurance: Assurance::Signed,
        digest: asked(4).0.digest().unwrap(),
        reason: some_text(),
    };
    let stories: [(u64, Vec<NewEvent>); 12] = [
        (3, vec![yes(3), started(3), finished(3, Finish::Err { kind: "ops::Failed".to_owned() })]),
        (4, vec![overridden.into(), started(4), finished(4, Finish::NotRun { why: NotRunWhy::CallerGone })]),
        (5, vec![yes(5), started(5), finished(5, Finish::NotRun { why: NotRunWhy::ArgumentsChanged })]),
        (6, vec![yes(6), no(6)]),
        (7, vec![yes(7), started(7), lost(7), reconciled(Reconciliation::Ran).into()]),
        (8, vec![yes(8), started(8), reconciled(Reconciliation::DidNotRun).into()]),
        (14, vec![cancelled(CancelWhy::Withdrawn, None)]),
        (15, vec![yes(15), cancelled(CancelWhy::Revoked, Some("kim"))]),
        (16, vec![cancelled(CancelWhy::Requester, Some("olga"))]),
        (17, vec![yes(17), cancelled(CancelWhy::Policy, None)]),
        (18, vec![yes(18), cancelled(CancelWhy::Directory, None)]),
        (19, vec![cancelled(CancelWhy::Undeliverable, None)]),
    ];
    for (number, moves) in stories {
        all.push(opens(number));
        all.extend((1..).zip(moves).map(|(at, event)| append(id(number), at, [event])));
    }
    all.extend([opens(9), opens(10), append(id(10), 1, [yes(10)])]);
    all
}
