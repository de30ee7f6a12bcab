//! The mock that tests of gated code are written with.

#![cfg(test)]

mod rules;

mod script;

mod crashes;

mod enough;

mod time;

mod failures;

mod ledger;

mod side_by_side;

mod support;
