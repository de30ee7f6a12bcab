//! A program behind a pseudo-terminal, and the person in front of it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use nix::pty::{OpenptyResult, Winsize, openpty};

use crate::program::SCENARIO;

/// Longer than any step takes, so that a test that hangs says where.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Session {
    program: Child,
    keyboard: File,
    screen: Screen,
    seen: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Stdin,
    Stderr,
}

/// Where the program stands at its terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Front,
    Background,
}

type Screen = Arc<(Mutex<(String, bool)>, Condvar)>;

impl Session {
    /// Starts the program in a scenario, with a terminal as stdin and stderr.
    pub(crate) fn start(scenario: &str) -> Self {
        Self::start_after_typing(scenario, "")
    }

    /// The same, with something typed while the program is not there yet.
    pub(crate) fn start_after_typing(scenario: &str, typed: &str) -> Self {
        Self::spawn(program(scenario), typed, &[Stream::Stdin, Stream::Stderr])
    }

    /// With a terminal as stdin only.
    pub(crate) fn start_blind(scenario: &str) -> Self {
        Self::spawn(program(scenario), "", &[Stream::Stdin])
    }

    /// With a terminal as stderr only, and input from a pipe, as in `echo approve | program`.
    pub(crate) fn start_piped(scenario: &str, input: &str) -> Self {
        let mut session = Self::spawn(program(scenario), "", &[Stream::Stderr]);
        // The program may end without having read a byte.
        let _ = session.program.stdin.take().unwrap().write_all(input.as_bytes());
        session
    }

    /// The same as [`start`](Self::start) in a session of its own, which the terminal controls. `None` where there
    /// is no program to make one with.
    pub(crate) fn start_controlled(scenario: &str, place: Place) -> Option<Self> {
        Command::new("setsid").arg("--version").output().ok()?;
        let inner = program(scenario);
        let mut outer = Command::new("setsid");
        outer.args(["--ctty", "--wait"]);
        if place == Place::Background {
            outer.args(["sh", "-mc", "\"$0\" \"$@\" <&0 & wait $!"]);
        }
        outer.arg(inner.get_program()).args(inner.get_args()).env(SCENARIO, scenario);
        Some(Self::spawn(outer, "", &[Stream::Stdin, Stream::Stderr]))
    }

    /// With a terminal of so many columns.
    pub(crate) fn start_wide(scenario: &str, columns: u16) -> Self {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        Self::spawn_at(
            openpty(Some(&size), None).unwrap(),
            program(scenario),
            "",
            &[Stream::Stdin, Stream::Stderr],
        )
    }

    /// What the terminal shows by now.
    pub(crate) fn screen(&self) -> String {
        self.screen.0.lock().unwrap().0.clone()
    }

    fn spawn(command: Command, typed: &str, at_terminal: &[Stream]) -> Self {
        Self::spawn_at(openpty(None, None).unwrap(), command, typed, at_terminal)
    }

    fn spawn_at(pty: OpenptyResult, mut command: Command, typed: &str, at_terminal: &[Stream]) -> Self {
        let mut keyboard = File::from(pty.master);
        keyboard.write_all(typed.as_bytes()).unwrap();
        let terminal: OwnedFd = pty.slave;
        let stream = |stream, or: Stdio| match at_terminal.contains(&stream) {
            true => Stdio::from(terminal.try_clone().unwrap()),
            false => or,
        };
        command.stdin(stream(Stream::Stdin, Stdio::piped()));
        command.stderr(stream(Stream::Stderr, Stdio::null())).stdout(Stdio::piped());
        let program = command.spawn().unwrap();
        // The screen ends with the program once nobody here holds its end of the terminal.
        drop((command, terminal));
        let screen = Screen::default();
        watch(keyboard.try_clone().unwrap(), Arc::clone(&screen));
        Self { program, keyboard, screen, seen: 0 }
    }

    /// Waits until the terminal shows a text that was not waited for before.
    pub(crate) fn until(&mut self, text: &str) {
        let (shown, more) = &*self.screen;
        let find = |shown: &str| shown[self.seen..].find(text).map(|at| self.seen + at + text.len());
        let pending = |shown: &mut (String, bool)| find(&shown.0).is_none() && !shown.1;
        let (shown, _) = more.wait_timeout_while(shown.lock().unwrap(), PATIENCE, pending).unwrap();
        match find(&shown.0) {
            Some(seen) => self.seen = seen,
            None => panic!("`{text}` was never shown: {:?}", shown.0),
        }
    }

    pub(crate) fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// What the program wrote to stdout, once it has ended.
    pub(crate) fn end(mut self) -> String {
        let mut told = String::new();
        self.program.stdout.take().unwrap().read_to_string(&mut told).unwrap();
        assert!(self.program.wait().unwrap().success(), "{told}\n{:?}", self.screen.0.lock().unwrap().0);
        told
    }
}

fn watch(mut terminal: File, screen: Screen) {
    thread::spawn(move || {
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        // A terminal whose program is gone reads as an error.
        while let Ok(count @ 1..) = terminal.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..count]);
            screen.0.lock().unwrap().0 = String::from_utf8_lossy(&bytes).into_owned();
            screen.1.notify_all();
        }
        screen.0.lock().unwrap().1 = true;
        screen.1.notify_all();
    });
}

/// This test binary, as the program.
fn program(scenario: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "program::runs", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(SCENARIO, scenario).env("NO_COLOR", "1").env_remove("COLUMNS");
    command.env("USER", "mallory").env("LOGNAME", "mallory");
    command
}
