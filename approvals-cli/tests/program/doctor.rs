use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use approvals::Risk;
use approvals::id::{ClaimId, NodeName};
use approvals::ledger::{Event, Store as _};
use approvals::request::{Quorum, Requirement};
use serde_json::Value;

use crate::bench::{Ask, Bench, me};

/// What was found of a kind, about whatever has this in its name.
fn found(report: &Value, check: &str, about: &str) -> Vec<Value> {
    let fits =
        |finding: &&Value| finding["check"] == check && finding["subject"].as_str().unwrap().contains(about);
    report["findings"].as_array().unwrap().iter().filter(fits).cloned().collect()
}

/// The only finding of that kind and severity.
#[track_caller]
fn one(report: &Value, severity: &str, check: &str, about: &str) -> Value {
    let mut all = found(report, check, about);
    all.retain(|finding| finding["severity"] == severity);
    assert_eq!(all.len(), 1, "{severity} {check} {about}: {report:#}");
    let finding = all.remove(0);
    let has_remedy = finding.get("remedy").is_some_and(Value::is_string);
    assert_eq!(has_remedy, severity != "ok", "a remedy for what is wrong alone: {finding:#}");
    finding
}

#[track_caller]
fn says(finding: &Value, text: &str) {
    let told = format!("{} {}", finding["says"], finding["remedy"]);
    assert!(told.contains(text), "`{text}` is not in {finding:#}");
}

fn look(bench: &Bench, code: i32) -> Value {
    bench.run(["doctor", "--json"]).ends(code).json()
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A bench whose folder and files are nobody else's, whatever the mask of whoever runs the tests.
fn tidy() -> Bench {
    let bench = Bench::new();
    chmod(&bench.path("people.toml"), 0o644);
    bench
}

#[test]
fn a_sound_store_has_no_problem_and_says_who_you_are() {
    let bench = tidy();
    bench.ask(Ask::default());
    let report = look(&bench, 0);
    assert_eq!((&report["problems"], &report["warnings"]), (&0.into(), &0.into()), "{report:#}");
    for check in
        ["store", "key", "disk", "integrity", "durability", "history", "clock", "policy", "people", "request"]
    {
        assert!(!found(&report, check, "").is_empty(), "{check} was not looked at: {report:#}");
    }
    says(&one(&report, "ok", "you", &format!("os/{}", me())), "you are dana, in no group");
    says(&one(&report, "ok", "you", "0192f0c1"), "you may approve or deny it here");
    let text = bench.run(["doctor"]).ends(0).out;
    assert!(text.ends_with("0 problems, 0 warnings\n") && text.contains("you are dana"), "{text}");
}

#[test]
fn to_look_changes_nothing_and_makes_no_file() {
    let bench = tidy();
    bench.ask(Ask::default());
    bench.wait(bench.store.close());
    let state = || -> BTreeMap<_, _> {
        let files = fs::read_dir(bench.path("")).unwrap().map(|entry| entry.unwrap().path());
        files
            .map(|file| {
                let meta = fs::metadata(&file).unwrap();
                let touched = (meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec(), meta.mode());
                (file.clone(), (touched, fs::read(&file).ok()))
            })
            .collect()
    };
    let before = state();
    assert!(!bench.path("approvals.db-wal").exists());
    look(&bench, 0);
    assert_eq!(state(), before);
}

#[test]
fn a_store_that_is_not_there_or_is_none_is_a_problem_and_is_not_made() {
    let bench = tidy();
    fs::write(bench.path("text.db"), "no database at all ".repeat(500)).unwrap();
    fs::write(bench.path("empty.db"), "").unwrap();
    nix::unistd::mkfifo(&bench.path("pipe.db"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    for (file, text) in [
        ("missing.db", "there is no store"),
        ("text.db", "is no database"),
        ("empty.db", "is empty"),
        ("pipe.db", "not a regular file"),
    ] {
        let report = bench.run(["doctor", "--json", "--store", file]).ends(5).json();
        says(&one(&report, "problem", "store", file), text);
    }
    assert!(!bench.path("missing.db").exists() && fs::read(bench.path("empty.db")).unwrap().is_empty());
}

#[test]
fn a_damaged_file_is_a_problem() {
    let bench = tidy();
    for _ in 0..20 {
        bench.ask(Ask::default());
    }
    bench.wait(bench.store.close());
    let file = bench.path("approvals.db");
    let mut bytes = fs::read(&file).unwrap();
    bytes[3 * 4096..6 * 4096].fill(0xa5);
    fs::write(&file, bytes).unwrap();
    let ran = bench.run(["doctor"]).ends(5);
    assert!(ran.out.contains("damaged") && ran.out.contains("restore the store from a backup"), "{ran:?}");
}

#[test]
fn a_key_that_others_can_read_does_not_fit_or_is_gone_is_told_and_nothing_of_it_is() {
    let bench = tidy();
    let key = bench.path("approvals.db.key");
    let text = fs::read_to_string(&key).unwrap();
    let told = |code| {
        let ran = bench.run(["doctor", "--json"]).ends(code);
        assert!(!ran.out.contains(&text[..8]) && !ran.err.contains(&text[..8]));
        ran.json()
    };
    says(&one(&told(0), "ok", "key", ".key"), "is that of this store");
    chmod(&key, 0o644);
    says(&one(&told(5), "problem", "key", ".key"), "chmod 600");
    chmod(&key, 0o600);
    fs::write(&key, "0".repeat(64)).unwrap();
    says(&one(&told(5), "problem", "key", ".key"), "not the one that");
    fs::remove_file(&key).unwrap();
    says(&one(&told(0), "warning", "key", ".key"), "APPROVALS_STORE_KEY");

    let with = |key: &str| {
        let mut command = bench.command(["doctor", "--json"]);
        crate::bench::Ran::of(command.env("APPROVALS_STORE_KEY", key))
    };
    says(&one(&with(&text).ends(0).json(), "ok", "key", "APPROVALS_STORE_KEY"), "is that of this store");
    let other = with(&"1".repeat(64)).ends(5);
    assert!(!other.out.contains("1111"), "{other:?}");
    one(&other.json(), "problem", "key", "APPROVALS_STORE_KEY");
}

#[test]
fn whoever_may_write_the_store_is_named() {
    let bench = tidy();
    let file = bench.path("approvals.db");
    let group = nix::unistd::Group::from_gid(nix::unistd::getgid()).unwrap().unwrap().name;
    says(&one(&look(&bench, 0), "ok", "store", "approvals.db"), &me());
    bench.wait(bench.store.close());
    chmod(&file, 0o660);
    says(&one(&look(&bench, 0), "ok", "store", "approvals.db"), &format!("group {group}"));
    chmod(&file, 0o644);
    says(&one(&look(&bench, 0), "warning", "store", "approvals.db"), "anybody on this machine may read it");
    chmod(&file, 0o666);
    says(&one(&look(&bench, 5), "problem", "store", "approvals.db"), "whoever writes it can approve");
    chmod(&file, 0o600);
    chmod(&bench.path(""), 0o777);
    says(&one(&look(&bench, 5), "problem", "folder", ""), "chmod o-w");
    chmod(&bench.path(""), 0o1777);
    assert_eq!(found(&look(&bench, 0), "folder", ""), Vec::<Value>::new());
    chmod(&bench.path(""), 0o770);
    says(&one(&look(&bench, 0), "warning", "folder", ""), &group);
}

#[test]
fn files_beside_the_store_that_stop_or_betray_others_are_problems() {
    let bench = tidy();
    let hold = bench.wait(bench.store.hold_node(&NodeName::new("host-bot"))).unwrap();
    chmod(&bench.path("approvals.db"), 0o660);
    chmod(&bench.path("approvals.db-wal"), 0o600);
    chmod(&bench.path("approvals.db-shm"), 0o660);
    let report = look(&bench, 5);
    says(&one(&report, "problem", "store", "-wal"), "not all who may write the store can write it");
    assert!(found(&report, "store", "-shm").is_empty());
    chmod(&bench.path("approvals.db-wal"), 0o666);
    says(&one(&look(&bench, 5), "problem", "store", "-wal"), "whoever writes it can approve");
    chmod(&bench.path("approvals.db-wal"), 0o660);
    chmod(&bench.path("approvals.db.nodes"), 0o770);
    says(&one(&look(&bench, 5), "problem", "locks", ".nodes"), "chmod 700");
    chmod(&bench.path("approvals.db.nodes"), 0o700);
    let lock = bench.path("approvals.db.nodes/other.lock");
    nix::unistd::mkfifo(&lock, nix::sys::stat::Mode::S_IRUSR).unwrap();
    says(&one(&look(&bench, 5), "problem", "locks", "other.lock"), "remove");
    drop(hold);
}

#[test]
fn a_pending_request_that_nobody_could_approve_is_a_problem() {
    let bench = tidy();
    let ask = |requirement| bench.ask(Ask { requirement, ..Ask::default() }).to_string();
    let of = |quorum| Requirement { quorum, ..Requirement::at(Risk::High) };
    let no_group = ask(of(Quorum::people_from(1, ["sre"])));
    let too_many = ask(of(Quorum::people(3)));
    let enough = ask(of(Quorum::people(2)));
    let strong = ask(Requirement::at(Risk::Critical));
    let closed = bench.ask(Ask { open_to_store: false, ..Ask::default() }).to_string();
    let report = look(&bench, 5);
    says(&one(&report, "problem", "request", &no_group), "1 person from sre, and 0 besides the requester");
    says(&one(&report, "problem", "request", &no_group), &format!("approvals cancel {no_group}"));
    says(&one(&report, "warning", "group", "sre"), "nobody is in it");
    says(&one(&report, "problem", "request", &too_many), "3 people, and 2 besides the requester");
    assert!(found(&report, "request", &enough).is_empty(), "olga is left out, and there are two more");
    // They may be on their way to people.
    says(&one(&report, "warning", "request", &strong), "the program `approvals` gives assurance `local`");
    says(&one(&report, "warning", "request", &closed), "not open to the program `approvals`");
}

#[test]
fn what_you_could_do_about_each_request_is_said_with_the_reason() {
    let bench = tidy();
    let mine = bench.ask(Ask { owner: "dana".into(), ..Ask::default() }).to_string();
    let closed = bench.ask(Ask { open_to_store: false, ..Ask::default() }).to_string();
    let strong =
        bench.ask(Ask { requirement: Requirement::at(Risk::Critical), ..Ask::default() }).to_string();
    let report = look(&bench, 0);
    says(&one(&report, "ok", "you", &mine), "take it back");
    says(&one(&report, "ok", "you", &closed), "not open to programs that read the store");
    says(&one(&report, "ok", "you", &strong), "you may deny it here, not approve it");
    bench.people("[people.kim]\nidentities.os = [\"somebody-else\"]\n[people.olga]\n[people.dana]\n");
    chmod(&bench.path("people.toml"), 0o644);
    let report = look(&bench, 0);
    says(
        &one(&report, "warning", "you", &me()),
        &format!("add `identities = {{ os = [\\\"{}\\\"] }}`", me()),
    );
}

#[test]
fn a_run_that_nobody_can_tell_of_comes_with_the_command_that_says_so() {
    let bench = tidy();
    let id = bench.ask(Ask::default());
    bench.on("approve", id, &[]).ends(0);
    let claim = ClaimId::from_uuid(id.as_uuid());
    let node = NodeName::new("host/deploy-bot");
    let held = bench.wait(bench.store.hold_node(&node)).unwrap();
    bench.system("host/deploy-bot", Event::Up { build: "test".to_owned(), policy: "test/1".into() });
    bench.append(id, Event::Started { claim });
    if cfg!(target_os = "linux") {
        let report = look(&bench, 0);
        says(&one(&report, "ok", "node", "deploy-bot"), "is up since");
        says(&one(&report, "ok", "run", &id.to_string()), "runs on host/deploy-bot");
        drop(held);
        let report = look(&bench, 5);
        says(&one(&report, "warning", "node", "deploy-bot"), "without a clean stop");
        says(&one(&report, "problem", "run", &id.to_string()), "is gone");
    }
    bench.system("host/deploy-bot", Event::Down {});
    let report = look(&bench, 5);
    assert!(found(&report, "node", "deploy-bot").is_empty(), "{report:#}");
    says(&one(&report, "problem", "run", &id.to_string()), "the process that claimed it is gone");
    bench.append(id, Event::Lost { claim });
    let report = look(&bench, 5);
    says(
        &one(&report, "problem", "run", &id.to_string()),
        &format!("approvals reconcile {id} --ran --reason"),
    );
}

#[test]
fn people_that_cannot_be_told_are_problems() {
    let bench = tidy();
    bench.ask(Ask { owner: "paul".into(), ..Ask::default() });
    says(&one(&look(&bench, 5), "problem", "people", "paul"), "not in the directory");

    let bench = tidy();
    let file = bench.path("people.toml");
    let with = |toml: &str, code| {
        bench.people(toml);
        look(&bench, code)
    };
    let twice = "[people.dana]\nidentities.os = [\"d\"]\n[people.kim]\nidentities.os = [\"d\"]\n";
    says(&one(&with(twice, 5), "problem", "people", "people.toml"), "belongs to `dana` and to `kim`");
    says(&one(&with("[people.dana]\nnmae = \"typo\"\n", 5), "problem", "people", "people.toml"), "nmae");
    let alike = "[people.dana]\nidentities.os = [\"d\"]\n[people.d2]\nidentities.slack = [\"Dana\"]\n";
    says(&one(&with(alike, 0), "warning", "people", "dana"), "fits d2 and dana");
    says(&one(&with("[people.dana]\n", 5), "problem", "people", "directory"), "nobody can be recognised");
    bench.people("[people.dana]\nidentities.os = [\"d\"]\n");
    chmod(&file, 0o666);
    says(&one(&look(&bench, 5), "problem", "people", "people.toml"), "become anybody here");
    chmod(&file, 0o664);
    says(&one(&look(&bench, 0), "warning", "people", "people.toml"), "become anybody here");
    fs::remove_file(&file).unwrap();
    says(&one(&look(&bench, 0), "warning", "people", "people.toml"), "--people PATH");
    let report = bench.run(["doctor", "--json", "--people", "nowhere.toml"]).ends(5).json();
    says(&one(&report, "problem", "people", "nowhere.toml"), "--people PATH");
}

#[test]
fn whoever_may_replace_the_people_is_told() {
    let bench = tidy();
    let (folder, other) = (tempfile::tempdir().unwrap(), bench.path("people.toml"));
    let file = folder.path().join("people.toml");
    fs::copy(&other, &file).unwrap();
    chmod(&file, 0o644);
    let subject = folder.path().to_str().unwrap();
    let look = |file: &Path, code| {
        let file = file.to_str().unwrap();
        bench.run(["doctor", "--json", "--people", file]).ends(code).json()
    };
    chmod(folder.path(), 0o777);
    let problem = one(&look(&file, 5), "problem", "people", subject);
    says(&problem, "become anybody here");
    says(&problem, &format!("chmod o-w {subject}"));
    chmod(folder.path(), 0o770);
    one(&look(&file, 0), "warning", "people", subject);
    chmod(folder.path(), 0o1777);
    assert_eq!(found(&look(&file, 0), "people", subject).len(), 1, "the file alone");
    // By a link, the folder of either may be the way in.
    let link = bench.path("linked.toml");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    chmod(folder.path(), 0o777);
    one(&look(&link, 5), "problem", "people", subject);
}

#[test]
fn the_name_of_a_file_is_no_part_of_the_command_that_mends_it() {
    let bench = tidy();
    for name in ["a;touch PWNED", "b; touch PWNED", "it's $(touch PWNED)"] {
        let folder = bench.path(name);
        fs::create_dir(&folder).unwrap();
        let (store, people) = (folder.join("approvals.db"), folder.join("people.toml"));
        fs::copy(bench.path("people.toml"), &people).unwrap();
        bench.run(["backup", store.to_str().unwrap()]).ends(0);
        let key = folder.join("approvals.db.key");
        fs::copy(bench.path("approvals.db.key"), &key).unwrap();
        for (file, mode) in [(&store, 0o666), (&people, 0o666), (&key, 0o644), (&folder, 0o777)] {
            chmod(file, mode);
        }
        let (store, people) = (store.to_str().unwrap(), people.to_str().unwrap());
        let report = bench.run(["doctor", "--json", "--store", store, "--people", people]).ends(5).json();
        let mut commands = 0;
        for finding in report["findings"].as_array().unwrap() {
            let remedy = finding["remedy"].as_str().unwrap_or_default();
            assert!(!remedy.starts_with("touch"), "{finding:#}");
            let Some(command) =
                remedy.strip_prefix("run `").map_or(Some(remedy), |rest| rest.strip_suffix('`'))
            else {
                panic!("{finding:#}")
            };
            if command.starts_with("chmod") {
                commands += 1;
                let mut shell = std::process::Command::new("sh");
                let done = shell.args(["-c", command]).current_dir(&folder).status().unwrap();
                assert!(done.success(), "{command}");
            }
        }
        assert!(commands >= 4, "{report:#}");
        assert!(!folder.join("PWNED").exists(), "{report:#}");
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o775);
    }
}

#[test]
fn hostile_text_in_the_ledger_is_visible_text() {
    let bench = tidy();
    let quorum = Quorum::people_from(1, ["sre\u{1b}[2J\nok       store fine"]);
    let requirement = Requirement { quorum, ..Requirement::at(Risk::High) };
    bench.ask(Ask {
        requirement,
        agent: "bot\u{202e}\nproblem".into(),
        owner: "pa\nul".into(),
        ..Ask::default()
    });
    for args in [&["doctor"][..], &["doctor", "--json"]] {
        let ran = bench.run(args).ends(5);
        assert!(!ran.out.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'), "{ran:?}");
        assert!(
            !ran.out.lines().any(|line| line.starts_with("ok       store fine") || line == "problem"),
            "{ran:?}"
        );
    }
}
