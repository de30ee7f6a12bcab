//! The marks `#[approval(…)]` on arguments.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{Attribute, Error, Expr, Ident, LitStr, Meta, Token};

use crate::attr::text;
use crate::mistakes::{Mistakes, listed, unknown};

const MARKS: &[&str] = &["secret", "show", "skip"];

/// How an argument stands on the card instead of being shown as it is.
pub(crate) enum Mark {
    /// Kept out of everything; only a keyed digest is bound, of the argument or of this expression.
    Secret(Option<Box<Expr>>),
    /// This expression is shown and hashed in the argument's place.
    Show(Box<Expr>),
    /// Neither shown nor hashed; the card says why.
    Skip { word: Span, why: LitStr },
    /// A mistake, told already, which must not lead to others.
    Malformed,
}

/// Takes our attributes off an argument, and reads its mark.
pub(crate) fn take(attrs: &mut Vec<Attribute>, mistakes: &mut Mistakes) -> Option<Mark> {
    let mut found = None;
    for attr in attrs.extract_if(.., |attr| attr.path().is_ident("approval") || is_conditional(attr)) {
        let mark = mistakes.keep(read(&attr)).unwrap_or(Mark::Malformed);
        if found.replace(mark).is_some() {
            mistakes.at(&attr, "an argument has one mark; keep one of `#[approval(…)]`");
        }
    }
    found
}

/// Whether it is `#[cfg_attr(…, approval(…))]`.
fn is_conditional(attr: &Attribute) -> bool {
    attr.path().is_ident("cfg_attr")
        && matches!(&attr.meta, Meta::List(list) if names_our_mark(list.tokens.clone()))
}

fn names_our_mark(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == "approval",
        TokenTree::Group(group) => names_our_mark(group.stream()),
        _ => false,
    })
}

fn read(attr: &Attribute) -> syn::Result<Mark> {
    if is_conditional(attr) {
        let message = "with its condition off this mark would vanish silently, and the argument be shown; mark it always";
        return Err(Error::new_spanned(attr, message));
    }
    let Meta::List(list) = &attr.meta else {
        return Err(Error::new_spanned(
            attr,
            format!("write `#[approval(…)]` with one of {}", listed(MARKS)),
        ));
    };
    list.parse_args_with(|input: ParseStream<'_>| {
        let word = input.call(Ident::parse_any)?;
        let mark = match word.to_string().as_str() {
            "secret" if input.parse::<Option<Token![=]>>()?.is_some() => {
                if input.is_empty() {
                    let message = "no expression behind `secret =`; write one, or `#[approval(secret)]` for the argument as it is";
                    return Err(Error::new(word.span(), message));
                }
                Mark::Secret(Some(input.parse()?))
            }
            "secret" => Mark::Secret(None),
            "show" => {
                if input.parse::<Option<Token![=]>>()?.is_none() || input.is_empty() {
                    return Err(Error::new(word.span(), "write `#[approval(show = expression)]`"));
                }
                Mark::Show(input.parse()?)
            }
            "skip" if input.peek(Token![=]) => Mark::Skip { word: word.span(), why: text(input, &word)? },
            "skip" => {
                return Err(Error::new(
                    word.span(),
                    "say why the argument is not shown: `#[approval(skip = \"why\")]`",
                ));
            }
            other => return Err(Error::new(word.span(), unknown("mark", other, MARKS))),
        };
        match input.is_empty() {
            true => Ok(mark),
            false => Err(input.error("an argument has one mark; nothing may follow it")),
        }
    })
}
