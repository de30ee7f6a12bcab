//! A process, what it prints, and what is typed.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longer than any step takes under load: only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that is killed when the test is over, however it ends.
pub(crate) struct Run {
    child: Child,
    keyboard: Option<File>,
    printed: Arc<Printed>,
    /// How much of it was waited for.
    seen: usize,
}

/// How a process ended.
pub(crate) struct Ended {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    /// Everything that it printed, on stdout and stderr.
    pub(crate) text: String,
}

#[derive(Default)]
struct Printed {
    now: Mutex<Text>,
    more: Condvar,
}

#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    /// How many of its streams are open.
    open: usize,
}

impl Run {
    /// Starts a process without a terminal.
    pub(crate) fn start(mut command: Command) -> Self {
        let (read, write) = io::pipe().unwrap();
        command.stdin(Stdio::null()).stdout(write.try_clone().unwrap()).stderr(write);
        Self::spawn(command, None, vec![Box::new(read)])
    }

    /// Starts a process at a terminal of its own, with stdout elsewhere; the error if there are no terminals here.
    pub(crate) fn at_terminal(mut command: Command) -> nix::Result<Self> {
        let pty = openpty(None, None)?;
        // Copies, because these close themselves in the processes that other tests start at this moment.
        let keyboard = File::from(pty.master.try_clone().unwrap());
        let terminal: OwnedFd = pty.slave.try_clone().unwrap();
        drop(pty);
        let (read, write) = io::pipe().unwrap();
        command.stdin(terminal.try_clone().unwrap()).stderr(terminal).stdout(write);
        let screen = keyboard.try_clone().unwrap();
        Ok(Self::spawn(command, Some(keyboard), vec![Box::new(read), Box::new(screen)]))
    }

    fn spawn(mut command: Command, keyboard: Option<File>, streams: Vec<Box<dyn Read + Send>>) -> Self {
        let child = command.spawn().unwrap();
        // With it go our ends of its streams, which would otherwise never end.
        drop(command);
        let printed = Arc::new(Printed::default());
        printed.now.lock().unwrap().open = streams.len();
        for stream in streams {
            let printed = Arc::clone(&printed);
            thread::spawn(move || printed.take(stream));
        }
        Self { child, keyboard, printed, seen: 0 }
    }

    /// Waits for a text that was not waited for before.
    pub(crate) fn until(&mut self, text: &str) {
        self.seen += self.wait_for(text, |unseen| unseen.find(text).map(|at| at + text.len()));
    }

    /// Waits for a line that holds a text and was not waited for before.
    pub(crate) fn line(&mut self, text: &str) -> String {
        let find = |unseen: &str| {
            let at = unseen.find(text)?;
            let start = unseen[..at].rfind('\n').map_or(0, |end| end + 1);
            let length = unseen[at..].find('\n')?;
            Some((unseen[start..at + length].to_owned(), at + length))
        };
        let (line, end) = self.wait_for(text, find);
        self.seen += end;
        line
    }

    /// Types at its terminal.
    pub(crate) fn types(&mut self, text: &str) {
        self.keyboard.as_mut().expect("it has a terminal").write_all(text.as_bytes()).unwrap();
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.child.id().try_into().unwrap());
        kill(id, signal).unwrap();
    }

    /// Ends it as `kill -9` does; what it printed.
    pub(crate) fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.end().text
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let text = self.printed.wait(|text| (text.open == 0).then(|| text.all()));
        let text = text.unwrap_or_else(|all| panic!("it does not end; it printed:\n{all}"));
        Ended { code: self.child.wait().unwrap().code(), text }
    }

    fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let found = self.printed.wait(|text| {
            let all = text.all();
            match find(&all[self.seen..]) {
                Some(found) => Some(Ok(found)),
                None if text.open == 0 => Some(Err(all)),
                None => None,
            }
        });
        let found = found.and_then(|found| found);
        found.unwrap_or_else(|all| panic!("`{what}` was not printed, but this:\n{all}"))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // It fails for one that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Printed {
    fn take(&self, mut stream: impl Read) {
        let mut buffer = [0; 4096];
        // A terminal whose process is gone reads as an error.
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            self.now.lock().unwrap().bytes.extend_from_slice(&buffer[..count]);
            self.more.notify_all();
        }
        self.now.lock().unwrap().open -= 1;
        self.more.notify_all();
    }

    /// Looks after every piece that is printed until something is found; everything printed, if that takes too long.
    fn wait<T>(&self, find: impl Fn(&Text) -> Option<T>) -> Result<T, String> {
        let mut found = None;
        let text = self.now.lock().unwrap();
        let (text, _) = self
            .more
            .wait_timeout_while(text, PATIENCE, |text| {
                found = find(text);
                found.is_none()
            })
            .unwrap();
        found.ok_or_else(|| text.all())
    }
}

impl Text {
    /// Of a character that is not there in full, nothing.
    fn all(&self) -> String {
        let complete = self.bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        complete.to_owned()
    }
}
