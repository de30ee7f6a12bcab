//! Every shape of function that `#[requires_approval]` takes: called, denied, approved, and looked at.
//!
//! The lints are those of the strictest user. They judge the expansion too.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::pedantic)]
#![deny(future_incompatible, let_underscore, nonstandard_style, rust_2018_idioms)]
#![deny(explicit_outlives_requirements, redundant_lifetimes, single_use_lifetimes, unused_lifetimes)]
#![deny(trivial_casts, trivial_numeric_casts, unit_bindings, unused_import_braces, unused_qualifications)]
#![cfg(test)]

mod arguments;
mod bodies;
mod boxed;
mod future;
mod receivers;
mod results;
mod retries;
mod support;
mod texts;
mod traits;
