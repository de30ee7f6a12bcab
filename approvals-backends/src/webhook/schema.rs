//! What goes over the wire: the card as `approvals.card/1`, and an answer to it as `approvals.decision/1`.
//!
//! Fields may be added to a card without a new version: a reader passes over what it does not know. A decision is read
//! strictly: a field that we do not know might have been meant to limit it.

mod card;
mod decision;
mod object;
#[cfg(test)]
mod tests;

pub use self::card::{
    AnswerDocument, ArgumentDocument, ArgumentKind, CARD, CardDocument, LeftOut, NamedText,
    RequesterDocument, StateDocument, TextDocument,
};
pub(super) use self::card::{Cut, document};
pub use self::decision::{DECISION, Decision, DecisionSchema, InvalidDecision};
pub(super) use self::object::Object;
