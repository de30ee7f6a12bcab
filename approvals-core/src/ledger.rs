//! The ledger: the append-only history of everything. The state is its fold.

mod bell;
mod event;
mod follow;
mod memory;
mod payload;
mod record;
mod seal;
mod store;
mod summary;

pub use self::bell::Bell;
pub use self::event::{
    Allowed, Answer, CancelWhy, Event, Finish, Ignored, IgnoredWhat, IgnoredWhy, NotRunWhy, PresentFailure,
    Reconciliation, RefusedCall, Reviewed,
};
pub use self::follow::Follow;
pub use self::memory::Memory;
pub use self::payload::Payload;
pub use self::record::{Body, Env, FORMAT, Record, Signature, Stream, UnreadableRecord};
pub use self::seal::{Draft, SealError, Sealed, seal};
pub use self::store::{
    Append, Appended, Cursor, Filter, Known, NewEvent, NodeHold, Page, Store, StoreError, StoreErrorKind,
};
pub use self::summary::Summary;
