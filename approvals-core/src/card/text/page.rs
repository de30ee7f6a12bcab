//! Lines: headings, marks, wrapping and cutting.

use super::sheet::{Entry, Item};
use crate::card::layout::{columns, pretty};
use crate::card::{Warning, cut, wrap};

/// The width of the headings' column, and of the two spaces before it.
const HEADING: usize = 12;
const LEFT: usize = 2;
/// Least columns that a wrapped text is given.
const NARROWEST: usize = 24;
/// Levels of indentation up to which a structured argument is spread over lines.
const DEPTH: usize = 8;

/// How many characters of each fact and of each piece of prose are shown, and how many entries of a list.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    pub(super) facts: usize,
    pub(super) prose: usize,
    pub(super) items: usize,
    /// Whether structured arguments are spread over lines, which takes more room.
    pub(super) spread: bool,
}

const LOUD: &str = "\u{1b}[1;31m";
const BOLD: &str = "\u{1b}[1m";
const DIM: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";

/// A part of the card, line by line.
pub(super) struct Page {
    width: usize,
    color: bool,
    cut: Cut,
    /// Characters of facts left out so far.
    pub(super) hidden: usize,
    pub(super) text: String,
}

impl Page {
    pub(super) fn new(width: usize, color: bool, cut: Cut) -> Self {
        Self { width, color, cut, hidden: 0, text: String::new() }
    }

    /// Writes words of the card's own; `style` is the only control sequence there is.
    fn own(&mut self, style: &str, words: &str) {
        if self.color && !words.is_empty() {
            self.text.extend([style, words, PLAIN]);
        } else {
            self.text.push_str(words);
        }
    }

    fn end(&mut self) {
        self.text.truncate(self.text.trim_end_matches(' ').len());
        self.text.push('\n');
    }

    /// Writes text behind `indent`, which this line has already, and its further lines behind a bar there.
    fn wrapped(&mut self, indent: usize, text: &str) {
        for (place, line) in wrap(text, self.width.saturating_sub(indent)).into_iter().enumerate() {
            if place > 0 {
                self.bar(indent);
            }
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    fn bar(&mut self, indent: usize) {
        self.text.extend(std::iter::repeat_n(' ', indent.saturating_sub(2)));
        self.own(DIM, "| ");
    }

    pub(super) fn remark(&mut self, words: &str) {
        self.text.push_str("  ");
        self.own(LOUD, "! ");
        // Wrapped before it is coloured: a control sequence takes no column.
        for (place, line) in wrap(words, self.width.saturating_sub(4)).into_iter().enumerate() {
            if place > 0 {
                self.bar(4);
            }
            self.own(LOUD, line);
            self.end();
        }
    }

    fn warnings(&mut self, indent: usize, told: &[Warning]) {
        for warning in told {
            self.text.extend(std::iter::repeat_n(' ', indent.saturating_sub(2)));
            self.own(LOUD, "! ");
            self.wrapped(indent, &warning.to_string());
        }
    }

    pub(super) fn header(&mut self, risk: &str, action: &Item) {
        self.own(LOUD, risk);
        self.text.push_str("  ");
        let indent = columns(risk) + 2;
        if indent + NARROWEST > self.width {
            self.end();
            self.bar(4);
            self.item(4, action);
        } else {
            self.item(indent, action);
        }
    }

    pub(super) fn rule(&mut self) {
        let words = "  --- unverified ";
        let rule = "-".repeat(self.width.saturating_sub(words.len()));
        self.own(DIM, &format!("{words}{rule}"));
        self.end();
    }

    pub(super) fn entry(&mut self, entry: &Entry) {
        self.text.extend(std::iter::repeat_n(' ', LEFT));
        self.own(BOLD, &format!("{:<HEADING$}", entry.heading));
        let indent = LEFT + HEADING;
        if !entry.list {
            entry.items.iter().for_each(|item| self.item(indent, item));
            return;
        }
        // A flood of notes must not cost the facts their room any more than one long note may.
        let room = if entry.items.iter().all(|item| item.prose) { self.cut.prose } else { self.cut.items };
        let (shown, left_out) = entry.items.split_at_checked(room).unwrap_or((&entry.items, &[]));
        for (place, item) in shown.iter().enumerate() {
            self.bullet(place);
            self.item(indent + 2, item);
        }
        if !left_out.is_empty() {
            let chars: usize = left_out.iter().map(Item::len).sum();
            self.bullet(shown.len());
            self.wrapped(indent + 2, &format!("… +{} more, +{chars} characters not shown", left_out.len()));
            self.hidden += left_out.iter().filter(|item| !item.prose).map(Item::len).sum::<usize>();
        }
    }

    fn bullet(&mut self, place: usize) {
        if place > 0 {
            self.text.extend(std::iter::repeat_n(' ', LEFT + HEADING));
        }
        self.own(BOLD, "- ");
    }

    /// Writes one value at `indent`, cut if it must be, and what is to be told about it.
    fn item(&mut self, indent: usize, item: &Item) {
        let whole = format!("{}{}", item.lead, item.text);
        let limit = if item.prose { self.cut.prose } else { self.cut.facts };
        let (kept, left_out) = cut(&whole, limit);
        if left_out > 0 {
            self.wrapped(indent, &format!("{kept}… +{left_out} characters not shown"));
            self.hidden += if item.prose { 0 } else { left_out };
        } else if !(self.cut.spread
            && item.json
            && columns(&whole) + indent > self.width
            && self.structure(indent, item))
        {
            self.wrapped(indent, &whole);
        }
        self.warnings(indent, &item.warnings);
    }

    /// Spreads structured JSON over lines, if there is room for its indentation.
    fn structure(&mut self, indent: usize, item: &Item) -> bool {
        let room = self.width.saturating_sub(indent + 2 + NARROWEST) / 2;
        let opens =
            item.text.starts_with(['{', '[']) && columns(&item.lead) + NARROWEST < self.width - indent;
        let Some(lines) = pretty(&item.text, room.min(DEPTH)).filter(|_| opens) else { return false };
        for (place, (level, line)) in lines.iter().enumerate() {
            if place == 0 {
                self.wrapped(indent, &format!("{}{line}", item.lead));
            } else {
                self.bar(indent);
                // Two spaces per level, and the bar of a wrapped line to the right of them: the rest of a long
                // string cannot be read as the next field.
                self.text.extend(std::iter::repeat_n(' ', level * 2));
                self.wrapped_inside(indent, level * 2, line);
            }
        }
        true
    }

    fn wrapped_inside(&mut self, indent: usize, inner: usize, line: &str) {
        let room = self.width.saturating_sub(indent + inner + 2);
        for (place, part) in wrap(line, room).into_iter().enumerate() {
            if place > 0 {
                self.bar(indent);
                self.text.extend(std::iter::repeat_n(' ', inner));
                self.own(DIM, "| ");
            }
            self.text.push_str(part);
            self.text.push('\n');
        }
    }

    pub(super) fn says(&mut self, lines: &[String], told: &[Warning]) {
        self.text.push_str("  ");
        self.own(BOLD, "agent says (unverified):");
        self.end();
        let mut left = self.cut.prose;
        let mut left_out = 0;
        for line in lines {
            // A line break counts as a character, or a thousand empty lines would cost nothing.
            let (kept, rest) = if left == 0 { ("", line.chars().count() + 1) } else { cut(line, left) };
            left = if rest > 0 { 0 } else { left.saturating_sub(kept.chars().count() + 1) };
            left_out += rest;
            if rest == 0 || !kept.is_empty() {
                self.bar(4);
                self.wrapped(4, kept);
            }
        }
        if left_out > 0 {
            self.bar(4);
            self.wrapped(4, &format!("… +{left_out} characters not shown"));
        }
        self.warnings(4, told);
    }
}
