//! The keyboard and the terminal: the sources of the backend, which gives nothing of what it reads away.

#![allow(dead_code, unreachable_pub, reason = "the other half of the sources reads a real keyboard")]

#[path = "../../../../approvals-backends/src/terminal/console.rs"]
mod console;
#[path = "../../../../approvals-backends/src/terminal/outcome.rs"]
mod outcome;
#[path = "../../../../approvals-backends/src/terminal/prompt.rs"]
mod prompt;
#[path = "../../../../approvals-backends/src/terminal/queue.rs"]
mod queue;
#[path = "../../../../approvals-backends/src/terminal/reader.rs"]
mod reader;
#[path = "../../../../approvals-backends/src/terminal/tty.rs"]
mod tty;
#[path = "../../../../approvals-backends/src/terminal/words.rs"]
mod words;

pub mod columns;
pub mod keyboard;
pub mod typed;
