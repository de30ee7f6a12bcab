//! A ledger with faults: in memory unless a test says otherwise.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use approvals::id::{RequestId, Seq};
use approvals::ledger::{
    Append, Appended, Cursor, Env, Event, Filter, Memory, Page, Record, Store, StoreError, StoreErrorKind,
    Stream,
};
use approvals::state::{Phase, State};
use approvals::testing::ManualClock;
use approvals_test_support::hand_on;
use async_trait::async_trait;

use super::Hold;

/// What goes wrong in a store.
#[derive(Clone)]
pub(crate) enum Does {
    /// Nothing is written, and it says so.
    Fail,
    /// The same, because somebody else wrote first, as it says.
    Conflict,
    /// It panics, before anything is written.
    Panic,
    /// What is read is damaged.
    Damage,
    /// It is written, and the reply is lost.
    LoseReply,
    /// As before, and that many reads of histories fail afterwards.
    LoseReplyAndSight(usize),
    /// It is written once the door opens, even if the caller is gone by then.
    Hold(Hold),
    /// It says that nothing is written, and writes it once the door opens.
    FailAndWriteLater(Hold),
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

/// A ledger with faults: by the name of an event that is appended, or `history`, `list of what waits`, `list`,
/// `listed`, `records` and `last` for reads. What is held at `listed` has been read by then.
#[derive(Clone)]
pub(crate) struct Faulty {
    inner: Arc<dyn Store>,
    faults: Arc<Mutex<Vec<Fault>>>,
    slow: Arc<AtomicBool>,
    reads: Arc<AtomicUsize>,
    appends: Arc<Mutex<Vec<Vec<&'static str>>>>,
    unread: Arc<Mutex<BTreeMap<RequestId, Does>>>,
    followers: Arc<()>,
}

impl Faulty {
    pub(crate) fn on(clock: &ManualClock) -> Self {
        Self::over(Memory::with_clock(Arc::new(clock.clone())).unwrap())
    }

    pub(crate) fn over(store: impl Store) -> Self {
        Self {
            inner: Arc::new(store),
            faults: Arc::default(),
            slow: Arc::default(),
            reads: Arc::default(),
            appends: Arc::default(),
            unread: Arc::default(),
            followers: Arc::default(),
        }
    }

    pub(crate) fn fault(&self, on: &'static str, times: usize, does: Does) -> Fired {
        let fired = Fired::default();
        self.faults.lock().unwrap().push(Fault { on, left: times, does, fired: fired.clone() });
        fired
    }

    /// The history of this request alone is in trouble, whenever it is read.
    pub(crate) fn fault_over(&self, request: RequestId, does: Does) {
        self.unread.lock().unwrap().insert(request, does);
    }

    pub(crate) fn heal(&self) {
        self.faults.lock().unwrap().clear();
        self.unread.lock().unwrap().clear();
    }

    /// From now on every call takes several turns, and appends end although their caller is gone.
    pub(crate) fn slow_down(&self) {
        self.slow.store(true, SeqCst);
    }

    /// Whether anybody waits for more records than there are.
    pub(crate) fn is_followed(&self) -> bool {
        // Each clone of the store has one too.
        Arc::strong_count(&self.followers) > Arc::strong_count(&self.reads)
    }

    /// How often histories were read.
    pub(crate) fn reads(&self) -> usize {
        self.reads.load(SeqCst)
    }

    /// What was written side by side, append by append, but for processes and cards.
    pub(crate) fn appends(&self) -> Vec<Vec<&'static str>> {
        let beside = ["up", "down", "presented", "updated"];
        let mut appends = self.appends.lock().unwrap().clone();
        appends.retain(|names| !names.iter().any(|name| beside.contains(name)));
        appends
    }

    async fn commit(&self, append: Append) -> Result<Appended, StoreError> {
        let names = append.events.iter().map(|new| new.event.name()).collect();
        let appended = self.inner.append(append).await?;
        self.appends.lock().unwrap().push(names);
        Ok(appended)
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
        self.inner.records(Seq::START, usize::MAX).await.unwrap()
    }

    pub(crate) async fn of(&self, stream: Stream) -> Vec<Record> {
        self.inner.history(stream).await.unwrap()
    }

    pub(crate) async fn names(&self, stream: Stream) -> Vec<&'static str> {
        self.of(stream).await.iter().map(|record| record.body.event.name()).collect()
    }

    /// Appends an event to a request, as another process would.
    pub(crate) async fn write(&self, request: RequestId, event: Event) {
        let expected = Some(self.state(request).await.version());
        let (env, node) = (Env::Test, "elsewhere".into());
        let append = Append { stream: request.into(), expected, env, node, events: vec![event.into()] };
        self.inner.append(append).await.unwrap();
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
                Record::from_stored(record.seq, record.bytes.to_vec(), payload.as_deref(), None).unwrap();
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
            Some(Does::Conflict) => {
                Err(StoreError::new(StoreErrorKind::Conflict, "it has moved; look again"))
            }
            Some(Does::Panic) => panic!("the store panics over {names:?}, as part of the test"),
            Some(Does::LoseReply) => self.commit(append).await.and(Err(broken())),
            Some(Does::LoseReplyAndSight(reads)) => {
                self.commit(append).await?;
                self.fault("history", reads, Does::Fail);
                Err(broken())
            }
            Some(Does::Hold(hold)) => {
                let store = self.clone();
                let late = async move {
                    hold.pass().await;
                    store.commit(append).await
                };
                tokio::spawn(late).await.unwrap()
            }
            Some(Does::FailAndWriteLater(hold)) => {
                let store = self.clone();
                tokio::spawn(async move {
                    hold.pass().await;
                    store.commit(append).await
                });
                Err(broken())
            }
            None if self.slow.load(SeqCst) => {
                let store = self.clone();
                let late = async move {
                    store.dawdle().await;
                    let appended = store.commit(append).await;
                    store.dawdle().await;
                    appended
                };
                tokio::spawn(late).await.unwrap()
            }
            None => self.commit(append).await,
        }
    }

    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError> {
        self.reads.fetch_add(1, SeqCst);
        self.dawdle().await;
        let own = stream.request().and_then(|request| self.unread.lock().unwrap().get(&request).cloned());
        match own.or_else(|| self.trouble(&["history"])) {
            Some(Does::Hold(hold)) => {
                hold.pass().await;
                self.inner.history(stream).await
            }
            Some(Does::Panic) => panic!("the store panics over {stream}, as part of the test"),
            Some(Does::Damage) => {
                Err(StoreError::new(StoreErrorKind::Corrupt, "a record is damaged; mend it"))
            }
            Some(_) => Err(broken()),
            None => self.inner.history(stream).await,
        }
    }

    async fn list(&self, filter: &Filter, after: Option<Cursor>, limit: usize) -> Result<Page, StoreError> {
        let waits = filter.phases.contains(&Phase::Pending);
        match self.trouble(if waits { &["list of what waits"] } else { &["list"] }) {
            Some(Does::Hold(hold)) => hold.pass().await,
            Some(_) => return Err(broken()),
            None => {}
        }
        let listed = self.inner.list(filter, after, limit).await;
        if let Some(Does::Hold(hold)) = self.trouble(&["listed"]) {
            hold.pass().await;
        }
        listed
    }

    async fn records(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        match self.trouble(&["records"]) {
            Some(_) => Err(broken()),
            None => self.inner.records(after, limit).await,
        }
    }

    async fn last(&self) -> Result<Seq, StoreError> {
        if let Some(Does::Hold(hold)) = self.trouble(&["last"]) {
            hold.pass().await;
        }
        self.inner.last().await
    }

    async fn wait_past(&self, after: Seq) -> Result<(), StoreError> {
        let _follower = Arc::clone(&self.followers);
        self.inner.wait_past(after).await
    }

    hand_on!(approvals, inner: hold_node, key);
}
