//! The laws, one by one, as an agent meets them: gated functions, the mock, and a bench whose parts fail on demand.

#![cfg(test)]

// In the order of the laws: 1 and 6, 2 and 8, 8 await by await, 3 and 4, 5 and 13, 7 and 11, 9, 10, 12, the clocks
// and 14, 15; then races, a verdict that brings the claim along, a store that does not answer, stopping,
// followers and what surrounds them.
mod permit;

mod once;

mod starts;

mod dropped;

mod verdicts;

mod shown;

mod ledger;

mod keys;

mod frozen;

mod secrets;

mod time;

mod suspended;

mod words;

mod races;

mod fused;

mod late;

mod hanging;

mod offers;

mod stopping;

mod follow;

mod metrics;

mod backends;

mod riding;

mod building;

mod people;

mod scopes;

mod options;

mod handles;

mod reviewers;

mod hidden;

mod chain;

mod siblings;

mod panics;

mod by_hand;

mod bad_input;

mod stores;
mod support;
