use approvals::ledger::{CancelWhy, Event};
use serde_json::json;

use crate::bench::{Ask, Bench};

#[test]
fn a_backup_is_a_ledger_of_its_own_that_the_program_reads() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    let ran = bench.run(["backup", "copy.db"]).ends(0);
    assert_eq!(ran.out, "1 records are in `copy.db`\n");
    assert!(ran.err.contains("approvals.db.key"), "{}", ran.err);
    bench.append(id, Event::Cancelled { by: None, why: CancelWhy::Withdrawn });
    let copied = bench.run(["log", "--json", "--store", "copy.db"]).ends(0);
    assert_eq!(copied.out.lines().count(), 1);
    assert_eq!(bench.run(["log", "--json"]).ends(0).out.lines().next(), copied.out.lines().next());
}

#[test]
fn a_backup_replaces_nothing_and_says_so() {
    let bench = Bench::new();
    bench.ask(Ask::default());
    assert_eq!(
        bench.run(["backup", "copy.db", "--json"]).ends(0).json(),
        json!({ "backup": "copy.db", "records": 1 })
    );
    let again = bench.run(["backup", "copy.db"]).ends(1);
    assert!(again.err.contains("`copy.db`") && again.err.contains("another name"), "{}", again.err);
}

#[test]
fn a_store_that_is_not_there_is_not_backed_up() {
    let bench = Bench::new();
    let ran = bench.run(["backup", "copy.db", "--store", "nowhere.db"]).ends(1);
    assert!(ran.err.contains("there is no store"), "{}", ran.err);
    assert!(!bench.path("copy.db").exists());
}

#[test]
fn a_name_that_sqlite_would_take_for_a_uri_names_a_file_like_any_other() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    bench.ask(Ask::default());
    bench.run(["backup", "file:copy.db"]).ends(0);
    let copy = std::fs::metadata(bench.path("file:copy.db")).unwrap();
    assert!(copy.len() > 0);
    assert_eq!(copy.permissions().mode() & 0o777, 0o600);
    let beside = std::fs::read_dir(bench.path(".")).unwrap().map(|entry| entry.unwrap().file_name());
    let beside: Vec<_> = beside.map(|name| name.into_string().unwrap()).collect();
    assert!(!beside.iter().any(|name| name.starts_with("copy.db") || name.contains(".part")), "{beside:?}");
    let read = bench.run(["log", "--json", "--store", "file:copy.db"]).ends(0);
    assert_eq!(read.out.lines().count(), 1);
}
