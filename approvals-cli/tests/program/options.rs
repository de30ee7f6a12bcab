use crate::bench::{Ask, Bench, Ran};

#[test]
fn global_options_stand_before_or_after_the_verb() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default()).to_string();
    std::fs::create_dir(bench.path("elsewhere")).unwrap();
    let over = |args: &[&str]| Ran::of(bench.command(args).current_dir(bench.path("elsewhere")));
    let before = over(&["--store", "../approvals.db", "--json", "list"]).ends(0);
    let after = over(&["list", "--json", "--store", "../approvals.db"]).ends(0);
    assert_eq!(before.json()[0]["id"], id);
    assert_eq!(before.out, after.out);
    // The people are beside the store, wherever the program runs.
    over(&["--store", "../approvals.db", "approve", &id, "--json"]).ends(0);
}

#[test]
fn the_store_may_be_named_by_the_environment_and_an_option_wins() {
    let bench = Bench::new();
    bench.ask(Ask::default());
    std::fs::rename(bench.path("approvals.db"), bench.path("moved.db")).unwrap();
    for suffix in ["-wal", "-shm", ".key"] {
        let _ = std::fs::rename(
            bench.path(&format!("approvals.db{suffix}")),
            bench.path(&format!("moved.db{suffix}")),
        );
    }
    let named = Ran::of(bench.command(["list", "--json"]).env("APPROVALS_STORE", "moved.db")).ends(0);
    assert_eq!(named.json().as_array().unwrap().len(), 1);
    let mut both = bench.command(["list", "--store", "moved.db", "--json"]);
    let both = Ran::of(both.env("APPROVALS_STORE", "missing.db")).ends(0);
    assert_eq!(both.out, named.out);
}

#[test]
fn a_store_that_is_not_there_is_an_error_and_is_not_made() {
    let bench = Bench::new();
    for verb in [&["list"][..], &["show", "0192f0c1"], &["approve", "0192f0c1"], &["log", "--follow"]] {
        let ran = bench.run([verb, &["--store", "missing.db"]].concat()).ends(1);
        assert!(ran.err.starts_with("error: there is no store at `missing.db`"), "{ran:?}");
        assert!(ran.err.contains("--store PATH") && ran.err.contains("APPROVALS_STORE"), "{ran:?}");
        assert_eq!((ran.err.lines().count(), ran.out.as_str()), (1, ""));
    }
    assert!(!bench.path("missing.db").exists());
    let told = bench.run(["list", "--json", "--store", "missing.db"]).ends(1).json();
    assert_eq!(told["exit"], 1);
    assert!(told["error"].as_str().unwrap().contains("missing.db"));
}

#[test]
fn a_file_that_is_no_store_is_an_error_and_stays_as_it_is() {
    let bench = Bench::new();
    for content in ["no database at all ".repeat(500), String::new()] {
        std::fs::write(bench.path("other.db"), &content).unwrap();
        for verb in [&["list"][..], &["approve", "0192f0c1"], &["log"]] {
            let ran = bench.run([verb, &["--store", "other.db"]].concat()).ends(1);
            assert!(ran.err.contains("other.db"), "{ran:?}");
        }
        assert_eq!(std::fs::read_to_string(bench.path("other.db")).unwrap(), content);
    }
    bench.run(["list", "--store", "."]).ends(1);
}

#[test]
fn wrong_usage_ends_with_two_and_help_and_version_with_zero() {
    let bench = Bench::new();
    for args in [&[][..], &["frobnicate"], &["show"], &["list", "--frobnicate"], &["log", "--after", "-1"]] {
        bench.run(args).ends(2);
    }
    let help = bench.run(["--help"]).ends(0);
    assert!(help.out.contains("Exit codes") && help.out.contains("open_to_store"), "{help:?}");
    assert_eq!(bench.run(["--version"]).ends(0).out, format!("approvals {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn arguments_that_are_no_text_are_wrong_usage_or_an_error_and_never_a_panic() {
    use std::os::unix::ffi::OsStrExt as _;
    let bench = Bench::new();
    let raw = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    bench.run(["show".as_ref(), raw]).ends(2);
    bench.run(["list".as_ref(), "--store".as_ref(), raw]).ends(1);
    bench.run(["show", "\u{202e}\u{1b}[2J"]).ends(4);
    let ran = bench.run(["show", "\u{202e}\u{1b}[2J"]);
    assert!(!ran.err.contains(['\u{1b}', '\u{202e}']), "{ran:?}");
}
