//! The protocol under a model checker.
//!
//! The ledger is judged by the production `seal` and `apply`, reviews by the production `decide`, `may_cancel` and
//! `may_reconcile`, and what a call may expect of the request it found by the production `State::prospect`. What is
//! written out here is what stands around them: the steps of the gate, two nodes with one key, people, clocks, crashes,
//! lost replies. Each rule of the protocol can be taken away ([`Defect`]), so that a run which finds nothing means
//! something.

#![expect(
    clippy::indexing_slicing,
    reason = "the model's vectors have one shape; outside it the run has to fail"
)]
#![expect(missing_docs, reason = "fields and steps are named in the words of the protocol")]

pub mod configurations;
mod defect;
mod desk;
mod event;
mod fused;
mod gate;
mod laws;
mod ledger;
mod people;
mod reached;
mod request;
mod seam;
mod symmetry;
mod world;

pub use self::defect::Defect;
pub use self::gate::{Answer, End, Node, Saw, Step};
pub use self::laws::{
    ALWAYS, CLOCKS, DANGLING, LAW_1, LAW_2, LAW_3, LAW_4, LAW_5, LAW_6, LAW_7, LAW_8, LAW_9, LAW_10, LAW_11,
};
pub use self::ledger::{Attempt, Entry, Log, Refusal, What};
pub use self::people::{Came, Letter, Mask, Voter};
pub use self::reached::SOMETIMES;
pub use self::request::{Asked, Crowd};
pub use self::world::{Action, Broken, Judged, Left, Policy, Protocol, Request, World};
