//! Which changes of an action weaken it. When in doubt, it is weaker: [`Effect`] promises no less.

use std::collections::BTreeSet;
use std::time::Duration;

use super::entry::span;
use super::{Argument, Change, Effect, Entry, Label, Part, Treatment};
use crate::action::Risk;
use crate::card::visible;
use crate::request::Requirement;

use Effect::{Other, Strengthened, Weakened};

/// What changed from one entry to another of the same action.
pub(super) fn changes(old: &Entry, new: &Entry) -> Vec<Change> {
    let mut found = Found { action: &new.action, changes: Vec::new() };
    found.risk(old, new);
    found.reviewers(old, new);
    found.arguments(&old.arguments, &new.arguments);
    found.text(Part::Reason, &old.reason, &new.reason, "people decide on another sentence, or on none");
    found.text(
        Part::Resource,
        &old.resource,
        &new.resource,
        "people and policy are told of another resource",
    );
    found.text(Part::Key, &old.key, &new.key, "another call finds an earlier request, and its verdict");
    let meaning = "a policy that looks for the old word does not find it";
    found.text(Part::Sensitivity, &old.sensitivity, &new.sensitivity, meaning);
    found.labels(&old.labels, &new.labels);
    let clocks = [
        (Part::DecideWithin, old.decide_within, new.decide_within, Requirement::DECIDE_WITHIN),
        (Part::UseWithin, old.use_within, new.use_within, Requirement::USE_WITHIN),
    ];
    for (part, old, new, default) in clocks {
        found.clock(part, old, new, default);
    }
    if old.wait != new.wait {
        let meaning = "a call returns at another time, and asks for no less";
        found.add(Part::Wait, Other, old.wait.map(span), new.wait.map(span), meaning);
    }
    found.rerunnable(old.rerunnable, new.rerunnable);
    if old.approvals != new.approvals {
        let shown = |by: &Option<String>| by.as_deref().map(visible);
        let meaning = "another handle may ask other people, by another policy, or nobody";
        found.add(Part::Handle, Weakened, shown(&old.approvals), shown(&new.approvals), meaning);
    }
    if old.file != new.file {
        let (old, new) = (visible(&old.file), visible(&new.file));
        found.add(Part::File, Other, Some(old), Some(new), "check that it still guards the same function");
    }
    found.changes
}

struct Found<'a> {
    action: &'a str,
    changes: Vec<Change>,
}

impl Found<'_> {
    fn add(
        &mut self,
        part: Part,
        effect: Effect,
        old: Option<String>,
        new: Option<String>,
        meaning: &'static str,
    ) {
        self.changes.push(Change { action: self.action.to_owned(), part, effect, old, new, meaning });
    }

    fn risk(&mut self, was: &Entry, is: &Entry) {
        let (old, new) = (was.risk, is.risk);
        let (effect, meaning) = match (old, new) {
            (None, None) if was.risk_by != is.risk_by => {
                (Weakened, "the arguments decide otherwise, maybe on less")
            }
            _ if old == new => return,
            (Some(old), Some(new)) if new < old => (Weakened, "policy may ask fewer people, or nobody"),
            (Some(_), Some(_)) => (Strengthened, "policy may ask more people"),
            // Nothing is below low, and nothing above critical.
            (Some(Risk::Low), None) => (Other, "the arguments decide, and never on less"),
            (None, Some(Risk::Critical)) => (Strengthened, "no call is of less risk any more"),
            (Some(_), None) => (Weakened, "the arguments decide, also on less"),
            (None, _) => (Weakened, "a call that was of higher risk is not any more"),
        };
        let told = |entry: &Entry| {
            Some(match (entry.risk, &entry.risk_by) {
                (Some(risk), _) => risk.as_str().to_owned(),
                (None, Some(by)) => format!("varies by {}", visible(by)),
                (None, None) => "varies".to_owned(),
            })
        };
        self.add(Part::Risk, effect, told(was), told(is), meaning);
    }

    fn reviewers(&mut self, old: &Entry, new: &Entry) {
        let parts = |entry: &Entry| (entry.reviewers, set(&entry.from_any).len(), entry.from_each.len());
        let same = parts(old) == parts(new)
            && set(&old.from_any) == set(&new.from_any)
            && sorted(&old.from_each) == sorted(&new.from_each);
        if same {
            return;
        }
        let (effect, meaning) = match (covers(new, old), covers(old, new)) {
            (false, _) => (Weakened, "fewer people, or people of other groups, may be enough"),
            (true, false) => (Strengthened, "more people, or people of fewer groups, are needed"),
            (true, true) => (Other, "the same people are needed"),
        };
        self.add(Part::Reviewers, effect, old.quorum(), new.quorum(), meaning);
    }

    fn arguments(&mut self, old: &[Argument], new: &[Argument]) {
        for was in old {
            let is = new.iter().find(|is| is.name == was.name);
            let (effect, meaning) = match (&was.treatment, is.map(|is| &is.treatment)) {
                _ if is == Some(was) => continue,
                (Treatment::Shown, Some(Treatment::Shown)) => {
                    (Weakened, "people see something else in its place, and an approval binds that")
                }
                (Treatment::Secret, Some(Treatment::Secret)) => {
                    (Weakened, "an approval binds something else in its place")
                }
                (_, None) => (Weakened, "people do not see it, and an approval does not bind it"),
                (Treatment::Secret, Some(Treatment::Shown)) => {
                    (Weakened, "whoever sees the card sees what was secret")
                }
                (Treatment::Skipped(_), Some(Treatment::Shown)) => {
                    (Strengthened, "people see it, and an approval binds it")
                }
                (Treatment::Skipped(_), Some(Treatment::Secret)) => (Strengthened, "an approval binds it"),
                (Treatment::Skipped(_), Some(Treatment::Skipped(_))) => (Other, "it is left out as before"),
                (_, Some(Treatment::Skipped(_))) => {
                    (Weakened, "people do not see it, and an approval does not bind it")
                }
                (_, Some(_)) => (Weakened, "people do not see it"),
            };
            let part = Part::Argument(was.name.clone());
            self.add(part, effect, Some(was.told()), is.map(Argument::told), meaning);
        }
        for argument in new.iter().filter(|is| old.iter().all(|was| was.name != is.name)) {
            let (effect, meaning) = match argument.treatment {
                Treatment::Shown => (Other, "people see it, and an approval binds it"),
                Treatment::Secret => {
                    (Weakened, "what the call does depends on a value that people do not see")
                }
                Treatment::Skipped(_) => (
                    Weakened,
                    "what the call does depends on a value that people do not see and nothing binds",
                ),
            };
            self.add(Part::Argument(argument.name.clone()), effect, None, Some(argument.told()), meaning);
        }
        let names = |arguments: &[Argument]| arguments.iter().map(|a| a.name.clone()).collect::<Vec<_>>();
        self.order(Part::Arguments, &names(old), &names(new));
    }

    /// A text that people and policy read. Whether another one tells less, no rule can say.
    fn text(&mut self, part: Part, old: &Option<String>, new: &Option<String>, meaning: &'static str) {
        let shown = |text: &Option<String>| text.as_deref().map(visible);
        match (old, new) {
            (old, new) if old == new => {}
            (None, _) => self.add(part, Other, None, shown(new), "it was not declared before"),
            (Some(_), _) => self.add(part, Weakened, shown(old), shown(new), meaning),
        }
    }

    fn labels(&mut self, old: &[Label], new: &[Label]) {
        let told = |label: &Label| Some(visible(&label.by));
        for was in old {
            let is = new.iter().find(|is| is.name == was.name);
            let meaning = match is {
                Some(is) if is == was => continue,
                Some(_) => "people and policy are told something else",
                None => "people and policy are not told of it",
            };
            self.add(Part::Label(was.name.clone()), Weakened, told(was), is.and_then(told), meaning);
        }
        for is in new.iter().filter(|is| old.iter().all(|was| was.name != is.name)) {
            let meaning = "people and policy are told of it";
            self.add(Part::Label(is.name.clone()), Other, None, told(is), meaning);
        }
        let names = |labels: &[Label]| labels.iter().map(|label| label.name.clone()).collect::<Vec<_>>();
        self.order(Part::Labels, &names(old), &names(new));
    }

    fn order(&mut self, part: Part, old: &[String], new: &[String]) {
        if old != new && sorted(old) == sorted(new) {
            let list =
                |names: &[String]| Some(names.iter().map(|n| visible(n)).collect::<Vec<_>>().join(", "));
            self.add(part, Other, list(old), list(new), "they stand in another order on the card");
        }
    }

    /// A clock that is not declared runs for its default, or for what policy says, whatever the code says.
    fn clock(&mut self, part: Part, old: Option<Duration>, new: Option<Duration>, default: Duration) {
        if old == new {
            return;
        }
        let (effect, meaning) = match new.unwrap_or(default).cmp(&old.unwrap_or(default)) {
            std::cmp::Ordering::Greater => (Weakened, "an approval can be given or used for longer"),
            std::cmp::Ordering::Less => (Strengthened, "an approval can be given or used for less time"),
            std::cmp::Ordering::Equal => (Other, "it is the default"),
        };
        self.add(part, effect, old.map(span), new.map(span), meaning);
    }

    fn rerunnable(&mut self, old: bool, new: bool) {
        let declared = || Some("declared".to_owned());
        match (old, new) {
            (false, true) => {
                let meaning = "after a crash the body may run a second time under one approval";
                self.add(Part::Rerunnable, Weakened, None, declared(), meaning);
            }
            (true, false) => {
                let meaning = "after a crash a person decides";
                self.add(Part::Rerunnable, Strengthened, declared(), None, meaning);
            }
            _ => {}
        }
    }
}

/// Whether any people who are enough for the one are certainly enough for the other.
fn covers(one: &Entry, other: &Entry) -> bool {
    let (people, wanted) = (slots(one), slots(other));
    // Beside `from_each` it would not be looked at.
    let any = if one.from_each.is_empty() { set(&one.from_any) } else { BTreeSet::new() };
    let wanted_any = set(&other.from_any);
    if people < wanted {
        return false;
    }
    // How many of the people that the one asks for are certainly of a group of this set.
    let from = |groups: &BTreeSet<&str>| {
        let named = one.from_each.iter().filter(|group| groups.contains(group.as_str())).count();
        match !any.is_empty() && any.is_subset(groups) {
            true => people,
            false => named,
        }
    };
    if !wanted_any.is_empty() && from(&wanted_any) < wanted {
        return false;
    }
    // Each of the wanted groups by a person of its own.
    let each_of = |group: &str, all: &[String]| all.iter().filter(|one| *one == group).count();
    let each = other
        .from_each
        .iter()
        .all(|group| each_of(group, &one.from_each) >= each_of(group, &other.from_each));
    let alone = match other.from_each.as_slice() {
        [group] => from(&BTreeSet::from([group.as_str()])) >= 1,
        _ => false,
    };
    each || alone
}

/// How many people an entry asks for; 0 leaves it to policy.
fn slots(entry: &Entry) -> usize {
    let declared = entry.reviewers.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    let grouped = usize::from(!entry.from_any.is_empty()).max(entry.from_each.len());
    declared.unwrap_or(0).max(grouped)
}

fn set(names: &[String]) -> BTreeSet<&str> {
    names.iter().map(String::as_str).collect()
}

fn sorted(names: &[String]) -> Vec<&str> {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    names
}
