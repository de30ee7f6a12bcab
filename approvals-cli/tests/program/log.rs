use approvals::ledger::{CancelWhy, Event};

use crate::bench::{Ask, Bench, Ran, Running};

#[test]
fn every_record_is_a_line_in_the_order_of_the_ledger() {
    let bench = Bench::new();
    let (first, second) = (bench.ask(Ask::default()), bench.ask(Ask::default()));
    bench.on("deny", first, &["--comment", "not today"]).ends(0);
    let ran = bench.run(["log"]).ends(0);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 3, "{ran:?}");
    for (line, (seq, id, event)) in
        lines.iter().zip([(1, first, "requested"), (2, second, "requested"), (3, first, "reviewed")])
    {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert_eq!((words[0], words[2], words[3]), (&*seq.to_string(), &*id.to_string(), event));
    }
    assert!(lines[2].contains("not today"));
    assert_eq!(bench.run(["log", "--after", "2"]).ends(0).out.lines().collect::<Vec<_>>(), lines[2..]);
    let bare = bench.run(["log", "--no-payload"]).ends(0).out;
    assert!(!bare.contains("not today") && !bare.contains("Dana W."), "{bare}");
}

#[test]
fn a_json_line_has_the_record_as_it_is_stored_and_the_values_beside_it() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    let ran = bench.run(["log", "--json"]).ends(0);
    assert_eq!(ran.out.lines().count(), 1);
    let line = ran.json();
    let history = bench.history(id);
    let bytes: serde_json::Value = serde_json::from_slice(&history[0].bytes).unwrap();
    assert_eq!(line["seq"], 1);
    assert_eq!(line["event"], "requested");
    assert_eq!(line["record"], bytes);
    assert_eq!(line["payload"]["values"]["arguments.dataset"], "customers");
    assert_eq!(line["payload"]["notes"], serde_json::json!({}));
    assert_eq!(line["payload"].get("seed"), None);
    let bare = bench.run(["log", "--json", "--no-payload"]).ends(0);
    assert!(!bare.out.contains("customers") && bare.json().get("payload").is_none(), "{bare:?}");
}

#[test]
fn following_sees_what_another_process_writes_and_ends_at_ctrl_c() {
    let bench = Bench::new();
    let id = bench.ask(Ask::default());
    let mut log = Running::start(&mut bench.command(["log", "--follow", "--json"]));
    assert!(log.line().contains("\"event\":\"requested\""));
    bench.on("approve", id, &[]).ends(0);
    assert!(log.line().contains("\"event\":\"reviewed\""));
    bench.append(id, Event::Cancelled { by: None, why: CancelWhy::Withdrawn });
    assert!(log.line().contains("\"event\":\"cancelled\""));
    log.interrupt();
    assert_eq!(log.ended(), Some(0));
}

#[test]
fn following_ends_quietly_when_its_reader_goes_away() {
    let bench = Bench::new();
    bench.ask(Ask::default());
    let mut log = Running::start(&mut bench.command(["log", "--follow"]));
    log.line();
    log.stop_reading();
    // The next record meets a pipe that nobody reads.
    bench.ask(Ask::default());
    assert_eq!(log.ended(), Some(0));
}

#[test]
fn head_may_stop_reading() {
    let bench = Bench::new();
    // More than a pipe holds, so that the program is still writing when its reader leaves.
    for _ in 0..500 {
        bench.ask(Ask::default());
    }
    for args in ["log", "log --json", "list", "list --json"] {
        let script = format!("set -o pipefail; {:?} {args} | head -c 1", env!("CARGO_BIN_EXE_approvals"));
        let mut bash = std::process::Command::new("bash");
        let ran = Ran::of(bash.args(["-c", &script]).current_dir(bench.path(""))).ends(0);
        assert_eq!((ran.out.len(), ran.err.as_str()), (1, ""), "{args}");
    }
}
