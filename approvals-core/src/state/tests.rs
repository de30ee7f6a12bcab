//! What a request may and may not become, row by row, and what holds over every history.

mod clocks;
pub(crate) mod histories;
pub(crate) mod kit;
mod order;
mod people;
mod prospect;
mod table;
