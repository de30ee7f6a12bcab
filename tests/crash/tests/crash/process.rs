//! A process under the test's hand.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use approvals_crash::{Orders, Said};
use nix::sys::signal::Signal;

/// A process that was given orders. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub(crate) fn start(orders: &Orders) -> Self {
        Self::start_with(orders, |_| {})
    }

    pub(crate) fn start_with(orders: &Orders, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_approvals-crash"));
        command.arg(serde_json::to_string(orders).unwrap()).stdin(Stdio::piped()).stdout(Stdio::piped());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, output: BufReader::new(output) }
    }

    /// What it says next; `None` once it has ended.
    pub(crate) fn says(&mut self) -> Option<Said> {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        // A line is written at once: what lacks its end was not said.
        line.strip_suffix('\n').map(|line| line.parse().unwrap())
    }

    /// Everything that it still says.
    pub(crate) fn rest(&mut self) -> Vec<Said> {
        std::iter::from_fn(|| self.says()).collect()
    }

    /// Gives it a word to go on. One that has ended meanwhile needs none.
    pub(crate) fn go(&mut self) {
        let _ = writeln!(self.input, "go");
    }

    /// SIGKILL. Returns what it had said, and whether that is what ended it.
    pub(crate) fn kill(&mut self) -> (Vec<Said>, bool) {
        let _ = self.child.kill();
        let said = self.rest();
        (said, self.was_killed())
    }

    pub(crate) fn was_killed(&mut self) -> bool {
        self.ended().signal() == Some(Signal::SIGKILL as i32)
    }

    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
