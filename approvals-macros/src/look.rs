//! What expressions in the attribute mention, and whether they stay inside their closure.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Error, Expr, ExprPath, Ident, Lit, LitStr, Macro};

use crate::check::Gated;
use crate::mark::Mark;
use crate::mistakes::Mistakes;

/// Looks through an expression for what would leave its closure, or leak.
pub(crate) struct Look<'a, 'b> {
    pub(crate) gated: &'a Gated<'a>,
    /// The option, for the message.
    pub(crate) place: &'static str,
    /// Whether secrets may stand here.
    pub(crate) secrets: bool,
    /// Whether skipped arguments may.
    pub(crate) skipped: bool,
    /// Inside a closure or a future of the expression's own, which may be left.
    pub(crate) nested: bool,
    pub(crate) mistakes: &'b mut Mistakes,
}

impl Look<'_, '_> {
    fn name(&mut self, name: &Ident) {
        let (text, place) = (name.to_string(), self.place);
        let text = text.trim_start_matches("r#");
        // A name given by `show(…)` is no variable. Of arguments of one name the strictest mark counts.
        let marked =
            |is: fn(&Mark) -> bool| self.gated.named(text).filter_map(|named| named.mark.as_ref()).any(is);
        let message = if !self.secrets && marked(|mark| matches!(mark, Mark::Secret(_))) {
            format!("`{text}` is secret and cannot stand in `{place}`")
        } else if !self.skipped
            && (marked(|mark| matches!(mark, Mark::Skip { .. }))
                || text == "self" && self.gated.options.skip_self.is_some())
        {
            format!("`{text}` is not shown and cannot stand in `{place}`; show it first")
        } else {
            return;
        };
        self.mistakes.push(Error::new(name.span(), message));
    }

    /// An argument that a macro is handed as a whole, and writes in whatever order it has.
    fn written(&mut self, name: &Ident) {
        let text = name.to_string();
        if ["labels", "show"].contains(&self.place)
            && let Some(message) = self.gated.unordered(text.trim_start_matches("r#"), self.place)
        {
            self.mistakes.push(Error::new(name.span(), message));
        }
    }

    /// `m` and `&m` among the arguments of a macro; `m.len()` is something else.
    fn written_whole(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let comma = |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',');
        for argument in tokens.split(comma) {
            let [before @ .., TokenTree::Ident(name)] = argument else { continue };
            let reference =
                |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == '&');
            if before.iter().all(reference) {
                self.written(name);
            }
        }
    }

    /// A macro's tokens are not parsed, so every word in them counts, also one captured by a format string.
    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Ident(name) => self.name(&name),
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    if let Lit::Str(text) = Lit::new(literal) {
                        self.captures(&text);
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }

    fn captures(&mut self, text: &LitStr) {
        for piece in text.value().split('{').skip(1) {
            let word =
                piece.trim_start().split(|letter: char| !letter.is_alphanumeric() && letter != '_').next();
            if let Some(mut name) = word.and_then(|word| syn::parse_str::<Ident>(word).ok()) {
                name.set_span(text.span());
                self.name(&name);
                self.written(&name);
            }
        }
    }

    fn leaves(&mut self, tokens: impl quote::ToTokens) {
        let message = format!(
            "`{}` runs as a closure over the arguments, which nothing may leave; do this in the body",
            self.place
        );
        self.mistakes.at(tokens, message);
    }
}

impl<'ast> Visit<'ast> for Look<'_, '_> {
    fn visit_expr(&mut self, expression: &'ast Expr) {
        let nested = self.nested;
        match expression {
            Expr::Closure(_) | Expr::Async(_) => self.nested = true,
            Expr::Return(leaving) if !nested => self.leaves(leaving.return_token),
            Expr::Await(leaving) if !nested => self.leaves(leaving.await_token),
            Expr::Try(leaving) if !nested => self.leaves(leaving.question_token),
            _ => {}
        }
        visit::visit_expr(self, expression);
        self.nested = nested;
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if let Some(name) = path.path.get_ident() {
            self.name(name);
        }
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.tokens(call.tokens.clone());
        self.written_whole(call.tokens.clone());
    }
}

pub(crate) fn mentions_self(expression: &Expr) -> bool {
    let mut mentions = Mentions(false);
    mentions.visit_expr(expression);
    mentions.0
}

struct Mentions(bool);

impl<'ast> Visit<'ast> for Mentions {
    fn visit_ident(&mut self, name: &'ast Ident) {
        self.0 |= name == "self";
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.0 |= has_word(call.tokens.clone(), "self");
    }
}

pub(crate) fn has_word(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(name) => name == word,
        TokenTree::Group(group) => has_word(group.stream(), word),
        _ => false,
    })
}
