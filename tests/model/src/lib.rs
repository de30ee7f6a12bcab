//! The protocol under a model checker.
//!
//! The ledger is judged by the production `seal` and `apply`, reviews by the production `decide`, `may_cancel` and
//! `may_reconcile`, and what a call may expect of the request that it found by the production `State::prospect`,
//! `opens_next_round`, `is_held_by` and `quorum_is_met_by`. What is written out here is what stands around them: the
//! steps of the gate, the loop of the desk, two nodes with one key, people, clocks, crashes, lost replies.
//!
//! # What is proven
//!
//! Every property of [`ALWAYS`] holds in every state of every configuration, and every property of [`SOMETIMES`] is
//! reached, so that no run passes by doing nothing. Each rule can be taken away ([`Defect`]); `tests/rules.rs` shows for
//! each which law falls.
//!
//! | law | as a property | the rest of it, where this model is blind |
//! |---|---|---|
//! | 1 | a body begins only under the attempt that the ledger holds, under approval | `a_denied_call_never_runs` and its neighbours |
//! | 2 | never two bodies at once, never a second one under a key unless declared or vouched for | `many_nodes_that_race_for_one_key_run_one_body` |
//! | 3 | nothing follows an end; no claim and no free run after a no that was taken | `a_denial_that_overtakes_the_claim_wins`, over a real store |
//! | 4 | no requester on record, nobody without a place; approved if and only if distinct people fill the slots | `a_single_operator_decides_alone_whatever_the_quorum_asks`, `an_owner_who_is_renamed_while_the_request_waits_cannot_let_it_run` |
//! | 5 | what runs has the argument that was approved; no yes through a part, none for another digest | `what_serialises_differently_twice_is_refused`, `the_digest_stands_on_the_card_and_in_the_record_and_binds_the_review` |
//! | 6 | a policy that fails runs nothing; an identity that is nobody, or that nobody vouched for, counts for nothing | `a_ledger_that_cannot_be_read_keeps_the_body_shut`, `a_requester_who_does_not_resolve_cannot_be_excluded_and_so_cannot_ask` |
//! | 7 | while a body runs, the ledger says so and nothing else | `a_free_call_of_risk_medium_is_durable_with_its_arguments_before_its_body` |
//! | 8 | what is Executing has a living owner or a successor that will close it; no second attempt undeclared | `a_process_that_was_killed_in_the_body_is_found_by_its_successor` |
//! | 9 | one open request per key; no caller is refused its own; no holder loses it to another's leaving | `a_key_belongs_to_its_agent_and_namespace` |
//! | 10 | a claim does not pass what policy or directory said when its waiter woke | `a_policy_that_asks_for_more_by_now_does_not_judge_the_approval_anew`, `a_policy_that_asks_for_less_or_nothing_by_now_opens_nothing` |
//! | 11 | every answer, cancellation and reconciliation is on record once; what does not count moves no version | `the_first_stranger_is_recorded_at_once_and_a_flood_as_one_number_a_minute` |
//!
//! Beside them: the two clocks, and no permit that nobody is left to use. Laws 12 to 15 are about secrets, text, time and
//! errors, which are not in this model: `tests/laws` has them.
//!
//! Assumed: a store that is linearizable and stamps, `lost` only for a process that is dead, a person who reconciles only
//! what is. Not here: signatures, and editing, which does not exist.
//!
//! # How to run it
//!
//! ```sh
//! cargo test -p approvals-model -- --nocapture       # every configuration and every defect, with states and times
//! cargo test -p approvals-model --test laws -- --ignored --nocapture     # larger bounds, one of two nodes first
//! ```
//!
//! The larger run takes `APPROVALS_MODEL_STATES` (after how many looks at a state a configuration is left, 20 million if
//! not given) and `APPROVALS_MODEL_MORE` (by how much each budget of crashes, drops, lost replies, … is raised, 0 if not given).

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
mod walk;
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
pub use self::walk::Walked;
pub use self::world::{Action, Broken, Judged, Left, Policy, Protocol, Request, World};
