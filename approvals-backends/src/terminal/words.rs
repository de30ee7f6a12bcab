//! What a typed line means.

use approvals_core::card::{Card, Shown};

/// What a line says to the question that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    Approve,
    Deny(Option<String>),
    Skip,
    /// A short yes to a question that takes the whole word.
    TooShort,
    /// A yes where there is no approve control.
    NotFromHere,
    Unclear,
}

/// Whether a short yes is not enough: from risk high up, and for a risk that is not known here.
fn takes_whole_word(card: &Card) -> bool {
    !matches!(card.risk.as_str(), "low" | "medium")
}

/// A yes stands alone on its line, or `approve nothing of this` would be one; a no may be followed by a comment.
pub(super) fn understand(line: &str, card: &Card, shown: Shown) -> Said {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    match (word.to_ascii_lowercase().as_str(), rest) {
        ("approve" | "yes" | "y", "") if shown != Shown::Everything => Said::NotFromHere,
        ("yes" | "y", "") if takes_whole_word(card) => Said::TooShort,
        ("approve" | "yes" | "y", "") => Said::Approve,
        ("deny" | "no" | "n", "") => Said::Deny(None),
        ("deny" | "no" | "n", comment) => Said::Deny(Some(comment.to_owned())),
        ("skip", "") => Said::Skip,
        _ => Said::Unclear,
    }
}
