//! Who must say yes at least: `reviewers`, `from_any` and `from_each`.

use syn::parse::ParseStream;
use syn::{Error, Expr, ExprLit, Ident, Lit, LitInt, LitStr, parenthesized};

use crate::attr::{Options, each, ungrouped, value};
use crate::mistakes::Mistakes;

/// The most people that one request may ask for: `Quorum::MAX_PEOPLE` of core.
const MOST: usize = 32;

/// `reviewers = 2`
pub(crate) struct Reviewers {
    pub(crate) count: u32,
    literal: LitInt,
}

impl Reviewers {
    pub(crate) fn parse(input: ParseStream<'_>, word: &Ident) -> syn::Result<Self> {
        let usage =
            format!("`reviewers` takes a whole number of people from 1 to {MOST}; write `reviewers = 2`");
        match value(input, word)? {
            Expr::Lit(ExprLit { lit: Lit::Int(literal), .. }) if literal.suffix().is_empty() => {
                match literal.base10_parse::<u32>() {
                    Ok(count) if (1..=MOST).contains(&(count as usize)) => Ok(Self { count, literal }),
                    _ => Err(Error::new(literal.span(), usage)),
                }
            }
            other => Err(Error::new_spanned(other, usage)),
        }
    }
}

/// `("sre", "security")`
pub(crate) fn groups(
    input: ParseStream<'_>,
    word: &Ident,
    mistakes: &mut Mistakes,
) -> syn::Result<Vec<LitStr>> {
    let usage = format!("write `{word}(\"group\", …)`");
    if !input.peek(syn::token::Paren) {
        return Err(Error::new(word.span(), usage));
    }
    let inside;
    parenthesized!(inside in input);
    let mut found: Vec<LitStr> = Vec::new();
    let count = each(&inside, mistakes, |input, mistakes| {
        let group = match ungrouped(input.parse()?) {
            Expr::Lit(ExprLit { lit: Lit::Str(group), .. }) => group,
            other => return Err(Error::new_spanned(other, format!("a group is a string literal; {usage}"))),
        };
        if group.value().trim().is_empty() {
            return Err(Error::new(group.span(), "a group without a name; name it as the directory does"));
        }
        if found.iter().any(|other| other.value() == group.value()) {
            let message = format!("`{}` is given twice in `{word}`; keep one", group.value());
            mistakes.push(Error::new(group.span(), message));
        }
        found.push(group);
        Ok(())
    });
    if count == 0 {
        mistakes.push(Error::new(word.span(), format!("`{word}` is empty; {usage}")));
    }
    Ok(found)
}

/// The rules that need more than one of the three.
pub(crate) fn check(options: &Options, mistakes: &mut Mistakes) {
    if let (Some(_), Some(word)) = (options.word("from_any"), options.word("from_each")) {
        let message = "`from_any` and `from_each` exclude each other; keep the one that you mean";
        mistakes.push(Error::new(word.span(), message));
    }
    let groups = options.from_each.len();
    if let Some(group) = options.from_each.get(MOST) {
        let message = format!("more groups than the {MOST} people that a request may ask for; name fewer");
        mistakes.push(Error::new(group.span(), message));
    }
    if let Some(reviewers) = &options.reviewers
        && (reviewers.count as usize) < groups
    {
        let message = format!(
            "each of the {groups} groups in `from_each` sends a person of its own; write `reviewers = {groups}` or leave it out"
        );
        mistakes.push(Error::new(reviewers.literal.span(), message));
    }
}
