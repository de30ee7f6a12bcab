//! What a person should be told about a text, because seeing it is not enough.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::visible::is_hidden;
use super::{cut, visible};

/// Characters from which a text counts as very long.
const LONG: usize = 2_000;
/// Hosts or words named per text; the rest is counted.
const NAMED: usize = 5;
/// Characters of a host or a word that are named.
const NAME_LEN: usize = 64;

/// One thing to know about a text. Its `Display` is safe to show and stands on one line.
///
/// ```
/// use approvals_core::card::warnings;
/// let told: Vec<String> = warnings("see https://good.example@evil.example/x").iter().map(|w| w.to_string()).collect();
/// assert_eq!(told, ["links to evil.example"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warning {
    /// Characters that a reader would not have seen; line breaks and tabs are not counted.
    Hidden {
        /// How many.
        count: usize,
    },
    /// Among them are some that reorder the text around them.
    Reordered,
    /// Letters that run from right to left, beside which digits and punctuation may stand elsewhere than written.
    RightToLeft,
    /// Words with letters that only look like Latin ones, escaped, each with what it reads like.
    LookAlikes {
        /// Up to five of them.
        words: Vec<(String, String)>,
        /// How many further ones there are.
        more: usize,
    },
    /// Web addresses, named by host alone: what stands before it is no part of where they lead.
    Links {
        /// Up to five hosts, in visible form.
        hosts: Vec<String>,
        /// How many further ones there are.
        more: usize,
    },
    /// The text is very long.
    Long {
        /// Its characters.
        chars: usize,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden { count: 1 } => f.write_str("1 hidden character is written as an escape"),
            Self::Hidden { count } => write!(f, "{count} hidden characters are written as escapes"),
            Self::Reordered => f.write_str("characters that reorder text are written as escapes"),
            Self::RightToLeft => f.write_str("runs from right to left: the order on screen may differ"),
            Self::LookAlikes { words, more } => {
                for (place, (word, reads_like)) in words.iter().enumerate() {
                    let comma = if place == 0 { "" } else { ", " };
                    write!(f, "{comma}`{word}` is not `{reads_like}`")?;
                }
                and_more(f, *more)
            }
            Self::Links { hosts, more } => {
                write!(f, "links to {}", hosts.join(", "))?;
                and_more(f, *more)
            }
            Self::Long { chars } => write!(f, "very long: {chars} characters"),
        }
    }
}

fn and_more(f: &mut fmt::Formatter<'_>, more: usize) -> fmt::Result {
    if more == 0 { Ok(()) } else { write!(f, " and {more} more") }
}

/// What a person should be told about a raw text, the gravest first.
pub fn warnings(text: &str) -> Vec<Warning> {
    of_all(std::iter::once(text))
}

/// The same over every string and key of a JSON text, or over the text itself if it is not JSON.
pub(super) fn warnings_in_json(json: &str) -> Vec<Warning> {
    match serde_json::from_str::<serde_json::Value>(json) {
        Ok(value) => {
            let mut strings = Vec::new();
            collect(&value, &mut strings);
            of_all(strings.into_iter())
        }
        Err(_) => warnings(json),
    }
}

fn collect<'a>(value: &'a serde_json::Value, strings: &mut Vec<&'a str>) {
    match value {
        serde_json::Value::String(text) => strings.push(text),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, strings)),
        serde_json::Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            strings.push(key);
            collect(value, strings);
        }),
        _ => {}
    }
}

fn of_all<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Warning> {
    let (mut hidden, mut chars, mut reordered, mut right_to_left) = (0, 0, false, false);
    let (mut words, mut hosts) = (BTreeSet::new(), BTreeSet::new());
    for text in texts {
        for c in text.chars() {
            chars += 1;
            hidden += usize::from(is_hidden(c) && !matches!(c, '\n' | '\r' | '\t'));
            reordered |= matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            right_to_left |= matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}'
                | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1eeff}');
        }
        look_alikes(text, &mut words);
        hosts_in(text, &mut hosts);
    }
    let mut told = Vec::new();
    if reordered {
        told.push(Warning::Reordered);
    }
    if hidden > 0 {
        told.push(Warning::Hidden { count: hidden });
    }
    if !words.is_empty() {
        let more = words.len().saturating_sub(NAMED);
        told.push(Warning::LookAlikes { words: words.into_iter().take(NAMED).collect(), more });
    }
    if !hosts.is_empty() {
        let more = hosts.len().saturating_sub(NAMED);
        told.push(Warning::Links { hosts: hosts.into_iter().take(NAMED).collect(), more });
    }
    if right_to_left {
        told.push(Warning::RightToLeft);
    }
    if chars > LONG {
        told.push(Warning::Long { chars });
    }
    told
}

/// Letters and signs of other scripts that most fonts draw like an ASCII one. Small on purpose: only shapes that are
/// the same, not ones that are merely near, so that honest Greek, Russian or units such as `μm` stay without comment.
const LOOK_ALIKES: &[(&str, &str)] = &[
    // Cyrillic
    (
        "\u{430}\u{435}\u{43e}\u{440}\u{441}\u{443}\u{445}\u{456}\u{458}\u{455}\u{4bb}\u{501}\u{51b}\u{51d}\u{4cf}",
        "aeopcyxijshdqwl",
    ),
    (
        "\u{410}\u{412}\u{415}\u{41a}\u{41c}\u{41d}\u{41e}\u{420}\u{421}\u{422}\u{423}\u{425}\u{406}\u{408}\u{405}",
        "ABEKMHOPCTYXIJS",
    ),
    // Greek
    ("\u{3b1}\u{3b9}\u{3ba}\u{3bd}\u{3bf}\u{3c1}\u{3c5}\u{3f2}\u{3f3}", "aikvopucj"),
    (
        "\u{391}\u{392}\u{395}\u{396}\u{397}\u{399}\u{39a}\u{39c}\u{39d}\u{39f}\u{3a1}\u{3a4}\u{3a5}\u{3a7}",
        "ABEZHIKMNOPTYX",
    ),
    // Armenian, Latin letters without a dot or of phonetic use
    ("\u{585}\u{578}\u{57d}\u{581}\u{131}\u{237}\u{251}\u{261}\u{1d0f}", "onugijago"),
    // Signs that pass for the separators of paths, hosts and JSON
    (
        "\u{2044}\u{2215}\u{29f8}\u{ff0f}\u{ff0e}\u{2024}\u{ff1a}\u{a789}\u{2236}\u{ff02}\u{ff20}",
        "////..:::\"@",
    ),
];

/// What an ASCII reader takes the character for, if it is another one.
fn reads_like(c: char) -> Option<char> {
    // Fullwidth and mathematical letters follow the alphabet, styled but in order.
    let nth = |offset: u32, first: u8| char::from_u32(u32::from(first) + offset);
    match u32::from(c) {
        code if code < 0x80 => None,
        code @ 0xff21..=0xff3a => nth(code - 0xff21, b'A'),
        code @ 0xff41..=0xff5a => nth(code - 0xff41, b'a'),
        code @ 0x1d400..=0x1d6a3 => match (code - 0x1d400) % 52 {
            upper @ 0..26 => nth(upper, b'A'),
            lower => nth(lower - 26, b'a'),
        },
        _ => LOOK_ALIKES.iter().find_map(|(look_alikes, ascii)| {
            look_alikes.chars().zip(ascii.chars()).find_map(|(from, to)| (from == c).then_some(to))
        }),
    }
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

/// A word is suspicious if look-alikes stand beside Latin letters in it, or if it is made of nothing else in a text
/// that is otherwise Latin: a Russian text may say `сору`, an English one may not.
fn look_alikes(text: &str, found: &mut BTreeSet<(String, String)>) {
    if text.is_ascii() {
        return;
    }
    let foreign = |c: char| c.is_alphabetic() && !is_latin(c) && reads_like(c).is_none();
    let latin_text = text.chars().any(is_latin) && !text.chars().any(foreign);
    for word in text.split(|c: char| !c.is_alphanumeric() && reads_like(c).is_none()) {
        let count = word.chars().filter(|c| reads_like(*c).is_some()).count();
        let mixed = count > 0 && word.chars().any(|c| is_latin(c) && reads_like(c).is_none());
        if mixed || (latin_text && count > 1 && count == word.chars().count()) {
            let start: String = word.chars().take(NAME_LEN).collect();
            let mut escaped = String::new();
            for c in visible(&start).chars() {
                match reads_like(c) {
                    Some(_) => escaped.extend(c.escape_unicode()),
                    None => escaped.push(c),
                }
            }
            let like: String = start.chars().map(|c| reads_like(c).unwrap_or(c)).collect();
            found.insert((escaped, visible(&like)));
        }
    }
}

fn hosts_in(text: &str, found: &mut BTreeSet<String>) {
    // Browsers end the host at a backslash, other clients do not: name both readings.
    for ends in [&['/', '?', '#', '\\'][..], &['/', '?', '#'][..]] {
        let stops =
            |c: char| ends.contains(&c) || c.is_whitespace() || c.is_control() || "\"'<>|`,;)".contains(c);
        // An authority may hold a thousand schemes, and is looked through once: the agent chooses the text, and a person
        // waits for the card.
        let (mut end, mut host_at, mut backslash, mut named) = (0, None, None, None);
        for (at, _) in text.match_indices(':') {
            let (before, after) = text.split_at_checked(at).unwrap_or((text, ""));
            if !before.ends_with(|c: char| c.is_ascii_alphanumeric()) {
                continue;
            }
            let rest = after.trim_start_matches(':');
            let authority = rest.trim_start_matches(['/', '\\']);
            if rest.len() - authority.len() < 2 {
                continue;
            }
            let start = text.len() - authority.len();
            if start >= end {
                let authority = authority.split(stops).next().unwrap_or_default();
                end = start + authority.len();
                host_at = authority.rfind('@').map(|at| start + at + 1);
                backslash = authority.rfind('\\').map(|at| start + at);
            }
            let host_at = host_at.filter(|host| *host > start).unwrap_or(start);
            if host_at < end && backslash.is_none_or(|at| at < host_at) && named != Some(host_at) {
                named = Some(host_at);
                found.insert(name_of(text.get(host_at..end).unwrap_or_default()));
            }
        }
    }
}

/// The host without its port, in visible form.
fn name_of(host: &str) -> String {
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    let host = host.trim_end_matches('.').to_lowercase();
    // The end of a host name says whose it is, so a long one loses its start.
    let skipped = host.chars().count().saturating_sub(NAME_LEN);
    let kept: String = host.chars().skip(skipped).collect();
    let shown = visible(&kept);
    let (shown, _) = cut(&shown, NAME_LEN * 4);
    if skipped > 0 { format!("…{shown}") } else { shown.to_owned() }
}
