//! The function under the attribute: its signature without our marks, its arguments, its unread body.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt as _, quote};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream, Parser as _};
use syn::visit::Visit;
use syn::{
    AttrStyle, Attribute, FnArg, GenericParam, Ident, Pat, PatType, Receiver, Signature, Token, Type,
    TypeImplTrait, Visibility,
};

use crate::look::has_word;
use crate::mark::{self, Mark};
use crate::mistakes::Mistakes;
use crate::{expand, notice};

/// A function with or without a body. The body stays unparsed: reading it would cost every build time, and an
/// unfinished one must still reach the compiler.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: Option<Body>,
}

pub(crate) struct Body {
    pub(crate) braces: Group,
    /// What stands between the braces, after the inner attributes.
    pub(crate) statements: TokenStream,
}

/// An argument that a call is shown with, or says why not.
pub(crate) struct Argument {
    /// The name that the body uses.
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    /// `#[cfg(…)]` on the argument, which our use of it must repeat.
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) mark: Option<Mark>,
}

/// A generic parameter. What the body does may hang on it although no argument shows it.
pub(crate) struct Chosen<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) is_type: bool,
    attrs: &'a [Attribute],
}

impl<'a> Chosen<'a> {
    /// The name that people read.
    pub(crate) fn text(&self) -> String {
        self.name.unraw().to_string()
    }

    pub(crate) fn cfgs(&self) -> Vec<&'a Attribute> {
        self.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).collect()
    }
}

impl Argument {
    /// The name that people read.
    pub(crate) fn text(&self) -> String {
        self.name.unraw().to_string()
    }

    /// Whether its caller chooses a type that has no name here.
    pub(crate) fn hides_a_type(&self) -> bool {
        struct Find(bool);
        impl<'ast> Visit<'ast> for Find {
            fn visit_type_impl_trait(&mut self, _: &'ast TypeImplTrait) {
                self.0 = true;
            }
        }
        let mut find = Find(false);
        find.visit_type(&self.ty);
        find.0
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut attrs = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        if input.parse::<Option<Token![;]>>()?.is_some() {
            return Ok(Self { attrs, visibility, signature, body: None });
        }
        let braces = braces(input)?;
        let (inner, statements) = split_inner_attributes.parse2(braces.stream())?;
        attrs.extend(inner);
        Ok(Self { attrs, visibility, signature, body: Some(Body { braces, statements }) })
    }
}

/// The body. What `macro_rules!` hands on as one block stands in an invisible group.
fn braces(input: ParseStream<'_>) -> syn::Result<Group> {
    match input.parse()? {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => braces.parse2(group.stream()),
        TokenTree::Group(group) => Ok(group),
        other => Err(syn::Error::new(other.span(), "expected a body in braces")),
    }
}

/// Inner attributes move in front of the function, where they mean the same.
fn split_inner_attributes(input: ParseStream<'_>) -> syn::Result<(Vec<Attribute>, TokenStream)> {
    let mut attrs = input.call(Attribute::parse_inner)?;
    for attr in &mut attrs {
        attr.style = AttrStyle::Outer;
    }
    Ok((attrs, input.parse()?))
}

/// The item as its author wrote it, without our marks.
impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.head(tokens);
        match &self.body {
            Some(body) => {
                let mut braces = Group::new(body.braces.delimiter(), body.statements.clone());
                braces.set_span(body.braces.span());
                tokens.append(braces);
            }
            None => <Token![;]>::default().to_tokens(tokens),
        }
    }
}

impl Function {
    /// Everything before the body.
    pub(crate) fn head(&self, tokens: &mut TokenStream) {
        tokens.append_all(&self.attrs);
        self.visibility.to_tokens(tokens);
        self.signature.to_tokens(tokens);
    }

    /// The same, with a notice at the end of its documentation.
    pub(crate) fn documented_head(&self, notice: &str, tokens: &mut TokenStream) {
        tokens.append_all(&self.attrs);
        tokens.extend(quote!(#[doc = #notice]));
        self.visibility.to_tokens(tokens);
        self.signature.to_tokens(tokens);
    }

    pub(crate) fn receiver(&self) -> Option<&Receiver> {
        self.signature.receiver()
    }

    /// What the caller chooses beside the arguments: types and constants, with the `#[cfg(…)]` that stand on them.
    pub(crate) fn chosen(&self) -> impl Iterator<Item = Chosen<'_>> {
        self.signature.generics.params.iter().filter_map(|param| match param {
            GenericParam::Type(ty) => Some(Chosen { name: &ty.ident, is_type: true, attrs: &ty.attrs }),
            GenericParam::Const(number) => {
                Some(Chosen { name: &number.ident, is_type: false, attrs: &number.attrs })
            }
            GenericParam::Lifetime(_) => None,
        })
    }

    /// A second gate would see the arguments without their marks, and show the secrets.
    pub(crate) fn refuse_second_gate(&mut self, mistakes: &mut Mistakes) {
        let message = "a function is gated once; keep one `#[requires_approval(…)]`";
        let second = |attr: &mut Attribute| {
            attr.path().segments.last().is_some_and(|last| last.ident == "requires_approval")
        };
        for attr in self.attrs.extract_if(.., second) {
            mistakes.at(attr, message);
        }
        // Under another name, or behind a `cfg_attr`, it is known only by what its expansion left.
        if self.is_expansion() {
            mistakes.push(syn::Error::new(Span::call_site(), message));
        }
    }

    fn is_expansion(&self) -> bool {
        self.attrs.iter().any(notice::is_ours)
            || self.body.as_ref().is_some_and(|body| has_word(body.statements.clone(), expand::PRIVATE))
    }

    /// The arguments after the receiver, taking our marks off the signature.
    pub(crate) fn take_arguments(&mut self, mistakes: &mut Mistakes) -> Vec<Argument> {
        let mut arguments = Vec::with_capacity(self.signature.inputs.len());
        for input in &mut self.signature.inputs {
            match input {
                FnArg::Receiver(receiver) => {
                    if mark::take(&mut receiver.attrs, mistakes).is_some() {
                        let message = "marks are for arguments; for the receiver write `show(name = self.…)` or \
                                       `skip(self) = \"why\"` in `#[requires_approval(…)]`";
                        mistakes.at(receiver.self_token, message);
                    }
                }
                FnArg::Typed(typed) => {
                    let mark = mark::take(&mut typed.attrs, mistakes);
                    if let Some(name) = mistakes.keep(name(typed)) {
                        let cfgs =
                            typed.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect();
                        arguments.push(Argument { name, ty: (*typed.ty).clone(), cfgs, mark });
                    }
                }
            }
        }
        arguments
    }
}

/// The one name that a pattern binds: `rows`, `mut rows`, or `Parameters(order)`.
fn name(typed: &PatType) -> syn::Result<Ident> {
    if let Some(name) = bound(&typed.pat) {
        return Ok(name.clone());
    }
    if let Pat::TupleStruct(newtype) = &*typed.pat
        && newtype.elems.len() == 1
        && let Some(name) = newtype.elems.first().and_then(bound)
    {
        return Ok(name.clone());
    }
    let (pattern, ty) = (typed.pat.to_token_stream(), typed.ty.to_token_stream());
    let message = format!("cannot show `{pattern}` to a reviewer; name it: `name: {ty}`");
    Err(syn::Error::new_spanned(&typed.pat, message))
}

fn bound(pattern: &Pat) -> Option<&Ident> {
    match pattern {
        Pat::Ident(pattern) if pattern.by_ref.is_none() && pattern.subpat.is_none() => Some(&pattern.ident),
        _ => None,
    }
}
