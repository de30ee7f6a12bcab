//! The name of an action, which code holds or a call brings along.

use std::borrow::Cow;
use std::fmt;

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
