//! The lines that a prompt is made of. All text from outside passes through `visible` here (law 13).

use approvals_core::card::{Card, Shown, visible, visible_name, wrap};
use approvals_core::desk::{DeskError, Outcome, Reply};
use approvals_core::ledger::{Answer, IgnoredWhy};
use approvals_core::state::Phase;

/// The question, without a line end.
pub(super) fn question(card: &Card, shown: Shown, more: usize) -> String {
    let digest = visible(card.digest_prefix());
    let more = match more {
        0 => String::new(),
        1 => " (1 more waits)".to_owned(),
        more => format!(" ({more} more wait)"),
    };
    match shown {
        Shown::Everything => format!("approve or deny {digest}?{more} [approve/deny/skip] "),
        Shown::Part { .. } => format!("deny {digest}?{more} [deny/skip] "),
    }
}

/// Why there is no approve control, and where there is one.
pub(super) fn not_from_here(card: &Card) -> String {
    format!(
        "not everything is shown here, so it cannot be approved here; open it with `approvals show {}`",
        visible_name(&card.request)
    )
}

/// A line of the terminal's own about some text, broken so that the text never begins a line.
pub(super) fn lines(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    for (at, line) in wrap(text, width.saturating_sub(2)).into_iter().enumerate() {
        if at > 0 {
            out.push_str("| ");
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// What became of an answer that was given here.
pub(super) fn answered(answer: Answer, reply: &Result<Reply, DeskError>, identity: &str) -> String {
    let outcome = match reply {
        Ok(reply) => &reply.outcome,
        Err(error) => return format!("{}; answer again", visible(&error.to_string())),
    };
    match (outcome, answer) {
        (Outcome::Counted { phase: Phase::Pending, .. }, _) => {
            "your yes counts; more people have to decide".to_owned()
        }
        (Outcome::Counted { phase: Phase::Cancelled, .. }, _) => {
            "cancelled: a no to your own request calls it off".to_owned()
        }
        (Outcome::Counted { phase: Phase::Denied, .. }, Answer::Deny) => "denied".to_owned(),
        (Outcome::Counted { .. }, Answer::Deny) => {
            "your no is recorded; the call had started by then".to_owned()
        }
        (Outcome::Counted { phase: Phase::Denied, .. }, Answer::Approve) => {
            "your yes is recorded; somebody denied it since".to_owned()
        }
        (Outcome::Counted { .. }, Answer::Approve) => "approved".to_owned(),
        (Outcome::Ignored(why), _) => {
            let who = match why {
                IgnoredWhy::Unmapped => format!(" (you are `{}` here)", visible(identity)),
                _ => String::new(),
            };
            format!("your answer does not count: {why}{who}")
        }
    }
}
