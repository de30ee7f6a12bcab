//! A target for every parser of outside bytes: what it reads, and what has to hold of what it makes of it.
//!
//! `tests/replay.rs` runs each over its corpus, with whatever the tests are run with; `scripts/fuzz` lets libFuzzer look
//! for inputs that reach further. A target takes what it judges as an argument where a test has to show that it would
//! notice a defect (`tests/bites.rs`).

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a target that finds something has to stop the run"
)]

mod input;
mod oracle;
pub mod smoke;
pub mod targets;
mod world;

/// A parser, under its name.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which its corpus has too.
    pub name: &'static str,
    /// Runs it on an input; panics where a property does not hold.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "answers", run: targets::answers::run },
    Target { name: "arguments", run: targets::arguments::run },
    Target { name: "attribute", run: targets::attribute::run },
    Target { name: "callback", run: targets::callback::run },
    Target { name: "card", run: targets::card::run },
    Target { name: "columns", run: targets::terminal::columns::run },
    Target { name: "cursor", run: targets::cursor::run },
    Target { name: "decision", run: targets::decision::run },
    Target { name: "document", run: targets::document::run },
    Target { name: "endpoint", run: targets::endpoint::run },
    Target { name: "foreign_file", run: targets::foreign_file::run },
    Target { name: "headers", run: targets::headers::run },
    Target { name: "history", run: targets::history::run },
    Target { name: "ids", run: targets::ids::run },
    Target { name: "key", run: targets::key::run },
    Target { name: "key_file", run: targets::key_file::run },
    Target { name: "keyboard", run: targets::terminal::keyboard::run },
    Target { name: "manifest", run: targets::manifest::run },
    Target { name: "pages", run: targets::pages::run },
    Target { name: "payload", run: targets::payload::run },
    Target { name: "people", run: targets::people::run },
    Target { name: "quorum", run: targets::quorum::run },
    Target { name: "record", run: targets::record::run },
    Target { name: "retry_after", run: targets::retry_after::run },
    Target { name: "review", run: targets::review::run },
    Target { name: "signature", run: targets::signature::run },
    Target { name: "store_file", run: targets::store_file::run },
    Target { name: "text", run: targets::text::run },
    Target { name: "time", run: targets::time::run },
    Target { name: "typed", run: targets::terminal::typed::run },
    Target { name: "url", run: targets::url::run },
    Target { name: "value", run: targets::value::run },
];

/// The target of a name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().copied().find(|target| target.name == name)
}
