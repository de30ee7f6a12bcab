//! How a store is opened.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use approvals_core::request::StoreKey;
use approvals_core::time::{Clock, SystemClock};

/// How to open a [`Sqlite`](super::Sqlite) store.
///
/// ```
/// use std::time::Duration;
/// use approvals_stores::SqliteOptions;
///
/// let options = SqliteOptions::new().busy_timeout(Duration::from_secs(30));
/// ```
#[derive(Clone)]
pub struct SqliteOptions {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) busy_timeout: Duration,
    /// How long an append that may wait for another is kept back.
    pub(super) company: Duration,
    pub(super) read_only: bool,
    pub(super) without_key: bool,
    pub(super) leaves_no_trace: bool,
    pub(super) key: Option<StoreKey>,
    #[cfg(test)]
    pub(super) max_pages: Option<u32>,
}

impl SqliteOptions {
    /// The system's clock, five seconds of patience with other processes, the key of the store's own file.
    pub fn new() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            busy_timeout: Duration::from_secs(5),
            company: Duration::from_millis(100),
            read_only: false,
            without_key: false,
            leaves_no_trace: false,
            key: None,
            #[cfg(test)]
            max_pages: None,
        }
    }

    /// The clock that stamps the records. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Longest wait for another process that writes, before the error `Busy`. Default 5 s; from 0 to 24 days.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        // SQLite counts milliseconds in a signed number of 32 bits.
        self.busy_timeout = timeout.min(Duration::from_millis(i32::MAX as u64));
        self
    }

    /// Opens the store without ever writing it: appends and holds of a node's name fail, reading and waiting work.
    ///
    /// The key's file is not needed then; without it, [`key`](approvals_core::ledger::Store::key) is a fresh one, to
    /// which nothing can be committed.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Opens a store that exists, to read it and to review, without its key: for the users beside the agent's own, who
    /// may write the store and not read its key.
    ///
    /// [`key`](approvals_core::ledger::Store::key) may then be a fresh one, to which nothing is to be committed: no
    /// calls are to be made over such a store.
    #[must_use]
    pub fn without_key(mut self) -> Self {
        self.without_key = true;
        self
    }

    /// Opens the store read-only and makes no file beside it, where the log is folded in and no process has the store
    /// open: to look at it once. What a process writes after that is not noticed, and may make what is read look
    /// damaged.
    #[must_use]
    pub fn leaves_no_trace(mut self) -> Self {
        self.leaves_no_trace = true;
        self.read_only()
    }

    /// The key for secret arguments, from wherever you keep it. Default: the environment variable
    /// `APPROVALS_STORE_KEY`, else the file `<path>.key`.
    #[must_use]
    pub fn key(mut self, key: StoreKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Whether a store is only to be found, not to be made.
    pub(super) const fn must_exist(&self) -> bool {
        self.read_only || self.without_key
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("busy_timeout", &self.busy_timeout)
            .field("read_only", &self.read_only)
            .field("without_key", &self.without_key)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
