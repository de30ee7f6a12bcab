//! Answered while it waits, from a second process.

use crate::story::Story;

#[test]
fn approved_from_a_second_process_it_deletes_exactly_the_approved_files() {
    let story = Story::of(&["a.tmp", "b.tmp", "c.tmp", "keep.txt", "tmp"]);
    let (run, id) = story.asks(&[]);
    story.add(&["later.tmp"]);
    assert_eq!(story.left().len(), 6, "nothing is gone before somebody answers");
    story.approve(&id);
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_eq!(story.left(), ["keep.txt", "later.tmp", "tmp"]);
    for name in ["a.tmp", "b.tmp", "c.tmp"] {
        assert!(ended.text.contains(&format!("deleted {name}\n")), "{}", ended.text);
    }
    assert!(ended.text.contains("done: 3 files deleted"), "{}", ended.text);
    assert_eq!(story.requests(), ["requested approve started finished"]);
}

#[test]
fn the_scan_runs_freely_and_the_deletion_is_recorded_before_it_starts() {
    let story = Story::of(&["a.tmp"]);
    let (run, id) = story.asks(&[]);
    story.approve(&id);
    run.end();
    let ledger = story.ledger();
    let events: Vec<_> = ledger.iter().map(|record| record["event"].as_str().unwrap()).collect();
    let events: Vec<_> =
        events.into_iter().filter(|event| !["present_failed", "updated"].contains(event)).collect();
    assert_eq!(events, ["up", "allowed", "requested", "reviewed", "started", "finished", "down"]);
    let scan =
        &ledger.iter().find(|record| record["event"] == "allowed").unwrap()["record"]["event"]["allowed"];
    assert_eq!(scan["action"], "quickstart::scan_directory");
}

#[test]
fn files_that_are_gone_by_then_are_not_told_as_deleted() {
    let story = Story::of(&["a.tmp", "b.tmp"]);
    let (run, id) = story.asks(&[]);
    std::fs::remove_file(story.folder().join("a.tmp")).unwrap();
    story.approve(&id);
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(!ended.text.contains("deleted a.tmp"), "{}", ended.text);
    assert!(ended.text.contains("done: 1 files deleted"), "{}", ended.text);
}

#[test]
fn denied_it_deletes_nothing_and_says_how_to_ask_anew() {
    let story = Story::of(&["a.tmp", "b.tmp"]);
    let (run, id) = story.asks(&[]);
    story.succeeds(&["deny", &id, "--comment", "b is mine"]);
    let ended = run.end();
    assert_eq!(ended.code, Some(3), "{}", ended.text);
    assert_eq!(story.left(), ["a.tmp", "b.tmp"]);
    assert!(ended.text.contains("b is mine"), "{}", ended.text);
    assert!(ended.text.contains("run again with --again 1"), "{}", ended.text);
    assert_eq!(story.requests(), ["requested deny"]);
}

#[test]
fn denied_once_the_next_run_meets_the_denial_without_asking() {
    let story = Story::of(&["a.tmp"]);
    let (run, id) = story.asks(&[]);
    story.deny(&id);
    run.end();
    for _ in 0..2 {
        let ended = story.run(&[]);
        assert_eq!(ended.code, Some(3), "{}", ended.text);
        assert!(ended.text.contains("run again with --again 1"), "{}", ended.text);
    }
    assert_eq!(story.left(), ["a.tmp"]);
    assert_eq!(story.requests(), ["requested deny"]);
}

#[test]
fn again_asks_anew_for_what_was_denied() {
    let story = Story::of(&["a.tmp"]);
    let (run, id) = story.asks(&[]);
    story.deny(&id);
    run.end();
    let (run, id) = story.asks(&["--again", "1"]);
    story.approve(&id);
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(story.left().is_empty());
    assert_eq!(story.requests(), ["requested deny", "requested approve started finished"]);
}

#[test]
fn what_nobody_decides_in_time_expires_and_the_next_run_asks_in_a_new_round() {
    let story = Story::of(&["a.tmp"]);
    let ended = story.run(&["--decide-within", "1"]);
    assert_eq!(ended.code, Some(3), "{}", ended.text);
    assert!(ended.text.contains("nothing was deleted"), "{}", ended.text);
    assert_eq!(story.left(), ["a.tmp"]);
    let (run, id) = story.asks(&[]);
    story.approve(&id);
    assert_eq!(run.end().code, Some(0));
    assert_eq!(story.requests(), ["requested expired", "requested approve started finished"]);
}

#[test]
fn a_late_answer_does_not_count() {
    let story = Story::of(&["a.tmp"]);
    let (run, id) = story.asks(&["--decide-within", "1"]);
    run.end();
    assert_eq!(story.approvals(&["approve", &id]).code, Some(3));
    assert_eq!(story.left(), ["a.tmp"]);
    assert_eq!(story.requests(), ["requested expired ignored(too_late)"]);
}

#[test]
fn an_approval_of_another_digest_is_refused_and_the_right_one_still_counts() {
    let story = Story::of(&["a.tmp"]);
    let (run, id) = story.asks(&[]);
    assert_eq!(story.approvals(&["approve", &id, "--digest", "0000000000000000"]).code, Some(3));
    assert_eq!(story.left(), ["a.tmp"]);
    let list = story.succeeds(&["list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list[0]["state"], "pending");
    let digest = &list[0]["digest"].as_str().unwrap()[..12];
    story.succeeds(&["approve", &id, "--digest", digest]);
    assert_eq!(run.end().code, Some(0));
    assert!(story.left().is_empty());
    assert_eq!(story.requests(), ["requested ignored(other_digest) approve started finished"]);
}

#[test]
fn an_approval_is_good_for_one_run() {
    let story = Story::of(&["a.tmp"]);
    let (run, id) = story.asks(&[]);
    story.approve(&id);
    run.end();
    story.add(&["a.tmp"]);
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert!(ended.text.contains("run again with --again 1"), "{}", ended.text);
    assert_eq!(story.left(), ["a.tmp"]);
    assert_eq!(story.requests(), ["requested approve started finished"]);
}

#[test]
fn a_file_that_cannot_be_deleted_is_named_and_the_run_fails() {
    let story = Story::of(&["a.tmp", "b.tmp"]);
    let (run, id) = story.asks(&[]);
    // In place of the file, what no deletion of files removes.
    std::fs::remove_file(story.folder().join("b.tmp")).unwrap();
    std::fs::create_dir(story.folder().join("b.tmp")).unwrap();
    story.approve(&id);
    let ended = run.end();
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert!(ended.text.contains("deleted a.tmp\n"), "{}", ended.text);
    assert!(ended.text.contains("b.tmp cannot be deleted"), "{}", ended.text);
    assert_eq!(story.left(), ["b.tmp"]);
    let error = r#"finished({"err":{"kind":"std::io::error::Error"}})"#;
    assert_eq!(story.requests(), [format!("requested approve started {error}")]);
}
