use approvals::Risk;
use approvals::ledger::{CancelWhy, Event};
use approvals::request::Requirement;

use crate::bench::{Ask, Bench};

#[test]
fn an_empty_store_lists_nothing_and_says_so_beside_the_output() {
    let bench = Bench::new();
    let ran = bench.run(["list"]).ends(0);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("approvals list --all"), "{ran:?}");
    assert_eq!(bench.run(["list", "--json"]).ends(0).out, "[]\n");
}

#[test]
fn a_line_of_the_table_has_the_whole_id_and_what_a_person_needs_to_choose() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    let ran = bench.run(["list"]).ends(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 2, "{ran:?}");
    let words: Vec<&str> = lines[1].split_whitespace().collect();
    let digest = bench.digest(id);
    assert_eq!(words[..5], [&id.to_string(), "high", "pending", "dataset.export", "deploy-bot"]);
    assert_eq!(words[6], &digest[..12]);
    assert_eq!(lines[0].find("DIGEST"), lines[1].find(&digest[..12]), "the columns stand under each other");
}

#[test]
fn json_is_an_array_of_objects_with_stable_names() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    let listed = bench.run(["list", "--json"]).ends(0).json();
    let [one] = listed.as_array().unwrap().as_slice() else { panic!("{listed}") };
    assert_eq!(one["id"], id.to_string());
    assert_eq!(one["action"], "dataset.export");
    assert_eq!(one["risk"], "high");
    assert_eq!(one["state"], "pending");
    assert_eq!(one["digest"], bench.digest(id));
    assert_eq!(one["requester"], "deploy-bot");
    assert_eq!(one["overdue"], false);
    assert_eq!(one["env"], "live");
    let deadline = bench.state(id).deadline().unwrap();
    assert_eq!(one["deadline"], deadline.to_string());
}

#[test]
fn pending_requests_stand_first_and_the_newest_on_top() {
    let bench = Bench::new();
    let (first, second, third) =
        (bench.ask(Ask::default()), bench.ask(Ask::default()), bench.ask(Ask::default()));
    bench.on("approve", third, &[]).ends(0);
    let listed = bench.run(["list", "--json"]).ends(0).json();
    let order: Vec<&str> = listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(order, [second, first, third].map(|id| id.to_string()));
}

#[test]
fn what_is_over_is_listed_only_when_asked_for() {
    let bench = Bench::new();
    let (open, over) = (bench.ask(Ask::default()), bench.ask(Ask::default()));
    bench.append(over, Event::Cancelled { by: None, why: CancelWhy::Withdrawn });
    let ids = |args: &[&str]| -> Vec<String> {
        let listed = bench.run(args).ends(0).json();
        listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&["list", "--json"]), [open.to_string()]);
    assert_eq!(ids(&["list", "--json", "--all"]), [open.to_string(), over.to_string()]);
    assert_eq!(ids(&["list", "--json", "--state", "cancelled,denied"]), [over.to_string()]);
    let ran = bench.run(["list", "--state", "wating"]).ends(2);
    assert!(ran.err.contains("pending, approved"), "{ran:?}");
}

#[test]
fn more_requests_than_a_page_holds_are_all_listed() {
    let bench = Bench::new();
    for _ in 0..501 {
        bench.ask(Ask { requirement: Requirement::at(Risk::Medium), ..Ask::default() });
    }
    assert_eq!(bench.run(["list", "--json"]).ends(0).json().as_array().unwrap().len(), 501);
}

#[test]
fn hostile_names_cannot_draw_a_line_of_the_table() {
    let bench = Bench::new();
    let agent = "bot\n0000 low approved\u{1b}[2J\u{202e}".into();
    bench.ask(Ask { agent, ..Ask::default() });
    let ran = bench.run(["list"]).ends(0);
    assert_eq!(ran.out.lines().count(), 2, "{ran:?}");
    assert!(!ran.out.contains(['\u{1b}', '\u{202e}']), "{ran:?}");
}
