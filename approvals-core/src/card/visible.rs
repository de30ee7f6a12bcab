//! Hostile text becomes visible text (law 13).
//!
//! The escapes are Rust's, `\n`, `\t`, `\r`, `\\` and `\u{202e}`, and `\s{300}` for 300 spaces. A literal backslash is
//! doubled, so an escape always stands for what was really there, and no two texts have the same visible form. Letters that merely resemble others stay as they are; [`warnings`](super::warnings) names them.

/// Marks kept on one letter; Vietnamese and pointed Hebrew need up to three, a stack of marks covers other lines.
const MARKS_KEPT: usize = 4;
/// Spaces kept in a row; longer runs push text out of view, so they are counted instead.
const SPACES_KEPT: usize = 8;

/// Characters that hide, reorder or break text, or that show as nothing. The standard library's table of what is
/// printable covers most of them and all unassigned ones, but its answer may change; these never depend on it.
const HIDDEN: &[(char, char)] = &[
    ('\u{a0}', '\u{a0}'),        // no-break space
    ('\u{ad}', '\u{ad}'),        // soft hyphen
    ('\u{34f}', '\u{34f}'),      // combining grapheme joiner
    ('\u{61c}', '\u{61c}'),      // Arabic letter mark
    ('\u{115f}', '\u{1160}'),    // Hangul fillers
    ('\u{1680}', '\u{1680}'),    // Ogham space
    ('\u{17b4}', '\u{17b5}'),    // Khmer inherent vowels
    ('\u{180b}', '\u{180f}'),    // Mongolian selectors and vowel separator
    ('\u{2000}', '\u{200f}'),    // wide and thin spaces, zero width, direction marks
    ('\u{2028}', '\u{202f}'),    // line and paragraph separators, bidi embeddings and overrides, narrow space
    ('\u{205f}', '\u{206f}'),    // mathematical space, word joiner, invisible operators, bidi isolates
    ('\u{2800}', '\u{2800}'),    // blank braille pattern
    ('\u{3000}', '\u{3000}'),    // ideographic space
    ('\u{3164}', '\u{3164}'),    // Hangul filler
    ('\u{e000}', '\u{f8ff}'),    // private use: looks like whatever the font says
    ('\u{fdd0}', '\u{fdef}'),    // noncharacters
    ('\u{fe00}', '\u{fe0f}'),    // variation selectors
    ('\u{feff}', '\u{feff}'),    // byte order mark
    ('\u{ffa0}', '\u{ffa0}'),    // halfwidth Hangul filler
    ('\u{fff0}', '\u{fffc}'),    // unassigned, interlinear annotation, object replacement
    ('\u{fffe}', '\u{ffff}'),    // noncharacters
    ('\u{13441}', '\u{13442}'),  // Egyptian blanks
    ('\u{1bca0}', '\u{1bca3}'),  // shorthand format controls
    ('\u{1d159}', '\u{1d159}'),  // null notehead
    ('\u{1d173}', '\u{1d17a}'),  // musical format controls
    ('\u{e0000}', '\u{10ffff}'), // tags, variation selectors, private use
];

/// The text on one line with everything hidden written out, spaces at either end included.
///
/// ```
/// use approvals_core::card::visible;
/// assert_eq!(visible("safe\u{202e}exe.txt"), r"safe\u{202e}exe.txt");
/// assert_eq!(visible("one\ntwo"), r"one\ntwo");
/// assert_eq!(visible(r"one\ntwo"), r"one\\ntwo");
/// assert_eq!(visible("ls "), r"ls\s{1}");
/// ```
pub fn visible(text: &str) -> String {
    escape(text, Form::Line)
}

/// The same for prose that may keep its lines: one entry per line, none with a line break in it. A renderer puts
/// a margin of its own before **every** entry, or a line of the text can pose as a line of the card.
///
/// ```
/// use approvals_core::card::visible_lines;
/// assert_eq!(visible_lines("fine\nrisk: low\u{7}"), ["fine", r"risk: low\u{7}"]);
/// ```
pub fn visible_lines(text: &str) -> Vec<String> {
    text.split('\n').map(|line| escape(line, Form::Prose)).collect()
}

/// A name that other words stand beside on the same line: bare if it can be taken for nothing else, quoted as a
/// JSON string otherwise.
///
/// ```
/// use approvals_core::card::visible_name;
/// assert_eq!(visible_name("dana@example.org"), "dana@example.org");
/// assert_eq!(visible_name("dana, approved by kim"), r#""dana, approved by kim""#);
/// ```
pub fn visible_name(name: &str) -> String {
    let bare = |c: char| c.is_alphanumeric() && !is_hidden(c) || "._@+-/:#".contains(c);
    if !name.is_empty() && name.chars().all(bare) {
        return visible(name);
    }
    escape(&serde_json::Value::from(name).to_string(), Form::Json)
}

/// The same for a text that is JSON, `None` if it is not.
pub(super) fn visible_json(json: &str) -> Option<String> {
    serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok().then(|| escape(json, Form::Json))
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// One line by itself.
    Line,
    /// A line of prose: its indentation stays.
    Prose,
    /// JSON, whose backslashes already are escapes; `\u{` is none of its own.
    Json,
}

fn escape(text: &str, form: Form) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = Before::default();
    let mut spaces = 0;
    for c in text.chars() {
        let kept = before.keeps(c, form);
        if c == ' ' {
            spaces += 1;
            continue;
        }
        let first = form == Form::Line && out.is_empty();
        push_spaces(&mut out, std::mem::take(&mut spaces), first);
        match c {
            _ if kept => out.push(c),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => out.extend(c.escape_unicode()),
        }
    }
    push_spaces(&mut out, spaces, form == Form::Line);
    out
}

/// Counts spaces that a reader would overlook: a long run of them, or any at an edge.
fn push_spaces(out: &mut String, count: usize, at_edge: bool) {
    if count > SPACES_KEPT || (at_edge && count > 0) {
        out.push_str(&format!("\\s{{{count}}}"));
    } else {
        out.extend(std::iter::repeat_n(' ', count));
    }
}

/// What stands before a character, as far as it decides whether the character may stay.
#[derive(Default)]
struct Before {
    /// Marks that may still follow the last letter.
    marks_left: usize,
    /// Characters that still belong to an escape of JSON's own; 5 right after its backslash.
    json_escape: usize,
}

impl Before {
    fn keeps(&mut self, c: char, form: Form) -> bool {
        // A mark belongs on a letter: on a quote, a digit, a margin or an escape it would change the card.
        if is_mark(c) && !in_table(c) {
            let kept = self.marks_left > 0;
            self.marks_left = self.marks_left.saturating_sub(1);
            return kept;
        }
        let json_backslash = c == '\\' && form == Form::Json;
        let kept = json_backslash || (c != '\\' && !is_hidden(c));
        self.marks_left = if kept && self.json_escape == 0 && c.is_alphabetic() { MARKS_KEPT } else { 0 };
        self.json_escape = match self.json_escape {
            0 if json_backslash => 5,
            5 if c != 'u' => 0,
            left => left.saturating_sub(1),
        };
        kept
    }
}

/// Whether a reader would not see the character where it stands. Marks are not hidden.
pub(crate) fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_control();
    }
    c.is_control() || in_table(c) || (c.escape_debug().len() > 1 && !is_mark(c))
}

/// Whether the character is drawn onto the one before it.
pub(super) fn is_mark(c: char) -> bool {
    // `char::escape_debug` escapes what is unprintable or extends a grapheme, `str::escape_debug` lets the latter
    // stand behind a letter: the difference is the standard library's table of marks.
    !c.is_ascii()
        && c.escape_debug().len() > 1
        && ['a', c].iter().collect::<String>().escape_debug().count() == 2
}

fn in_table(c: char) -> bool {
    let place = HIDDEN.partition_point(|(_, last)| *last < c);
    HIDDEN.get(place).is_some_and(|(first, _)| *first <= c)
}
