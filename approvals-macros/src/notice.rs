//! What the documentation of a gated function says about its gate.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

use crate::attr::{Options, Risk};

const HEAD: &str = "\n# Needs approval\n\n";

/// Whether it is a notice that an earlier expansion wrote.
pub(crate) fn is_ours(attr: &Attribute) -> bool {
    attr.path().is_ident("doc")
        && matches!(
            &attr.meta,
            Meta::NameValue(doc)
                if matches!(&doc.value, Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().starts_with(HEAD))
        )
}

/// A section for the end of the function's documentation: facts of the attribute and nothing else.
pub(crate) fn notice(options: &Options) -> String {
    let mut facts = Vec::new();
    if let Some(action) = &options.action {
        facts.push(format!("Action {}", code(&action.value())));
    }
    facts.push(match &options.risk {
        Some(Risk::Word { variant, .. }) => format!("risk `{}`", variant.to_string().to_lowercase()),
        _ => "risk by the arguments".to_owned(),
    });
    if let Some(sensitivity) = &options.sensitivity {
        facts.push(format!("sensitivity {}", code(&sensitivity.value())));
    }
    let mut text = format!("{HEAD}{}.", capitalised(&facts.join(", ")));
    match people(options) {
        Some(people) => text.push_str(&format!(
            " The body runs only after {people} said yes to exactly this call; policy may ask for more."
        )),
        None => text.push_str(
            " The body runs only once policy, or the people whom it asks, let exactly this call through.",
        ),
    }
    if let Some(key) = &options.key {
        text.push_str(&format!(" Calls with the same key {} share one request.", code(&key.literal.value())));
    }
    for (what, seconds) in [
        (" A request lives for", options.decide_within),
        (" An approval is good for", options.use_within),
        (" A call waits no longer than", options.wait),
    ] {
        if let Some(seconds) = seconds {
            text.push_str(&format!("{what} {}.", duration(seconds)));
        }
    }
    if options.rerunnable {
        text.push_str(" The body may run again under the same approval after a crash in it.");
    }
    text
}

/// `2 people from ...`, if the author asks for any.
fn people(options: &Options) -> Option<String> {
    let listed = |groups: &[syn::LitStr], word: &str| {
        groups.iter().map(|group| code(&group.value())).collect::<Vec<_>>().join(word)
    };
    let count = options.reviewers.as_ref().map(|reviewers| reviewers.count);
    let number = |count: u32| if count == 1 { "1 person".to_owned() } else { format!("{count} people") };
    if !options.from_each.is_empty() {
        let each = listed(&options.from_each, ", ");
        let groups = u32::try_from(options.from_each.len()).unwrap_or(u32::MAX);
        let more = match count.unwrap_or_default().saturating_sub(groups) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        return Some(format!("1 person from each of {each}{more}"));
    }
    match options.from_any.is_empty() {
        false => {
            let any = listed(&options.from_any, " or ");
            Some(format!("{} from {any}", number(count.unwrap_or(1))))
        }
        true => count.map(number),
    }
}

/// Text that Markdown shows as it is.
fn code(text: &str) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if !text.contains('`') {
        return format!("`{text}`");
    }
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    format!("{fence} {text} {fence}")
}

/// In the largest unit that leaves a whole number.
fn duration(seconds: u64) -> String {
    let units = [(24 * 60 * 60, "d"), (60 * 60, "h"), (60, "min")];
    match units.iter().find(|(length, _)| seconds.is_multiple_of(*length)) {
        Some((length, unit)) => format!("{} {unit}", seconds / length),
        None => format!("{seconds} s"),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;
    use crate::mistakes::Mistakes;

    fn of(options: proc_macro2::TokenStream) -> String {
        let mut mistakes = Mistakes::default();
        let options = Options::parse(options, &mut mistakes);
        assert!(mistakes.is_empty());
        notice(&options)
    }

    #[test]
    fn a_bare_gate_names_its_risk_and_leaves_the_rest_to_policy() {
        assert_eq!(
            of(quote!(risk = "high")),
            "\n# Needs approval\n\nRisk `high`. The body runs only once policy, or the people whom it asks, let exactly \
             this call through."
        );
        assert!(of(quote!(risk = risk_of(cents))).contains("Risk by the arguments."));
    }

    #[test]
    fn every_fact_of_the_attribute_is_told() {
        let text = of(quote! {
            risk = "critical", action = "data.export", sensitivity = "pii", reviewers = 2, from_any("sre", "legal"),
            key = "{day}", decide_within = "4h", use_within = "15m", wait = "90s", rerunnable
        });
        for fact in [
            "Action `data.export`, risk `critical`, sensitivity `pii`.",
            "only after 2 people from `sre` or `legal` said yes",
            "the same key `{day}`",
            "lives for 4 h.",
            "good for 15 min.",
            "no longer than 90 s.",
            "may run again",
        ] {
            assert!(text.contains(fact), "`{fact}` is missing in: {text}");
        }
    }

    #[test]
    fn people_are_counted_as_the_quorum_counts_them() {
        let people = |options| people(&Options::parse(options, &mut Mistakes::default())).unwrap_or_default();
        assert_eq!(people(quote!(reviewers = 1)), "1 person");
        assert_eq!(people(quote!(from_any("sre"))), "1 person from `sre`");
        assert_eq!(people(quote!(from_each("a", "b"))), "1 person from each of `a`, `b`");
        assert_eq!(
            people(quote!(from_each("a", "b"), reviewers = 3)),
            "1 person from each of `a`, `b` and 1 more"
        );
        assert_eq!(people(quote!(risk = "low")), "");
    }

    #[test]
    fn no_text_of_the_author_becomes_markup() {
        assert_eq!(code("a <b> [c](d)\n# e"), "`a <b> [c](d) # e`");
        assert_eq!(code("a``b"), "``` a``b ```");
    }
}
