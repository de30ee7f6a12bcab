#![doc = include_str!("docs.md")]

mod backup;
mod batch;
mod doctor;
mod error;
mod key;
mod lately;
mod migrate;
mod node;
mod options;
mod place;
mod queue;
mod reader;
mod recent;
mod rows;
mod schema;
mod sync;
#[cfg(test)]
mod tests;
mod watch;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use approvals_core::doctor::Report;
use approvals_core::id::{NodeName, Seq};
use approvals_core::ledger::{
    Append, Appended, Bell, Cursor, Filter, Known, NodeHold, Page, Record, Store, StoreError, StoreErrorKind,
    Stream,
};
use approvals_core::request::StoreKey;
use async_trait::async_trait;
use tokio::sync::oneshot;

use self::batch::Pace;
use self::lately::Lately;
use self::node::Names;
pub use self::options::SqliteOptions;
use self::reader::Readers;
use self::watch::Watch;
use self::writer::Writer;

/// A ledger in one file, for the processes of one machine. Clones are the same store.
///
/// ```
/// use approvals_core::ledger::{Filter, Store as _};
/// use approvals_stores::Sqlite;
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("approvals.db");
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// let store = Sqlite::open(&path).await?;
/// assert!(store.list(&Filter::default(), None, 10).await?.summaries.is_empty());
/// store.close().await;
/// # Ok::<(), approvals_core::ledger::StoreError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Sqlite(Arc<Inner>);

struct Inner {
    path: Arc<Path>,
    key: StoreKey,
    /// Absent when the store is read-only.
    writer: Option<Writer>,
    readers: Readers,
    /// For the connections that are made later on.
    options: SqliteOptions,
    watch: Watch,
    names: Arc<Names>,
    lately: Arc<Lately>,
}

impl Sqlite {
    /// Opens the store in a file, which is made, for this user alone, if it is not there.
    ///
    /// # Errors
    /// `Corrupt` if the file is damaged or another program's, and it is left as it is; `NewerFormat`; `Unsuitable` on a
    /// network file system and when others may use its key; `ReadOnly`; `Busy`; `Other` when its key is missing or not
    /// its own, or its folder is not there.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, SqliteOptions::new()).await
    }

    /// Opens the store in a file as the options say.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_with(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        off_this_thread(move || Inner::open(&path, options)).await?.map(|inner| Self(Arc::new(inner)))
    }

    /// Where the file really is, links followed.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Folds every request anew and writes the index of summaries again. Answers how many there are.
    ///
    /// # Errors
    /// `Unreadable` or `Corrupt` if a record cannot be read or does not fold; the index is left as it was.
    pub async fn rebuild_index(&self) -> Result<u64, StoreError> {
        self.writer()?.rebuild().await
    }

    /// Looks at the files of a store and says what is wrong with them and what to do about it: who may read and write
    /// them, the key (nothing of which is told), the format, the disk, and whether SQLite finds the file whole.
    /// Changes nothing and makes no file. Reads the whole store.
    ///
    /// What the records say is [`Doctor`](approvals_core::doctor::Doctor)'s.
    pub async fn examine(path: impl AsRef<Path>) -> Report {
        let path = path.as_ref().to_owned();
        let failed = path.display().to_string();
        off_this_thread(move || doctor::examine(&path)).await.unwrap_or_else(|error| {
            let mut report = Report::default();
            report.findings.push(doctor::told("store", failed, &error));
            report
        })
    }

    /// Whether a process that can be seen from here holds a node's name; `None` where that cannot be told. Takes no lock.
    /// Only Linux tells.
    pub fn is_up(&self, node: &NodeName) -> Option<bool> {
        node::is_held(&self.0.path, node)
    }

    /// Copies the ledger as it is at one moment into a new file, mode 0600, while it is in use. Gives the place of the
    /// last record in the copy.
    ///
    /// Writers go on meanwhile. The store's key is **not** in the copy: keep one of it apart, once. The copy takes as
    /// much room as the ledger, and the disk is synced before this returns.
    ///
    /// # Errors
    /// `Unsuitable` if anything has that name already: a backup replaces nothing. `Full` and the others of a store that
    /// cannot be read or a folder that cannot be written; nothing is left behind then.
    pub async fn backup(&self, to: impl AsRef<Path>) -> Result<Seq, StoreError> {
        let (inner, to) = (Arc::clone(&self.0), to.as_ref().to_owned());
        off_this_thread(move || backup::write(&inner.path, &to, &inner.options)).await?
    }

    /// Writes what waits, folds the write-ahead log into the file and ends the threads of the store, for all its clones.
    ///
    /// What comes later is an error, and so is waiting. Dropping the last clone does the same in the background:
    /// close before the process ends, so that what was handed over and never awaited is not lost.
    pub async fn close(&self) {
        let inner = Arc::clone(&self.0);
        let closed = off_this_thread(move || {
            inner.watch.close();
            inner.readers.close();
            // Last, so that the log is folded in when no other connection of ours is left.
            if let Some(writer) = &inner.writer {
                writer.close();
            }
        });
        if let Err(error) = closed.await {
            tracing::warn!(%error, "the store was not closed cleanly; nothing that was answered is lost, and nothing is to be done");
        }
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.0.writer.as_ref().ok_or_else(|| {
            let message = format!(
                "`{}` was opened read-only; open it without `read_only` to write",
                self.0.path.display()
            );
            StoreError::new(StoreErrorKind::ReadOnly, message)
        })
    }
}

impl Inner {
    fn open(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        let path: Arc<Path> =
            if options.must_exist() { place::find(path)? } else { place::find_or_make(path)? }.into();
        place::refuse_foreign_log(&path)?;
        let opened = schema::connect(&path, &options, schema::Use::Write).and_then(|mut conn| {
            let key = schema::prepare(&mut conn, &path, &options)?;
            let last = rows::last(&conn)?;
            Ok((conn, key, last))
        });
        let (conn, key, last) = opened.map_err(|failure| failure.at(&path))?;
        let bell = Arc::new(Bell::default());
        bell.ring(last);
        let no_thread = |e| error::io(&path, "start a thread for", e);
        let readers = Readers::start(Arc::clone(&path), &options).map_err(no_thread)?;
        let watch = Watch::new(Arc::clone(&path), Arc::clone(&bell), options.clone());
        let (names, lately, kept) = (Arc::<Names>::default(), Arc::<Lately>::default(), options.clone());
        let writer = match options.read_only {
            true => None,
            false => {
                let (path, names, lately) = (Arc::clone(&path), Arc::clone(&names), Arc::clone(&lately));
                Some(Writer::start(conn, path, options, bell, names, lately).map_err(no_thread)?)
            }
        };
        Ok(Self { path, key, writer, readers, options: kept, watch, names, lately })
    }
}

/// Blocking work that belongs to no thread of the store, and asks no runtime for one.
async fn off_this_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    let (reply, answer) = oneshot::channel();
    let started = sync::thread::Builder::new().name("approvals-store".to_owned()).spawn(move || {
        let _ = reply.send(work());
    });
    let no_thread = || {
        StoreError::new(StoreErrorKind::Other, "no thread for the store; end other threads, then try again")
    };
    started.map_err(|e| no_thread().because(e))?;
    answer.await.map_err(|e| no_thread().because(e))
}

#[async_trait]
impl Store for Sqlite {
    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        self.writer()?.append(append, Pace::AtOnce).await
    }

    async fn append_along(&self, append: Append) -> Result<Appended, StoreError> {
        self.writer()?.append(append, Pace::Along).await
    }

    async fn history(&self, stream: Stream) -> Result<Vec<Record>, StoreError> {
        let lately = Arc::clone(&self.0.lately);
        self.0.readers.read(move |conn| rows::history(conn, &lately, stream)).await
    }

    async fn history_past(&self, stream: Stream, known: &Known) -> Result<Option<Vec<Record>>, StoreError> {
        let (lately, known) = (Arc::clone(&self.0.lately), known.clone());
        self.0.readers.read(move |conn| rows::history_past(conn, &lately, stream, &known)).await
    }

    async fn list(&self, filter: &Filter, after: Option<Cursor>, limit: usize) -> Result<Page, StoreError> {
        let filter = filter.clone();
        self.0.readers.read(move |conn| rows::list(conn, &filter, after, limit)).await
    }

    async fn records(&self, after: Seq, limit: usize) -> Result<Vec<Record>, StoreError> {
        let lately = Arc::clone(&self.0.lately);
        self.0.readers.read(move |conn| rows::records(conn, &lately, after, limit)).await
    }

    async fn last(&self) -> Result<Seq, StoreError> {
        self.0.readers.read(rows::last).await
    }

    async fn wait_past(&self, after: Seq) -> Result<(), StoreError> {
        self.0.watch.wait_past(after).await
    }

    async fn hold_node(&self, node: &NodeName) -> Result<Option<NodeHold>, StoreError> {
        self.writer()?;
        let (names, node) = (Arc::clone(&self.0.names), node.clone());
        self.0.readers.beside(move |path| names.hold(path, &node)).await
    }

    fn key(&self) -> &StoreKey {
        &self.0.key
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.0.path).finish_non_exhaustive()
    }
}
