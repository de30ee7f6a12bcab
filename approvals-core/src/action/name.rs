//! The name of an action, which code holds or a call brings along.

use std::borrow::Cow;
use std::fmt;

use crate::card::is_hidden;

/// The most of a name that an error quotes, in characters.
const SHOWN: usize = 200;

/// The stable name of an action. Cloning one that stands in the code allocates nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ActionName(Cow<'static, str>);

impl ActionName {
    pub(crate) const fn of_code(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    pub(crate) const fn as_str(&self) -> &str {
        match &self.0 {
            Cow::Borrowed(name) => name,
            Cow::Owned(name) => name.as_str(),
        }
    }

    /// The name as an error may carry it: see [`shown`].
    pub(crate) fn shown(self) -> Self {
        if is_plain(self.as_str()) { self } else { Self(shown(self.as_str()).into()) }
    }
}

/// Whether a name can stand between backticks, beside words that a person or a model reads.
fn is_plain(name: &str) -> bool {
    name.len() <= SHOWN && name.chars().all(is_plain_letter)
}

fn is_plain_letter(letter: char) -> bool {
    letter.is_alphanumeric() && !is_hidden(letter) || "._-:/".contains(letter)
}

/// A name that was refused, or may be: tools are named by registries, and a name with a space, a line break or a
/// backtick in it could end its quotation and go on as a result that a model believes (law 13).
pub(crate) fn shown(name: &str) -> String {
    if is_plain(name) {
        return name.to_owned();
    }
    let mut shown = String::new();
    for letter in name.chars().take(SHOWN) {
        match is_plain_letter(letter) {
            true => shown.push(letter),
            false => shown.extend(letter.escape_unicode()),
        }
    }
    if name.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// What may not stand in the name of an action, of an argument or of a label: what is not an ASCII letter, a digit or
/// one of `._-:/`. So no name can be taken for another one, or end a field of a commitment.
pub(crate) fn misfit(name: &str) -> Option<char> {
    name.chars().find(|letter| !letter.is_ascii_alphanumeric() && !"._-:/".contains(*letter))
}

impl From<Cow<'static, str>> for ActionName {
    fn from(name: Cow<'static, str>) -> Self {
        Self(name)
    }
}

impl From<&'static str> for ActionName {
    fn from(name: &'static str) -> Self {
        Self::of_code(name)
    }
}

impl From<&Self> for ActionName {
    fn from(name: &Self) -> Self {
        name.clone()
    }
}

impl fmt::Display for ActionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
