//! Channels.

pub use ::tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};
