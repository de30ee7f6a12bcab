//! The cards as a page. Every text is escaped, facts stand above the words of the agent.

use approvals::ledger::Answer;
use approvals::webhook::schema::{CardDocument, NamedText, TextDocument};
use axum::http::{HeaderMap, StatusCode};

/// Whether a browser comes from this very page: another site must neither read cards nor answer them.
pub(crate) fn is_ours(headers: &HeaderMap) -> Result<(), (StatusCode, String)> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    // A name that leads here, such as one of a hostile page, is not ours.
    let host = text("host").and_then(|host| host.rsplit_once(':')).map(|(host, _)| host);
    let here = matches!(host, Some("127.0.0.1" | "localhost"));
    // Browsers say this, and `curl` does not.
    let site = matches!(text("sec-fetch-site"), None | Some("same-origin" | "none"));
    // Older browsers say only this, of a form that is sent; the form of a page that hides where it is from says `null`.
    let named = text("host").map(|host| format!("http://{host}"));
    let origin = headers.get("origin").is_none() || text("origin") == named.as_deref();
    if here && site && origin {
        Ok(())
    } else {
        Err((StatusCode::FORBIDDEN, "come from the page itself".to_owned()))
    }
}

pub(crate) fn of<'a>(cards: impl Iterator<Item = &'a CardDocument>) -> String {
    let cards: String = cards.map(card).collect();
    format!("<!doctype html><meta charset=utf-8><title>Approvals</title><h1>Approvals</h1>{cards}")
}

fn card(card: &CardDocument) -> String {
    let mut rows = String::new();
    let mut row = |name: &str, value: &str| {
        // Even an empty argument is `""`: what is empty here is not there.
        if value.is_empty() {
            return;
        }
        rows.push_str(&format!("<tr><th>{}<td>{}", escaped(name), escaped(value)));
    };
    if card.environment.as_deref() == Some("test") {
        row("TEST", "not production");
    }
    if card.requester.single_operator {
        row("SINGLE OPERATOR", "the requester may decide alone");
    }
    row("state", &[std::slice::from_ref(&card.state.label), &card.state.lines].concat().join("; "));
    row("risk", &card.risk);
    for (name, text) in [("resource", &card.resource), ("reason", &card.reason)] {
        text.iter().for_each(|value| row(name, &text_of(value)));
    }
    card.arguments.iter().for_each(|argument| row(&argument.name, &text_of(&argument.value)));
    let named = |NamedText { name, value }: &NamedText| (name.clone(), text_of(value));
    card.labels.iter().map(named).for_each(|(name, value)| row(&name, &value));
    row("sensitivity", card.sensitivity.as_deref().unwrap_or_default());
    row("within", &card.chain.join(" > "));
    row("agent, owner", &format!("{}, {}", card.requester.agent, card.requester.owner));
    row("acts for", card.requester.on_behalf_of.as_deref().unwrap_or("nobody"));
    row("who may decide", &card.who_may_decide.join("; "));
    row("until", &card.decide_by);
    row("not shown", &card.not_shown.join("; "));
    row("digest", &card.digest_prefix);
    card.answers.iter().for_each(|answer| row(&answer.answer, &answer.who));
    card.agent_says.iter().for_each(|text| row("the agent says (unverified)", &text_of(text)));
    let notes = card.notes.iter().map(named);
    notes.for_each(|(name, value)| row(&format!("{name} (unverified)"), &value));
    format!("<h2>{}</h2><table>{rows}</table>{}", escaped(&card.action), form(card))
}

/// Offers what `offer` holds and nothing else.
fn form(card: &CardDocument) -> String {
    let button = |answer: &Answer| {
        let word = match answer {
            Answer::Approve => "approve",
            Answer::Deny => "deny",
        };
        format!("<button name=decision value={word}>{word}</button> ")
    };
    let buttons: String = card.offer.iter().map(button).collect();
    if buttons.is_empty() {
        return buttons;
    }
    let (request, digest) = (escaped(&card.request), escaped(&card.digest));
    format!(
        "<form method=post action=\"/cards/{request}\"><input type=hidden name=digest value=\"{digest}\">\
         <input name=comment placeholder=comment> {buttons}</form>"
    )
}

fn text_of(text: &TextDocument) -> String {
    let warnings = text.warnings.iter().map(|warning| format!(" [{warning}]"));
    text.visible.clone() + &warnings.collect::<String>()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
