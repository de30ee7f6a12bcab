//! What it needs, what it makes, and what it says about both.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use approvals_test_support::skip;
use nix::unistd::{Uid, User};

use crate::programs::programs;
use crate::run::Run;
use crate::story::{Story, files_in};

#[test]
fn it_writes_the_user_of_the_system_as_its_one_person_and_says_who_decides() {
    let story = Story::of(&[]);
    let ended = story.run(&[]);
    let user = User::from_uid(Uid::current()).unwrap();
    let name = user.map_or_else(|| format!("uid:{}", Uid::current()), |user| user.name);
    let people = fs::read_to_string(story.people()).unwrap();
    assert!(people.contains(&format!("identities.os = [{name:?}]")), "{people}");
    assert_eq!(people.matches("[people.").count(), 1, "{people}");
    assert!(ended.text.contains("single operator: `operator`"), "{}", ended.text);
    assert!(ended.text.contains(&format!("with you, `{name}`")), "{}", ended.text);
}

#[test]
fn it_leaves_the_people_alone_who_are_there() {
    let story = Story::of(&["a.tmp"]);
    story.run(&["--decide-within", "1"]);
    let people = fs::read_to_string(story.people()).unwrap().replace("[people.operator]", "[people.dana]");
    fs::write(story.people(), &people).unwrap();
    story.run(&["--again", "1", "--decide-within", "1"]);
    assert_eq!(fs::read_to_string(story.people()).unwrap(), people);
}

#[test]
fn a_user_who_is_nobody_in_the_people_is_told_the_remedy() {
    let story = Story::of(&["a.tmp"]);
    fs::write(story.people(), "[people.kim]\nidentities.os = [\"somebody else\"]\n").unwrap();
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert!(ended.text.contains("is nobody in"), "{}", ended.text);
    assert!(ended.text.contains("add it to the identities of a person"), "{}", ended.text);
    assert_eq!(story.left(), ["a.tmp"]);
    assert!(story.requests().is_empty());
}

#[test]
fn it_says_both_ways_to_answer_and_prints_the_ledger() {
    let story = Story::of(&["a.tmp"]);
    let (run, id) = story.asks(&[]);
    story.approve(&id);
    let text = run.end().text;
    let program = format!("cargo run --bin approvals -- --store {:?}", story.store());
    for way in ["Answer at the prompt", &format!("{program} approve ID"), &format!("{program} deny ID")] {
        assert!(text.contains(way), "{way}: {text}");
    }
    let (_, ledger) = text.split_once("the ledger:\n").unwrap();
    let recorded = story.ledger().len();
    assert_eq!(ledger.lines().count(), recorded, "{ledger}");
    for event in ["requested", "reviewed", "started", "finished", "down"] {
        assert!(ledger.lines().any(|line| line.split_whitespace().any(|word| word == event)), "{ledger}");
    }
}

#[test]
fn without_a_folder_it_fills_one_at_a_fixed_place() {
    let story = Story::of(&[]);
    let start = || {
        let mut command = story.quickstart();
        command.env("TMPDIR", story.root());
        Run::start(command)
    };
    let folder = story.root().join("approvals-quickstart");
    let mut run = start();
    let id = story.asked(&mut run, 0);
    assert_eq!(files_in(&folder), ["a.tmp", "b.tmp", "c.tmp", "keep.txt"]);
    run.kill();
    story.approve(&id);
    let ended = start().end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert_eq!(files_in(&folder), ["keep.txt"]);
    assert_eq!(story.requests(), ["requested approve started finished"]);
}

#[test]
fn its_own_folder_is_not_filled_again_while_an_outcome_is_unknown() {
    let story = Story::of(&[]);
    let start = |options: &[&str]| {
        let mut command = story.quickstart();
        command.env("TMPDIR", story.root()).args(options);
        Run::start(command)
    };
    let mut run = start(&["--pause", "1000"]);
    let id = story.asked(&mut run, 0);
    story.approve(&id);
    run.until("deleted a.tmp\n");
    run.kill();
    assert_eq!(start(&[]).end().code, Some(1));
    let mut run = start(&["--again", "1"]);
    let id = story.asked(&mut run, 1);
    story.approve(&id);
    assert_eq!(run.end().code, Some(0));
    assert_eq!(files_in(&story.root().join("approvals-quickstart")), ["keep.txt"]);
}

#[test]
fn nothing_to_delete_is_nothing_to_ask_for() {
    let story = Story::of(&["keep.txt", "tmp", "a.tmp.bak"]);
    fs::create_dir(story.folder().join("folder.tmp")).unwrap();
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(ended.text.contains("nothing to ask for"), "{}", ended.text);
    assert!(story.requests().is_empty());
}

#[test]
fn a_folder_that_is_not_there_or_is_none_is_an_error() {
    let story = Story::of(&["a.tmp"]);
    for folder in ["absent", "files/a.tmp"] {
        let mut command = story.quickstart();
        command.arg(folder);
        let ended = Run::start(command).end();
        assert_eq!(ended.code, Some(1), "{}", ended.text);
        assert!(ended.text.contains("error: ") && ended.text.contains(folder), "{}", ended.text);
    }
    assert_eq!(story.left(), ["a.tmp"]);
    assert!(story.requests().is_empty());
}

#[test]
fn a_list_that_is_too_long_to_be_shown_is_refused_and_not_kept() {
    let story = Story::of(&[]);
    let name = |number: usize| format!("{number:0>200}.tmp");
    for number in 0..400 {
        story.add(&[&name(number)]);
    }
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert!(ended.text.contains("did not run (invalid)"), "{}", ended.text);
    assert_eq!(story.left().len(), 400);
    for number in 1..400 {
        fs::remove_file(story.folder().join(name(number))).unwrap();
    }
    let (run, id) = story.asks(&[]);
    story.approve(&id);
    assert_eq!(run.end().code, Some(0));
    assert!(story.left().is_empty());
}

#[test]
fn a_store_in_a_folder_that_is_not_there_is_refused_with_the_remedy() {
    let story = Story::of(&["a.tmp"]);
    let mut command = Command::new(&programs().quickstart);
    command.arg(story.folder()).arg("--store").arg(story.root().join("absent/approvals.db"));
    refused(&story, command);
    assert!(!story.root().join("absent").exists());
}

#[test]
fn a_store_in_a_folder_that_cannot_be_written_is_refused_with_the_remedy() {
    let story = Story::of(&["a.tmp"]);
    let mut command = story.command(&[]);
    if Uid::effective().is_root() {
        // Who may write everywhere becomes somebody else, who may not even see where this checkout is.
        let copy = story.root().join("quickstart");
        fs::copy(&programs().quickstart, &copy).unwrap();
        set_mode(story.root(), 0o755);
        command = Command::new(copy);
        command.arg(story.folder()).arg("--store").arg(story.store()).uid(65534).gid(65534);
        if let Err(error) = command.output() {
            return skip("a_store_in_a_folder_that_cannot_be_written", &error.to_string());
        }
    }
    set_mode(&story.beside_the_store(), 0o555);
    refused(&story, command);
    set_mode(&story.beside_the_store(), 0o755);
    assert!(files_in(&story.beside_the_store()).is_empty());
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn refused(story: &Story, command: Command) {
    let ended = Run::start(command).end();
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert!(ended.text.contains("people.toml cannot be written"), "{}", ended.text);
    assert!(ended.text.contains("--store"), "{}", ended.text);
    assert_eq!(story.left(), ["a.tmp"]);
}

#[test]
fn what_it_does_not_understand_changes_nothing() {
    let story = Story::of(&["a.tmp"]);
    for wrong in [&["--agian", "1"][..], &["--again"], &["--again", "once"], &["another"]] {
        let ended = story.run(wrong);
        assert_eq!(ended.code, Some(1), "{wrong:?}: {}", ended.text);
        assert!(ended.text.contains("usage: quickstart"), "{wrong:?}: {}", ended.text);
    }
    assert!(files_in(&story.beside_the_store()).is_empty());
}
