//! The process that is killed: a gate over the SQLite store, which says each step aloud once it is acknowledged.
//!
//! Whoever starts it hands it [`Orders`] as its one argument, hears what it says on its standard output, and lets it go on
//! where it waits by writing a line to its standard input.

mod agent;
mod backend;
mod clock;
mod orders;
mod probe;
mod say;
mod trip;
mod witness;
mod work;

pub use self::agent::obey;
pub use self::orders::{Defect, Kind, Orders, Part, Trip};
pub use self::say::{Said, mark};
