//! What a failing test is told: which expectation, what came, what nearly matched and why not. Made of what cards
//! show, so that no secret can be in it (law 12), and with every hidden character visible (law 13).

use std::fmt::Write as _;

use super::book::{Book, Came, Taken};
use super::matcher::{Look, show};
use super::rule::Entry;
use crate::card::{Card, visible};

/// How many cards are told of.
const CARDS: usize = 40;

/// Whether closures of the test may be called: not while it is panicking.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Closures {
    Ask,
    Leave,
}

/// What is wrong, if anything is.
pub(super) fn report(book: &Book, closures: Closures) -> Option<String> {
    let unmet: Vec<(usize, &Entry)> =
        book.rules.iter().enumerate().filter(|(_, entry)| !entry.is_met()).collect();
    if unmet.is_empty() && book.faults.is_empty() {
        return None;
    }
    let mut text = String::from("the mock was not called as this test says\n");
    for fault in &book.faults {
        line(&mut text, &format!("\n{fault}"));
    }
    for (place, entry) in &unmet {
        let expects = entry.expects.map_or_else(String::new, |times| times.to_string());
        let came = entry.requests.len();
        let came = if came == 0 { "none".to_owned() } else { came.to_string() };
        line(&mut text, &format!("\n{} expects {expects}, and {came} came", entry.title(*place)));
        line(&mut text, &format!("  when {}: {}", entry.matcher, entry.plan));
        line(&mut text, &format!("  at {}", entry.at));
    }
    if book.came.is_empty() {
        line(&mut text, "\nno card came");
        return Some(text);
    }
    line(&mut text, "\nwhat came:");
    for (number, came) in book.came.iter().enumerate().take(CARDS) {
        describe(&mut text, number + 1, &came.card);
        line(&mut text, &format!("     {}", taken(book, came)));
        if let Some(why) = book.waiting.get(&came.card.request) {
            line(&mut text, &format!("     still open: {why}"));
        }
        if closures == Closures::Ask {
            for miss in misses(book, came, &unmet) {
                line(&mut text, &format!("     {miss}"));
            }
        }
    }
    if let Some(more) = book.came.len().checked_sub(CARDS).filter(|more| *more > 0) {
        line(&mut text, &format!("  and {more} more"));
    }
    Some(text)
}

fn line(text: &mut String, line: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{line}");
}

/// A card in a few lines: action, risk, requester, arguments.
fn describe(text: &mut String, number: usize, card: &Card) {
    let requester = &card.requester;
    let human =
        requester.on_behalf_of.as_ref().map_or_else(String::new, |h| format!(", for `{}`", visible(h)));
    line(
        text,
        &format!(
            "  {number}. {}, risk {}, by agent `{}` of `{}`{human}",
            visible(&card.action),
            card.risk,
            visible(&requester.agent),
            visible(&requester.owner),
        ),
    );
    for argument in &card.arguments {
        line(text, &format!("     | {} = {}", visible(&argument.name), show(&argument.value)));
    }
}

fn taken(book: &Book, came: &Came) -> String {
    match came.taken {
        Taken::Rule(place) => {
            let title = book.rules.get(place).map(|entry| format!("{}: {}", entry.title(place), entry.plan));
            format!("answered by {}", title.unwrap_or_default())
        }
        Taken::Default if book.default_is_silent(came) => "nobody answered: no rule is for it".to_owned(),
        Taken::Default => format!("no rule is for it; as every such card: {}", came.plan),
        Taken::Nobody => "called off, because the test is wrong about it".to_owned(),
    }
}

/// Why a card did not go to the rules that it could be missed by: those that are unmet, or all if it went to none.
fn misses(book: &Book, came: &Came, unmet: &[(usize, &Entry)]) -> Vec<String> {
    let mut misses = Vec::new();
    for (place, entry) in book.rules.iter().enumerate() {
        let asked = match came.taken {
            Taken::Rule(by) => by != place && unmet.iter().any(|(unmet, _)| *unmet == place),
            Taken::Default => true,
            Taken::Nobody => false,
        };
        if !asked {
            continue;
        }
        let title = entry.title(place);
        misses.push(match (entry.matcher.look(&came.card), came.taken) {
            _ if place >= came.rules => format!("not {title}: it was given after this card came"),
            (Look::Fits, Taken::Rule(by)) if by < place => {
                format!("nearly {title}: it fits, and an earlier rule took the card")
            }
            (Look::Fits, _) => format!("nearly {title}: it fits, and had taken all its cards"),
            (Look::Misses { nearly: true, why }, _) => format!("nearly {title}: {}", why.join("; ")),
            (Look::Misses { why, .. }, _) => format!("not {title}: {}", why.join("; ")),
            (Look::Misused(why), _) => format!("nearly {title}: {why}"),
        });
    }
    misses
}
