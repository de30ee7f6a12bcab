//! Where a request stands, in the words of the terminal.

use approvals_core::card::{Card, visible, visible_name};

/// What became of a request, as far as somebody at the prompt is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Approved,
    Denied,
    Expired,
    Cancelled,
}

impl Verdict {
    /// `None` while the request can still be decided.
    pub(super) fn of(card: &Card) -> Option<Self> {
        match card.state.label.as_str() {
            "pending" => None,
            "approved" | "executing" | "succeeded" | "failed" | "unknown" => Some(Self::Approved),
            "denied" => Some(Self::Denied),
            "expired" => Some(Self::Expired),
            // A word that is not known here closes the question too.
            _ => Some(Self::Cancelled),
        }
    }
}

/// Whether nothing more is to be told of the request: only an approval that was not used yet may still end otherwise.
pub(super) fn is_over(card: &Card) -> bool {
    !matches!(card.state.label.as_str(), "pending" | "approved")
}

/// `approved by dana`, `denied by kim: "too many files"`, ….
pub(super) fn describe(card: &Card, verdict: Verdict) -> String {
    let line = || card.state.lines.first().map_or_else(String::new, |line| format!(" ({})", visible(line)));
    match verdict {
        Verdict::Approved => {
            let by: Vec<String> =
                card.answers.iter().filter_map(|a| by(&a.who, &a.answer, "approved")).collect();
            if by.is_empty() {
                format!("approved{}", line())
            } else {
                format!("approved by {}", by.join(", "))
            }
        }
        Verdict::Denied => match card.answers.iter().rev().find(|answer| answer.answer == "denied") {
            Some(answer) => {
                format!("denied by {}{}", visible_name(&answer.who), said(answer.comment.as_deref()))
            }
            None => "denied".to_owned(),
        },
        Verdict::Expired => "expired".to_owned(),
        Verdict::Cancelled => format!("cancelled{}", line()),
    }
}

/// The answers that came since an earlier card: `lee approved: "fine"`.
pub(super) fn news(before: &Card, after: &Card) -> Vec<String> {
    let new = after.answers.iter().skip(before.answers.len());
    new.map(|a| format!("{} {}{}", visible_name(&a.who), visible_name(&a.answer), said(a.comment.as_deref())))
        .collect()
}

fn by(who: &str, answer: &str, wanted: &str) -> Option<String> {
    (answer == wanted).then(|| visible_name(who))
}

fn said(comment: Option<&str>) -> String {
    comment.map_or_else(String::new, |comment| format!(": {}", quoted(comment)))
}

/// Always in quotes, with those inside escaped: a comment cannot end where its author likes.
fn quoted(text: &str) -> String {
    match visible_name(text) {
        bare if !bare.starts_with('"') => format!("\"{bare}\""),
        quoted => quoted,
    }
}
