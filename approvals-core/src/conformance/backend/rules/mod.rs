//! The rules, by what they are about. Each asserts one thing, so that a defect names itself.

pub(super) mod answers;
pub(super) mod faults;
pub(super) mod place;
pub(super) mod restart;
pub(super) mod secrets;
pub(super) mod shown;
pub(super) mod strangers;
pub(super) mod update;

use super::View;
use crate::conformance::check::Checked;

/// Nothing can be answered there any more, and it says how the request ended.
fn is_over(view: &View, word: &str) -> Checked {
    ensure!(!view.can_approve && !view.can_deny, "the request is over and can still be answered: {view:?}");
    ensure!(view.messages <= 1, "{} messages stand where one was placed", view.messages);
    ensure!(view.text.to_lowercase().contains(word), "nothing says that it is {word}: {view:?}");
    Ok(())
}
