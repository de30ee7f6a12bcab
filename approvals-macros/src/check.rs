//! The rules that need the options and the function together.

use proc_macro2::Span;
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::visit::Visit;
use syn::{Error, Expr, Ident, Member, Type};

use crate::attr::{Options, Risk};
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
        let argument = self.arguments.iter().find(|argument| argument.text() == name)?;
        Some(match &argument.mark {
            None | Some(Mark::Malformed) => Meaning::Argument(&argument.name),
            Some(Mark::Show(expression)) => Meaning::Expression(expression),
            Some(Mark::Secret(_)) => Meaning::Secret,
            Some(Mark::Skip { .. }) => Meaning::Skipped,
        })
    }

    fn shows_receiver(&self) -> bool {
        self.options.show.iter().any(|shown| mentions_self(&shown.value))
    }

    pub(crate) fn check(&self, form: Option<&Form>, mistakes: &mut Mistakes) {
        if self.options.word("risk").is_none() {
            let message = "missing `risk`; write `risk = \"low\"`, \"medium\", \"high\" or \"critical\", or an \
                           expression of type `Risk`";
            mistakes.push(Error::new(Span::call_site(), message));
        }
        if let (Some(wait), None) = (self.options.word("wait"), self.options.word("key")) {
            let message = "`wait` needs `key`: a call that stops waiting finds its request again by its key";
            mistakes.push(Error::new(wait.span(), message));
        }
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
        self.check_expressions(mistakes);
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
            if associated && options.word("action").is_none() {
                mistakes.at(&self.function.signature.ident, NAME_THE_METHOD);
            }
            return;
        };
        if options.word("action").is_none() {
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
        let namesakes =
            self.arguments.iter().filter(|other| other.cfgs.is_empty() && other.name == argument.name);
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
        if self.options.word("key").is_some()
            && let Some(set) = unordered_set(&argument.ty)
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
                Some(_) => match hole.fields.iter().find_map(credential_field) {
                    None => continue,
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
            .filter(|argument| !matches!(argument.mark, Some(Mark::Secret(_) | Mark::Skip { .. })))
            .map(Argument::text);
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

/// `HashSet` and its kin, anywhere in a type.
fn unordered_set(ty: &Type) -> Option<Ident> {
    struct Find(Option<Ident>);
    impl<'ast> Visit<'ast> for Find {
        fn visit_ident(&mut self, name: &'ast Ident) {
            if name.to_string().ends_with("HashSet") {
                self.0.get_or_insert_with(|| name.clone());
            }
        }
    }
    let mut find = Find(None);
    find.visit_type(ty);
    find.0
}
