//! What is shown is what is approved, and text from outside is text.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::card::corpus::{Hostile, hostile};
use crate::card::{Shown, is_hidden};
use crate::conformance::backend::bench::Bench;
use crate::conformance::backend::call::Ask;
use crate::conformance::backend::{Ability, Acted, Does, View, Who};
use crate::conformance::check::Checked;
use crate::desk::cut;

/// The most of a hostile text that is an argument, and of one in any other place, in bytes.
const LONG: usize = 4_000;
const SHORT: usize = 400;
/// Words of seven bytes, so that they and their quotes just fit the 64 KiB that arguments may have.
const WORDS: usize = 9_350;

pub(in crate::conformance) async fn a_part_offers_no_approval(bench: Arc<Bench>) -> Checked {
    let life = bench.life().await?;
    bench.ledger.erase_values();
    let (asked, shown) = bench.ask_and_show(&life, Ask::once()).await?;
    ensure!(shown != Shown::Everything, "a card of which values are gone counts as shown in full");
    let view = bench.view(&asked).await?;
    ensure!(!view.can_approve, "a card that shows a part offers an approval: {view:?}");
    if bench.can(Ability::Answer) {
        let acted = bench.try_act(&asked, Who::First, Does::Approve).await?;
        same!(bench.reviews(&asked).await?, [], "what counted of an approval of a part, which was {acted:?}");
        ensure!(acted == Acted::NotOffered, "a part was approved there, and the desk had to refuse it");
    }
    Ok(())
}

pub(in crate::conformance) async fn a_part_can_be_denied(bench: Arc<Bench>) -> Checked {
    let life = bench.life().await?;
    bench.ledger.erase_values();
    let (asked, _) = bench.ask_and_show(&life, Ask::once()).await?;
    bench.act(&asked, Does::Deny).await?;
    same!(bench.reviews(&asked).await?.len(), 1, "the denials that counted");
    Ok(())
}

pub(in crate::conformance) async fn an_argument_of_64_kib_is_whole_or_cannot_be_approved(
    bench: Arc<Bench>,
) -> Checked {
    let life = bench.life().await?;
    let words: Vec<String> = (0..WORDS).map(|number| format!("w{number:05}")).collect();
    let (asked, shown) = bench.ask_and_show(&life, Ask::text(words.join(" "))).await?;
    let view = bench.view(&asked).await?;
    same!(view.messages, 1, "the messages about one request");
    if shown == Shown::Everything {
        let missing = words.iter().filter(|word| !view.text.contains(*word)).count();
        same!(missing, 0, "the words that count as shown and do not stand there");
    } else {
        ensure!(!view.can_approve, "a card that shows {shown:?} offers an approval");
    }
    Ok(())
}

pub(in crate::conformance) async fn hostile_text_stays_text(bench: Arc<Bench>) -> Checked {
    let life = bench.life().await?;
    let (asked, _) = bench.ask_and_show(&life, Ask::once()).await?;
    let harmless = bench.view(&asked).await?;
    asked.drop_the_call();
    bench.told(&life, &asked, "cancelled").await?;
    for hostile in hostile() {
        let (asked, shown) = bench.ask_and_show(&life, with(&hostile)).await?;
        let view = bench.view(&asked).await?;
        judge(&hostile, &harmless, &view)?;
        let id = &hostile.id;
        ensure!(!view.can_approve || shown == Shown::Everything, "{id}: a part offers an approval");
        // Gone before the next one, where a medium shows one card at a time.
        asked.drop_the_call();
        bench.told(&life, &asked, "cancelled").await?;
    }
    Ok(())
}

/// A call with the text in every place that it may stand in.
fn with(hostile: &Hostile) -> Ask {
    let short = || cut(&hostile.text, SHORT).to_owned();
    Ask {
        text: cut(&hostile.text, LONG).to_owned(),
        reason: short(),
        resource: short(),
        topic: short(),
        // Prose may have lines of its own, which stand behind a mark or in a box of their own.
        says: if hostile.text.lines().count() > 1 { String::new() } else { short() },
        keyed: false,
    }
}

fn judge(hostile: &Hostile, harmless: &View, view: &View) -> Checked {
    let id = &hostile.id;
    same!(view.messages, 1, "{id}: the messages about one request");
    let hidden = |view: &View| -> BTreeSet<char> {
        view.text.chars().filter(|c| *c != '\n' && is_hidden(*c)).collect()
    };
    let new: Vec<_> = hidden(view).difference(&hidden(harmless)).copied().collect();
    ensure!(new.is_empty(), "{id}: hidden characters stand there: {new:?}");
    same!(view.live, harmless.live, "{id}: what is more than text");
    // A line that the text makes for itself could be read as one of the card's own.
    let lines: Vec<_> = hostile.text.lines().skip(1).map(str::trim).filter(|line| line.len() >= 8).collect();
    for shown in view.text.lines().map(str::trim_start) {
        let made = lines.iter().find(|line| shown.starts_with(**line));
        ensure!(made.is_none(), "{id}: text from outside begins a line: {shown:?}");
    }
    Ok(())
}
