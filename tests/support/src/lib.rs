//! What tests of several packages share.

mod at_once;
mod hand_on;
mod script;

use std::fs::OpenOptions;
use std::io::Write as _;

pub use self::at_once::at_once;
pub use self::hand_on::Answer;
pub use self::script::python;

/// Says that a test could not run here, and why. The test returns right after.
///
/// Prints `SKIPPED: <name>: <why>`, and appends the line to the file that `APPROVALS_SKIPPED` names, so that
/// `scripts/test` can count what did not run although cargo calls it passed.
///
/// # Panics
/// If that file cannot be written: a skip that nobody sees is a failure.
pub fn skip(name: &str, why: &str) {
    let line = format!("SKIPPED: {name}: {}\n", why.replace('\n', " "));
    eprint!("{line}");
    let Some(path) = std::env::var_os("APPROVALS_SKIPPED") else { return };
    // One write per line: tests of several processes append to one file.
    let written = OpenOptions::new().create(true).append(true).open(&path);
    let written = written.and_then(|mut file| file.write_all(line.as_bytes()));
    assert!(written.is_ok(), "cannot write to {}: {written:?}", path.display());
}
