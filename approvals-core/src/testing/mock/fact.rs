//! The conditions of a matcher that need no argument.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::action::Risk;
use crate::card::{Card, visible};

/// One condition on what a card says of a call.
#[derive(Clone)]
pub(super) enum Fact {
    Action(String),
    Risk(Risk),
    RiskAtLeast(Risk),
    Agent(String),
    Owner(String),
    Human(String),
    Session(String),
    Label(String, String),
    That(String, Arc<dyn Fn(&Card) -> bool + Send + Sync>),
}

/// Why a condition does not let a card through.
pub(super) enum Miss {
    /// It does not hold.
    No(String),
    /// It cannot be asked of this card: the test is wrong.
    Unfit(String),
}

impl Fact {
    /// Whether it calls back into the test.
    pub(super) fn is_closure(&self) -> bool {
        matches!(self, Self::That(..))
    }

    /// Why it does not let the card through.
    pub(super) fn miss(&self, card: &Card) -> Option<Miss> {
        if let Self::That(says, holds) = self {
            return match unless_it_panics(|| holds(card)) {
                Some(true) => None,
                Some(false) => Some(Miss::No(format!("it does not hold that {says}"))),
                None => Some(Miss::Unfit(format!("the closure for `{says}` panicked"))),
            };
        }
        self.differs(card).map(Miss::No)
    }

    /// How the card differs from what is wanted.
    fn differs(&self, card: &Card) -> Option<String> {
        let requester = &card.requester;
        let differs = |what: &str, wanted: &str, found: Option<&str>| {
            (found != Some(wanted)).then(|| match found {
                Some(found) => format!("the {what} is `{}`, not `{}`", visible(found), visible(wanted)),
                None => format!("there is no {what}"),
            })
        };
        match self {
            Self::Action(name) if is_action(&card.action, name) => None,
            Self::Action(name) => differs("action", name, Some(&card.action)),
            Self::Risk(risk) => differs("risk", risk.as_str(), Some(&card.risk)),
            Self::RiskAtLeast(least) => match card.risk.parse::<Risk>() {
                Ok(risk) if risk >= *least => None,
                _ => Some(format!("the risk is `{}`, less than `{least}`", card.risk)),
            },
            Self::Agent(id) => differs("agent", id, Some(&requester.agent)),
            Self::Owner(owner) => differs("owner", owner, Some(&requester.owner)),
            Self::Human(human) => {
                differs("human that the agent acts for", human, requester.on_behalf_of.as_deref())
            }
            Self::Session(session) => {
                let noted = card.notes.iter().find(|(name, _)| name == "session");
                differs("session", session, noted.map(|(_, text)| text.as_str()))
            }
            Self::Label(name, text) => {
                let label = card.labels.iter().find(|(label, _)| label == name);
                differs(&format!("label `{name}`"), text, label.map(|(_, text)| text.as_str()))
            }
            Self::That(..) => None,
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action(name) => write!(f, "action({name:?})"),
            Self::Risk(risk) => write!(f, "risk({risk})"),
            Self::RiskAtLeast(risk) => write!(f, "risk_at_least({risk})"),
            Self::Agent(id) => write!(f, "agent({id:?})"),
            Self::Owner(owner) => write!(f, "owner({owner:?})"),
            Self::Human(human) => write!(f, "on_behalf_of({human:?})"),
            Self::Session(session) => write!(f, "session({session:?})"),
            Self::Label(name, text) => write!(f, "label({name:?}, {text:?})"),
            Self::That(says, _) => write!(f, "that({says:?}, |&Card|)"),
        }
    }
}

/// Whether an action is the one that was named: in full, or by the function alone.
pub(in crate::testing) fn is_action(action: &str, named: &str) -> bool {
    action.strip_suffix(named).is_some_and(|path| path.is_empty() || path.ends_with("::"))
}

/// A closure of the test's must not take the backend down with it: the rule is then named as the one that failed.
pub(super) fn unless_it_panics(ask: impl FnOnce() -> bool) -> Option<bool> {
    catch_unwind(AssertUnwindSafe(ask)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_stands_for_its_path_and_for_nothing_else() {
        assert!(is_action("shop::refund", "refund") && is_action("shop::refund", "shop::refund"));
        assert!(is_action("refund", "refund"));
        assert!(!is_action("shop::no_refund", "refund") && !is_action("shop.refund", "refund"));
        assert!(!is_action("refund", "shop::refund"));
    }
}
