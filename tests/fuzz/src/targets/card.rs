//! Cards with hostile text in them, as a terminal prints them.

use approvals::card::corpus::{benign, poisoned};
use approvals::card::text::{self, Rendered, TextOptions};
use approvals::card::{Card, Shown};

use crate::input::{self, Input};
use crate::oracle::assert_visible;

/// The place of the text on the card, the width, the room; then the text.
pub fn run(data: &[u8]) {
    check(data, text::render);
}

/// The same with another renderer.
pub fn check(data: &[u8], render: impl Fn(&Card, &TextOptions) -> Rendered) {
    let mut input = Input(data);
    let (place, width) = (usize::from(input.byte()), 40 + usize::from(input.byte()));
    let limit = if input.flag() { 200_000 } else { 3_000 + 16 * usize::from(input.byte()) };
    let cards = poisoned(&input::text(input.0));
    let (place, card) = &cards[place % cards.len()];
    let options = TextOptions::default().width(width).limit(limit);
    let rendered = render(card, &options);
    assert!(rendered.text.ends_with('\n'));
    rendered.text.lines().for_each(assert_visible);
    assert!(rendered.text.chars().count() <= limit.max(6_000), "{place}: {limit}");
    if rendered.shown == Shown::Everything {
        let plain = text::render(&benign(), &options);
        assert_eq!(
            edges(&rendered.text),
            edges(&plain.text),
            "what is the card's own, {place}:\n{}",
            rendered.text
        );
    } else {
        assert!(rendered.text.contains("not everything is shown here"), "{place}");
    }
}

/// What stands at the left edge of the lines of the card's own: its headings, in order.
fn edges(text: &str) -> Vec<String> {
    let own = text.lines().skip(1).filter_map(|line| line.strip_prefix("  "));
    let heading = own.filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()));
    heading.map(|line| line.split("  ").next().unwrap_or_default().to_owned()).map(first_word).collect()
}

fn first_word(heading: String) -> String {
    heading.split([' ', ':']).next().unwrap_or_default().to_owned()
}
