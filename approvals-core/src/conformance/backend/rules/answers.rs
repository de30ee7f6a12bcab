//! What people answer reaches the desk, once, as theirs.

use std::sync::Arc;

use super::is_over;
use crate::conformance::backend::bench::{ANN, BEN, Bench, ZOE};
use crate::conformance::backend::call::Ask;
use crate::conformance::backend::{Does, Who};
use crate::conformance::check::{Checked, Failure};
use crate::error::ApprovalError;
use crate::ledger::{Answer, Event, IgnoredWhat, IgnoredWhy};
use crate::state::Phase;

fn ran(outcome: Result<(), ApprovalError>) -> Checked {
    outcome.map_err(|error| Failure(format!("an approved call did not run: {error}")))
}

pub(in crate::conformance) async fn an_approval_counts_for_whoever_gave_it(bench: Arc<Bench>) -> Checked {
    let life = bench.life().await?;
    let (mut asked, _) = bench.ask_and_show(&life, Ask::once()).await?;
    bench.act(&asked, Does::Approve).await?;
    ran(bench.outcome(&mut asked).await?)?;
    same!(asked.runs(), 1, "how often the body ran");
    let reviews = bench.reviews(&asked).await?;
    let [review] = &*reviews else {
        return Err(Failure(format!("one approval, and these counted: {reviews:?}")));
    };
    same!(review.answer, Answer::Approve, "the answer");
    same!(review.by, ANN.into(), "who approved");
    same!(review.way, life.way, "the way that the answer came");
    same!(review.assurance, life.backend.capabilities().assurance, "its assurance");
    Ok(())
}

pub(in crate::conformance) async fn a_denial_ends_the_request(bench: Arc<Bench>) -> Checked {
    let life = bench.life().await?;
    let (mut asked, _) = bench.ask_and_show(&life, Ask::once()).await?;
    bench.act(&asked, Does::Deny).await?;
    let outcome = bench.outcome(&mut asked).await?;
    ensure!(
        outcome.as_ref().is_err_and(ApprovalError::is_denied),
        "a denied call ended otherwise: {outcome:?}"
    );
    same!(asked.runs(), 0, "how often the body ran");
    bench.told(&life, &asked, "denied").await?;
    is_over(&bench.view(&asked).await?, "denied")
}

pub(in crate::conformance) async fn a_comment_comes_with_its_answer(bench: Arc<Bench>) -> Checked {
    let life = bench.life().await?;
    let (asked, _) = bench.ask_and_show(&life, Ask::once()).await?;
    bench.act(&asked, Does::DenySaying("not today, please")).await?;
    let comment = |record: &crate::ledger::Record| match &record.body.event {
        Event::Reviewed(_) => {
            Some(record.payload.as_ref().and_then(|payload| payload.text("comment")).map(str::to_owned))
        }
        _ => None,
    };
    let said = bench.record(&asked, "a denial was not recorded", comment).await?;
    same!(said.as_deref(), Some("not today, please"), "the comment on record");
    Ok(())
}

pub(in crate::conformance) async fn an_answer_goes_to_its_own_request_and_no_other(
    bench: Arc<Bench>,
) -> Checked {
    let life = bench.life().await?;
    let (first, _) = bench.ask_and_show(&life, Ask::text("first")).await?;
    let (second, _) = bench.ask_and_show(&life, Ask::text("second")).await?;
    bench.act(&first, Does::Deny).await?;
    bench.told(&life, &first, "denied").await?;
    same!(bench.phase(&second).await?, Phase::Pending, "the phase of a request that nobody answered");
    bench.act(&second, Does::Approve).await?;
    bench.told(&life, &second, "succeeded").await?;
    same!(bench.phase(&first).await?, Phase::Denied, "the phase of the denied request");
    Ok(())
}

pub(in crate::conformance) async fn two_people_count_as_two(bench: Arc<Bench>) -> Checked {
    let life = bench.life_of(2).await?;
    let (mut asked, _) = bench.ask_and_show(&life, Ask::once()).await?;
    bench.act(&asked, Does::Approve).await?;
    same!(bench.phase(&asked).await?, Phase::Pending, "the phase after one approval of two");
    bench.told_of(&life, &asked, 1).await?;
    bench.act_as(&asked, Who::Second, Does::Approve).await?;
    ran(bench.outcome(&mut asked).await?)?;
    let by: Vec<_> = bench.reviews(&asked).await?.into_iter().map(|review| review.by).collect();
    same!(by, [ANN.into(), BEN.into()], "who approved");
    Ok(())
}

pub(in crate::conformance) async fn a_late_answer_is_recorded_and_does_not_count(
    bench: Arc<Bench>,
) -> Checked {
    let life = bench.life().await?;
    let (asked, _) = bench.ask_and_show(&life, Ask::once()).await?;
    bench.elsewhere(&asked, ZOE, Answer::Deny).await?;
    bench.told(&life, &asked, "denied").await?;
    bench.act(&asked, Does::ApproveLate).await?;
    let ignored = bench.ignored(&asked).await?;
    same!(
        (ignored.what, ignored.why),
        (IgnoredWhat::Approve, IgnoredWhy::AlreadyDecided),
        "what is recorded"
    );
    same!(ignored.by, Some(ANN.into()), "who is recorded");
    same!(bench.phase(&asked).await?, Phase::Denied, "the phase after a late approval");
    is_over(&bench.view(&asked).await?, "denied")
}

pub(in crate::conformance) async fn an_answer_that_comes_twice_counts_once(bench: Arc<Bench>) -> Checked {
    let life = bench.life_of(2).await?;
    let (mut asked, _) = bench.ask_and_show(&life, Ask::once()).await?;
    bench.act(&asked, Does::Approve).await?;
    bench.act(&asked, Does::Again).await?;
    same!(bench.phase(&asked).await?, Phase::Pending, "the phase after one approval of two, delivered twice");
    bench.elsewhere(&asked, ZOE, Answer::Approve).await?;
    ran(bench.outcome(&mut asked).await?)?;
    same!(asked.runs(), 1, "how often the body ran");
    let by: Vec<_> = bench.reviews(&asked).await?.into_iter().map(|review| review.by).collect();
    same!(by, [ANN.into(), ZOE.into()], "whose answers counted");
    Ok(())
}
