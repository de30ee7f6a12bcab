//! Two at once, on one store and one folder.

use crate::story::Story;

#[test]
fn of_two_at_once_exactly_one_deletes() {
    let story = Story::of(&["a.tmp", "b.tmp", "c.tmp"]);
    let (mut one, mut two) = (story.start(&[]), story.start(&[]));
    one.until("deny ID");
    let id = story.asked(&mut two, 0);
    story.approve(&id);
    let (one, two) = (one.end(), two.end());
    for name in ["a.tmp", "b.tmp", "c.tmp"] {
        let deleted = format!("deleted {name}\n");
        let times = one.text.matches(&deleted).count() + two.text.matches(&deleted).count();
        assert_eq!(times, 1, "{}\n{}", one.text, two.text);
    }
    let (deleting, other) = if one.text.contains("done: 3 files") { (one, two) } else { (two, one) };
    assert_eq!(deleting.code, Some(0), "{}", deleting.text);
    // The other met the call while it ran, or after it.
    match other.code {
        Some(1) => assert!(other.text.contains("did not run (running)"), "{}", other.text),
        Some(0) => assert!(other.text.contains("none of its files is left"), "{}", other.text),
        code => panic!("{code:?}: {}", other.text),
    }
    assert!(story.left().is_empty());
    assert_eq!(story.requests(), ["requested approve started finished"]);
    assert!(story.run(&[]).text.contains("nothing to ask for"));
}

#[test]
fn two_at_once_are_denied_both() {
    let story = Story::of(&["a.tmp"]);
    let (mut one, mut two) = (story.start(&[]), story.start(&[]));
    one.until("deny ID");
    let id = story.asked(&mut two, 0);
    story.deny(&id);
    for ended in [one.end(), two.end()] {
        assert_eq!(ended.code, Some(3), "{}", ended.text);
        assert!(ended.text.contains("run again with --again 1"), "{}", ended.text);
    }
    assert_eq!(story.left(), ["a.tmp"]);
    assert_eq!(story.requests(), ["requested deny"]);
}

#[test]
fn while_one_deletes_another_says_that_it_runs_and_touches_nothing() {
    let story = Story::of(&["a.tmp", "b.tmp"]);
    let (mut run, id) = story.asks(&["--pause", "1000"]);
    story.approve(&id);
    run.until("deleted a.tmp\n");
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert!(ended.text.contains("did not run (running)"), "{}", ended.text);
    assert_eq!(story.left(), ["b.tmp"]);
    assert_eq!(story.requests(), ["requested approve started"]);
    run.kill();
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert!(ended.text.contains("Still there:\n  b.tmp\n"), "{}", ended.text);
    assert_eq!(story.requests(), ["requested approve started lost"]);
}

#[test]
fn one_that_is_killed_leaves_the_request_to_the_other() {
    let story = Story::of(&["a.tmp"]);
    let (one, id) = story.asks(&[]);
    let mut two = story.start(&[]);
    two.until("deny ID");
    one.kill();
    story.approve(&id);
    let ended = two.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    assert!(story.left().is_empty());
    assert_eq!(story.requests(), ["requested approve started finished"]);
}
