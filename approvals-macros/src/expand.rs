//! The expansion: a site, one loop around the gate, and the body behind the permit.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, Expr, Member};

use crate::attr::Risk;
use crate::check::{Gated, Meaning};
use crate::mark::Mark;
use crate::notice::notice;
use crate::shape::{Form, Shape};
use crate::sig::{Argument, Chosen};
use crate::source::source;
use crate::template::{Hole, Piece, Template};

/// The whole function, with the gate before its statements.
pub(crate) fn expand(gated: &Gated<'_>, shape: &Shape) -> TokenStream {
    let function = gated.function;
    let mut tokens = TokenStream::new();
    function.documented_head(&notice(gated.options), &mut tokens);
    let facade = gated.options.facade.as_ref();
    let root = facade.map_or_else(|| quote!(::approvals), |facade| facade.to_token_stream());
    let private = Private(Ident::new(PRIVATE, Span::mixed_site()).into_token_stream());
    let body = Expansion { gated, private, root }.body(shape);
    let body = match &shape.form {
        Form::Async => body,
        Form::Boxed(pin) => {
            quote_spanned!(pin.resolved_at(Span::mixed_site())=> ::std::boxed::Box::pin(async move { #body }))
        }
        Form::Future => quote!(async move { #body }),
    };
    let span = function.body.as_ref().map_or_else(Span::call_site, |body| body.braces.span());
    let mut braces = Group::new(proc_macro2::Delimiter::Brace, body);
    braces.set_span(span);
    tokens.extend([TokenTree::Group(braces)]);
    tokens
}

/// What `__private` of the facade is called around the gate. The body cannot see it; a second gate looks for it.
pub(crate) const PRIVATE: &str = "__approvals";

struct Private(TokenStream);

impl Private {
    /// The path with every token at a place of the user's, where the compiler then points.
    fn at(&self, span: Span) -> TokenStream {
        self.0
            .clone()
            .into_iter()
            .map(|mut token| {
                token.set_span(token.span().located_at(span));
                token
            })
            .collect()
    }
}

struct Expansion<'a> {
    gated: &'a Gated<'a>,
    private: Private,
    /// `::approvals`, rooted so that no module of the user's can stand in its place.
    root: TokenStream,
}

/// One entry of what a call shows: its line in the site, and its capture at each turn.
struct Entry<'a> {
    cfgs: Vec<&'a Attribute>,
    declared: TokenStream,
    captured: TokenStream,
}

impl Expansion<'_> {
    /// The statements of the function: ask until there is a permit, run, tell the outcome.
    fn body(&self, shape: &Shape) -> TokenStream {
        let (p, root) = (&self.private.0, &self.root);
        let entries = self.entries();
        let site = self.site(&entries);
        let by = self.by();
        let risk = self.risk();
        let captures = entries.iter().map(|Entry { cfgs, captured, .. }| quote!(#(#cfgs)* &#captured));
        let texts = self.texts();
        let allow = self.gated.arguments.iter().any(|argument| argument.text().starts_with('_'));
        let allow = allow.then(|| quote!(#[allow(clippy::used_underscore_binding, reason = "shown")]));
        let refuse = self.refuse(shape);
        let result = shape.output_for_let();
        let statements = &shape.statements;
        // At the closing brace, where a body without its tail expression is then reported.
        let end = shape.end.resolved_at(Span::mixed_site());
        let body = quote_spanned! {end=>
            async move {
                if false {
                    use #root::__private as #p;
                    return #p::never::<#result>();
                }
                #statements
            }
        };
        // At the return type, as a refusal: a type that holds neither is one mistake.
        let at = shape.output.span().resolved_at(Span::mixed_site());
        let run = quote_spanned!(at=> permit.run(::core::pin::pin!(#body)).await);
        let span = Span::mixed_site();
        // Law 5: the turn that runs has just captured the call, and nothing awaits between it and the body. What it
        // borrows ends with its statement, so that the future is `Send` whenever the body's is. `turn` goes by its path: a
        // trait of the author's for every `Self` comes before what takes `&mut self`, though not before what takes `self`.
        quote_spanned! {span=>
            let mut gate = {
                use #root::__private as #p;
                #p::Gate::at(#site) #by
            };
            let permit = {
                use #root::__private as #p;
                loop {
                    #allow
                    let turn = #p::Gate::turn(&mut gate, &#risk, &[#(#captures),*], &[#(#texts),*]);
                    match turn {
                        #p::Turn::Run(permit) => break permit,
                        #p::Turn::Wait(step) => step.await,
                        #p::Turn::Stop(refusal) => return #refuse,
                    }
                }
            };
            let outcome: #result = #run;
            outcome
        }
    }

    /// The static entry that the manifest lists. It is not hygienic, so it stands in a block of its own.
    fn site(&self, entries: &[Entry<'_>]) -> TokenStream {
        let p = &self.private.0;
        let options = self.gated.options;
        let action = match &options.action {
            Some(action) => action.to_token_stream(),
            None => {
                let name = format!("::{}", self.gated.function.signature.ident.unraw());
                quote!(::core::concat!(::core::module_path!(), #name))
            }
        };
        let mut site = quote!(#p::ActionSite::new(#action, ::core::file!(), ::core::line!()));
        match &options.risk {
            Some(Risk::Word { variant, .. }) => site.extend(quote!(.risk(#p::Risk::#variant))),
            Some(Risk::Expression(expression)) => {
                let text = source(expression);
                site.extend(quote!(.risk_by(#text)));
            }
            None => {}
        }
        if let Some(sensitivity) = &options.sensitivity {
            site.extend(quote!(.sensitivity(#sensitivity)));
        }
        for (method, template) in
            [("reason", &options.reason), ("resource", &options.resource), ("keyed", &options.key)]
        {
            if let Some(Template { literal, .. }) = template {
                let method = Ident::new(method, Span::mixed_site());
                site.extend(quote!(.#method(#literal)));
            }
        }
        if !entries.is_empty() {
            let declared =
                entries.iter().map(|Entry { cfgs, declared, .. }| quote!(#(#cfgs)* #p::Argument::#declared));
            site.extend(quote!(.arguments(&[#(#declared),*])));
        }
        if !options.labels.is_empty() {
            let labels = options.labels.iter().map(|label| {
                let (name, text) = (label.text(), source(&label.value));
                quote!((#name, #text))
            });
            site.extend(quote!(.labels(&[#(#labels),*])));
        }
        if let Some(reviewers) = &options.reviewers {
            let count = reviewers.count;
            site.extend(quote!(.reviewers(#count)));
        }
        for (method, groups) in [("from_any", &options.from_any), ("from_each", &options.from_each)] {
            if !groups.is_empty() {
                let method = Ident::new(method, Span::mixed_site());
                site.extend(quote!(.#method(&[#(#groups),*])));
            }
        }
        for (method, seconds) in [
            ("decide_within", options.decide_within),
            ("use_within", options.use_within),
            ("wait", options.wait),
        ] {
            if let Some(seconds) = seconds {
                let method = Ident::new(method, Span::mixed_site());
                site.extend(quote!(.#method(#seconds)));
            }
        }
        if options.rerunnable {
            site.extend(quote!(.rerunnable()));
        }
        if let Some(handle) = &options.approvals {
            let text = source(handle);
            site.extend(quote!(.by(#text)));
        }
        quote! {
            #p::site! {
                static SITE: #p::ActionSite = #site;
            }
        }
    }

    /// The handle that the author names, by whatever refers to one. Evaluated once, before the first turn.
    fn by(&self) -> Option<TokenStream> {
        let expression = self.gated.options.approvals.as_ref()?;
        let span = expression.span().resolved_at(Span::mixed_site());
        let p = self.private.at(span);
        let operand = operand(expression);
        Some(quote_spanned! {span=>
            .by({
                let handle: &dyn ::core::ops::Fn() -> #p::Approvals = &|| {
                    let handle = &#operand;
                    #p::Approvals::clone(handle)
                };
                handle()
            })
        })
    }

    /// What gives the risk at each turn. A closure of its own would be compiled for each function.
    fn risk(&self) -> TokenStream {
        let p = &self.private.0;
        match &self.gated.options.risk {
            Some(Risk::Word { variant, .. }) => {
                let risk = Ident::new(&variant.to_string().to_lowercase(), Span::mixed_site());
                quote!(#p::declared::#risk)
            }
            Some(Risk::Expression(expression)) => quote!(|| #expression),
            None => TokenStream::new(),
        }
    }

    /// What the call shows, the receiver's part first.
    fn entries(&self) -> Vec<Entry<'_>> {
        let options = self.gated.options;
        let mut entries = Vec::with_capacity(options.show.len() + self.gated.arguments.len() + 1);
        for shown in &options.show {
            entries.push(self.shown_as(Vec::new(), &shown.text(), &shown.value));
        }
        if let Some(skip) = &options.skip_self {
            entries.push(self.skipped(Vec::new(), "self", &skip.why));
        }
        entries.extend(self.gated.function.chosen().map(|chosen| self.chosen(&chosen)));
        for argument in self.gated.arguments {
            entries.extend(argument.hides_a_type().then(|| self.type_of(argument)));
            entries.push(self.argument(argument));
        }
        entries
    }

    /// The type by its name, the constant by its value: an approval for one is none for another (law 5).
    fn chosen<'a>(&self, chosen: &Chosen<'a>) -> Entry<'a> {
        let (p, name, text) = (&self.private.0, chosen.name, chosen.text());
        let value = match chosen.is_type {
            true => quote!(::core::any::type_name::<#name>()),
            false => quote!(&#name),
        };
        Entry {
            cfgs: chosen.cfgs(),
            declared: quote!(shown(#text)),
            captured: quote_spanned!(Span::mixed_site()=> #p::show_by(&|capturer| capturer.show(#value))),
        }
    }

    /// The type behind an `impl Trait`, which the caller chooses as well. No argument can have a name with spaces.
    fn type_of<'a>(&self, argument: &'a Argument) -> Entry<'a> {
        let (p, name, text) = (&self.private.0, &argument.name, format!("type of {}", argument.text()));
        let value = quote!(::core::any::type_name_of_val(&#name));
        Entry {
            cfgs: argument.cfgs.iter().collect(),
            declared: quote!(shown(#text)),
            captured: quote_spanned!(Span::mixed_site()=> #p::show_by(&|capturer| capturer.show(#value))),
        }
    }

    fn argument<'a>(&self, argument: &'a Argument) -> Entry<'a> {
        let Argument { name, ty, cfgs, mark } = argument;
        let cfgs = cfgs.iter().collect();
        let text = argument.text();
        // At the type: a bound that fails is a fact about the type.
        let span = ty.span().resolved_at(Span::mixed_site());
        let p = self.private.at(span);
        match mark {
            None => Entry {
                cfgs,
                declared: quote!(shown(#text)),
                captured: quote_spanned!(span=> #p::show(&#name)),
            },
            Some(Mark::Secret(None)) => Entry {
                cfgs,
                declared: quote!(secret(#text)),
                captured: quote_spanned!(span=> #p::secret(&#name)),
            },
            Some(Mark::Secret(Some(expression))) => {
                let by = source(expression);
                Entry {
                    cfgs,
                    declared: quote!(secret_as(#text, #by)),
                    captured: self.lent("hide", expression),
                }
            }
            Some(Mark::Show(expression)) => self.shown_as(cfgs, &text, expression),
            Some(Mark::Skip { why, .. }) => self.skipped(cfgs, &text, why),
            // Refused before any expansion.
            Some(Mark::Malformed) => {
                Entry { cfgs, declared: TokenStream::new(), captured: TokenStream::new() }
            }
        }
    }

    fn shown_as<'a>(&self, cfgs: Vec<&'a Attribute>, text: &str, expression: &Expr) -> Entry<'a> {
        let by = source(expression);
        Entry { cfgs, declared: quote!(shown_as(#text, #by)), captured: self.lent("show", expression) }
    }

    /// `show = expression`, `secret = expression`: a closure that lends the value, so that a place such as `self.env`
    /// is not moved.
    fn lent(&self, how: &str, expression: &Expr) -> TokenStream {
        let span = expression.span().resolved_at(Span::mixed_site());
        let p = self.private.at(span);
        let how = Ident::new(how, span);
        let operand = operand(expression);
        quote_spanned!(span=> #p::show_by(&|capturer| capturer.#how(&#operand)))
    }

    fn skipped<'a>(&self, cfgs: Vec<&'a Attribute>, text: &str, why: &syn::LitStr) -> Entry<'a> {
        let p = &self.private.0;
        Entry { cfgs, declared: quote!(skipped(#text, #why)), captured: quote!(#p::skipped()) }
    }

    /// The texts that are made anew at each turn: `Text::reason_of(format_args!(…))`.
    fn texts(&self) -> Vec<TokenStream> {
        let p = &self.private.0;
        let options = self.gated.options;
        let mut texts = Vec::new();
        for (kind, template) in
            [("reason", &options.reason), ("resource", &options.resource), ("key", &options.key)]
        {
            if let Some(template) = template {
                let written = self.written(template);
                // An expression is evaluated where the text is read, and cannot change anything.
                let (of, written) = match self.is_of_places(template) {
                    true => ("_of", written),
                    false => ("", quote_spanned!(Span::mixed_site()=> &|f| f.write_fmt(#written))),
                };
                let text = Ident::new(&format!("{kind}{of}"), Span::mixed_site());
                texts.push(quote_spanned!(Span::mixed_site()=> #p::Text::#text(#written)));
            }
        }
        for label in &options.labels {
            let (name, value) = (label.text(), &label.value);
            let span = value.span().resolved_at(Span::mixed_site());
            let written = quote_spanned!(span=> ::core::format_args!("{}", #value));
            texts.push(
                quote_spanned!(Span::mixed_site()=> #p::Text::label(#name, &|f| f.write_fmt(#written))),
            );
        }
        texts
    }

    /// Whether it names nothing but arguments and fields.
    fn is_of_places(&self, template: &Template) -> bool {
        let expression = |hole: &Hole| matches!(self.gated.meaning(&hole.name), Some(Meaning::Expression(_)));
        !template.holes().any(expression)
    }

    /// `format_args!` at the literal, where a missing `Display` or field is then reported.
    fn written(&self, template: &Template) -> TokenStream {
        let format = template.format_string();
        let values = template.pieces.iter().filter_map(|piece| match piece {
            Piece::Hole(hole) => Some(self.value(hole, template.literal.span())),
            Piece::Text(_) => None,
        });
        let span = template.literal.span().resolved_at(Span::mixed_site());
        quote_spanned!(span=> ::core::format_args!(#format #(, #values)*))
    }

    /// The value of a hole: what the reviewer is shown under that name, and fields of it.
    fn value(&self, hole: &Hole, span: Span) -> TokenStream {
        let mut value = match self.gated.meaning(&hole.name) {
            Some(Meaning::Argument(name)) => {
                let mut name = name.clone();
                name.set_span(name.span().located_at(span));
                name.to_token_stream()
            }
            Some(Meaning::Expression(expression)) => operand(expression),
            Some(Meaning::Receiver) => match self.gated.function.receiver() {
                Some(receiver) => receiver.self_token.to_token_stream(),
                None => TokenStream::new(),
            },
            // Refused before any expansion.
            Some(Meaning::Secret | Meaning::Skipped | Meaning::Torn) | None => TokenStream::new(),
        };
        for field in &hole.fields {
            let field: &Member = field;
            value.extend(quote_spanned!(span=> .#field));
        }
        value
    }

    /// What leaves the function with a refusal, at the return type, which must be able to hold it.
    fn refuse(&self, shape: &Shape) -> TokenStream {
        match &self.gated.options.error {
            None => {
                let span = shape.output.span().resolved_at(Span::mixed_site());
                let p = self.private.at(span);
                quote_spanned!(span=> #p::refuse(refusal))
            }
            Some(error) => {
                let span = error.span().resolved_at(Span::mixed_site());
                let p = self.private.at(span);
                quote_spanned!(span=> #p::refuse_by(refusal, || #error))
            }
        }
    }
}

/// An expression that `&` and `.` may stand beside.
fn operand(expression: &Expr) -> TokenStream {
    match expression {
        Expr::Path(_)
        | Expr::Field(_)
        | Expr::MethodCall(_)
        | Expr::Call(_)
        | Expr::Lit(_)
        | Expr::Macro(_)
        | Expr::Index(_)
        | Expr::Paren(_) => expression.to_token_stream(),
        other => quote!((#other)),
    }
}
