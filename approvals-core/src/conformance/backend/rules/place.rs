//! A card is placed: once, with everything that counts as shown.

use std::sync::Arc;

use crate::card::Shown;
use crate::conformance::backend::bench::Bench;
use crate::conformance::backend::call::{ACTION, Ask};
use crate::conformance::backend::life::{AGENT, OWNER};
use crate::conformance::backend::watched::Replied;
use crate::conformance::backend::{Ability, Who};
use crate::conformance::check::Checked;

pub(in crate::conformance) async fn what_it_says_of_itself_is_true(bench: Arc<Bench>) -> Checked {
    let life = bench.life().await?;
    let (capabilities, way) = (life.backend.capabilities(), life.way.clone());
    ensure!(!way.as_str().is_empty(), "it has no name");
    same!(
        capabilities.cards_outlive_process,
        bench.can(Ability::Outlive),
        "whether cards outlive the process, as the backend says and as was claimed"
    );
    same!(
        capabilities.provider,
        bench.identity(Who::First).provider().clone(),
        "the provider, as the backend says and as its people's identities do"
    );
    life.dies().await?;
    let again = bench.life().await?;
    same!(again.way, way, "its name after a restart");
    same!(again.backend.capabilities(), capabilities, "what it says of itself after a restart");
    Ok(())
}

pub(in crate::conformance) async fn a_request_stands_once_and_offers_what_can_be_answered(
    bench: Arc<Bench>,
) -> Checked {
    let life = bench.life().await?;
    let (asked, shown) = bench.ask_and_show(&life, Ask::once()).await?;
    let view = bench.view(&asked).await?;
    same!(view.messages, 1, "the messages about one request");
    if bench.can(Ability::Answer) {
        ensure!(view.can_deny, "nothing there denies: {view:?}");
        same!(view.can_approve, shown == Shown::Everything, "whether it can be approved, shown as {shown:?}");
    }
    Ok(())
}

pub(in crate::conformance) async fn everything_that_counts_as_shown_stands_there(
    bench: Arc<Bench>,
) -> Checked {
    let life = bench.life().await?;
    let (asked, shown) = bench.ask_and_show(&life, Ask::once()).await?;
    same!(shown, Shown::Everything, "how much is shown of a request with five short facts");
    let (view, card) = (bench.view(&asked).await?, bench.card(&asked).await?);
    let ask = Ask::once();
    let facts =
        [ACTION, AGENT, OWNER, &ask.text, &ask.reason, &ask.resource, &ask.topic, card.digest_prefix()];
    for fact in facts {
        ensure!(view.text.contains(fact), "`{fact}` counts as shown and does not stand there: {view:?}");
    }
    let secret = "a secret argument";
    ensure!(!view.text.contains(secret), "a secret argument stands there");
    Ok(())
}

pub(in crate::conformance) async fn presenting_again_makes_no_second_message(bench: Arc<Bench>) -> Checked {
    let life = bench.life().await?;
    // The card is placed, its record fails, and core has to ask for it again.
    bench.ledger.lose_placings(1);
    let asked = bench.ask(&life, Ask::keyed()).await?;
    bench.while_time_passes("a card was not placed again", bench.stands(&life, &asked)).await?;
    let request = asked.request.to_string();
    let again = |reply: &Replied| matches!(reply, Replied::Presented { request: of, .. } if *of == request);
    bench.replied(&life, "core did not ask again", 2, again).await?;
    same!(bench.view(&asked).await?.messages, 1, "the messages about a request that was presented twice");
    Ok(())
}
