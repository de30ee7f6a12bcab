//! The rules that need the options and the function together.

use proc_macro2::Span;
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::visit::Visit;
use syn::{Error, Expr, Ident, Member, Type};

use crate::attr::{Options, RISKS, Risk};
use crate::credential;
use crate::look::{Look, has_word, mentions_self};
use crate::mark::Mark;
use crate::mistakes::{Mistakes, unknown};
use crate::people;
use crate::shape::Form;
use crate::sig::{Argument, Function};
use crate::template::Template;

/// A function, what its attribute says, and what its arguments are marked as.
pub(crate) struct Gated<'a> {
    pub(crate) function: &'a Function,
    pub(crate) options: &'a Options,
    pub(crate) arguments: &'a [Argument],
}

/// What a name means in a template: always what the reviewer is shown under it.
pub(crate) enum Meaning<'a> {
    Argument(&'a Ident),
    Expression(&'a Expr),
    Receiver,
    Secret,
    Skipped,
    /// Arguments of this name, of which `#[cfg(…)]` keeps one, are marked differently.
    Torn,
}

impl<'a> Gated<'a> {
    pub(crate) fn meaning(&self, name: &str) -> Option<Meaning<'a>> {
        if name == "self" {
            let receiver = self.function.receiver().is_some();
            return receiver.then(|| match self.shows_receiver() {
                true => Meaning::Receiver,
                false => Meaning::Skipped,
            });
        }
        if let Some(shown) = self.options.show.iter().find(|shown| shown.text() == name) {
            return Some(Meaning::Expression(&shown.value));
        }
        let meanings = self.named(name).map(|argument| match &argument.mark {
            None | Some(Mark::Malformed) => Meaning::Argument(&argument.name),
            Some(Mark::Show(expression)) => Meaning::Expression(expression),
            Some(Mark::Secret(_)) => Meaning::Secret,
            Some(Mark::Skip { .. }) => Meaning::Skipped,
        });
        // Which of them a build has is not known here, so the strictest counts.
        meanings.reduce(|one, other| match (one, other) {
            (Meaning::Secret, _) | (_, Meaning::Secret) => Meaning::Secret,
            (Meaning::Skipped, _) | (_, Meaning::Skipped) => Meaning::Skipped,
            (Meaning::Argument(name), Meaning::Argument(_)) => Meaning::Argument(name),
            _ => Meaning::Torn,
        })
    }

    /// The arguments of a name: more than one where each has its `#[cfg(…)]`.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = &'a Argument> {
        self.arguments.iter().filter(move |argument| argument.text() == name)
    }

    /// Whether what is written must be the same after a restart, so that the key finds its request.
    pub(crate) fn is_keyed(&self) -> bool {
        self.options.says("key")
    }

    /// What is wrong with writing an argument as a whole: its order, which changes between runs.
    pub(crate) fn unordered(&self, name: &str, place: &str) -> Option<String> {
        let argument = self.named(name).filter(|_| self.is_keyed());
        let map = argument.filter_map(|argument| named_like(&argument.ty, &["HashMap", "HashSet"])).next()?;
        let sorted = match place {
            "labels" | "show" => "a function that sorts it",
            _ => "show it sorted with `show(name = …)`",
        };
        let ordered = map.to_string().replace("Hash", "BTree");
        Some(format!(
            "`{name}` in `{place}` is in another order after a restart, and the key would not find its request; use \
             `{ordered}`, or {sorted}"
        ))
    }

    fn shows_receiver(&self) -> bool {
        self.options.show.iter().any(|shown| mentions_self(&shown.value))
    }

    pub(crate) fn check(&self, form: Option<&Form>, mistakes: &mut Mistakes) {
        if !self.options.says("risk") {
            let message = "missing `risk`; write `risk = \"low\"`, \"medium\", \"high\" or \"critical\", or an \
                           expression of type `Risk`";
            mistakes.push(Error::new(Span::call_site(), message));
        }
        for (option, message) in [
            ("wait", "`wait` needs `key`: a call that stops waiting finds its request again by its key"),
            (
                "rerunnable",
                "`rerunnable` needs `key`: after a crash a call finds its request again by its key",
            ),
        ] {
            if let (Some(word), false) = (self.options.word(option), self.is_keyed()) {
                mistakes.push(Error::new(word.span(), message));
            }
        }
        self.check_risk(mistakes);
        people::check(self.options, mistakes);
        self.check_receiver(mistakes);
        self.check_skips(mistakes);
        for argument in self.arguments {
            self.check_argument(argument, form, mistakes);
        }
        for (option, template) in [
            ("reason", &self.options.reason),
            ("resource", &self.options.resource),
            ("key", &self.options.key),
        ] {
            if let Some(template) = template {
                self.check_template(option, template, mistakes);
            }
        }
        self.check_given_names(mistakes);
        self.check_expressions(mistakes);
    }

    /// `risk = high`
    fn check_risk(&self, mistakes: &mut Mistakes) {
        if let Some(Risk::Expression(risk)) = &self.options.risk
            && let Expr::Path(path) = &**risk
            && let Some(word) = path.path.get_ident().map(Ident::to_string)
            && RISKS.contains(&word.as_str())
            && self.named(&word).next().is_none()
        {
            mistakes.at(risk, format!("a risk stands in quotes; write `risk = \"{word}\"`"));
        }
    }

    /// Names that the author chooses, which are read as those of arguments are.
    fn check_given_names(&self, mistakes: &mut Mistakes) {
        for (option, given) in [("show", &self.options.show), ("labels", &self.options.labels)] {
            for name in given.iter().filter(|given| credential::is_name_of_one(&given.text())) {
                let message = format!(
                    "`{}` in `{option}` is named like a credential and would be shown to reviewers; name it otherwise if \
                     everyone may read it",
                    name.text()
                );
                mistakes.at(&name.name, message);
            }
        }
    }

    fn check_receiver(&self, mistakes: &mut Mistakes) {
        let options = self.options;
        let Some(receiver) = self.function.receiver() else {
            if let Some(skip) = &options.skip_self {
                mistakes
                    .push(Error::new(skip.word.span(), "there is no `self` to skip; remove `skip(self)`"));
            }
            // An associated function: nothing else tells it from a free one.
            let associated = has_word(self.function.signature.to_token_stream(), "Self");
            if associated && !options.says("action") {
                mistakes.at(&self.function.signature.ident, NAME_THE_METHOD);
            }
            return;
        };
        if !options.says("action") {
            mistakes.at(&self.function.signature.ident, NAME_THE_METHOD);
        }
        match (self.shows_receiver(), &options.skip_self) {
            (true, Some(skip)) => {
                let message = "`show(…)` shows `self` already; keep one of `show(…)` and `skip(self)`";
                mistakes.push(Error::new(skip.word.span(), message));
            }
            // A malformed option was meant to say it.
            (false, None)
                if options.word("skip").is_none()
                    && options.word("show").is_none_or(|_| !options.show.is_empty()) =>
            {
                let message = "the receiver chooses what the call touches; add `show(name = self.…)`, or \
                               `skip(self) = \"why\"`";
                mistakes.at(receiver.self_token, message);
            }
            _ => {}
        }
    }

    /// Critical means that everything is on the card.
    fn check_skips(&self, mistakes: &mut Mistakes) {
        if !matches!(self.options.risk, Some(Risk::Word { critical: true, .. })) {
            return;
        }
        let message =
            "nothing may be skipped at risk `critical`; show an expression of it, or mark it secret";
        if let Some(skip) = &self.options.skip_self {
            mistakes.push(Error::new(skip.word.span(), message));
        }
        for argument in self.arguments {
            if let Some(Mark::Skip { word, .. }) = &argument.mark {
                mistakes.push(Error::new(*word, message));
            }
        }
    }

    fn check_argument(&self, argument: &Argument, form: Option<&Form>, mistakes: &mut Mistakes) {
        let name = argument.text();
        let cfgs = !argument.cfgs.is_empty();
        let namesakes = self.named(&name).filter(|other| other.cfgs.is_empty());
        let chosen = self.function.chosen().any(|chosen| chosen.text() == name);
        if chosen
            || self.options.show.iter().any(|shown| shown.text() == name)
            || (!cfgs && namesakes.count() > 1)
        {
            mistakes.at(&argument.name, format!("`{name}` is shown twice; give one another name"));
        }
        if matches!(form, Some(Form::Boxed(_))) && name.starts_with("__arg") {
            let message = "`#[async_trait]` takes the name off a pattern; name the argument and take it apart in the body";
            mistakes.at(&argument.ty, message);
        }
        if argument.mark.is_some() {
            return;
        }
        if credential::is_name_of_one(&name) {
            let message = format!(
                "`{name}` is named like a credential and would be shown to reviewers; mark it `#[approval(secret)]`, or \
                 `#[approval(show = {name})]` if everyone may read it"
            );
            mistakes.at(&argument.name, message);
        }
        if self.is_keyed()
            && let Some(set) = named_like(&argument.ty, &["HashSet"])
        {
            let message = format!(
                "a `{set}` is in another order after a restart, and the key would not find its request; use `BTreeSet`, or \
                 `#[approval(show = expression)]` with the elements sorted"
            );
            mistakes.push(Error::new(set.span(), message));
        }
    }

    fn check_template(&self, option: &str, template: &Template, mistakes: &mut Mistakes) {
        for hole in template.holes() {
            let name = &hole.name;
            let message = match self.meaning(name) {
                Some(Meaning::Secret) => format!("`{name}` is secret and cannot stand in `{option}`"),
                Some(Meaning::Skipped) => {
                    format!("`{name}` is not shown and cannot stand in `{option}`; show it first")
                }
                Some(Meaning::Torn) => format!(
                    "arguments named `{name}` are marked differently, so none can stand in `{option}`; mark them alike, \
                     or name them apart"
                ),
                Some(meaning) => match hole.fields.iter().find_map(credential_field) {
                    None => match meaning {
                        Meaning::Argument(_) if hole.fields.is_empty() => {
                            match self.unordered(name, option) {
                                Some(message) => message,
                                None => continue,
                            }
                        }
                        _ => continue,
                    },
                    Some(field) => format!(
                        "`{field}` is named like a credential and would be told in `{option}`; if everyone may read it, \
                         show it under another name with `show(name = …)`"
                    ),
                },
                None => {
                    let names: Vec<String> = self.names().collect();
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    format!("`{option}`: {}", unknown("argument", name, &names))
                }
            };
            mistakes.push(Error::new(template.literal.span(), message));
        }
    }

    /// What a template may name.
    fn names(&self) -> impl Iterator<Item = String> {
        let arguments = self.arguments.iter();
        let shown = arguments
            .map(Argument::text)
            .filter(|name| matches!(self.meaning(name), Some(Meaning::Argument(_) | Meaning::Expression(_))));
        self.options.show.iter().map(|shown| shown.text()).chain(shown)
    }

    fn check_expressions(&self, mistakes: &mut Mistakes) {
        let mut look = |place: &'static str, expression: &Expr, secrets: bool, skipped: bool| {
            let mut look = Look { gated: self, place, secrets, skipped, nested: false, mistakes };
            look.visit_expr(expression);
        };
        if let Some(Risk::Expression(risk)) = &self.options.risk {
            look("risk", risk, true, true);
        }
        // It reaches no one but the gate.
        if let Some(approvals) = &self.options.approvals {
            look("approvals", approvals, true, true);
        }
        // What it makes of a refusal reaches the caller.
        if let Some(error) = &self.options.error {
            look("error", error, false, true);
        }
        for label in &self.options.labels {
            look("labels", &label.value, false, false);
        }
        for shown in &self.options.show {
            look("show", &shown.value, false, true);
        }
        for argument in self.arguments {
            match &argument.mark {
                Some(Mark::Show(expression)) => look("show", expression, false, true),
                Some(Mark::Secret(Some(expression))) => look("secret", expression, true, true),
                _ => {}
            }
        }
    }
}

const NAME_THE_METHOD: &str =
    "methods of one name in two `impl`s would be one action; name this one: `action = \"…\"`";

/// A field that is named like a credential.
fn credential_field(field: &Member) -> Option<String> {
    match field {
        Member::Named(field) => {
            Some(field.unraw().to_string()).filter(|field| credential::is_name_of_one(field))
        }
        Member::Unnamed(_) => None,
    }
}

/// A name with one of these ends, such as `HashSet` and its kin, anywhere in a type.
fn named_like(ty: &Type, ends: &[&str]) -> Option<Ident> {
    struct Find<'e>(&'e [&'e str], Option<Ident>);
    impl<'ast> Visit<'ast> for Find<'_> {
        fn visit_ident(&mut self, name: &'ast Ident) {
            if self.0.iter().any(|end| name.to_string().ends_with(end)) {
                self.1.get_or_insert_with(|| name.clone());
            }
        }
    }
    let mut find = Find(ends, None);
    find.visit_type(ty);
    find.1
}
