//! Cutting and wrapping visible text without ever splitting an escape or a letter from its marks.

use super::visible::is_mark;

/// Cuts text made by [`visible`](super::visible) to at most `limit` characters and says how many are left out, so
/// that a renderer can write `… +N characters not shown`.
///
/// ```
/// use approvals_core::card::cut;
/// assert_eq!(cut(r"ab\u{202e}cd", 5), ("ab", 10));
/// ```
pub fn cut(visible: &str, limit: usize) -> (&str, usize) {
    let (mut end, mut kept) = (0, 0);
    for piece in pieces(visible) {
        kept += piece.chars().count();
        if kept > limit {
            let (head, rest) = visible.split_at_checked(end).unwrap_or((visible, ""));
            return (head, rest.chars().count());
        }
        end += piece.len();
    }
    (visible, 0)
}

/// Breaks text made by [`visible`](super::visible) into lines of at most `width` columns (at least 24), after a
/// space or comma where there is one. Joined, the lines are the text again: nothing is dropped, not even a space at the end of a line.
pub fn wrap(visible: &str, width: usize) -> Vec<&str> {
    let width = width.max(24);
    let mut lines = Vec::new();
    let (mut rest, mut at, mut used) = (visible, 0, 0);
    let mut space: Option<(usize, usize)> = None;
    for piece in pieces(visible) {
        let wide = columns(piece);
        if used + wide > width && at > 0 {
            let (place, before) = space.filter(|(_, before)| before * 3 >= width * 2).unwrap_or((at, used));
            let (line, next) = rest.split_at_checked(place).unwrap_or((rest, ""));
            lines.push(line);
            (rest, at, used, space) = (next, at - place, used - before, None);
        }
        at += piece.len();
        used += wide;
        if matches!(piece, " " | ",") {
            space = Some((at, used));
        }
    }
    lines.push(rest);
    lines
}

/// Columns that the text takes on a terminal, counted high rather than low: a mark counts as one column.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum()
}

fn is_wide(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{115f}'
        | '\u{231a}'..='\u{23ff}'
        | '\u{25fd}'..='\u{27bf}'
        | '\u{2b1b}'..='\u{2b55}'
        | '\u{2e3a}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fdf0}'..='\u{fdff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff01}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{12000}'..='\u{1254f}'
        | '\u{16fe0}'..='\u{1b2ff}'
        | '\u{1f000}'..='\u{1fbff}'
        | '\u{20000}'..='\u{3fffd}')
}

/// The smallest parts that may stand alone on a line: an escape, or a character with its marks.
fn pieces(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let first = text.chars().next()?;
        let len = match first {
            '\\' => escape_len(text),
            _ => {
                first.len_utf8()
                    + text.chars().skip(1).take_while(|c| is_mark(*c)).map(char::len_utf8).sum::<usize>()
            }
        };
        let (piece, rest) = text.split_at_checked(len).or_else(|| text.split_at_checked(first.len_utf8()))?;
        text = rest;
        Some(piece)
    })
}

fn escape_len(text: &str) -> usize {
    let mut chars = text.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('u' | 's'), Some('{')) => text.find('}').map_or(1, |end| end + 1),
        (Some('u'), _) => r"\u001b".len(),
        (escaped, _) => 1 + escaped.map_or(0, char::len_utf8),
    }
}

/// JSON in visible form, spread over lines: the indentation in levels and the text of each. Only white space between
/// the tokens is added. `None` if it nests deeper than `depth`.
pub(super) fn pretty(json: &str, depth: usize) -> Option<Vec<(usize, String)>> {
    let mut lines = vec![(0, String::new())];
    let (mut level, mut in_string, mut escaped) = (0_usize, false, false);
    let mut before = None;
    for c in json.chars() {
        let closes = !in_string && matches!(c, '}' | ']');
        if closes {
            level = level.checked_sub(1)?;
        }
        let opened = matches!(before, Some('{' | '['));
        if !in_string && (before == Some(',') || opened != closes) {
            lines.push((level, String::new()));
        }
        let (_, line) = lines.last_mut()?;
        line.push(c);
        if in_string {
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            before = None;
            continue;
        }
        match c {
            '"' => in_string = true,
            ':' => line.push(' '),
            '{' | '[' => level += 1,
            _ => {}
        }
        if level > depth {
            return None;
        }
        before = Some(c);
    }
    Some(lines)
}
