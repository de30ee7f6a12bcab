//! Scripts of our pages.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::skip;

/// What a script of Python prints. `None` where there is no Python, which is said as a [`skip`] of that test.
///
/// # Panics
/// If the script fails.
pub fn python(test: &str, script: &str) -> Option<String> {
    let python = Command::new("python3")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn();
    let mut python = match python {
        Ok(python) => python,
        Err(error) => {
            skip(test, &format!("python3: {error}"));
            return None;
        }
    };
    let given = python.stdin.take().map(|mut stdin| stdin.write_all(script.as_bytes()));
    let output = python.wait_with_output();
    assert!(matches!(given, Some(Ok(()))), "python3 took no script: {given:?}");
    let done = output.as_ref().ok().filter(|output| output.status.success());
    let printed = done.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    assert!(printed.is_some(), "the script failed: {output:?}");
    printed
}
