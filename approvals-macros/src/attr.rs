//! The options of `#[requires_approval(…)]`.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Path, Token, parenthesized};

use crate::mistakes::{Mistakes, did_you_mean, listed, unknown};
use crate::people::{self, Reviewers};
use crate::template::Template;

/// Every option, in the order in which the documentation lists them.
const OPTIONS: &[&str] = &[
    "risk",
    "action",
    "reason",
    "resource",
    "key",
    "sensitivity",
    "labels",
    "show",
    "skip",
    "reviewers",
    "from_any",
    "from_each",
    "decide_within",
    "use_within",
    "wait",
    "rerunnable",
    "error",
    "approvals",
    "crate",
];
pub(crate) const RISKS: &[&str] = &["low", "medium", "high", "critical"];
const LONGEST_SECONDS: u64 = 30 * 24 * 60 * 60;

/// What the attribute says, before it is held against the function.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) risk: Option<Risk>,
    pub(crate) action: Option<LitStr>,
    pub(crate) reason: Option<Template>,
    pub(crate) resource: Option<Template>,
    pub(crate) key: Option<Template>,
    pub(crate) sensitivity: Option<LitStr>,
    pub(crate) labels: Vec<Named>,
    pub(crate) show: Vec<Named>,
    pub(crate) skip_self: Option<Skip>,
    pub(crate) reviewers: Option<Reviewers>,
    pub(crate) from_any: Vec<LitStr>,
    pub(crate) from_each: Vec<LitStr>,
    pub(crate) decide_within: Option<u64>,
    pub(crate) use_within: Option<u64>,
    pub(crate) wait: Option<u64>,
    pub(crate) rerunnable: bool,
    pub(crate) error: Option<Expr>,
    pub(crate) approvals: Option<Expr>,
    pub(crate) facade: Option<Path>,
    /// The options named, also those with a malformed value.
    named: Vec<Ident>,
    /// The options that a mistake stands in place of, which are not missing as well.
    meant: Vec<&'static str>,
    /// A template is malformed. What follows it may be meant for it, as `format!` takes values.
    malformed_template: bool,
}

pub(crate) enum Risk {
    Word { variant: Ident, critical: bool },
    Expression(Box<Expr>),
}

/// `name = expression`, inside `labels(…)` and `show(…)`.
pub(crate) struct Named {
    pub(crate) name: Ident,
    pub(crate) value: Expr,
}

impl Named {
    pub(crate) fn text(&self) -> String {
        self.name.unraw().to_string()
    }
}

/// `skip(self) = "why"`
pub(crate) struct Skip {
    pub(crate) word: Ident,
    pub(crate) why: LitStr,
}

impl Options {
    /// Reads as much as can be read; each malformed option is a mistake and the rest goes on after its comma.
    pub(crate) fn parse(tokens: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut options = Self::default();
        let read = |input: ParseStream<'_>| {
            each(input, mistakes, |input, mistakes| options.option(input, mistakes));
            Ok(())
        };
        let rest = read.parse2(tokens);
        // A malformed option in parentheses leaves its tail unread, which is not a second mistake.
        if let (Err(error), true) = (rest, mistakes.is_empty()) {
            mistakes.push(error);
        }
        options
    }

    /// The word of an option that was named, also if its value is malformed.
    pub(crate) fn word(&self, option: &str) -> Option<&Ident> {
        self.named.iter().find(|word| *word == option)
    }

    /// Whether an option is there, or was meant to be.
    pub(crate) fn says(&self, option: &str) -> bool {
        self.word(option).is_some() || self.meant.contains(&option)
    }

    fn option(&mut self, input: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<()> {
        if self.malformed_template && next_name(input).is_none() {
            return to_comma(input);
        }
        if let Ok(literal) = input.fork().parse::<LitStr>()
            && RISKS.contains(&literal.value().as_str())
        {
            self.meant.push("risk");
            let message = format!("an option has a name; write `risk = \"{}\"`", literal.value());
            return Err(Error::new(literal.span(), message));
        }
        let Ok(word) = input.call(Ident::parse_any) else {
            return Err(input.error(format!("expected an option; the options are {}", listed(OPTIONS))));
        };
        let name = word.to_string();
        if !OPTIONS.contains(&name.as_str()) {
            self.meant.extend(did_you_mean(&name, OPTIONS.iter().copied()));
            return Err(Error::new(word.span(), unknown("option", &name, OPTIONS)));
        }
        if self.word(&name).is_some() {
            mistakes.push(Error::new(word.span(), format!("`{name}` is given twice; keep one")));
        }
        self.named.push(word.clone());
        match name.as_str() {
            "risk" => self.risk = Some(risk(value(input, &word)?)?),
            "action" => self.action = Some(action(text(input, &word)?)?),
            "reason" => self.reason = Some(self.template(text(input, &word)?)?),
            "resource" => self.resource = Some(self.template(text(input, &word)?)?),
            "key" => self.key = Some(self.template(text(input, &word)?)?),
            "sensitivity" => self.sensitivity = Some(text(input, &word)?),
            "labels" => self.labels = named(input, &word, mistakes)?,
            "show" => self.show = named(input, &word, mistakes)?,
            "skip" => self.skip_self = Some(skip(input, word)?),
            "reviewers" => self.reviewers = Some(Reviewers::parse(input, &word)?),
            "from_any" => self.from_any = people::groups(input, &word, mistakes)?,
            "from_each" => self.from_each = people::groups(input, &word, mistakes)?,
            "decide_within" => self.decide_within = Some(seconds(&text(input, &word)?)?),
            "use_within" => self.use_within = Some(seconds(&text(input, &word)?)?),
            "wait" => self.wait = Some(seconds(&text(input, &word)?)?),
            "rerunnable" if input.peek(Token![=]) => {
                let message = "`rerunnable` takes no value; write `rerunnable` alone, or leave it out";
                return Err(Error::new(word.span(), message));
            }
            "rerunnable" => self.rerunnable = true,
            "error" => self.error = Some(value(input, &word)?),
            "approvals" => self.approvals = Some(value(input, &word)?),
            _ => {
                equals(input, &word)?;
                if let Ok(literal) = input.fork().parse::<LitStr>() {
                    let path =
                        literal.parse_with(Path::parse_mod_style).map(|path| quote!(#path).to_string());
                    let path = path.map_or("approvals".to_owned(), |path| path.replace(' ', ""));
                    let message = format!(
                        "`crate` takes a path without quotes; write `crate = ::{}`",
                        path.trim_start_matches("::")
                    );
                    return Err(Error::new(literal.span(), message));
                }
                self.facade = Some(input.call(Path::parse_mod_style)?);
            }
        }
        Ok(())
    }

    fn template(&mut self, literal: LitStr) -> syn::Result<Template> {
        Template::parse(literal).inspect_err(|_| self.malformed_template = true)
    }
}

/// The name of what comes next, if that is `name = …`, `name(…)` or an option's name alone.
fn next_name(input: ParseStream<'_>) -> Option<Ident> {
    let ahead = input.fork();
    let word = ahead.call(Ident::parse_any).ok()?;
    let begins = ahead.peek(Token![=])
        || ahead.peek(syn::token::Paren)
        || OPTIONS.contains(&word.to_string().as_str());
    begins.then_some(word)
}

/// Goes on to the next comma.
fn to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

/// Reads comma-separated parts, and says how many. After a malformed one it goes on behind the next comma.
pub(crate) fn each(
    input: ParseStream<'_>,
    mistakes: &mut Mistakes,
    mut part: impl FnMut(ParseStream<'_>, &mut Mistakes) -> syn::Result<()>,
) -> usize {
    let mut count = 0;
    while !input.is_empty() {
        count += 1;
        let read = part(input, mistakes);
        if let (Ok(()), Some(next)) = (&read, next_name(input)) {
            mistakes.push(Error::new(next.span(), format!("a comma is missing before `{next}`")));
            continue;
        }
        let read = read.and_then(|()| match input.is_empty() || input.peek(Token![,]) {
            true => Ok(()),
            false => Err(input.error("expected `,`")),
        });
        mistakes.keep(read);
        // Parsing token trees from input that is not empty does not fail.
        if to_comma(input).is_err() {
            return count;
        }
        let _ = input.parse::<Option<Token![,]>>();
    }
    count
}

fn equals(input: ParseStream<'_>, word: &Ident) -> syn::Result<()> {
    match input.parse::<Option<Token![=]>>()? {
        Some(_) => Ok(()),
        None => Err(Error::new(word.span(), format!("`{word}` needs a value; write `{word} = …`"))),
    }
}

pub(crate) fn value(input: ParseStream<'_>, word: &Ident) -> syn::Result<Expr> {
    equals(input, word)?;
    input.parse().map(ungrouped)
}

/// What `macro_rules!` hands on as one expression stands in an invisible group.
pub(crate) fn ungrouped(value: Expr) -> Expr {
    match value {
        Expr::Group(group) => ungrouped(*group.expr),
        other => other,
    }
}

/// A string literal that is not empty.
pub(crate) fn text(input: ParseStream<'_>, word: &Ident) -> syn::Result<LitStr> {
    match value(input, word)? {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().trim().is_empty() => {
            Err(Error::new(text.span(), format!("`{word}` is empty; say something or leave the option out")))
        }
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text),
        other => {
            Err(Error::new_spanned(other, format!("`{word}` takes a string literal; write `{word} = \"…\"`")))
        }
    }
}

fn risk(value: Expr) -> syn::Result<Risk> {
    let literal = match value {
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => literal,
        Expr::Lit(other) => {
            let message = format!("a risk is one of {}, or an expression of type `Risk`", listed(RISKS));
            return Err(Error::new_spanned(other, message));
        }
        expression => return Ok(Risk::Expression(Box::new(expression))),
    };
    let word = literal.value();
    let variant = match word.as_str() {
        "low" => "Low",
        "medium" => "Medium",
        "high" => "High",
        "critical" => "Critical",
        _ if RISKS.contains(&word.to_lowercase().as_str()) => {
            let message = format!("a risk is written small; write `\"{}\"`", word.to_lowercase());
            return Err(Error::new(literal.span(), message));
        }
        _ => return Err(Error::new(literal.span(), unknown("risk", &word.to_lowercase(), RISKS))),
    };
    Ok(Risk::Word { variant: Ident::new(variant, Span::mixed_site()), critical: word == "critical" })
}

fn action(name: LitStr) -> syn::Result<LitStr> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-:/".contains(letter);
    match name.value().chars().find(|letter| !allowed(*letter)) {
        None => Ok(name),
        Some(letter) => Err(Error::new(
            name.span(),
            format!("{letter:?} cannot stand in an action's name; use ASCII letters, digits and `._-:/`"),
        )),
    }
}

/// `labels(a = expression, b = expression)`
fn named(input: ParseStream<'_>, word: &Ident, mistakes: &mut Mistakes) -> syn::Result<Vec<Named>> {
    let usage = format!("write `{word}(name = expression, …)`");
    if !input.peek(syn::token::Paren) {
        return Err(Error::new(word.span(), usage));
    }
    let inside;
    parenthesized!(inside in input);
    let mut found: Vec<Named> = Vec::new();
    let count = each(&inside, mistakes, |input, mistakes| {
        let name = input.call(Ident::parse_any).map_err(|error| Error::new(error.span(), &usage))?;
        if name == "self" {
            return Err(Error::new(name.span(), "`self` is no name for a part of it; name the part"));
        }
        let value = value(input, &name)?;
        if found.iter().any(|other| other.name.unraw() == name.unraw()) {
            mistakes.push(Error::new(name.span(), format!("`{name}` is given twice in `{word}`; keep one")));
        }
        found.push(Named { name, value });
        Ok(())
    });
    if count == 0 {
        mistakes
            .push(Error::new(word.span(), format!("`{word}` is empty; write `{word}(name = expression)`")));
    }
    Ok(found)
}

/// `(self) = "why"`
fn skip(input: ParseStream<'_>, word: Ident) -> syn::Result<Skip> {
    let usage = "write `skip(self) = \"why\"`; an argument is skipped by `#[approval(skip = \"why\")]` on it";
    if !input.peek(syn::token::Paren) {
        return Err(Error::new(word.span(), usage));
    }
    let inside;
    parenthesized!(inside in input);
    let what: TokenStream = inside.parse()?;
    if what.to_string() != "self" {
        return Err(Error::new(word.span(), usage));
    }
    let why = text(input, &word)?;
    Ok(Skip { word, why })
}

/// A duration such as `30s`, `15m`, `4h` or `2d`, in seconds.
fn seconds(literal: &LitStr) -> syn::Result<u64> {
    let text = literal.value();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 60 * 60,
        Some('d') => 24 * 60 * 60,
        _ => 0,
    };
    let digits = text.trim_end_matches(['s', 'm', 'h', 'd']);
    let well_formed = unit > 0
        && digits.len() + 1 == text.len()
        && !digits.is_empty()
        && digits.chars().all(|digit| digit.is_ascii_digit());
    if !well_formed {
        let message = format!(
            "`{text}` is no duration; write a whole number and its unit (s, m, h or d), such as \"30s\" or \"4h\""
        );
        return Err(Error::new(literal.span(), message));
    }
    match digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit)) {
        Some(seconds) if (1..=LONGEST_SECONDS).contains(&seconds) => Ok(seconds),
        _ => {
            Err(Error::new(literal.span(), format!("`{text}` is out of range; durations go from 1s to 30d")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(tokens: TokenStream) -> (Options, Vec<String>) {
        let mut mistakes = Mistakes::default();
        let options = Options::parse(tokens, &mut mistakes);
        let told = mistakes.into_error().into_iter().flatten().map(|mistake| mistake.to_string()).collect();
        (options, told)
    }

    #[test]
    fn every_option_is_read() {
        let (options, told) = parse(quote! {
            risk = "critical", action = "a.b", reason = "{x}", resource = "r", key = "k", sensitivity = "pii",
            labels(a = 1, r#type = f::<u8, u8>(2)), show(env = self.env), skip(self) = "why", reviewers = 3,
            from_any("sre", "security"), from_each("legal",), decide_within = "4h", use_within = "15m",
            wait = "30s", rerunnable, error = |e| wrap(e), approvals = self.approvals, crate = ::elsewhere,
        });
        assert_eq!(told, [""; 0]);
        assert!(matches!(options.risk, Some(Risk::Word { critical: true, .. })));
        assert_eq!(options.labels.iter().map(Named::text).collect::<Vec<_>>(), ["a", "type"]);
        assert_eq!(
            (options.decide_within, options.use_within, options.wait),
            (Some(14_400), Some(900), Some(30))
        );
        assert_eq!(options.reviewers.as_ref().map(|reviewers| reviewers.count), Some(3));
        assert_eq!(options.from_any.iter().map(LitStr::value).collect::<Vec<_>>(), ["sre", "security"]);
        assert_eq!(options.from_each.len(), 1);
        assert!(options.rerunnable && options.error.is_some() && options.facade.is_some());
        assert!(options.approvals.is_some());
        assert_eq!(OPTIONS.iter().filter(|option| options.word(option).is_none()).count(), 0);
    }

    #[test]
    fn each_mistake_is_told_and_the_rest_is_read() {
        let (options, told) = parse(quote! {
            rsk = "low", action = 7, wait = "1w", labels(a, b = 2, b = 3), skip(pool) = "why", risk = "low" "high", key = "k"
        });
        assert_eq!(told.len(), 7, "{told:#?}");
        assert_eq!(options.labels.len(), 2);
        assert_eq!(options.key.map(|key| key.literal.value()).as_deref(), Some("k"));
    }

    #[test]
    fn durations_have_one_unit_and_stay_in_range() {
        let read = |text: &str| seconds(&LitStr::new(text, Span::call_site())).ok();
        assert_eq!(
            ["1s", "15m", "4h", "30d", "2592000s"].map(read),
            [1, 900, 14_400, 2_592_000, 2_592_000].map(Some)
        );
        for text in ["", "s", "0s", "31d", "4", "4 h", "1h30m", "-1s", "1.5h", "4w", "99999999999999999999d"]
        {
            assert_eq!(read(text), None, "`{text}` was accepted");
        }
    }
}
