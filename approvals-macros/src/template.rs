//! The strings with `{argument}` in `reason`, `resource` and `key`.
//!
//! Not `format!` itself: only names that the reviewer is shown may be filled in, so that no secret and nothing
//! unseen reaches a card through its text.

use proc_macro2::Span;
use syn::{Error, Ident, Index, LitStr, Member};

/// A checked template: what stands between the braces is a name and its fields, nothing else.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) literal: LitStr,
    pub(crate) pieces: Vec<Piece>,
}

#[derive(Debug)]
pub(crate) enum Piece {
    /// Literal text, with its braces unescaped.
    Text(String),
    Hole(Hole),
}

/// `{order.total:>8}`
#[derive(Debug)]
pub(crate) struct Hole {
    /// `order`
    pub(crate) name: String,
    /// `total`
    pub(crate) fields: Vec<Member>,
    /// `:>8`, with its colon, or nothing
    pub(crate) format: String,
}

impl Template {
    pub(crate) fn parse(literal: LitStr) -> syn::Result<Self> {
        let pieces = pieces(&literal.value(), literal.span())
            .map_err(|message| Error::new(literal.span(), message))?;
        Ok(Self { literal, pieces })
    }

    pub(crate) fn holes(&self) -> impl Iterator<Item = &Hole> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Hole(hole) => Some(hole),
            Piece::Text(_) => None,
        })
    }

    /// The string for `format_args!`, with one `{}` for each hole in turn.
    pub(crate) fn format_string(&self) -> LitStr {
        let text = self
            .pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.replace('{', "{{").replace('}', "}}"),
                Piece::Hole(hole) => format!("{{{}}}", hole.format),
            })
            .collect::<String>();
        LitStr::new(&text, self.literal.span())
    }
}

fn pieces(text: &str, span: Span) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '{' | '}' if letters.next_if_eq(&letter).is_some() => plain.push(letter),
            '{' => {
                let mut inside = String::new();
                loop {
                    match letters.next() {
                        Some('}') => break,
                        Some('{') | None => {
                            return Err(format!("`{{{inside}` is not closed; write `{{{{` for a brace"));
                        }
                        Some(other) => inside.push(other),
                    }
                }
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Hole(hole(&inside, span)?));
            }
            '}' => return Err("`}` closes nothing; write `}}` for a brace".to_owned()),
            _ => plain.push(letter),
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

fn hole(inside: &str, span: Span) -> Result<Hole, String> {
    let (path, format) = match inside.split_once(':') {
        Some((path, format)) => (path.trim(), format!(":{}", format.trim_end())),
        None => (inside.trim(), String::new()),
    };
    if format.contains('$') || format.contains(".*") {
        return Err(format!("`{{{inside}}}` takes its width from another value; write the number itself"));
    }
    let mut names = path.split('.');
    let name = names.next().unwrap_or_default().trim_start_matches("r#").to_owned();
    if name.is_empty() || name.chars().all(|letter| letter.is_ascii_digit()) {
        return Err(format!("`{{{inside}}}` has no name; write the argument's name between the braces"));
    }
    let fields = names.map(|field| member(field, span)).collect::<Option<Vec<_>>>();
    match fields {
        Some(fields) if is_word(&name) => Ok(Hole { name, fields, format }),
        _ => Err(format!(
            "`{{{inside}}}` is more than a name and its fields; add `show(name = …)` with the expression and write `{{name}}`"
        )),
    }
}

fn member(field: &str, span: Span) -> Option<Member> {
    if let Ok(index) = field.parse() {
        return Some(Member::Unnamed(Index { index, span }));
    }
    let word = field.trim_start_matches("r#");
    (word != "self" && is_word(word)).then(|| Member::Named(ident(word, span)))
}

/// A word as an identifier, raw where it is a keyword.
fn ident(word: &str, span: Span) -> Ident {
    match syn::parse_str::<Ident>(word) {
        Ok(_) => Ident::new(word, span),
        Err(_) => Ident::new_raw(word, span),
    }
}

/// `Ident::new_raw` panics over these words, and over what only looks like a word (`b²`, `Ⓐ`).
fn is_word(word: &str) -> bool {
    let mut letters = word.chars();
    letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
        && word != "_"
        && !["super", "crate", "Self"].contains(&word)
        && (word == "self" || syn::parse_str::<Ident>(&format!("r#{word}")).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Template, String> {
        Template::parse(LitStr::new(text, Span::call_site())).map_err(|error| error.to_string())
    }

    #[test]
    fn text_holes_fields_and_formats_come_apart() {
        let template = parse("{{{rows:>8}}} of {data.set.0:?}").unwrap();
        assert_eq!(template.format_string().value(), "{{{:>8}}} of {:?}");
        let holes: Vec<_> = template
            .holes()
            .map(|hole| (hole.name.as_str(), hole.fields.len(), hole.format.as_str()))
            .collect();
        assert_eq!(holes, [("rows", 0, ":>8"), ("data", 2, ":?")]);
    }

    #[test]
    fn a_template_may_be_plain_text() {
        assert_eq!(parse("nightly").unwrap().format_string().value(), "nightly");
    }

    #[test]
    fn what_is_not_a_name_with_fields_is_refused() {
        for text in [
            "{}",
            "{0}",
            "{:?}",
            "{a.b()}",
            "{a + b}",
            "{a",
            "a}",
            "{a{b}}",
            "{a:width$}",
            "{a:.*}",
            "{a.}",
            "{_}",
            "{a.self}",
            "{a.b²}",
            "{a.bⒶ}",
            "{b²}",
        ] {
            assert!(parse(text).is_err(), "`{text}` was accepted");
        }
    }

    #[test]
    fn keywords_are_fields_too() {
        assert!(parse("{order.type} {self.env} {r#type}").is_ok());
    }
}
