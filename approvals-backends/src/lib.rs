//! Where people are asked: the terminal, and the backends across a network.

#[cfg(feature = "terminal")]
pub mod terminal;
#[cfg(feature = "http")]
pub mod transport;
#[cfg(feature = "webhook")]
pub mod webhook;
