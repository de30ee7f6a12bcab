//! Where people are asked: the terminal, and the backends across a network.

#[cfg(feature = "terminal")]
pub mod terminal;
