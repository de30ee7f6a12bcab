//! A process dies, and the next one takes over what people see.

use std::sync::Arc;

use super::is_over;
use crate::conformance::backend::bench::{ANN, Asked, Bench, ZOE};
use crate::conformance::backend::call::Ask;
use crate::conformance::backend::life::Life;
use crate::conformance::backend::{Ability, Does};
use crate::conformance::check::{Checked, Failure};
use crate::ledger::Answer;

/// A card that was placed by a process that died, and the process after it, which makes the same call.
async fn restarted(bench: &Bench) -> Result<(Life, Asked), Failure> {
    let first = bench.life().await?;
    let (asked, _) = bench.ask_and_show(&first, Ask::keyed()).await?;
    first.dies().await?;
    let second = bench.life().await?;
    let again = bench.attach(&second, Ask::keyed(), &asked);
    // A card that died with its process is placed anew. Of one that did not, there is nothing to say.
    if !bench.can(Ability::Outlive) {
        bench.placed_times(&again, 2).await?;
    }
    Ok((second, again))
}

pub(in crate::conformance) async fn after_a_restart_the_card_stands_once(bench: Arc<Bench>) -> Checked {
    let (_life, asked) = restarted(&bench).await?;
    let view = bench.view(&asked).await?;
    same!(view.messages, 1, "the messages about one request after a restart");
    ensure!(!bench.can(Ability::Answer) || view.can_deny, "nothing there denies after a restart: {view:?}");
    Ok(())
}

pub(in crate::conformance) async fn after_a_restart_the_card_is_brought_up_to_date(
    bench: Arc<Bench>,
) -> Checked {
    let (life, asked) = restarted(&bench).await?;
    bench.elsewhere(&asked, ZOE, Answer::Deny).await?;
    bench.told(&life, &asked, "denied").await?;
    is_over(&bench.view(&asked).await?, "denied")
}

pub(in crate::conformance) async fn after_a_restart_the_card_can_be_answered(bench: Arc<Bench>) -> Checked {
    let (_life, mut asked) = restarted(&bench).await?;
    bench.act(&asked, Does::Approve).await?;
    if let Err(error) = bench.outcome(&mut asked).await? {
        return Err(Failure(format!("the call did not run: {error}")));
    }
    same!(asked.runs(), 1, "how often the body ran");
    let by: Vec<_> = bench.reviews(&asked).await?.into_iter().map(|review| review.by).collect();
    same!(by, [ANN.into()], "who approved");
    Ok(())
}

pub(in crate::conformance) async fn a_card_that_a_dead_process_did_not_record_is_not_placed_twice(
    bench: Arc<Bench>,
) -> Checked {
    let first = bench.life().await?;
    bench.ledger.lose_placings(1);
    let asked = bench.ask(&first, Ask::keyed()).await?;
    let request = asked.request.to_string();
    bench.replied(&first, "a card was not placed", 1, |reply| reply.is_of(&request)).await?;
    first.dies().await?;
    bench.ledger.lose_placings(0);
    let second = bench.life().await?;
    bench.stands(&second, &asked).await?;
    same!(bench.view(&asked).await?.messages, 1, "the messages about a request that two processes presented");
    Ok(())
}
