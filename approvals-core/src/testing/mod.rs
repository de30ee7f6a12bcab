//! What tests of gated code are written with.

mod clock;

pub use self::clock::ManualClock;
