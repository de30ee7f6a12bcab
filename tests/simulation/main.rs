//! The webhook backend on a simulated network.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod agent;
mod clock;
mod defect;
mod defects;
mod dice;
mod endpoint;
mod judge;
mod keys;
mod plan;
mod rows;
mod run;
mod seeds;
mod store;
mod stranger;
mod transport;
mod wire;
mod world;
