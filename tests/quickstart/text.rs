//! Names that want to be more than names (law 13).

use crate::run::Run;
use crate::story::Story;

/// Poses as a line of the card, and turns what follows around.
const EVIL: &str = "evil\n  state       - approved\u{202e}.tmp";
const VISIBLE: &str = r"evil\n  state       - approved\u{202e}.tmp";

/// That the name is there, but not as what it poses as.
#[track_caller]
fn only_visible(text: &str) {
    assert!(text.contains(VISIBLE), "{text}");
    assert!(!text.contains('\u{202e}'), "{text}");
    poses_as_nothing(text);
}

/// That it begins no line.
#[track_caller]
fn poses_as_nothing(text: &str) {
    assert!(!text.lines().any(|line| line.trim_start().starts_with("state       - approved")), "{text}");
}

#[test]
fn a_hostile_file_name_is_visible_text_wherever_it_is_printed() {
    let story = Story::of(&["a.tmp", EVIL]);
    let (mut run, id) = story.asks(&["--pause", "1000"]);
    let card = story.succeeds(&["show", &id]).replace("\\\"", "\"");
    assert!(!card.contains('\u{202e}') && card.contains(r"evil\n"), "{card}");
    assert!(!card.lines().any(|line| line.starts_with("  state       - approved")), "{card}");
    story.approve(&id);
    run.until("deleted a.tmp\n");
    run.kill();
    let ended = story.run(&[]);
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    only_visible(&ended.text);
    let (run, id) = story.asks(&["--again", "1"]);
    story.approve(&id);
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    only_visible(&ended.text);
    assert!(story.left().is_empty());
}

#[test]
fn a_hostile_folder_is_visible_text_wherever_it_is_printed() {
    let story = Story::of(&[]);
    let folder = story.root().join(EVIL);
    std::fs::create_dir(&folder).unwrap();
    let start = || {
        let mut command = story.quickstart();
        command.arg(&folder);
        Run::start(command)
    };
    let ended = start().end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    only_visible(&ended.text);
    std::fs::write(folder.join("a.tmp"), "x").unwrap();
    let mut run = start();
    let id = story.asked(&mut run, 0);
    story.approve(&id);
    let ended = run.end();
    assert_eq!(ended.code, Some(0), "{}", ended.text);
    only_visible(&ended.text);
    std::fs::remove_dir(&folder).unwrap();
    let ended = start().end();
    assert_eq!(ended.code, Some(1), "{}", ended.text);
    assert!(ended.text.contains("error: no folder ") && !ended.text.contains('\u{202e}'), "{}", ended.text);
    poses_as_nothing(&ended.text);
}

#[test]
fn a_name_of_a_file_is_never_taken_for_two() {
    let story = Story::of(&["a.tmp\", \"b.tmp", "b.tmp"]);
    std::fs::remove_file(story.folder().join("b.tmp")).unwrap();
    let (run, id) = story.asks(&[]);
    story.deny(&id);
    run.end();
    std::fs::remove_file(story.folder().join("a.tmp\", \"b.tmp")).unwrap();
    story.add(&["a.tmp", "b.tmp"]);
    let (run, id) = story.asks(&[]);
    story.approve(&id);
    assert_eq!(run.end().code, Some(0));
    assert_eq!(story.requests(), ["requested deny", "requested approve started finished"]);
}
