//! What a desk does when others write at the same time, and what it keeps of what it was told.

mod together;

use std::sync::Mutex;

use approvals_test_support::hand_on;
use async_trait::async_trait;

use super::*;
use crate::desk::WayKind;
use crate::desk::asked::tests::{presented, request, tell};
use crate::ledger::{Answer, Memory};
use crate::people::People;
use crate::state::tests::kit::{History, started};

/// A store in which others write first, so many times, and that counts how often it is written to.
#[derive(Clone)]
struct Busy {
    memory: Memory,
    says: Arc<Mutex<Says>>,
}

/// What an append of so many events or more is told.
struct Says {
    events: usize,
    kind: StoreErrorKind,
    times: usize,
    appends: usize,
    /// What is written of the first event that is refused.
    all_the_same: Option<fn(NewEvent) -> NewEvent>,
}

impl Busy {
    fn over(memory: Memory) -> Self {
        let says = Says { events: 1, kind: StoreErrorKind::Full, times: 0, appends: 0, all_the_same: None };
        Self { memory, says: Arc::new(Mutex::new(says)) }
    }

    fn says(&self, kind: StoreErrorKind, times: usize) {
        self.says_of(1, kind, times);
    }

    fn says_of(&self, events: usize, kind: StoreErrorKind, times: usize) {
        *self.says.lock().unwrap() = Says { events, kind, times, appends: 0, all_the_same: None };
    }

    fn writes_all_the_same(&self, what: fn(NewEvent) -> NewEvent) {
        self.says.lock().unwrap().all_the_same = Some(what);
    }

    fn appends(&self) -> usize {
        self.says.lock().unwrap().appends
    }
}

#[async_trait]
impl Store for Busy {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        let refusal = {
            let mut says = self.says.lock().unwrap();
            let counts = append.events.len() >= says.events;
            says.appends += usize::from(counts);
            assert!(says.appends < 1_000, "it never gives up");
            let refused = counts && says.appends <= says.times;
            refused.then(|| (StoreError::new(says.kind.clone(), "not now"), says.all_the_same))
        };
        let Some((error, all_the_same)) = refusal else { return self.memory.append(append).await };
        if let Some(what) = all_the_same {
            let events = append.events.iter().take(1).cloned().map(what).collect();
            self.memory.append(Append { events, ..append }).await?;
        }
        Err(error)
    }

    /// Takes its time, so that a call which lost its turn waits again by the end of it.
    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError> {
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        self.memory.history(stream).await
    }

    hand_on!(crate, memory: list, records, last, wait_past, hold_node, key);
}

/// A pending request, 1, and one whose body runs, 2.
async fn bench() -> (Desk, Arc<Busy>) {
    let memory = Memory::new().unwrap();
    tell(&memory, 1, [presented("chat")]).await;
    tell(&memory, 2, [presented("chat"), History::empty().yes("bob", &[]), started(1)]).await;
    let store = Arc::new(Busy::over(memory));
    let way = Way {
        id: "chat".into(),
        provider: "slack".into(),
        assurance: Assurance::Chat,
        kind: WayKind::Backend,
    };
    let people = ["ann", "olga"].map(|id| Person::new(id).known_as("slack", id).known_as("os", id));
    let people = People::new(people).unwrap();
    (Desk::new(Arc::clone(&store) as Arc<dyn Store>, Arc::new(people), way, "host/desk"), store)
}

fn slack(subject: &str) -> Identity {
    Identity::new("slack", subject)
}

async fn digest(store: &Busy, number: u128) -> crate::request::Digest {
    let history = store.history(Stream::Request(request(number))).await.unwrap();
    State::fold(&history).unwrap().opened().unwrap().digest
}

/// One of the three things that a person says at a desk.
async fn say(what: &str, desk: &Desk, store: &Busy) -> Result<Reply, DeskError> {
    let seen = digest(store, 1).await;
    match what {
        "submit" => desk.submit(&slack("ann"), Review::approve(request(1), seen)).await,
        "cancel" => desk.cancel(&slack("olga"), request(1), seen, "no need").await,
        _ => desk.reconcile(&slack("ann"), request(2), Reconciliation::Ran, "seen in the bank").await,
    }
}

const WHAT: [(&str, Phase); 3] =
    [("submit", Phase::Approved), ("cancel", Phase::Cancelled), ("reconcile", Phase::Succeeded)];

#[tokio::test]
async fn what_others_outran_is_judged_anew_and_counts() {
    for (what, phase) in WHAT {
        for times in [0, 1, 63] {
            let (desk, store) = bench().await;
            store.says(StoreErrorKind::Conflict, times);
            let reply = say(what, &desk, &store).await.unwrap();
            assert!(matches!(&reply.outcome, Outcome::Counted { phase: at, .. } if *at == phase), "{what}");
            assert_eq!(store.appends(), times + 1, "{what}");
        }
    }
}

#[tokio::test]
async fn a_desk_that_is_always_outrun_gives_up_after_64_turns() {
    for (what, _) in WHAT {
        let (desk, store) = bench().await;
        store.says(StoreErrorKind::Conflict, usize::MAX);
        let refusal = say(what, &desk, &store).await.unwrap_err();
        let DeskError::Store(error) = refusal else { panic!("{what}: {refusal}") };
        assert!(error.is_stale() && !error.is_retryable(), "{what}: {error}");
        assert_eq!(store.appends(), 64, "{what}");
    }
}

#[tokio::test]
async fn a_store_that_fails_is_not_asked_twice() {
    for (what, _) in WHAT {
        let (desk, store) = bench().await;
        store.says(StoreErrorKind::Full, 1);
        let refusal = say(what, &desk, &store).await.unwrap_err();
        assert!(matches!(&refusal, DeskError::Store(error) if !error.is_stale()), "{what}: {refusal}");
        assert_eq!(store.appends(), 1, "{what}");
    }
}

#[tokio::test]
async fn an_identity_of_another_provider_is_nobody_and_that_is_recorded() {
    let (desk, store) = bench().await;
    let seen = digest(&store, 1).await;
    let reply = desk.submit(&Identity::new("os", "ann"), Review::approve(request(1), seen)).await.unwrap();
    let why = IgnoredWhy::ForeignProvider;
    assert_eq!(reply, Reply { outcome: Outcome::Ignored(why), person: None });
    let history = store.history(Stream::Request(request(1))).await.unwrap();
    let Event::Ignored(ignored) = &history.last().unwrap().body.event else { panic!("nothing is recorded") };
    assert_eq!((ignored.why, &ignored.by, ignored.way.as_ref()), (why, &None, Some(&"chat".into())));
    assert!(ignored.identity.is_some(), "committed to, not named");
}

#[tokio::test]
async fn a_review_holds_who_answered_what_and_how_sure_we_are_of_them() {
    let (desk, store) = bench().await;
    let seen = digest(&store, 1).await;
    let reply = desk.submit(&slack("ann"), Review::deny(request(1), seen)).await.unwrap();
    assert_eq!(reply.outcome, Outcome::Counted { by: "ann".into(), phase: Phase::Denied });
    let history = store.history(Stream::Request(request(1))).await.unwrap();
    let Event::Reviewed(reviewed) = &history.last().unwrap().body.event else {
        panic!("nothing is recorded")
    };
    assert_eq!((reviewed.answer, &reviewed.by), (Answer::Deny, &"ann".into()));
    assert_eq!((reviewed.assurance, reviewed.digest), (Assurance::Chat, seen));
}

#[test]
fn a_long_text_is_cut_between_characters() {
    for (text, bytes, expected) in [
        ("", 4, ""),
        ("abc", 4, "abc"),
        ("abcd", 4, "abcd"),
        ("abcde", 4, "abcd"),
        ("abcé", 4, "abc"),
        ("é", 1, ""),
    ] {
        assert_eq!(cut(text, bytes), expected, "{bytes} of `{text}`");
    }
}
