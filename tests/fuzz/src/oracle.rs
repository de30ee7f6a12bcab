//! What the targets hold against the code: written anew, and as plainly as can be.

use std::collections::BTreeSet;

use approvals::id::GroupId;
use approvals::request::Quorum;

/// What no text for people may contain, whoever wrote it. Kept apart from the table of the library.
fn is_forbidden(c: char) -> bool {
    matches!(u32::from(c),
        0..=0x1f | 0x7f..=0x9f | 0xa0 | 0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x1680 | 0x17b4 | 0x17b5
        | 0x180b..=0x180f | 0x2000..=0x200f | 0x2028..=0x202f | 0x205f..=0x206f | 0x2800 | 0x3000 | 0x3164
        | 0xe000..=0xf8ff | 0xfdd0..=0xfdef | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff9..=0xfffc | 0xfffe | 0xffff
        | 0x1d159 | 0x1d173..=0x1d17a | 0x1fffe | 0x1ffff | 0xe0000..)
}

/// Nothing in it controls, hides or reorders, and it is one line.
#[track_caller]
pub(crate) fn assert_visible(text: &str) {
    let found = text.chars().find(|c| is_forbidden(*c));
    assert!(found.is_none(), "`{}` hides something: {found:?}", text.escape_debug());
}

/// Reads escapes back, as a person who knows them would.
pub(crate) fn unescape(text: &str) -> Option<String> {
    let (mut out, mut rest) = (String::new(), text.chars());
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let letter = rest.next()?;
        match letter {
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            '\\' => out.push('\\'),
            's' | 'u' => {
                rest.next().filter(|c| *c == '{')?;
                let inside: String = rest.by_ref().take_while(|c| *c != '}').collect();
                match letter {
                    's' => out.push_str(&" ".repeat(inside.parse().ok()?)),
                    _ => out.push(char::from_u32(u32::from_str_radix(&inside, 16).ok()?)?),
                }
            }
            _ => return None,
        }
    }
    Some(out)
}

/// Whether distinct people fill every slot of one alternative, by trying everyone everywhere.
pub(crate) fn is_met(quorum: &Quorum, people: &[&BTreeSet<GroupId>]) -> bool {
    fn fill(slots: &[&BTreeSet<GroupId>], people: &[&BTreeSet<GroupId>], taken: u64) -> bool {
        let Some((slot, rest)) = slots.split_first() else { return true };
        (0..people.len()).any(|person| {
            let fits = slot.is_empty() || people[person].iter().any(|group| slot.contains(group));
            taken >> person & 1 == 0 && fits && fill(rest, people, taken | 1 << person)
        })
    }
    alternatives(quorum).iter().any(|slots| slots.len() <= people.len() && fill(slots, people, 0))
}

/// Every way to meet a quorum, each as its slots. For one that was validated.
pub(crate) fn alternatives(quorum: &Quorum) -> Vec<Vec<&BTreeSet<GroupId>>> {
    match quorum {
        Quorum::People { count, from } => vec![vec![from; *count as usize]],
        Quorum::Any(branches) => branches.iter().flat_map(alternatives).collect(),
        Quorum::All(branches) => branches.iter().fold(vec![Vec::new()], |done, branch| {
            let choices = alternatives(branch);
            let with = |slots: &Vec<_>| {
                choices.iter().map(move |more| [slots.as_slice(), more].concat()).collect::<Vec<_>>()
            };
            done.iter().flat_map(with).collect()
        }),
    }
}
