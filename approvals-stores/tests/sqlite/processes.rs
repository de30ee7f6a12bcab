use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use approvals_core::id::{NodeName, Seq};
use approvals_core::ledger::{Filter, Store as _};
use approvals_core::request::Seed;
use approvals_core::state::{Phase, State};
use approvals_stores::{Sqlite, SqliteOptions};
use tempfile::tempdir;

use super::opened;
use super::support::{approve, claim, everything, numbered_id, open, run, up};

/// The requests that two processes race for.
const RACES: std::ops::Range<u64> = 900_000..900_020;

/// Another process of this test program, which plays one part of [`second_process`].
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn start(part: &str, store: &Path) -> Self {
        Self::start_with(part, store, |_| {})
    }

    fn start_with(part: &str, store: &Path, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        change(&mut command);
        let mut child = command
            .args(["--exact", "processes::second_process", "--ignored", "--nocapture"])
            .env("PART", part)
            .env("STORE", store)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, input, output: BufReader::new(output) }
    }

    /// What it says next; `None` when it has ended.
    fn says(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            // The rest is the test harness talking.
            if let Some((_, said)) = line.trim_end().split_once("> ") {
                return Some(said.to_owned());
            }
        }
    }

    fn go(&mut self) {
        writeln!(self.input, "go").unwrap();
    }

    /// SIGKILL, and then whatever it had said before.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        std::iter::from_fn(|| self.says()).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn say(said: impl std::fmt::Display) {
    println!("\n> {said}");
}

fn wait_for_go() {
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[test]
#[ignore = "the others run it as their second process"]
fn second_process() {
    let path = std::env::var_os("STORE").expect("run by the other tests");
    let part = std::env::var("PART").unwrap();
    run(async {
        match part.as_str() {
            "open" => {
                say("ready");
                wait_for_go();
                match Sqlite::open(&path).await {
                    Ok(store) => {
                        let appended = store.append(up()).await.unwrap();
                        assert!(appended.seq > Seq::START);
                        let secret = store.key().digest("token", &"x");
                        say(Seed::from_bytes([1; 32]).commit_secret("token", &secret).to_hex());
                    }
                    Err(e) => say(format_args!("{:?}: {e}", e.kind())),
                }
            }
            "read" => match Sqlite::open_with(&path, SqliteOptions::new().read_only()).await {
                Ok(store) => say(store.list(&Filter::default(), None, 10).await.unwrap().summaries.len()),
                Err(e) => say(format_args!("{:?}: {e}", e.kind())),
            },
            "claim" => {
                let store = Sqlite::open(&path).await.unwrap();
                say("ready");
                wait_for_go();
                for number in RACES {
                    match store.append(claim(numbered_id(number))).await {
                        Ok(_) => say("won"),
                        Err(e) => say(format_args!("{:?}", e.kind())),
                    }
                }
            }
            "append one" => {
                let store = Sqlite::open(&path).await.unwrap();
                say("ready");
                wait_for_go();
                store.append(up()).await.unwrap();
                // Alive until it is killed, so that nothing of its end wakes anybody.
                wait_for_go();
            }
            "hold" => {
                let store = Sqlite::open(&path).await.unwrap();
                let hold = store.hold_node(&NodeName::new("host/agent")).await.unwrap();
                say(if hold.is_some() { "held" } else { "taken" });
                wait_for_go();
            }
            "append" => {
                let store = Sqlite::open(&path).await.unwrap();
                loop {
                    match store.append(up()).await {
                        Ok(appended) => say(appended.seq),
                        Err(e) => {
                            say(format_args!("{:?}: {e}", e.kind()));
                            break;
                        }
                    }
                }
            }
            "append eight" => {
                let store = Sqlite::open(&path).await.unwrap();
                for _ in 0..8 {
                    match store.append(up()).await {
                        Ok(appended) => say(appended.seq),
                        Err(e) => say(format_args!("{:?}: {e}", e.kind())),
                    }
                }
            }
            part => panic!("no part `{part}`"),
        }
    });
}

async fn approved_for_the_races(path: &Path) -> Sqlite {
    let store = Sqlite::open(path).await.unwrap();
    for number in RACES {
        store.append(open(numbered_id(number))).await.unwrap();
        store.append(approve(numbered_id(number))).await.unwrap();
    }
    store
}

#[test]
fn of_two_processes_that_claim_one_wins() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let store = approved_for_the_races(&path).await;
        let mut processes = [Process::start("claim", &path), Process::start("claim", &path)];
        for process in &mut processes {
            assert_eq!(process.says().as_deref(), Some("ready"));
        }
        for process in &mut processes {
            process.go();
        }
        for number in RACES {
            let mut said = processes.each_mut().map(|process| process.says().unwrap());
            said.sort();
            assert_eq!(said, ["Conflict", "won"]);
            let history = store.history(numbered_id(number).into()).await.unwrap();
            assert_eq!(State::fold(&history).unwrap().phase(), Phase::Executing);
        }
    });
}

#[test]
fn one_approval_is_claimed_once_although_the_log_was_removed_under_a_writer() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let store = approved_for_the_races(&path).await;
        let fold = rusqlite::Connection::open(&path).unwrap();
        fold.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        drop(fold);
        for ending in ["-wal", "-shm"] {
            std::fs::remove_file(format!("{}{ending}", path.display())).unwrap();
        }
        let mut other = Process::start("claim", &path);
        assert_eq!(other.says().as_deref(), Some("ready"));
        other.go();
        let mut won = 0;
        for number in RACES {
            won += usize::from(other.says().as_deref() == Some("won"));
            let error = store.append(claim(numbered_id(number))).await.unwrap_err();
            assert!(error.to_string().contains("removed or replaced"), "{error}");
        }
        assert_eq!(won, RACES.count(), "the other process sees the same store and claims");
    });
}

#[test]
fn processes_that_make_a_store_at_once_agree_on_tables_and_key() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let mut processes: Vec<_> = (0..4).map(|_| Process::start("open", &path)).collect();
        for process in &mut processes {
            assert_eq!(process.says().as_deref(), Some("ready"));
        }
        for process in &mut processes {
            process.go();
        }
        let mut said: Vec<_> = processes.iter_mut().map(|process| process.says().unwrap()).collect();
        said.dedup();
        assert_eq!(said.len(), 1, "{said:?}");
        let store = Sqlite::open(&path).await.unwrap();
        assert_eq!(store.last().await.unwrap(), Seq(4));
    });
}

#[test]
fn a_commit_of_another_process_wakes_a_waiter() {
    run(async {
        let (_folder, path, store) = opened().await;
        let mut other = Process::start("append one", &path);
        assert_eq!(other.says().as_deref(), Some("ready"));
        let waiting = tokio::spawn({
            let store = store.clone();
            async move { store.wait_past(Seq::START).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        other.go();
        waiting.await.unwrap().unwrap();
        assert_eq!(store.last().await.unwrap(), Seq(1));
        other.kill();
    });
}

#[test]
fn a_node_name_is_held_once_and_a_killed_process_lets_go_of_it() {
    run(async {
        let (_folder, path, store) = opened().await;
        let name = NodeName::new("host/agent");
        let hold = store.hold_node(&name).await.unwrap();
        assert!(hold.is_some());
        assert!(store.hold_node(&name).await.unwrap().is_none());
        assert!(store.hold_node(&NodeName::new("host/agent/2")).await.unwrap().is_some());
        drop(hold);

        let mut other = Process::start("hold", &path);
        assert_eq!(other.says().as_deref(), Some("held"));
        assert!(store.hold_node(&name).await.unwrap().is_none());
        other.kill();
        assert!(store.hold_node(&name).await.unwrap().is_some());
    });
}

#[test]
fn a_killed_process_loses_nothing_that_was_answered() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let mut answered = 0;
        for round in 1..=5 {
            let mut other = Process::start("append", &path);
            for _ in 0..round * 7 {
                answered = other.says().unwrap().parse().unwrap();
            }
            if let Some(last) = other.kill().last() {
                answered = last.parse().unwrap();
            }
            let store = Sqlite::open(&path).await.unwrap();
            let kept = everything(&store).await.unwrap();
            assert!(kept.len() as u64 >= answered, "{} of {answered} are left", kept.len());
            // The lock of the dead is free, and the ledger goes on without a gap.
            let appended = store.append(up()).await.unwrap();
            assert_eq!(appended.seq, Seq(kept.len() as u64 + 1));
            store.close().await;
        }
    });
}

#[test]
fn a_write_that_the_system_refuses_is_an_error_and_loses_nothing_that_was_answered() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        Sqlite::open(&path).await.unwrap().close().await;
        // The kernel refuses to let a file of this process grow past a quarter of a megabyte.
        let mut other = Process::start_with("append", &path, |command| {
            let program = command.get_program().to_owned();
            *command = Command::new("sh");
            command.args(["-c", "trap '' XFSZ; ulimit -f 512; exec \"$0\" \"$@\""]).arg(program);
        });
        let mut answered = 0;
        let error = loop {
            let said = other.says().unwrap();
            match said.parse::<u64>() {
                Ok(seq) => answered = seq,
                Err(_) => break said,
            }
        };
        assert!(answered > 0);
        assert!(error.contains(path.to_str().unwrap()) && error.contains("check its disk"), "{error}");
        let store = Sqlite::open(&path).await.unwrap();
        assert!(store.last().await.unwrap() >= Seq(answered));
        everything(&store).await.unwrap();
        store.append(up()).await.unwrap();
    });
}

#[test]
fn a_sync_that_fails_fails_its_commit_alone() {
    let strace = ["-f", "-qq", "-o", "/dev/null", "-e", "inject=fsync,fdatasync:error=EIO:when=4"];
    let works = Command::new("strace").args(strace).arg("true").status();
    if !works.is_ok_and(|status| status.success()) {
        println!("skipped: there is no strace here that may inject faults");
        return;
    }
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        Sqlite::open(&path).await.unwrap().close().await;
        // Counted for each thread: the disk fails the thread that writes once, after some commits and before others.
        let mut other = Process::start_with("append eight", &path, |command| {
            let program = command.get_program().to_owned();
            *command = Command::new("strace");
            command.args(strace).arg(program);
        });
        let said: Vec<_> = std::iter::from_fn(|| other.says()).collect();
        let (failed, answered): (Vec<_>, Vec<_>) = said.iter().partition(|said| said.parse::<u64>().is_err());
        assert_eq!(answered, ["1", "2", "3", "4", "5", "6", "7"]);
        assert!(matches!(failed.as_slice(), [error] if error.contains("the system failed")), "{failed:?}");
        assert!(
            said.first() != failed.first().copied() && said.last() != failed.first().copied(),
            "{said:?}"
        );
        assert_eq!(everything(&Sqlite::open(&path).await.unwrap()).await.unwrap().len(), 7);
    });
}

#[test]
fn the_environment_gives_the_key() {
    run(async {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.db");
        let said = |key: &str| {
            let mut other = Process::start_with("open", &path, |command| {
                command.env("APPROVALS_STORE_KEY", key);
            });
            assert_eq!(other.says().as_deref(), Some("ready"));
            other.go();
            other.says().unwrap()
        };
        let first = said(&"ab".repeat(32));
        assert_eq!(first.len(), 64, "{first}");
        assert!(!path.with_extension("db.key").exists());
        assert_eq!(said(&"ab".repeat(32)), first);
        assert!(said("secret").contains("set it to 64 lower-case hexadecimal digits"));
        assert!(said(&"cd".repeat(32)).contains("not the one that"));
        assert!(Sqlite::open(&path).await.unwrap_err().to_string().contains("is gone"));
    });
}

/// Runs a part as a user who may read everything of the folder and write nothing; root becomes `nobody`.
fn unprivileged(part: &str, path: &Path) -> Process {
    Process::start_with(part, path, |command| {
        if std::fs::metadata(path.parent().unwrap()).unwrap().uid() == 0 {
            command.uid(65_534).gid(65_534);
        }
    })
}

#[test]
fn a_folder_that_may_not_be_written_can_be_read_while_a_writer_lives_and_else_is_a_clear_error() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;
    run(async {
        let (folder, path, store) = opened().await;
        store.append(open(numbered_id(1))).await.unwrap();
        for beside in ["a.db", "a.db-wal", "a.db-shm"] {
            set_permissions(folder.path().join(beside), Permissions::from_mode(0o444)).unwrap();
        }
        set_permissions(folder.path(), Permissions::from_mode(0o555)).unwrap();

        let mut other = unprivileged("open", &path);
        assert_eq!(other.says().as_deref(), Some("ready"));
        other.go();
        let said = other.says().unwrap();
        assert!(said.starts_with("ReadOnly") && said.contains(path.to_str().unwrap()), "{said}");
        let mut other = unprivileged("open", &folder.path().join("new.db"));
        assert_eq!(other.says().as_deref(), Some("ready"));
        other.go();
        let said = other.says().unwrap();
        assert!(said.starts_with("ReadOnly") && said.contains("new.db"), "{said}");

        assert_eq!(unprivileged("read", &path).says().as_deref(), Some("1"));
        store.close().await;
        let said = unprivileged("read", &path).says().unwrap();
        assert!(said.contains("read-only while a program that writes it has it open"), "{said}");
        set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    });
}
