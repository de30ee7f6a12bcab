use crate::bench::{Bench, Ran};

const OLD: &str = r#"{"format": 1, "actions": [
    {"action": "cache.drop", "file": "src/cache.rs", "risk": "low"},
    {"action": "refund", "file": "src/refund.rs", "risk": "high", "reviewers": 2,
     "arguments": [{"name": "cents", "treatment": "shown"}]}
]}"#;
const NEW: &str = r#"{"format": 1, "actions": [
    {"action": "refund", "file": "src/refund.rs", "risk": "medium", "reviewers": 3,
     "arguments": [{"name": "cents", "treatment": {"skipped": "a\u001b[2Jnumber"}}]}
]}"#;

/// Where there is no store, over two files.
fn diff(old: &str, new: &str, more: &[&str]) -> Ran {
    let bench = Bench::new();
    std::fs::remove_file(bench.path("approvals.db")).unwrap();
    std::fs::write(bench.path("old.json"), old).unwrap();
    std::fs::write(bench.path("new.json"), new).unwrap();
    bench.run([&["manifest", "diff", "old.json", "new.json"], more].concat())
}

#[test]
fn the_same_gates_end_with_zero() {
    let ran = diff(OLD, OLD, &[]).ends(0);
    assert_eq!(ran.out, "no gate was added, removed or changed\n");
    let json = diff(OLD, OLD, &["--json"]).ends(0).json();
    assert_eq!(json, serde_json::json!({ "differs": false, "weakened": 0, "changes": [] }));
}

#[test]
fn another_gate_ends_with_three_and_each_change_has_a_line() {
    let ran = diff(OLD, NEW, &[]).ends(3);
    let lines: Vec<&str> = ran.out.lines().map(str::trim_start).collect();
    assert_eq!(lines.len(), 6, "{ran:?}");
    assert!(lines[0].contains("4 changes") && lines[0].contains("3 of them may weaken"), "{ran:?}");
    assert!(lines[1].starts_with("weakened: cache.drop: gate removed"), "{ran:?}");
    assert!(lines[2].starts_with("weakened: refund: risk was `high`, is `medium`"), "{ran:?}");
    assert!(lines[3].starts_with("strengthened: refund: reviewers"), "{ran:?}");
    assert!(lines[4].starts_with("weakened: refund: argument cents"), "{ran:?}");
    assert!(lines[5].starts_with("if this is meant"), "{ran:?}");
    assert!(!ran.out.contains('\u{1b}'), "{ran:?}");
    // A gate that is only new is to be looked at too.
    assert!(diff(r#"{"format":1,"actions":[]}"#, OLD, &[]).ends(3).out.contains("other: refund: gate added"));
}

#[test]
fn json_names_every_change() {
    let json = diff(OLD, NEW, &["--json"]).ends(3).json();
    assert_eq!((&json["differs"], &json["weakened"]), (&true.into(), &3.into()));
    let risk = &json["changes"][1];
    assert_eq!(
        [&risk["action"], &risk["part"], &risk["effect"], &risk["old"], &risk["new"]],
        ["refund", "risk", "weakened", "high", "medium"]
    );
    assert_eq!(json["changes"][3]["part"], "argument cents");
    assert!(json["changes"][0]["new"].is_null());
}

#[test]
fn a_file_that_tells_nothing_is_an_error_and_not_the_same() {
    for (old, new) in [("", NEW), (OLD, "{}"), (r#"{"format":2}"#, NEW)] {
        let ran = diff(old, new, &[]).ends(1);
        assert!(ran.err.starts_with("error: `") && ran.out.is_empty(), "{ran:?}");
    }
    let bench = Bench::new();
    let ran = bench.run(["manifest", "diff", "missing.json", "missing.json"]).ends(1);
    assert!(ran.err.contains("there is no manifest at `missing.json`"), "{ran:?}");
    // Opened, a pipe without a writer would be waited for without end.
    nix::unistd::mkfifo(&bench.path("pipe.json"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    for file in ["pipe.json", "."] {
        let ran = bench.run(["manifest", "diff", file, file]).ends(1);
        assert!(ran.err.contains("no regular file"), "{ran:?}");
    }
    bench.run(["manifest", "diff", "one.json"]).ends(2);
    bench.run(["manifest"]).ends(2);
}
