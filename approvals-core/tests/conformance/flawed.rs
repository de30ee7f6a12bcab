//! A sound store with one flaw: everything goes to a ledger in memory, except for what the flaw takes over.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use approvals_core::conformance::{SetupError, StoreUnderTest};
use approvals_core::id::{NodeName, Seq};
use approvals_core::ledger::{
    Append, Appended, Cursor, Filter, Known, Memory, NodeHold, Page, Record, Store, StoreError, Stream,
};
use approvals_core::request::StoreKey;
use approvals_core::time::{Clock, Sleep, Timestamp};
use async_trait::async_trait;

/// What a flawed handle stands on.
pub(crate) struct Sound {
    pub(crate) memory: Memory,
    /// Which handle of the place this is, from 0.
    pub(crate) number: usize,
    /// How often the place was opened when no handle was left.
    pub(crate) restarts: usize,
    /// Of this handle alone.
    pub(crate) lock: tokio::sync::Mutex<()>,
    /// Lives as long as this handle.
    pub(crate) alone: Arc<()>,
    pub(crate) remembered: Mutex<HashMap<Stream, Vec<Record>>>,
    pub(crate) clock: Arc<dyn Clock>,
    key: StoreKey,
}

impl Sound {
    pub(crate) async fn list(&self, asked: Asked<'_>) -> Result<Page, StoreError> {
        self.memory.list(asked.filter, asked.after, asked.limit).await
    }
}

/// Which page of a list.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) filter: &'a Filter,
    pub(crate) after: Option<Cursor>,
    pub(crate) limit: usize,
}

/// One way to be wrong. State in it is shared by all handles of a place.
#[async_trait]
pub(crate) trait Flaw: Default + Send + Sync + 'static {
    fn clock(given: Arc<dyn Clock>) -> Arc<dyn Clock> {
        given
    }

    /// What is left of the ledger after a restart.
    async fn restart(&self, memory: Memory, _replay: &Replay) -> Memory {
        memory
    }

    async fn append(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        sound.memory.append(append).await
    }

    async fn append_along(&self, sound: &Sound, append: Append) -> Result<Appended, StoreError> {
        self.append(sound, append).await
    }

    async fn history(&self, sound: &Sound, stream: Stream) -> Result<Vec<Record>, StoreError> {
        sound.memory.history(stream).await
    }

    async fn history_past(
        &self,
        sound: &Sound,
        stream: Stream,
        known: &Known,
    ) -> Result<Option<Vec<Record>>, StoreError> {
        let mut history = self.history(sound, stream).await?;
        Ok(known.end_in(&history).map(|end| history.split_off(end)))
    }

    async fn list(&self, sound: &Sound, asked: Asked<'_>) -> Result<Page, StoreError> {
        sound.list(asked).await
    }

    async fn records(&self, sound: &Sound, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        sound.memory.records(after, limit).await
    }

    async fn last(&self, sound: &Sound) -> Result<Seq, StoreError> {
        sound.memory.last().await
    }

    async fn wait_past(&self, sound: &Sound, after: Seq) -> Result<(), StoreError> {
        sound.memory.wait_past(after).await
    }

    async fn hold_node(&self, sound: &Sound, node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        sound.memory.hold_node(node).await
    }

    fn key<'a>(&'a self, sound: &'a Sound) -> &'a StoreKey {
        &sound.key
    }
}

/// A handle.
pub(crate) struct Flawed<F> {
    sound: Sound,
    flaw: Arc<F>,
    _alive: Arc<()>,
}

#[async_trait]
impl<F: Flaw> Store for Flawed<F> {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        self.flaw.append(&self.sound, append).await
    }

    async fn append_along(&self, append: Append) -> Result<Appended, StoreError> {
        self.flaw.append_along(&self.sound, append).await
    }

    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError> {
        self.flaw.history(&self.sound, stream).await
    }

    async fn history_past(&self, stream: Stream, known: &Known) -> Result<Option<Vec<Record>>, StoreError> {
        self.flaw.history_past(&self.sound, stream, known).await
    }

    async fn list(&self, filter: &Filter, after: Option<Cursor>, limit: usize) -> Result<Page, StoreError> {
        self.flaw.list(&self.sound, Asked { filter, after, limit }).await
    }

    async fn records(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.flaw.records(&self.sound, after, limit).await
    }

    async fn last(&self) -> Result<Seq, StoreError> {
        self.flaw.last(&self.sound).await
    }

    async fn wait_past(&self, after: Seq) -> Result<(), StoreError> {
        self.flaw.wait_past(&self.sound, after).await
    }

    async fn hold_node(&self, node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        self.flaw.hold_node(&self.sound, node).await
    }

    fn key(&self) -> &StoreKey {
        self.flaw.key(&self.sound)
    }
}

/// The flawed store under test.
pub(crate) struct Under<F>(PhantomData<fn() -> F>);

impl<F> Default for Under<F> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

pub(crate) struct Place<F> {
    memory: Mutex<Memory>,
    key: StoreKey,
    flaw: Arc<F>,
    replay: Replay,
    alive: Mutex<Weak<()>>,
    opened: AtomicUsize,
    restarts: AtomicUsize,
}

impl<F: Flaw> StoreUnderTest for Under<F> {
    type Store = Flawed<F>;
    type Place = Place<F>;

    async fn place(&self, clock: Arc<dyn Clock>) -> Result<Place<F>, SetupError> {
        let replay = Replay { clock: F::clock(clock), at: Arc::default() };
        let memory = Memory::with_clock(Arc::new(replay.clone()))?;
        Ok(Place {
            key: memory.key().clone(),
            memory: Mutex::new(memory),
            flaw: Arc::default(),
            replay,
            alive: Mutex::default(),
            opened: AtomicUsize::new(0),
            restarts: AtomicUsize::new(0),
        })
    }

    async fn open(&self, place: &Place<F>) -> Result<Flawed<F>, SetupError> {
        let number = place.opened.fetch_add(1, Ordering::SeqCst);
        let alive = place.alive.lock().unwrap().upgrade();
        let alive = match alive {
            Some(alive) => alive,
            None if number == 0 => Arc::new(()),
            None => {
                place.restarts.fetch_add(1, Ordering::SeqCst);
                let memory = place.memory.lock().unwrap().clone();
                let left = place.flaw.restart(memory, &place.replay).await;
                *place.memory.lock().unwrap() = left;
                Arc::new(())
            }
        };
        *place.alive.lock().unwrap() = Arc::downgrade(&alive);
        let sound = Sound {
            memory: place.memory.lock().unwrap().clone(),
            number,
            restarts: place.restarts.load(Ordering::SeqCst),
            lock: tokio::sync::Mutex::default(),
            alone: Arc::default(),
            remembered: Mutex::default(),
            clock: Arc::clone(&place.replay.clock),
            key: place.key.clone(),
        };
        Ok(Flawed { sound, flaw: Arc::clone(&place.flaw), _alive: alive })
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }
}

/// Writes records again as they were, at the times they had.
#[derive(Clone)]
pub(crate) struct Replay {
    clock: Arc<dyn Clock>,
    at: Arc<Mutex<Option<Timestamp>>>,
}

impl Replay {
    pub(crate) async fn ledger_of(&self, records: &[Record]) -> Memory {
        let memory = Memory::with_clock(Arc::new(self.clone())).unwrap();
        for record in records {
            *self.at.lock().unwrap() = Some(record.body.time);
            let state = memory.history(record.body.stream).await.unwrap();
            let version = state.last().map(|record| record.body.version).unwrap_or_default();
            let event = approvals_core::ledger::NewEvent {
                event: record.body.event.clone(),
                payload: record.payload.as_deref().cloned(),
                signature: record.signature.clone(),
            };
            let append = Append {
                stream: record.body.stream,
                expected: Some(version),
                env: record.body.env,
                node: record.body.node.clone(),
                events: vec![event],
            };
            memory.append(append).await.unwrap();
        }
        *self.at.lock().unwrap() = None;
        memory
    }
}

impl Clock for Replay {
    fn now(&self) -> Timestamp {
        self.at.lock().unwrap().unwrap_or_else(|| self.clock.now())
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.clock.sleep(duration)
    }
}
