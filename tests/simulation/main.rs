//! The webhook backend on a simulated network, where one seed decides everything that goes wrong.
//!
//! Two agents over one ledger, an approver's endpoint and a stranger are hosts of [turmoil]. The agents are production
//! code from the call to the `Transport` and back in through the router; time, chance and network are handed in. A seed
//! draws a [`plan`]: who calls, what people decide and when, and faults with their times. From the middle of the run on
//! everything is mended, and at the end a [`judge`] reads the ledger: a body ran at most once per call and only after
//! enough approvals in time and no denial before its claim; nobody who is not known changed anything; people got one
//! message per request; nothing that was acknowledged is lost; strangers are counted, once a minute; every request came
//! to an end or waits for people who were asked.
//!
//! ```sh
//! cargo test -p approvals-simulation                                                # 200 seeds
//! APPROVALS_SEEDS=10000 cargo test -p approvals-simulation --release every_seed     # more
//! APPROVALS_SEED=48 cargo test -p approvals-simulation one_seed_holds -- --nocapture  # one, with its trace
//! ```
//!
//! A fault is counted where it took effect, and one that never fired fails the run. Each of the [`defects`] is a wrapper
//! that misbehaves, and has to be caught.
//!
//! [turmoil]: https://docs.rs/turmoil

#![cfg(test)]

mod agent;
mod clock;
mod defect;
mod defects;
mod dice;
mod endpoint;
mod judge;
mod keys;
mod panics;
mod plan;
mod rows;
mod run;
mod seeds;
mod store;
mod stranger;
mod transport;
mod wire;
mod world;
