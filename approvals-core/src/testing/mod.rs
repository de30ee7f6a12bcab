//! What tests of gated code are written with.

mod clock;
mod handle;
mod mock;

pub use self::clock::ManualClock;
pub use self::mock::{MockBackend, PROVIDER, ids};
