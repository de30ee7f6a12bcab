//! The protocol under a model checker.
//!
//! The ledger is judged by the production `seal` and `apply`, reviews by the production `decide`. What is written out
//! here is what stands around them: the steps of the gate, two nodes with one key, people, clocks, crashes, lost
//! replies. Each rule of the protocol can be taken away ([`Defect`]), so that a run which finds nothing means something.

#![expect(
    clippy::indexing_slicing,
    reason = "the model's vectors have one shape; outside it the run has to fail"
)]
#![expect(missing_docs, reason = "fields and steps are named in the words of the protocol")]

mod defect;
mod desk;
mod fused;
mod gate;
mod laws;
mod ledger;
mod people;
mod world;

pub use self::defect::Defect;
pub use self::fused::TakenUp;
pub use self::gate::{Answer, End, Node, Step};
pub use self::laws::{
    ALWAYS, CLOCKS, DANGLING, LAW_1, LAW_2, LAW_3, LAW_4, LAW_5, LAW_7, LAW_8, LAW_9, LAW_10, SOMETIMES,
};
pub use self::ledger::{Asked, Attempt, Crowd, Entry, Log, What};
pub use self::people::{Letter, Voter};
pub use self::world::{Action, Broken, Judged, Left, Policy, Protocol, Request, World};
