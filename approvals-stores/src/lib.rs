//! Where the ledger is kept.
//!
//! Each store has the same rooms: `schema` (what is kept where), `writer`, `reader`, `watch` (how waiters wake), `node`
//! (who holds a node's name), `key`, `error`, and `docs.md`.

#[cfg(feature = "sqlite")]
pub mod sqlite;

#[cfg(feature = "sqlite")]
pub use self::sqlite::{Sqlite, SqliteOptions};
