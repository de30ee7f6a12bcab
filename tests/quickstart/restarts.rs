//! Killed and started again (laws 2, 8 and 9).

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use crate::run::Run;
use crate::story::{Story, files_in};

/// Rests so long after a deletion that nobody sees the end of it.
const RESTING: [&str; 2] = ["--pause", "1000"];

/// Kills a run that waits for people; the id of its request.
fn kill_while_it_waits(story: &Story) -> String {
    let (run, id) = story.asks(&[]);
    run.kill();
    id
}

/// Approves a run and kills it once it has deleted `a.tmp`.
fn kill_while_it_deletes(story: &Story) {
    let (mut run, id) = story.asks(&RESTING);
    story.approve(&id);
    run.until("deleted a.tmp\n");
    run.kill();
}

#[test]
fn killed_while_it_waits_it_finds_its_request_again() {
    let story = Story::of(&["a.tmp", "b.tmp"]);
    let id = kill_while_it_waits(&story);
    let mut run = story.start(&[]);
    run.until("deny ID");
    story.approve(&id);
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(story.left().is_empty());
    assert_eq!(story.requests(), ["requested approve started finished"]);
}

#[test]
fn killed_while_it_waits_it_asks_for_the_list_that_people_saw() {
    let story = Story::of(&["a.tmp"]);
    let id = kill_while_it_waits(&story);
    story.add(&["later.tmp"]);
    story.approve(&id);
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_eq!(story.left(), ["later.tmp"]);
    assert_eq!(story.requests(), ["requested approve started finished"]);
}

#[test]
fn approved_while_it_was_down_it_deletes_without_asking() {
    let story = Story::of(&["a.tmp", "b.tmp", "keep.txt"]);
    let id = kill_while_it_waits(&story);
    story.approve(&id);
    assert_eq!(story.left().len(), 3);
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_eq!(story.left(), ["keep.txt"]);
    assert_eq!(story.requests(), ["requested approve started finished"]);
}

#[test]
fn denied_while_it_was_down_it_says_so_and_how_to_ask_anew() {
    let story = Story::of(&["a.tmp"]);
    let id = kill_while_it_waits(&story);
    story.deny(&id);
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(3), "{}", ended.text);
    assert!(ended.text.contains("denied by `operator`"), "{}", ended.text);
    assert!(ended.text.contains("run again with --again 1"), "{}", ended.text);
    assert_eq!(story.left(), ["a.tmp"]);
    assert_eq!(story.requests(), ["requested deny"]);
}

#[test]
fn killed_as_it_expires_it_asks_in_a_new_round() {
    let story = Story::of(&["a.tmp"]);
    let (mut run, _) = story.asks(&["--decide-within", "1"]);
    run.until("nothing was deleted");
    run.kill();
    let (run, id) = story.asks(&[]);
    story.approve(&id);
    assert_eq!(run.end().code, Some(0));
    assert_eq!(story.requests(), ["requested expired", "requested approve started finished"]);
}

#[test]
fn an_approval_that_is_taken_back_while_it_was_down_deletes_nothing() {
    let story = Story::of(&["a.tmp"]);
    let id = kill_while_it_waits(&story);
    story.approve(&id);
    story.deny(&id);
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(3), "{}", ended.text);
    assert_eq!(story.left(), ["a.tmp"]);
    assert_eq!(story.requests(), ["requested approve deny"]);
}

#[test]
fn an_approval_by_somebody_who_left_meanwhile_is_stopped_at_the_claim() {
    let story = Story::of(&["a.tmp"]);
    let id = kill_while_it_waits(&story);
    let others = story.root().join("others.toml");
    let me = fs::read_to_string(story.people()).unwrap().replace("[people.operator]", "[people.kim]");
    fs::write(&others, format!("{me}[people.operator]\n")).unwrap();
    story.succeeds(&["approve", &id, "--people", others.to_str().unwrap()]);
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert!(ended.text.contains("nothing was deleted"), "{}", ended.text);
    assert_eq!(story.left(), ["a.tmp"]);
    assert_eq!(story.requests(), ["requested approve cancelled(directory)"]);
}

#[test]
fn killed_while_it_deletes_it_says_unknown_and_deletes_nothing_more() {
    let story = Story::of(&["a.tmp", "b.tmp", "c.tmp"]);
    kill_while_it_deletes(&story);
    for _ in 0..2 {
        let ended = story.run(&[]);
        assert_eq!(ended.code, Some(1), "{}", ended.text);
        assert!(ended.text.contains("the outcome is unknown"), "{}", ended.text);
        assert!(ended.text.contains("Still there:\n  b.tmp\n  c.tmp\n"), "{}", ended.text);
        assert!(ended.text.contains("run again with --again 1"), "{}", ended.text);
        assert_eq!(story.left(), ["b.tmp", "c.tmp"]);
    }
    assert_eq!(story.requests(), ["requested approve started lost"]);
}

#[test]
fn killed_while_it_deletes_it_asks_for_what_is_left_when_told_to() {
    let story = Story::of(&["a.tmp", "b.tmp", "c.tmp"]);
    kill_while_it_deletes(&story);
    let (run, id) = story.asks(&["--again", "1"]);
    let card = story.succeeds(&["show", &id]);
    assert!(!card.contains("a.tmp") && card.contains("b.tmp") && card.contains("c.tmp"), "{card}");
    story.approve(&id);
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(story.left().is_empty());
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(0), "nothing is unknown any more: {}", ended.text);
    let told = ["requested approve started lost", "requested approve started finished"];
    assert_eq!(story.requests(), told);
}

#[test]
fn what_is_left_is_not_asked_for_again_once_that_is_denied() {
    let story = Story::of(&["a.tmp", "b.tmp"]);
    kill_while_it_deletes(&story);
    let (run, id) = story.asks(&["--again", "1"]);
    story.deny(&id);
    assert_eq!(run.end().code, Some(3));
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(3), "{}", ended.text);
    assert!(ended.text.contains("run again with --again 2"), "{}", ended.text);
    assert_eq!(story.left(), ["b.tmp"]);
    assert_eq!(story.requests(), ["requested approve started lost", "requested deny"]);
    let (run, id) = story.asks(&["--again", "2"]);
    story.approve(&id);
    assert_eq!(run.end().code, Some(0));
    assert!(story.left().is_empty());
}

#[test]
fn killed_after_the_last_file_it_is_unknown_until_it_is_told_to_look_again() {
    let story = Story::of(&["a.tmp"]);
    kill_while_it_deletes(&story);
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert!(ended.text.contains("none of its files is left"), "{}", ended.text);
    assert_eq!(story.run(&["--again", "1"]).code, Some(0));
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_eq!(story.requests(), ["requested approve started lost"]);
}

/// The list that is kept beside the store.
fn kept_list(story: &Story) -> PathBuf {
    let kept = files_in(&story.beside_the_store()).into_iter().find(|name| name.contains(".quickstart-"));
    story.beside_the_store().join(kept.expect("a list is kept"))
}

#[test]
fn killed_before_it_could_forget_its_list_it_says_that_it_ran() {
    let story = Story::of(&["a.tmp"]);
    let (run, id) = story.asks(&[]);
    let list = kept_list(&story);
    let kept = fs::read(&list).unwrap();
    story.approve(&id);
    assert_eq!(run.end().code, Some(0));
    assert!(!list.exists(), "the outcome is known");
    fs::write(&list, kept).unwrap();
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(ended.text.contains("none of its files is left"), "{}", ended.text);
    assert!(story.run(&[]).text.contains("nothing to ask for"));
    assert_eq!(story.requests(), ["requested approve started finished"]);
}

#[test]
fn a_damaged_list_is_neither_taken_up_nor_replaced() {
    let story = Story::of(&["a.tmp"]);
    let (run, _) = story.asks(&[]);
    run.kill();
    let list = kept_list(&story);
    fs::write(&list, "/elsewhere\0no number\0a.tmp\0").unwrap();
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert!(ended.text.contains("remove it to start anew"), "{}", ended.text);
    assert_eq!(story.requests(), ["requested"]);
}

#[test]
fn the_unknown_of_one_folder_outlives_a_run_over_another() {
    let story = Story::of(&["a.tmp", "b.tmp"]);
    kill_while_it_deletes(&story);
    let other = story.root().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("z.tmp"), "x").unwrap();
    let mut command = story.quickstart();
    command.arg(&other);
    let mut run = Run::start(command);
    let id = story.asked(&mut run, 1);
    story.approve(&id);
    assert_eq!(run.end().code, Some(0));
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert!(ended.text.contains("the outcome is unknown"), "{}", ended.text);
    let told = ["requested approve started lost", "requested approve started finished"];
    assert_eq!(story.requests(), told);
}

#[test]
fn interrupted_while_it_waits_it_leaves_its_request_open() {
    let story = Story::of(&["a.tmp"]);
    let (run, id) = story.asks(&[]);
    run.signal(Signal::SIGINT);
    let ended = run.end();
    assert_ne!(ended.code, Some(0), "{}", ended.text);
    assert_eq!(story.left(), ["a.tmp"]);
    assert_eq!(story.requests(), ["requested"]);
    story.approve(&id);
    assert_eq!(story.run(&[]).code, Some(0));
    assert!(story.left().is_empty());
    assert_eq!(story.requests(), ["requested approve started finished"]);
}

#[test]
fn interrupted_while_it_deletes_the_outcome_is_unknown() {
    let story = Story::of(&["a.tmp", "b.tmp"]);
    let (mut run, id) = story.asks(&RESTING);
    story.approve(&id);
    run.until("deleted a.tmp\n");
    run.signal(Signal::SIGINT);
    assert_ne!(run.end().code, Some(0));
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert!(ended.text.contains("Still there:\n  b.tmp\n"), "{}", ended.text);
    assert_eq!(story.requests(), ["requested approve started lost"]);
}

#[test]
fn an_owner_of_another_name_cannot_use_the_request_and_asks_anew() {
    let story = Story::of(&["a.tmp"]);
    let id = kill_while_it_waits(&story);
    story.approve(&id);
    let people = fs::read_to_string(story.people()).unwrap();
    fs::write(story.people(), people.replace("[people.operator]", "[people.dana]")).unwrap();
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert!(ended.text.contains("--again 1"), "{}", ended.text);
    assert_eq!(story.left(), ["a.tmp"]);
    let (run, id) = story.asks(&["--again", "1"]);
    story.approve(&id);
    assert_eq!(run.end().code, Some(0));
    let told = ["requested approve ignored(key_reused)", "requested approve started finished"];
    assert_eq!(story.requests(), told);
}
