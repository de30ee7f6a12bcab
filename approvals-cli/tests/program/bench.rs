//! A store in a folder of its own, and the program run over it.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use approvals::id::{AgentId, RequestId};
use approvals::ledger::{Append, Env, Event, IgnoredWhy, NewEvent, Payload, Record, Store, Stream};
use approvals::people::Requester;
use approvals::request::{ArgumentFact, ArgumentValue, CallFacts, Requested, Requirement, Seed, Terms};
use approvals::state::{Phase, State};
use approvals::{Principal, Risk, Sqlite};
use serde_json::Value;

/// The name that the operating system gives whoever runs the tests.
pub(crate) fn me() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).unwrap();
    user.map_or_else(|| format!("uid:{}", nix::unistd::getuid()), |user| user.name)
}

/// What is asked for. Change a field to ask for something else.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) id: RequestId,
    pub(crate) action: &'static str,
    pub(crate) agent: AgentId,
    pub(crate) owner: Principal,
    pub(crate) on_behalf_of: Option<Principal>,
    pub(crate) argument: String,
    pub(crate) requirement: Requirement,
    pub(crate) open_to_store: bool,
    pub(crate) erased: bool,
}

impl Default for Ask {
    fn default() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(1);
        Self {
            id: id(COUNT.fetch_add(1, Ordering::Relaxed)),
            action: "dataset.export",
            agent: "deploy-bot".into(),
            owner: "olga".into(),
            on_behalf_of: None,
            argument: "customers".to_owned(),
            requirement: Requirement::at(Risk::High),
            open_to_store: true,
            erased: false,
        }
    }
}

/// An id that shares its first 24 digits with the others.
pub(crate) fn id(number: u64) -> RequestId {
    format!("0192f0c1-7a3e-7c2b-9d55-{number:012x}").parse().unwrap()
}

pub(crate) struct Bench {
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
    pub(crate) store: Sqlite,
}

impl Bench {
    /// An empty store beside a `people.toml` in which the user of the tests is `dana`, and `olga` and `kim` are others.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let store = runtime.block_on(Sqlite::open(folder.path().join("approvals.db"))).unwrap();
        let bench = Self { folder, runtime, store };
        bench.people(&format!(
            "[people.dana]\nname = \"Dana W.\"\nidentities = {{ os = [{:?}] }}\n[people.olga]\n[people.kim]\n",
            me()
        ));
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn people(&self, toml: &str) {
        std::fs::write(self.path("people.toml"), toml).unwrap();
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        let bounded = async { tokio::time::timeout(Duration::from_secs(60), future).await };
        self.runtime.block_on(bounded).expect("a failure's bound: nothing takes that long")
    }

    /// Opens a request, as an agent would.
    pub(crate) fn ask(&self, ask: Ask) -> RequestId {
        let mut payload = Payload::new(Seed::from_bytes([7; 32]));
        let argument = ArgumentValue::Shown(payload.commit_text("arguments.dataset", &ask.argument));
        let call = CallFacts {
            action: ask.action.to_owned(),
            risk: ask.requirement.risk,
            sensitivity: None,
            arguments: vec![ArgumentFact { name: "dataset".to_owned(), value: argument }],
            reason: None,
            resource: None,
            labels: Default::default(),
            requester: Requester { agent: ask.agent, owner: ask.owner, on_behalf_of: ask.on_behalf_of },
            rerunnable: false,
            quorum: None,
        };
        let terms = Terms {
            requirement: ask.requirement,
            policy: "test/1".into(),
            nonce: ask.id.to_string(),
            build: "test".to_owned(),
            open_to_store: ask.open_to_store,
            round: None,
            inside: approvals::request::Chain::default(),
        };
        let requested = Event::Requested((Requested { call, terms }).into());
        let payload = (!ask.erased).then_some(payload);
        self.append(ask.id, NewEvent { event: requested, payload, signature: None });
        ask.id
    }

    pub(crate) fn append(&self, id: RequestId, event: impl Into<NewEvent>) {
        let event = event.into();
        let stream = Stream::Request(id);
        let expected = (!event.event.is_note()).then(|| self.state(id).version());
        let append =
            Append { stream, expected, env: Env::Live, node: "host/deploy-bot".into(), events: vec![event] };
        self.wait(self.store.append(append)).unwrap();
    }

    /// What a process says of itself.
    pub(crate) fn system(&self, node: &str, event: Event) {
        let (stream, events) = (Stream::System, vec![event.into()]);
        let append = Append { stream, expected: None, env: Env::Live, node: node.into(), events };
        self.wait(self.store.append(append)).unwrap();
    }

    pub(crate) fn history(&self, id: RequestId) -> Vec<Record> {
        self.wait(self.store.history(Stream::Request(id))).unwrap()
    }

    pub(crate) fn state(&self, id: RequestId) -> State {
        State::fold(&self.history(id)).unwrap()
    }

    pub(crate) fn phase(&self, id: RequestId) -> Phase {
        self.state(id).phase()
    }

    pub(crate) fn digest(&self, id: RequestId) -> String {
        self.state(id).opened().unwrap().digest.to_hex()
    }

    /// Why the last record of a request does not count.
    pub(crate) fn last_ignored(&self, id: RequestId) -> Option<IgnoredWhy> {
        match &self.history(id).last()?.body.event {
            Event::Ignored(ignored) => Some(ignored.why),
            _ => None,
        }
    }

    /// The program, to be run in the folder.
    pub(crate) fn command<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_approvals"));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_remove("APPROVALS_STORE").env_remove("APPROVALS_STORE_KEY").env_remove("COLUMNS");
        command
    }

    /// Runs the program in the folder to its end.
    pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// Runs a verb on one request.
    pub(crate) fn on(&self, verb: &str, id: RequestId, more: &[&str]) -> Ran {
        let id = id.to_string();
        self.run([&[verb, id.as_str()], more].concat())
    }
}

/// How the program ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What it printed, as one JSON value.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

/// The program while it runs, read line by line; killed if the test ends before it.
pub(crate) struct Running {
    child: Child,
    out: Option<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let out = child.stdout.take().map(BufReader::new);
        Self { child, out }
    }

    /// Waits for the next line.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.out.as_mut().unwrap().read_line(&mut line).unwrap();
        assert_ne!(read, 0, "the program has ended");
        line
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    }

    /// Closes the reader's end, as `head` does when it has enough.
    pub(crate) fn stop_reading(&mut self) {
        self.out = None;
    }

    /// Waits for the end of the program.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
