//! Channels.

pub use ::tokio::sync::{Notify, mpsc, oneshot, watch};
