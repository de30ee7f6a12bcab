//! What becomes of a request is told where it was asked.

use std::sync::Arc;
use std::time::Duration;

use super::is_over;
use crate::conformance::backend::bench::{Bench, YAN, ZOE};
use crate::conformance::backend::call::Ask;
use crate::conformance::backend::{Ability, Does};
use crate::conformance::check::Checked;
use crate::ledger::Answer;
use crate::request::Requirement;

pub(in crate::conformance) async fn a_denial_from_elsewhere_is_told_and_ends_the_asking(
    bench: Arc<Bench>,
) -> Checked {
    let life = bench.life().await?;
    let (asked, _) = bench.ask_and_show(&life, Ask::once()).await?;
    bench.elsewhere(&asked, ZOE, Answer::Deny).await?;
    bench.told(&life, &asked, "denied").await?;
    is_over(&bench.view(&asked).await?, "denied")
}

pub(in crate::conformance) async fn an_approval_from_elsewhere_is_told_and_ends_the_asking(
    bench: Arc<Bench>,
) -> Checked {
    let life = bench.life().await?;
    let (asked, _) = bench.ask_and_show(&life, Ask::once()).await?;
    bench.elsewhere(&asked, ZOE, Answer::Approve).await?;
    bench.told(&life, &asked, "succeeded").await?;
    is_over(&bench.view(&asked).await?, "approved")
}

pub(in crate::conformance) async fn an_answer_short_of_the_quorum_leaves_the_control(
    bench: Arc<Bench>,
) -> Checked {
    let life = bench.life_of(3).await?;
    let (asked, _) = bench.ask_and_show(&life, Ask::once()).await?;
    for (person, answers) in [(ZOE, 1), (YAN, 2)] {
        bench.elsewhere(&asked, person, Answer::Approve).await?;
        bench.told_of(&life, &asked, answers).await?;
        let view = bench.view(&asked).await?;
        ensure!(view.can_approve, "{answers} of 3 have approved and nobody else can: {view:?}");
        same!(view.messages, 1, "the messages about one request");
    }
    bench.act(&asked, Does::Approve).await?;
    bench.told(&life, &asked, "succeeded").await?;
    let view = bench.view(&asked).await?;
    ensure!(!view.can_approve && !view.can_deny, "the request is over and can still be answered: {view:?}");
    Ok(())
}

pub(in crate::conformance) async fn a_withdrawn_request_is_taken_back(bench: Arc<Bench>) -> Checked {
    let life = bench.life().await?;
    let (asked, _) = bench.ask_and_show(&life, Ask::once()).await?;
    asked.drop_the_call();
    bench.told(&life, &asked, "cancelled").await?;
    is_over(&bench.view(&asked).await?, "cancelled")
}

pub(in crate::conformance) async fn an_expired_request_is_taken_back(bench: Arc<Bench>) -> Checked {
    let life = bench.life().await?;
    let (asked, _) = bench.ask_and_show(&life, Ask::keyed()).await?;
    bench.clock.advance(Requirement::DECIDE_WITHIN + Duration::from_secs(1));
    bench.told(&life, &asked, "expired").await?;
    let view = bench.view(&asked).await?;
    is_over(&view, "expired")?;
    if bench.can(Ability::Answer) {
        same!(bench.reviews(&asked).await?, [], "the answers to a request that nobody answered");
    }
    Ok(())
}
