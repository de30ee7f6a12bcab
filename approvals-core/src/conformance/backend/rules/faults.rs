//! The medium fails: what cannot help is not tried again, what can is, and nothing is placed twice.

use std::sync::Arc;

use crate::conformance::backend::Fault;
use crate::conformance::backend::bench::{Asked, Bench};
use crate::conformance::backend::call::Ask;
use crate::conformance::backend::life::Life;
use crate::conformance::backend::watched::Replied;
use crate::conformance::check::{Checked, Failure};
use crate::ledger::{CancelWhy, Event, Record};

/// The request that could not be placed, and whether the backend says that trying again can help.
async fn fails(bench: &Bench, life: &Life, fault: Fault) -> Result<(Asked, bool), Failure> {
    bench.fault(fault).await?;
    let asked = bench.ask(life, Ask::once()).await?;
    let request = asked.request.to_string();
    let reply = bench.replied(life, "the backend did not reply", 1, |reply| reply.is_of(&request)).await?;
    let Replied::Presented { error: Some(error), .. } = reply else {
        return Err(Failure(format!("`{fault:?}`, and the card counts as placed")));
    };
    bench.fired(fault);
    Ok((asked, error.is_temporary()))
}

pub(in crate::conformance) async fn a_card_that_is_refused_is_not_tried_again(bench: Arc<Bench>) -> Checked {
    let life = bench.life().await?;
    let (mut asked, temporary) = fails(&bench, &life, Fault::Refuses).await?;
    ensure!(!temporary, "the medium refuses for good, and the backend says that it may pass");
    let outcome = bench.outcome(&mut asked).await?;
    let unavailable = outcome.as_ref().is_err_and(crate::error::ApprovalError::is_unavailable);
    ensure!(unavailable, "nobody could be asked, and the call ended otherwise: {outcome:?}");
    let off = |record: &Record| match record.body.event {
        Event::Cancelled { why, .. } => Some(why),
        _ => None,
    };
    same!(bench.record(&asked, "it was not called off", off).await?, CancelWhy::Undeliverable, "why");
    Ok(())
}

pub(in crate::conformance) async fn a_card_that_an_outage_held_up_is_tried_again(
    bench: Arc<Bench>,
) -> Checked {
    let life = bench.life().await?;
    let (asked, temporary) = fails(&bench, &life, Fault::IsAway).await?;
    ensure!(temporary, "the medium is away for a while, and the backend says that it is for good");
    placed_after_all(&bench, &asked).await
}

pub(in crate::conformance) async fn a_lost_reply_makes_no_second_message(bench: Arc<Bench>) -> Checked {
    let life = bench.life().await?;
    let (asked, temporary) = fails(&bench, &life, Fault::LosesReplies).await?;
    ensure!(temporary, "a reply was lost, and the backend says that trying again cannot help");
    placed_after_all(&bench, &asked).await
}

async fn placed_after_all(bench: &Bench, asked: &Asked) -> Checked {
    bench.mend().await?;
    bench.while_time_passes("a card was not tried again", bench.placed_times(asked, 1)).await?;
    same!(bench.view(asked).await?.messages, 1, "the messages about a request that was tried again");
    Ok(())
}
