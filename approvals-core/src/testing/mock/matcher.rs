//! Which cards a rule of the mock is for.

use std::any::type_name;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::action::Risk;
use crate::capture::{Limits, Value, capture};
use crate::card::{Card, CardValue, cut, visible};
use crate::people::Principal;

/// The most of a value that a message shows, in characters.
const VALUE: usize = 120;

/// Which cards a rule is for: all its conditions hold.
///
/// ```
/// use approvals_core::{action::Risk, testing::{action, any}};
///
/// let large = action("refund").arg("cents", |cents: u64| cents > 5_000);
/// let kims = any().risk_at_least(Risk::High).on_behalf_of("kim");
/// ```
#[derive(Clone, Default)]
#[must_use = "a matcher does nothing until it is given to `mock.when(…)`"]
pub struct Matcher {
    facts: Vec<Fact>,
    /// Looked at once every fact holds, so that a closure only meets the calls that it was written for.
    arguments: Vec<Argument>,
}

#[derive(Clone)]
enum Fact {
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

#[derive(Clone)]
struct Argument {
    name: String,
    /// How the condition is written.
    says: String,
    test: Arc<Test>,
}

type Test = dyn Fn(&Value) -> Result<(), Miss> + Send + Sync;

/// Why a value does not fit.
enum Miss {
    /// The condition does not hold.
    No(String),
    /// The condition cannot be asked of this value.
    Unfit(String),
}

/// What a matcher says of a card.
pub(super) enum Look {
    /// It is for it.
    Fits,
    /// It is not, for these reasons; `nearly` if it is the action that was meant.
    Misses { nearly: bool, why: Vec<String> },
    /// It cannot tell: the test is wrong about the action.
    Misused(String),
}

/// Every card.
pub fn any() -> Matcher {
    Matcher::default()
}

/// Cards of this action. The name of a function stands for its default name too: `refund` for `shop::orders::refund`.
pub fn action(name: impl Into<String>) -> Matcher {
    Matcher::default().fact(Fact::Action(name.into()))
}

/// Whether an action is the one that was named: in full, or by the function alone.
pub(in crate::testing) fn is_action(action: &str, named: &str) -> bool {
    action.strip_suffix(named).is_some_and(|path| path.is_empty() || path.ends_with("::"))
}

impl Matcher {
    fn fact(mut self, fact: Fact) -> Self {
        self.facts.push(fact);
        self
    }

    /// The argument holds to the closure, which takes it as a type that serde can read.
    ///
    /// An argument that is of another type, is not shown, or that the named action does not have, fails the test:
    /// its call is called off, and [`verify`](super::MockBackend::verify) says which rule and argument it was.
    pub fn arg<T, F>(self, name: impl Into<String>, holds: F) -> Self
    where
        T: DeserializeOwned,
        F: Fn(T) -> bool + Send + Sync + 'static,
    {
        let name = name.into();
        let (says, closure) = (format!(".arg({name:?}, |{}|)", short_name::<T>()), name.clone());
        self.argument(name, says, move |value| match value.read_as::<T>() {
            Some(read) => match unless_it_panics(|| holds(read)) {
                Some(true) => Ok(()),
                Some(false) => Err(Miss::No(format!("the closure for `{closure}` says no to"))),
                None => Err(Miss::Unfit("made the closure panic".to_owned())),
            },
            None => Err(Miss::Unfit(format!("cannot be read as `{}`", short_name::<T>()))),
        })
    }

    /// The argument is this value, by what both serialise to.
    pub fn arg_eq(self, name: impl Into<String>, value: impl Serialize) -> Self {
        let name = name.into();
        let wanted = capture(&value, &Limits::default());
        let shown = match &wanted {
            Ok(value) => text_of(value),
            Err(_) => "a value that cannot be captured".to_owned(),
        };
        let says = format!(".arg_eq({name:?}, {shown})");
        self.argument(name.clone(), says, move |value| match &wanted {
            Ok(wanted) if wanted == value => Ok(()),
            Ok(_) => Err(Miss::No(format!("`{name}` is to be {shown} and is"))),
            Err(error) => Err(Miss::Unfit(format!("cannot be compared with the value of the test: {error}"))),
        })
    }

    fn argument(
        mut self,
        name: String,
        says: String,
        test: impl Fn(&Value) -> Result<(), Miss> + Send + Sync + 'static,
    ) -> Self {
        self.arguments.push(Argument { name, says, test: Arc::new(test) });
        self
    }

    /// The effective risk is this one.
    pub fn risk(self, risk: Risk) -> Self {
        self.fact(Fact::Risk(risk))
    }

    /// The effective risk is this one or higher.
    pub fn risk_at_least(self, risk: Risk) -> Self {
        self.fact(Fact::RiskAtLeast(risk))
    }

    /// This agent asks.
    pub fn agent(self, id: impl Into<String>) -> Self {
        self.fact(Fact::Agent(id.into()))
    }

    /// The agent that asks is owned by this person.
    pub fn owner(self, owner: impl Into<Principal>) -> Self {
        self.fact(Fact::Owner(owner.into().to_string()))
    }

    /// The agent acts for this human.
    pub fn on_behalf_of(self, human: impl Into<Principal>) -> Self {
        self.fact(Fact::Human(human.into().to_string()))
    }

    /// The call is noted as one of this session.
    pub fn session(self, session: impl Into<String>) -> Self {
        self.fact(Fact::Session(session.into()))
    }

    /// The label of that name says this.
    pub fn label(self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.fact(Fact::Label(name.into(), text.into()))
    }

    /// Anything else that the card shows; `says` names the condition in failures.
    pub fn that(
        self,
        says: impl Into<String>,
        holds: impl Fn(&Card) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.fact(Fact::That(says.into(), Arc::new(holds)))
    }

    /// Looks at a card.
    pub(super) fn look(&self, card: &Card) -> Look {
        let (actions, others): (Vec<&Fact>, Vec<&Fact>) =
            self.facts.iter().partition(|fact| matches!(fact, Fact::Action(_)));
        // The closures of a rule for another action are not asked.
        let other: Vec<String> = actions.iter().filter_map(|fact| fact.miss(card)).collect();
        if !other.is_empty() {
            return Look::Misses { nearly: false, why: other };
        }
        let mut why: Vec<String> = others.iter().filter_map(|fact| fact.miss(card)).collect();
        if !why.is_empty() {
            return Look::Misses { nearly: true, why };
        }
        for argument in &self.arguments {
            let Some(given) = card.arguments.iter().find(|given| given.name == argument.name) else {
                let missing = format!("there is no argument `{}`", argument.name);
                if !actions.is_empty() {
                    return Look::Misused(format!("{missing}; {}", they_are(card)));
                }
                why.push(missing);
                continue;
            };
            let shown = show(&given.value);
            match value_of(&given.value).map(|value| (argument.test)(&value)) {
                Some(Ok(())) => {}
                Some(Err(Miss::No(no))) => why.push(format!("{no} {shown}")),
                Some(Err(Miss::Unfit(unfit))) => {
                    return Look::Misused(format!("argument `{}`, {shown}, {unfit}", argument.name));
                }
                None => {
                    return Look::Misused(format!(
                        "argument `{}` is not shown to anybody, so that no matcher can look at it",
                        argument.name
                    ));
                }
            }
        }
        if why.is_empty() { Look::Fits } else { Look::Misses { nearly: true, why } }
    }
}

impl Fact {
    /// Why it does not hold.
    fn miss(&self, card: &Card) -> Option<String> {
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
            Self::That(says, holds) => match unless_it_panics(|| holds(card)) {
                Some(true) => None,
                Some(false) => Some(format!("it does not hold that {says}")),
                None => Some(format!("the closure for `{says}` panicked")),
            },
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let starts = self.facts.first().is_some_and(|fact| matches!(fact, Fact::Action(_)));
        f.write_str(if starts { "" } else { "any()" })?;
        for (place, fact) in self.facts.iter().enumerate() {
            f.write_str(if place == 0 && starts { "" } else { "." })?;
            match fact {
                Fact::Action(name) => write!(f, "action({name:?})")?,
                Fact::Risk(risk) => write!(f, "risk({risk})")?,
                Fact::RiskAtLeast(risk) => write!(f, "risk_at_least({risk})")?,
                Fact::Agent(id) => write!(f, "agent({id:?})")?,
                Fact::Owner(owner) => write!(f, "owner({owner:?})")?,
                Fact::Human(human) => write!(f, "on_behalf_of({human:?})")?,
                Fact::Session(session) => write!(f, "session({session:?})")?,
                Fact::Label(name, text) => write!(f, "label({name:?}, {text:?})")?,
                Fact::That(says, _) => write!(f, "that({says:?}, |&Card|)")?,
            }
        }
        self.arguments.iter().try_for_each(|argument| f.write_str(&argument.says))
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Matcher({self})")
    }
}

/// The names of the arguments that there are.
fn they_are(card: &Card) -> String {
    let names: Vec<String> = card.arguments.iter().map(|given| format!("`{}`", given.name)).collect();
    if names.is_empty() {
        "the action takes none".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    }
}

/// A value as a message shows it: hidden characters visible, and not too long.
pub(super) fn show(value: &CardValue) -> String {
    let text = value.visible();
    match cut(&text, VALUE) {
        (all, 0) => all.to_owned(),
        (head, left) => format!("{head}… and {left} more characters"),
    }
}

fn text_of(value: &Value) -> String {
    show(&CardValue::Shown(String::from_utf8_lossy(&value.canonical()).into_owned()))
}

/// What is shown of an argument; `None` for what nobody is shown.
fn value_of(value: &CardValue) -> Option<Value> {
    match value {
        CardValue::Shown(json) => serde_json::from_str(json).ok(),
        _ => None,
    }
}

/// A closure of the test's must not take the backend down with it: the rule is then named as the one that failed.
fn unless_it_panics(ask: impl FnOnce() -> bool) -> Option<bool> {
    catch_unwind(AssertUnwindSafe(ask)).ok()
}

/// The name of a type without the modules that it stands in.
fn short_name<T>() -> String {
    let mut short = String::new();
    for piece in type_name::<T>().split_inclusive(|c: char| !c.is_alphanumeric() && c != '_') {
        short.push_str(piece);
        if short.ends_with("::") {
            let path = short.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_' || c == ':').len();
            short.truncate(path);
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_named_without_its_modules() {
        assert_eq!(short_name::<u64>(), "u64");
        assert_eq!(short_name::<String>(), "String");
        assert_eq!(short_name::<Vec<Option<String>>>(), "Vec<Option<String>>");
        assert_eq!(short_name::<(u8, std::time::Duration)>(), "(u8, Duration)");
    }

    #[test]
    fn a_function_stands_for_its_path_and_for_nothing_else() {
        assert!(is_action("shop::refund", "refund") && is_action("shop::refund", "shop::refund"));
        assert!(is_action("refund", "refund"));
        assert!(!is_action("shop::no_refund", "refund") && !is_action("shop.refund", "refund"));
        assert!(!is_action("refund", "shop::refund"));
    }
}
