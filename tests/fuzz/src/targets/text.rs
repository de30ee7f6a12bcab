//! Text of a stranger, on its way to a person.

use std::time::{Duration, Instant};

use approvals::card::{Warning, cut, visible, visible_lines, visible_name, warnings, wrap};

use crate::input::{Input, text};
use crate::oracle::{assert_visible, unescape};

/// The longest text: as long as an argument may be.
const LONGEST: usize = 64 * 1024;
/// What work that grows with the text stays far below, and work that grows with its square does not.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often the text comes, its width, where it is cut; then the text.
pub fn run(data: &[u8]) {
    check(data, visible);
}

/// The same with another escape.
pub fn check(data: &[u8], visible: impl Fn(&str) -> String) {
    let mut input = Input(data);
    // Long texts cost a thousand short ones: the last sixteen values alone repeat anything.
    let times = 1_usize << input.byte().saturating_sub(0xef);
    let (width, limit) = (usize::from(input.byte()), usize::from(input.byte()) * 4);
    let piece = text(input.0);
    let text = piece.repeat(times.min(LONGEST / piece.len().max(1)));
    let begun = Instant::now();

    let line = visible(&text);
    assert_visible(&line);
    assert_eq!(unescape(&line).as_deref(), Some(text.as_str()), "another text looks like it");

    let lines = visible_lines(&text);
    lines.iter().for_each(|line| assert_visible(line));
    let read: Option<Vec<_>> = lines.iter().map(|line| unescape(line)).collect();
    assert_eq!(read.map(|lines| lines.join("\n")).as_deref(), Some(text.as_str()));

    let name = visible_name(&text);
    assert_visible(&name);
    let bare = name.chars().all(|c| c.is_alphanumeric() || "._@+-/:#".contains(c) || !c.is_ascii());
    assert!(bare || (name.starts_with('"') && name.ends_with('"') && name.len() > 1), "{name}");

    let rows = wrap(&line, width);
    assert_eq!(rows.concat(), line, "wrapping drops nothing");
    let read: Option<String> = rows.iter().map(|row| unescape(row)).collect();
    assert_eq!(read.as_deref(), Some(text.as_str()), "wrapping splits no escape");

    let (head, left_out) = cut(&line, limit);
    assert!(line.starts_with(head) && head.chars().count() <= limit.max(line.chars().count().min(limit)));
    assert_eq!(head.chars().count() + left_out, line.chars().count());
    assert!(unescape(head).is_some_and(|head| text.starts_with(&head)), "cutting splits no escape");

    let told = warnings(&text);
    told.iter().for_each(|warning| assert_visible(&warning.to_string()));
    assert_eq!(told.contains(&Warning::Reordered), text.contains(reorders), "{told:?}");

    let took = begun.elapsed();
    assert!(took < PATIENCE, "{} bytes took {took:?}", text.len());
}

fn reorders(c: char) -> bool {
    "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}"
        .contains(c)
}
