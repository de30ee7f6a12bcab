//! What is typed at the terminal.

use approvals::card::Shown;
use approvals::card::corpus::benign;

use super::words::{Said, understand};
use crate::input::{Input, text};

/// The risk, how much was shown; then the line.
pub fn run(data: &[u8]) {
    check(data, str::to_owned);
}

/// The same with a keyboard that brings another line.
pub fn check(data: &[u8], brings: impl Fn(&str) -> String) {
    let mut input = Input(data);
    let mut card = benign();
    card.risk = input.one(&["low", "medium", "high", "critical", "unheard-of"]).to_owned();
    let shown = input.one(&[Shown::Everything, Shown::Part { hidden: 1 }, Shown::Part { hidden: 0 }]);
    let line = text(input.0);
    let said = understand(&brings(&line), &card, shown);
    let word = line.trim().to_ascii_lowercase();
    let short = matches!(card.risk.as_str(), "low" | "medium") && matches!(word.as_str(), "y" | "yes");
    let yes = shown == Shown::Everything && (short || word == "approve");
    assert_eq!(said == Said::Approve, yes, "a yes stands alone on its line: {line:?}");
    if let Said::Deny(comment) = &said {
        assert!(["deny", "no", "n"].into_iter().any(|no| word.starts_with(no)), "a no is said: {line:?}");
        assert!(
            comment.as_ref().is_none_or(|comment| line.contains(comment.as_str()) && !comment.is_empty()),
            "a comment is what was typed: {line:?}"
        );
    }
    assert!(said != Said::Skip || word == "skip");
    assert!(!line.trim().is_empty() || said == Said::Unclear, "an empty line is no answer");
}
