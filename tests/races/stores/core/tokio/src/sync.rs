//! Channels.

pub use ::tokio::sync::{mpsc, oneshot, watch};
