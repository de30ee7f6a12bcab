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
