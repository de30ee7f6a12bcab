//! Answered at its own prompt.

use approvals_test_support::skip;

use crate::run::Run;
use crate::story::Story;

/// The quickstart at a terminal; none, said so, where there is none to be had.
fn at_terminal(story: &Story, test: &str) -> Option<Run> {
    match Run::at_terminal(story.command(&[])) {
        Ok(run) => Some(run),
        Err(error) => {
            skip(test, &format!("no pseudo-terminal: {error}"));
            None
        }
    }
}

#[test]
fn approve_typed_at_its_prompt_deletes() {
    let story = Story::of(&["a.tmp", "keep.txt"]);
    let Some(mut run) = at_terminal(&story, "approve_typed_at_its_prompt_deletes") else { return };
    run.until("[approve/deny/skip] ");
    run.types("approve\n");
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(ended.text.contains("single operator"), "{}", ended.text);
    assert_eq!(story.left(), ["keep.txt"]);
    assert_eq!(story.requests(), ["requested approve started finished"]);
}

#[test]
fn deny_typed_at_its_prompt_deletes_nothing() {
    let story = Story::of(&["a.tmp"]);
    let Some(mut run) = at_terminal(&story, "deny_typed_at_its_prompt_deletes_nothing") else { return };
    run.until("[approve/deny/skip] ");
    run.types("deny still needed\n");
    let ended = run.end();
    assert_eq!(ended.code, Some(3), "{}", ended.text);
    assert!(ended.text.contains("still needed"), "{}", ended.text);
    assert_eq!(story.left(), ["a.tmp"]);
    assert_eq!(story.requests(), ["requested deny"]);
}

#[test]
fn at_its_prompt_it_can_also_be_answered_from_a_second_process() {
    let story = Story::of(&["a.tmp"]);
    let test = "at_its_prompt_it_can_also_be_answered_from_a_second_process";
    let Some(mut run) = at_terminal(&story, test) else { return };
    run.until("[approve/deny/skip] ");
    let mut again = story.start(&[]);
    let id = story.asked(&mut again, 0);
    again.kill();
    story.approve(&id);
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(story.left().is_empty());
    assert_eq!(story.requests(), ["requested approve started finished"]);
}

#[test]
fn killed_at_its_prompt_it_asks_there_again() {
    let story = Story::of(&["a.tmp"]);
    let test = "killed_at_its_prompt_it_asks_there_again";
    let Some(mut run) = at_terminal(&story, test) else { return };
    run.until("[approve/deny/skip] ");
    run.kill();
    let Some(mut run) = at_terminal(&story, test) else { return };
    run.until("[approve/deny/skip] ");
    run.types("approve\n");
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(story.left().is_empty());
    assert_eq!(story.requests(), ["requested approve started finished"]);
}
