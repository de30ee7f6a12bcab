//! An expression as text, for the manifest.
//!
//! Written here and not by the compiler, whose way with spaces changes with its version: every program would then have
//! to be reviewed anew.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// The tokens on one line, however they are laid out in their file.
pub(crate) fn source(code: &impl ToTokens) -> String {
    let mut pieces = Vec::new();
    split(code.to_token_stream(), &mut pieces);
    let mut text = String::new();
    for (place, piece) in pieces.iter().enumerate() {
        if let Some(before) = place.checked_sub(1).and_then(|before| pieces.get(before))
            && !is_tight(before, piece)
        {
            text.push(' ');
        }
        text.push_str(piece);
    }
    text
}

/// Words, literals, brackets, and operators as a whole.
fn split(tokens: TokenStream, pieces: &mut Vec<String>) {
    let mut joint = false;
    for token in tokens {
        let joins = joint;
        joint = matches!(&token, TokenTree::Punct(punct) if punct.spacing() == Spacing::Joint);
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    // What a macro put there as one piece stays one.
                    Delimiter::Parenthesis | Delimiter::None => ("(", ")"),
                };
                pieces.push(open.to_owned());
                split(group.stream(), pieces);
                pieces.push(close.to_owned());
            }
            TokenTree::Punct(punct) => match pieces.last_mut().filter(|_| joins) {
                Some(operator) => operator.push(punct.as_char()),
                None => pieces.push(punct.as_char().to_string()),
            },
            TokenTree::Ident(word) => pieces.push(word.to_string()),
            TokenTree::Literal(literal) => pieces.push(literal.to_string()),
        }
    }
}

/// Whether nothing stands between the two.
fn is_tight(before: &str, after: &str) -> bool {
    match (before, after) {
        ("(" | "[" | "." | "::" | "!", _) | (_, ")" | "]" | "." | "::" | "," | ";" | "?") => true,
        ("if" | "match" | "in" | "return" | "else", _) => false,
        // A call, an index or a macro, and not a group of its own.
        (before, "(" | "[" | "!") => {
            before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | ')' | ']' | '?'))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(code: &str) -> String {
        source(&syn::parse_str::<syn::Expr>(code).unwrap())
    }

    #[test]
    fn an_expression_reads_as_in_the_code() {
        for code in [
            "self.env",
            "pool.name(1, \"a b\")[0]?",
            "if n > 3 { Risk::Critical } else { Risk::High }",
            "(a + b) * c",
            "& self.0.handle",
            "f(!x, a & b) || !c",
            "return (a)",
            "format!(\"{x}\")",
            "r#type.len()",
            "'a'",
        ] {
            assert_eq!(told(code), code);
        }
    }

    #[test]
    fn how_it_is_laid_out_makes_no_difference_and_what_it_says_does() {
        assert_eq!(told("risk_of( cents,\n  // why\n  limit )"), told("risk_of(cents, limit)"));
        assert_eq!(told("a==b"), told("a == b"));
        for (one, other) in [
            ("a & &b", "a && b"),
            ("x.0", "x0"),
            ("-(-x)", "- -x"),
            ("f(\"a\")", "f(\"b\")"),
            ("a | b", "a || b"),
        ] {
            assert_ne!(told(one), told(other));
        }
    }
}
