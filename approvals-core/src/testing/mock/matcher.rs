//! Which cards a rule of the mock is for.

use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fact::{Fact, Miss, unless_it_panics};
use crate::action::Risk;
use crate::capture::{Limits, Value, capture};
use crate::card::{Card, CardValue, cut};
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
struct Argument {
    name: String,
    /// How the condition is written.
    says: String,
    test: Arc<Test>,
}

type Test = dyn Fn(&Value) -> Result<(), Miss> + Send + Sync;

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
        // Without the value: nobody knows yet whether the argument is a secret (law 12).
        let says = format!(".arg_eq({name:?}, …)");
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
        let (actions, facts): (Vec<&Fact>, Vec<&Fact>) =
            self.facts.iter().partition(|fact| matches!(fact, Fact::Action(_)));
        let (closures, facts): (Vec<&Fact>, Vec<&Fact>) = facts.iter().partition(|fact| fact.is_closure());
        let mut why = Vec::new();
        // Closures last, and only of cards that everything else is true of: they are written for those alone.
        for (step, facts) in [&actions, &facts, &closures].into_iter().enumerate() {
            for miss in facts.iter().filter_map(|fact| fact.miss(card)) {
                match miss {
                    Miss::No(no) => why.push(no),
                    Miss::Unfit(unfit) => return Look::Misused(unfit),
                }
            }
            if !why.is_empty() {
                return Look::Misses { nearly: step > 0, why };
            }
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

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let starts = self.facts.first().is_some_and(|fact| matches!(fact, Fact::Action(_)));
        f.write_str(if starts { "" } else { "any()" })?;
        for (place, fact) in self.facts.iter().enumerate() {
            f.write_str(if place == 0 && starts { "" } else { "." })?;
            write!(f, "{fact}")?;
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
}
