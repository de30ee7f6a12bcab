//! Reviews as they reach the desk: by anybody, for anything, at any time.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use approvals::action::Risk;
use approvals::card::Shown;
use approvals::desk::{Desk, Outcome, Review, Seen, Way, WayKind};
use approvals::id::{GroupId, RequestId};
use approvals::ledger::{Answer, Event, Memory, Reconciliation, Store as _, Stream};
use approvals::people::{Assurance, Identity};
use approvals::request::{Digest, Quorum};
use approvals::state::{Phase, State};
use approvals::time::{Clock, Sleep, Timestamp};

use crate::input::Input;
use crate::oracle::is_met;
use crate::world::{NOW, open, people, request};

#[derive(Clone)]
struct Hand(Arc<Mutex<Timestamp>>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, _: Duration) -> Sleep {
        Box::pin(std::future::pending())
    }
}

const NAMES: [&str; 8] = ["dana", "kim", "lee", "kim@example.org", "dana@example.org", "cleaner", "KIM", ""];

/// The quorum, then for each review who, through what, what they saw and what they say.
pub fn run(data: &[u8]) {
    check(data, |seen, _| seen);
}

/// The same with a desk that is told of another digest than was seen; the second one is that of the request.
pub fn check(data: &[u8], tells: impl Fn(Seen, Digest) -> Seen) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(reviews(Input(data), tells));
}

async fn reviews(mut input: Input<'_>, tells: impl Fn(Seen, Digest) -> Seen) {
    let clock = Hand(Arc::new(Mutex::new(NOW)));
    let store = Memory::with_clock(Arc::new(clock.clone())).unwrap();
    let quorum = match input.below(3) {
        0 => Quorum::people(1),
        1 => Quorum::people(2),
        _ => Quorum::All(vec![Quorum::people_from(1, ["sre"]), Quorum::people_from(1, ["security"])]),
    };
    let digest = open(&store, request(), Risk::High, quorum.clone()).await;
    for _ in 0..12 {
        if input.is_over() {
            break;
        }
        let kind = input.one(&[WayKind::Backend, WayKind::Surface]);
        let assurance = input.one(&[Assurance::Local, Assurance::Signed]);
        let way = Way { id: "webhook".into(), provider: "webhook".into(), assurance, kind };
        let desk = Desk::new(Arc::new(store.clone()), Arc::new(people()), way, "host/cleaner");
        let identity = Identity::new(input.one(&["webhook", "webhook", "webhook", "os"]), input.one(&NAMES));
        let other = RequestId::from_uuid(uuid::Uuid::from_u128(1));
        let about = if input.byte() == 255 { other } else { request() };
        let seen = match input.below(4) {
            0 | 1 => Seen::Digest(digest),
            2 => Seen::Prefix(input.text_line()),
            _ => Seen::Prefix(digest.prefix()),
        };
        let right = seen.is(&digest);
        let seen = tells(seen, digest);
        let before = state(&store).await;
        let action = input.byte();
        let reply = match action % 8 {
            6 => desk.cancel(&identity, about, seen, "no more").await,
            7 => desk.reconcile(&identity, about, Reconciliation::Ran, "looked").await,
            action => {
                let mut review = Review::approve(about, seen);
                if action % 3 == 2 {
                    review.answer = Answer::Deny;
                }
                if action == 4 {
                    review.shown = Shown::Part { hidden: 1 };
                }
                desk.submit(&identity, review).await
            }
        };
        let reply = reply.unwrap();
        let after = state(&store).await;
        let counted = matches!(reply.outcome, Outcome::Counted { .. });
        assert_eq!(
            counted,
            after.version() != before.version(),
            "what counted moved it, and nothing else did"
        );
        if counted {
            let person = reply.person.as_ref().unwrap().id().as_str().to_owned();
            assert!(identity.provider().as_str() == "webhook" && identity.subject().starts_with(&person));
            assert!(kind == WayKind::Backend && about == request());
            assert!(right || action % 8 == 7, "law 5: what was seen is what is decided");
            let dana = person == "dana";
            assert_eq!(dana, after.phase() == Phase::Cancelled, "law 4: the requester can only take it back");
        }
        judge(&after, &quorum);
        let minutes = u64::from(input.byte() / 64) * 20;
        let mut now = clock.0.lock().unwrap();
        *now = now.after(Duration::from_secs(minutes * 60));
    }
    let records = store.history(Stream::Request(request())).await.unwrap();
    assert!(records.iter().filter(|record| matches!(record.body.event, Event::Requested(_))).count() == 1);
}

async fn state(store: &Memory) -> State {
    State::fold(&store.history(Stream::Request(request())).await.unwrap()).unwrap()
}

fn judge(state: &State, quorum: &Quorum) {
    let answers = state.answers().iter();
    let yes: Vec<&BTreeSet<GroupId>> =
        answers.filter(|counted| counted.answer == Answer::Approve).map(|counted| &counted.groups).collect();
    let by: BTreeSet<_> = state.answers().iter().map(|counted| (&counted.by, counted.answer as u8)).collect();
    assert_eq!(by.len(), state.answers().len(), "nobody counts twice");
    assert!(state.phase() != Phase::Approved || is_met(quorum, &yes));
}
