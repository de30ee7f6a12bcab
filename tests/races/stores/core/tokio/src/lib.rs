//! As much of tokio as the core uses, on the scheduler of shuttle: its tasks take turns as shuttle draws them. The
//! channels and macros are tokio's own, which need no runtime: each of their operations is one step.

pub mod runtime;
pub mod sync;
pub mod task;
pub mod time;

pub use ::tokio::{join, pin, select, task_local};

pub use self::task::spawn;
