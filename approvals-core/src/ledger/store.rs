//! What a store does. The public conformance suite judges every one of them.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Env, Event, Payload, Record, SealError, Signature, Stream, Summary, UnreadableRecord};
use crate::id::{AgentId, NodeName, RequestId, Seq, Version};
use crate::request::StoreKey;
use crate::state::{Illegal, Phase};

/// Where the ledger is kept. A platform team writes one over its own database.
///
/// Records are never changed and never removed; the payload beside them may be erased. One rule binds every
/// method: what was answered `Ok` is durable and visible to every process that uses the store.
///
/// The gate waits 60 s for an answer, and two seconds more in case a clock has jumped: a call that gets none ends as
/// [`ErrorKind::Store`](crate::error::ErrorKind::Store), a good two minutes after its deadline at the latest. The futures
/// of reads are dropped then, and so are those of a few appends (an expiry, a call that is called off, a note), which may
/// be written all the same.
///
/// Who only reads takes [`list`](Self::list) for what waits and [`history`](Self::history) for one request:
///
/// ```
/// use approvals_core::card::{Card, text};
/// use approvals_core::ledger::{Filter, Store, StoreError};
/// use approvals_core::state::{Phase, State};
///
/// async fn print_what_waits(store: &dyn Store) -> Result<(), StoreError> {
///     let page = store.list(&Filter::in_phases([Phase::Pending]), None, 50).await?;
///     for summary in page.summaries {
///         let history = store.history(summary.id.into()).await?;
///         // A history that does not fold is damaged: say so, and leave the others in peace.
///         let Ok(state) = State::fold(&history) else { continue };
///         if let Some(card) = Card::of(&history, &state) {
///             print!("{}", text::render(&card, &Default::default()).text);
///         }
///     }
///     Ok(())
/// }
/// # let memory = approvals_core::ledger::Memory::new().unwrap();
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(print_what_waits(&memory)).unwrap();
/// ```
///
/// Who writes one runs the suite of `approvals_core::conformance`; `examples/file-store` of the repository is a whole
/// one.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Appends events to one stream: all of them or none.
    ///
    /// Inside its own transaction the store reads the stream's history, takes the time, calls
    /// [`seal`](super::seal) and writes what that returns under the next global sequence numbers, without gaps. On
    /// return it is durable.
    ///
    /// # Errors
    /// [`StoreErrorKind::Conflict`] and [`StoreErrorKind::Illegal`] from `seal`, with nothing written. After any
    /// other error the caller reads the history to learn what happened.
    async fn append(&self, append: Append) -> Result<Appended, StoreError>;

    /// The same for a caller that is in no hurry: a note about a card, say. A store whose commits are dear may keep it
    /// back for a moment, to commit it together with the next append; one that does not takes it at once.
    ///
    /// Nothing else differs: on return it is durable, and no other append waits for one that is kept back. It is for
    /// what nobody decides by: until it returns, readers may not see it.
    ///
    /// # Errors
    /// Those of [`append`](Self::append).
    async fn append_along(&self, append: Append) -> Result<Appended, StoreError> {
        self.append(append).await
    }

    /// The whole history of a stream, oldest first; empty if there is none.
    ///
    /// # Errors
    /// If it cannot be read, or a record in it is damaged. Never a shorter history.
    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError>;

    /// What a stream has past a record of its own that is known, oldest first; `None` if the stream does not have that
    /// record as it is known, as when the store was put back to an earlier time.
    ///
    /// A request is looked at after each of its steps: a store whose records cost something to read need not read those
    /// again that the caller has seen.
    ///
    /// # Errors
    /// Those of [`history`](Self::history), for what is read.
    async fn history_past(&self, stream: Stream, known: &Known) -> Result<Option<Vec<Record>>, StoreError> {
        let mut history = self.history(stream).await?;
        Ok(known.end_in(&history).map(|end| history.split_off(end)))
    }

    /// Summaries of requests, newest first, a page at a time.
    ///
    /// # Errors
    /// If they cannot be read.
    async fn list(&self, filter: &Filter, after: Option<Cursor>, limit: usize) -> Result<Page, StoreError>;

    /// Records of every stream past a place in the ledger, in global order, at most `limit`.
    ///
    /// # Errors
    /// If they cannot be read, or a record among them is damaged. Never fewer records with a gap between them.
    async fn records(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError>;

    /// The place of the last record; [`Seq::START`] when the ledger is empty.
    ///
    /// # Errors
    /// If it cannot be read.
    async fn last(&self) -> Result<Seq, StoreError>;

    /// Returns once a record past that place exists, whichever process wrote it. May return early.
    ///
    /// # Errors
    /// If the ledger can no longer be watched.
    async fn wait_past(&self, after: Seq) -> Result<(), StoreError>;

    /// Holds a node's name for as long as the hold lives, so that no two processes use it; `None` if another
    /// process holds it. The operating system or the database releases it when the process dies.
    ///
    /// # Errors
    /// If it cannot be told whether the name is free.
    async fn hold_node(&self, node: &NodeName) -> Result<Option<NodeHold>, StoreError>;

    /// The key under which secret arguments are committed to. Kept beside the store, never in it.
    fn key(&self) -> &StoreKey;
}

/// Events for one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// Which stream.
    pub stream: Stream,
    /// The version that the stream must be at; `None` for notes, which fit at any.
    pub expected: Option<Version>,
    /// Live or test.
    pub env: Env,
    /// Which process writes.
    pub node: NodeName,
    /// What happened, in order.
    pub events: Vec<NewEvent>,
}

/// An event with what stands beside its record.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// What happened.
    pub event: Event,
    /// The values behind its commitments.
    pub payload: Option<Payload>,
    /// A signature over stream, version, node and event.
    pub signature: Option<Signature>,
}

impl From<Event> for NewEvent {
    fn from(event: Event) -> Self {
        Self { event, payload: None, signature: None }
    }
}

impl NewEvent {
    /// An event with the values behind its commitments.
    pub fn with(event: Event, payload: Payload) -> Self {
        Self { event, payload: Some(payload), signature: None }
    }
}

/// What an append wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Appended {
    /// The place of its last record.
    pub seq: Seq,
    /// The version of the stream after it.
    pub version: Version,
    /// What it wrote, as [`history`](Store::history) gives it from now on. A store may leave all of it out: whoever needs
    /// it reads the history then.
    pub records: Vec<Record>,
}

/// A record that its reader has seen, by its place and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its place in the whole ledger.
    pub seq: Seq,
    /// The very bytes that were stored.
    pub bytes: Arc<[u8]>,
}

impl Known {
    /// Where the records behind it begin in the history of its stream, which is oldest first; `None` if it is not there
    /// as it is known. Whatever stands before a record that is there is what stood before it: records never change.
    pub fn end_in(&self, history: &[Record]) -> Option<usize> {
        let place = history.binary_search_by_key(&self.seq, |record| record.seq).ok()?;
        history.get(place).filter(|record| self.is(record.seq, &record.bytes)).map(|_| place + 1)
    }

    /// Whether this is what stands at a place.
    pub fn is(&self, seq: Seq, bytes: &[u8]) -> bool {
        self.seq == seq && *self.bytes == *bytes
    }
}

impl From<&Record> for Known {
    fn from(record: &Record) -> Self {
        Self { seq: record.seq, bytes: Arc::clone(&record.bytes) }
    }
}

/// Which requests to list. Empty: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In one of these phases; all if empty.
    pub phases: Vec<Phase>,
    /// Asked by this agent.
    pub agent: Option<AgentId>,
}

impl Filter {
    /// Requests in one of these phases.
    pub fn in_phases(phases: impl IntoIterator<Item = Phase>) -> Self {
        Self { phases: phases.into_iter().collect(), agent: None }
    }

    /// Whether a summary passes.
    pub fn admits(&self, summary: &Summary) -> bool {
        (self.phases.is_empty() || self.phases.contains(&summary.phase))
            && self.agent.as_ref().is_none_or(|agent| *agent == summary.agent)
    }
}

/// Where the next page starts: past the request that was opened at this place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub Seq);

/// Some summaries and where to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The summaries, newest request first.
    pub summaries: Vec<Summary>,
    /// Where the next page starts; `None` after the last.
    pub next: Option<Cursor>,
}

/// The exclusive hold of a node's name; released when dropped.
pub struct NodeHold(#[expect(dead_code, reason = "held for its drop")] Box<dyn Send + Sync>);

impl NodeHold {
    /// Wraps whatever releases the name when it is dropped.
    pub fn new(guard: impl Send + Sync + 'static) -> Self {
        Self(Box::new(guard))
    }
}

impl std::fmt::Debug for NodeHold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NodeHold(..)")
    }
}

/// What went wrong in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The stream has moved since the caller looked; look again.
    Conflict,
    /// The state machine refuses the event; nothing was written.
    Illegal(Illegal),
    /// The history cannot be read.
    Unreadable,
    /// The store was written by a later version of this crate.
    NewerFormat,
    /// The file is damaged or is no store.
    Corrupt,
    /// Nothing can be written: a read-only folder or file.
    ReadOnly,
    /// No room is left.
    Full,
    /// Another process holds it for too long.
    Busy,
    /// The place cannot keep a ledger: a network file system.
    Unsuitable,
    /// It did not answer in time: the gate waits 60 s. What was to be written may be written later.
    Unanswered,
    /// Anything else that the database or the system says.
    Other,
}

/// A store could not do what it was asked. Says what is wrong and what to do about it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    #[source]
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// An error with a message that names the remedy.
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Adds what the database or the system said.
    #[must_use]
    pub fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> &StoreErrorKind {
        &self.kind
    }

    /// Whether the stream has moved since it was read, so that it has to be read and judged anew.
    pub fn is_stale(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Conflict | StoreErrorKind::Illegal(_))
    }

    /// Whether the same call may succeed later, unchanged.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.kind,
            StoreErrorKind::Busy | StoreErrorKind::Full | StoreErrorKind::Unanswered | StoreErrorKind::Other
        )
    }
}

impl From<SealError> for StoreError {
    fn from(error: SealError) -> Self {
        let kind = match &error {
            SealError::Conflict { .. } => StoreErrorKind::Conflict,
            SealError::Illegal(illegal) => StoreErrorKind::Illegal(illegal.clone()),
            SealError::Unreadable(_) => StoreErrorKind::Unreadable,
            SealError::Unwritable(_) => StoreErrorKind::Other,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<UnreadableRecord> for StoreError {
    fn from(error: UnreadableRecord) -> Self {
        let kind = match &error {
            UnreadableRecord::NewerFormat { .. } => StoreErrorKind::NewerFormat,
            UnreadableRecord::Damaged { .. } => StoreErrorKind::Corrupt,
        };
        Self::new(kind, error.to_string())
    }
}

/// Which request a stream is about, for filters of outsiders.
impl From<RequestId> for Stream {
    fn from(id: RequestId) -> Self {
        Self::Request(id)
    }
}
