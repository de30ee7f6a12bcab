//! What is typed at the terminal.

#[path = "../../../../approvals-backends/src/terminal/words.rs"]
mod words;

use approvals::card::Shown;
use approvals::card::corpus::benign;

use crate::input::{Input, text};
use words::{Said, understand};

/// The risk, how much was shown; then the line.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let mut card = benign();
    card.risk = input.one(&["low", "medium", "high", "critical", "unheard-of"]).to_owned();
    let shown = input.one(&[Shown::Everything, Shown::Part { hidden: 1 }, Shown::Part { hidden: 0 }]);
    let line = text(input.0);
    let said = understand(&line, &card, shown);
    let word = line.trim().to_ascii_lowercase();
    let short = matches!(card.risk.as_str(), "low" | "medium") && matches!(word.as_str(), "y" | "yes");
    assert_eq!(said == Said::Approve, shown == Shown::Everything && (short || word == "approve"), "{line:?}");
    if let Said::Deny(comment) = &said {
        assert!(["deny", "no", "n"].into_iter().any(|no| word.starts_with(no)), "{line:?}");
        assert!(
            comment.as_ref().is_none_or(|comment| line.contains(comment.as_str()) && !comment.is_empty())
        );
    }
    assert!(said != Said::Skip || word == "skip");
    assert!(!line.trim().is_empty() || said == Said::Unclear, "an empty line is no answer");
}
