#![doc = include_str!("docs.md")]

mod clock;
mod handle;
mod ledger;
mod mock;
#[cfg(feature = "testing")]
mod unrecorded;

pub use self::clock::ManualClock;
pub use self::ledger::{About, Ledger};
pub use self::mock::{
    Matcher, MockBackend, PROVIDER, Rule, Scripted, Times, When, Who, action, any, ids, no, yes,
};
#[cfg(feature = "testing")]
#[doc(hidden)]
pub use self::unrecorded::unrecorded;
