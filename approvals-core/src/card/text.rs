//! The card as plain text, for terminals, logs and mail.
//!
//! A reader can trust the left edge. A line begins with one of the card's own words, or with a mark that says what
//! the rest of it is: `- ` one entry of a list, `| ` more of the entry above or a line of prose, `! ` a remark of the
//! card's own. Text from outside never begins a line.

mod page;
mod sheet;

use super::{Card, Shown};
use page::{Cut, Page};
use sheet::Sheet;

/// Characters of every fact that are kept as long as there is room for anything at all.
const LEAST: usize = 48;

/// How to render a card as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TextOptions {
    /// Columns; at least 40. Default 80.
    pub width: usize,
    /// Longest result in characters; default 200,000. Below about 3,000 the headings themselves may need more.
    pub limit: usize,
    /// Whether to colour the card's own words. Default: no.
    pub color: bool,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self { width: 80, limit: 200_000, color: false }
    }
}

impl TextOptions {
    /// With this many columns; fewer than 40 become 40.
    pub fn width(self, width: usize) -> Self {
        Self { width, ..self }
    }

    /// With at most this many characters.
    pub fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// With or without colour.
    pub fn color(self, color: bool) -> Self {
        Self { color, ..self }
    }
}

/// A card as text, and whether every fact is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Lines, each ended by a line feed.
    pub text: String,
    /// `Part` takes the approve control away (law 5).
    pub shown: Shown,
}

/// Renders the card: facts, then the agent's words behind a margin.
///
/// ```
/// use approvals_core::card::text::{TextOptions, render};
/// use approvals_core::card::{Card, Shown};
///
/// fn post(card: &Card) -> (String, bool) {
///     let page = render(card, &TextOptions::default().width(60).limit(3_000));
///     // What could not show everything offers no approve control.
///     (page.text, page.shown == Shown::Everything)
/// }
/// # use approvals_core::card::{CardArgument, CardClocks, CardRequester, CardValue, Span, Time};
/// # let time = || Time { text: "2026-11-21T22:53:29Z".into(), unix_ms: 1_795_301_609_000 };
/// # let use_within = Span { text: "15 min".into(), seconds: 900 };
/// # let clocks = CardClocks { requested_at: time(), decide_by: time(), use_within };
/// # let (request, digest) = ("0192f0c1-7a3e-7c2b-9d55-3f6a1b2c4d5e", "4f2a9c01d3e7c6b5");
/// # let requester = CardRequester::new("cleaner", "dana");
/// # let mut card = Card::new(request, digest, "cleanup.delete_files", "high", requester, clocks);
/// # assert!(post(&card).1);
/// # card.arguments.push(CardArgument::new("folder", CardValue::Shown(format!("{:?}", "x".repeat(9_000)))));
/// # assert!(!post(&card).1);
/// ```
///
/// Over the limit, the agent's words are cut first: no digest binds them, so cutting them leaves the facts whole.
/// Only if that is not enough are facts cut, all to the same length, so that a long argument cannot push another
/// one out of view; the result is then `Part` and says so in its text.
pub fn render(card: &Card, options: &TextOptions) -> Rendered {
    let sheet = Sheet::of(card);
    let width = options.width.max(40);
    let with = |cut: Cut| lay_out(&sheet, width, options.color, cut);
    let fits = |cut: Cut| with(cut).text.chars().count() <= options.limit;
    let longest = options.limit;
    let whole = Cut { facts: usize::MAX, prose: usize::MAX, items: usize::MAX, spread: true };
    let dense = Cut { spread: false, ..whole };
    let silent = Cut { prose: 0, ..dense };
    let chosen = if fits(whole) {
        whole
    } else if let Some(prose) = greatest(0, longest, |prose| fits(Cut { prose, ..whole })) {
        Cut { prose, ..whole }
    } else if let Some(prose) = greatest(0, longest, |prose| fits(Cut { prose, ..dense })) {
        Cut { prose, ..dense }
    } else if let Some(facts) = greatest(LEAST, longest, |facts| fits(Cut { facts, ..silent })) {
        Cut { facts, ..silent }
    } else {
        let least = Cut { facts: LEAST, items: 0, ..silent };
        let items = greatest(0, longest, |items| fits(Cut { items, ..least })).unwrap_or(0);
        Cut { items, ..least }
    };
    with(chosen)
}

/// The greatest number in the range for which `fits` holds, if it holds for the least.
fn greatest(least: usize, most: usize, fits: impl Fn(usize) -> bool) -> Option<usize> {
    if most < least || !fits(least) {
        return None;
    }
    let (mut low, mut high) = (least, most);
    while low < high {
        let middle = high - (high - low) / 2;
        if fits(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    Some(low)
}

fn lay_out(sheet: &Sheet, width: usize, color: bool, cut: Cut) -> Rendered {
    let mut facts = Page::new(width, color, cut);
    for entry in &sheet.facts {
        facts.entry(entry);
    }
    let (said, noted) = (sheet.says.is_some(), !sheet.notes.items.is_empty());
    let mut prose = Page::new(width, color, cut);
    if said || noted {
        prose.rule();
    }
    if let Some((lines, told)) = &sheet.says {
        prose.says(lines, told);
    }
    if noted {
        prose.entry(&sheet.notes);
    }

    let mut page = Page::new(width, color, cut);
    if sheet.test {
        page.remark("*** TEST *** environment `test`: an approval here opens nothing real");
    }
    page.header(&sheet.risk, &sheet.action);
    let hidden = facts.hidden + page.hidden;
    let shown = if hidden > 0 || sheet.erased { Shown::Part { hidden } } else { Shown::Everything };
    if shown != Shown::Everything {
        page.remark("not everything is shown here: no approval from this view");
        page.remark(&format!("open it with `approvals show {}`", sheet.request));
    }
    if sheet.single_operator {
        page.remark("SINGLE OPERATOR: the requester decides alone");
    }
    Rendered { text: page.text + &facts.text + &prose.text, shown }
}
